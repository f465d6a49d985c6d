// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Shim

/// One run of a container that has ended.
struct ContainerEnd: Sendable, Hashable {
    var id: String
    var code: Int32
    var signal: Int32
    var reason: String
    var message: String
    var startedAt: Int64
    var finishedAt: Int64
}

/// What a pod's worker knows of one container.
struct ContainerRecord: Sendable {
    var role: ContainerRole
    var situation = ContainerSituation()
    /// How often it has been started again.
    var restartCount = 0
    /// How often it has been started at all: names the log file.
    var attempt = 0
    var id = ""
    var image = ""
    var imageID = ""
    var startedAt: Int64 = 0
    var end: ContainerEnd?
    var previous: ContainerEnd?
    var waitingReason = ""
    var waitingMessage = ""
    var crashes: CrashBackoff
    var pulls: CrashBackoff
    var logPath = ""
    /// Set before it is stopped on purpose: its end is told with this reason.
    var stopReason = ""
    var identity: ContainerUserIdentity?
    var stopSignal = ""
    var hasPostStarted = false
    var process: ProcessIdentity?

    init(role: ContainerRole, maximumBackoff: Int64) {
        self.role = role
        crashes = CrashBackoff(maximum: maximumBackoff)
        pulls = CrashBackoff(maximum: 300_000_000_000)
    }

    /// Counts as if what `label` is of had never been made: it did not run.
    mutating func takeBack(_ label: ContainerLabel) {
        attempt = max(label.attempt - 1, 0)
        restartCount = max(label.restartCount - (attempt > 0 ? 1 : 0), 0)
    }
}

/// What is kept beside a container's bundle, so that a kubelet that starts again knows what the container is.
struct ContainerLabel: Sendable, Hashable {
    var name: String
    var role: ContainerRole
    var attempt: Int
    var restartCount: Int
    var image: String
    var imageID: String
    var logPath: String
    var stopSignal: String
    var user: Int64
    var group: Int64
    var previous: ContainerEnd?

    var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "role": .string(role.rawValue), "attempt": .integer(Int64(attempt)),
            "restartCount": .integer(Int64(restartCount)), "image": .string(image), "imageID": .string(imageID),
            "logPath": .string(logPath), "stopSignal": .string(stopSignal), "user": .integer(user),
            "group": .integer(group),
        ]
        if let previous { object["previous"] = previous.json }
        return .object(object)
    }

    init(
        name: String, role: ContainerRole, attempt: Int, restartCount: Int, image: String, imageID: String,
        logPath: String, stopSignal: String, user: Int64, group: Int64, previous: ContainerEnd?
    ) {
        self.name = name
        self.role = role
        self.attempt = attempt
        self.restartCount = restartCount
        self.image = image
        self.imageID = imageID
        self.logPath = logPath
        self.stopSignal = stopSignal
        self.user = user
        self.group = group
        self.previous = previous
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let role = json["role"]?.string.flatMap({ ContainerRole(rawValue: $0) })
        else { return nil }
        self.init(
            name: name, role: role, attempt: Int(json["attempt"]?.integer ?? 0),
            restartCount: Int(json["restartCount"]?.integer ?? 0), image: json["image"]?.string ?? "",
            imageID: json["imageID"]?.string ?? "", logPath: json["logPath"]?.string ?? "",
            stopSignal: json["stopSignal"]?.string ?? "", user: json["user"]?.integer ?? 0,
            group: json["group"]?.integer ?? 0, previous: json["previous"].flatMap { ContainerEnd(json: $0) })
    }
}

extension ContainerEnd {
    var json: JSONValue {
        [
            "id": .string(id), "code": .integer(Int64(code)), "signal": .integer(Int64(signal)),
            "reason": .string(reason), "message": .string(message), "startedAt": .integer(startedAt),
            "finishedAt": .integer(finishedAt),
        ]
    }

    init?(json: JSONValue) {
        guard let id = json["id"]?.string, let code = json["code"]?.integer else { return nil }
        self.init(
            id: id, code: Int32(truncatingIfNeeded: code),
            signal: Int32(truncatingIfNeeded: json["signal"]?.integer ?? 0),
            reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "",
            startedAt: json["startedAt"]?.integer ?? 0, finishedAt: json["finishedAt"]?.integer ?? 0)
    }

    /// As the API tells it.
    var state: JSONValue {
        var terminated: JSONObject = [
            "exitCode": .integer(Int64(code)), "reason": .string(reason),
            "startedAt": .string(Times.text(startedAt)), "finishedAt": .string(Times.text(finishedAt)),
            "containerID": .string("swiftlet://\(id)"),
        ]
        if !message.isEmpty { terminated["message"] = .string(message) }
        return ["terminated": .object(terminated)]
    }
}

/// Times of the API, from nanoseconds since the epoch.
enum Times {
    static func text(_ nanoseconds: Int64) -> String {
        guard nanoseconds > 0 else { return "1970-01-01T00:00:00Z" }
        // The API's times have whole seconds: the log's nine digits and their dot are cut off.
        return String(decoding: logTimestamp(nanoseconds).prefix(19), as: UTF8.self) + "Z"
    }
}
