// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension CellWriter {
    /// What the containers of a pod add up to.
    private struct PodSummary {
        var reason: String
        var ready = 0
        var restarts: Int64 = 0
        var lastRestart: String?

        mutating func count(_ container: JSONValue) {
            restarts += container["restartCount"]?.integer ?? 0
            guard let finished = container["lastState"]?["terminated"]?["finishedAt"]?.string else { return }
            // RFC 3339 times in UTC sort as texts.
            if lastRestart.map({ $0 < finished }) ?? true { lastRestart = finished }
        }
    }

    var pod: [JSONValue] {
        let main = spec["containers"]?.array?.count ?? 0
        let sidecars = Set(
            (spec["initContainers"]?.array ?? []).filter { $0["restartPolicy"] == "Always" }
                .compactMap { $0["name"]?.string })
        let summary = podSummary(sidecars)
        var restarts = "\(summary.restarts)"
        if summary.restarts != 0, let last = summary.lastRestart { restarts += " (\(since(.string(last))) ago)" }
        return [
            name, .string("\(summary.ready)/\(main + sidecars.count)"), .string(summary.reason), .string(restarts),
            age, text(status["podIPs"]?[0]?["ip"] ?? status["podIP"], or: "<none>"),
            text(spec["nodeName"], or: "<none>"), text(status["nominatedNodeName"], or: "<none>"),
            .string(readinessGates),
        ]
    }

    private var readinessGates: String {
        let gates = spec["readinessGates"]?.array ?? []
        if gates.isEmpty { return "<none>" }
        return "\(gates.count { isTrue($0["conditionType"]?.string ?? "") })/\(gates.count)"
    }

    private func podSummary(_ sidecars: Set<String>) -> PodSummary {
        let phase = status["phase"]?.string ?? ""
        var summary = PodSummary(reason: phase)
        if let reason = status["reason"]?.string, !reason.isEmpty { summary.reason = reason }
        if (status["conditions"]?.array ?? []).contains(where: {
            $0["type"] == "PodScheduled" && $0["reason"] == "SchedulingGated"
        }) {
            summary.reason = "SchedulingGated"
        }
        var sidecarSummary = PodSummary(reason: "")
        let initializing = countInitContainers(sidecars, &summary, &sidecarSummary)
        if !initializing || isTrue("Initialized") {
            summary.restarts = sidecarSummary.restarts
            summary.lastRestart = sidecarSummary.lastRestart
            countContainers(&summary)
        }
        if metadata["deletionTimestamp"] != nil {
            if status["reason"] == "NodeLost" {
                summary.reason = "Unknown"
            } else if phase != "Succeeded", phase != "Failed" {
                summary.reason = "Terminating"
            }
        }
        return summary
    }

    /// Whether an init container still holds the pod up.
    private func countInitContainers(
        _ sidecars: Set<String>, _ summary: inout PodSummary, _ sidecarSummary: inout PodSummary
    ) -> Bool {
        let total = spec["initContainers"]?.array?.count ?? 0
        for (index, container) in (status["initContainerStatuses"]?.array ?? []).enumerated() {
            summary.count(container)
            let isSidecar = sidecars.contains(container["name"]?.string ?? "")
            if isSidecar { sidecarSummary.count(container) }
            let terminated = container["state"]?["terminated"]
            if let terminated, terminated["exitCode"]?.integer ?? 0 == 0 { continue }
            if isSidecar, container["started"] == true {
                if container["ready"] == true { summary.ready += 1 }
                continue
            }
            let waiting = container["state"]?["waiting"]?["reason"]?.string ?? ""
            if let terminated {
                summary.reason = "Init:" + ended(terminated)
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                summary.reason = "Init:" + waiting
            } else {
                summary.reason = "Init:\(index)/\(total)"
            }
            return true
        }
        return false
    }

    private func countContainers(_ summary: inout PodSummary) {
        var hasRunning = false
        var failure = ""
        for container in (status["containerStatuses"]?.array ?? []).reversed() {
            summary.count(container)
            let state = container["state"]
            if let waiting = state?["waiting"]?["reason"]?.string, !waiting.isEmpty {
                summary.reason = waiting
            } else if let terminated = state?["terminated"] {
                summary.reason = ended(terminated)
                if terminated["exitCode"]?.integer ?? 0 != 0 { failure = summary.reason }
            } else if container["ready"] == true, state?["running"] != nil {
                hasRunning = true
                summary.ready += 1
            }
        }
        guard summary.reason == "Completed" else { return }
        if hasRunning, isTrue("Ready") {
            summary.reason = "Running"
        } else if !failure.isEmpty {
            summary.reason = failure
        } else if hasRunning {
            summary.reason = "NotReady"
        }
    }

    private func ended(_ terminated: JSONValue) -> String {
        if let reason = terminated["reason"]?.string, !reason.isEmpty { return reason }
        if let signal = terminated["signal"]?.integer, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(terminated["exitCode"]?.integer ?? 0)"
    }

    // MARK: Around the pod

    var podTemplate: [JSONValue] {
        [name] + containers(object["template"]) + [.string(labels(object["template"]?["metadata"]?["labels"]?.object))]
    }

    var node: [JSONValue] {
        let conditions = status["conditions"]?.array ?? []
        let ready = conditions.first { $0["type"] == "Ready" }
        var state = ready.map { $0["status"] == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        if spec["unschedulable"] == true { state += ",SchedulingDisabled" }
        let info = status["nodeInfo"]
        var kernel = info?["kernelVersion"]?.string ?? ""
        if kernel.isEmpty { kernel = "<unknown>" }
        if let architecture = info?["architecture"]?.string, !architecture.isEmpty { kernel += " (\(architecture))" }
        func address(_ type: JSONValue) -> JSONValue {
            text(status["addresses"]?.array?.first { $0["type"] == type }?["address"], or: "<none>")
        }
        return [
            name, .string(state), .string(nodeRoles), age, text(info?["kubeletVersion"]), address("InternalIP"),
            address("ExternalIP"), text(info?["osImage"], or: "<unknown>"), .string(kernel),
            text(info?["containerRuntimeVersion"], or: "<unknown>"),
        ]
    }

    private var nodeRoles: String {
        var roles: Set<String> = []
        let prefix = "node-role.kubernetes.io/"
        for (key, value) in metadata["labels"]?.object ?? [:] {
            if key.hasPrefix(prefix), key.utf8.count > prefix.utf8.count {
                roles.insert(String(key.dropFirst(prefix.count)))
            } else if key == "kubernetes.io/role", let role = value.string, !role.isEmpty {
                roles.insert(role)
            }
        }
        return roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ",")
    }

    /// Events in both their groups: events.k8s.io calls the old fields `deprecated…`, and others by new names.
    var event: [JSONValue] {
        let moment = object["eventTime"]
        let first = since(object["firstTimestamp"] ?? object["deprecatedFirstTimestamp"] ?? moment)
        var last =
            (object["lastTimestamp"] ?? object["deprecatedLastTimestamp"])?.string.map { since(.string($0)) } ?? first
        var times = (object["count"] ?? object["deprecatedCount"])?.integer ?? 0
        if times == 0 { times = 1 }
        if let series = object["series"], !series.isNull {
            last = since(series["lastObservedTime"])
            times = series["count"]?.integer ?? 0
        }
        let target = object["involvedObject"] ?? object["regarding"]
        let kind = (target?["kind"]?.string ?? "").lowercased()
        let targetName = target?["name"]?.string ?? ""
        let source = object["source"] ?? object["deprecatedSource"]
        var component = source?["component"]?.string ?? ""
        if component.isEmpty {
            component = (object["reportingComponent"] ?? object["reportingController"])?.string ?? ""
        }
        let host = source?["host"]?.string ?? object["reportingInstance"]?.string ?? ""
        let message = (object["message"] ?? object["note"])?.string ?? ""
        return [
            .string(last), text(object["type"]), text(object["reason"]),
            .string(targetName.isEmpty ? kind : "\(kind)/\(targetName)"), text(target?["fieldPath"]),
            .string(host.isEmpty ? component : "\(component), \(host)"), .string(Self.trimmed(message)),
            .string(first), .integer(times), name,
        ]
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        var end = scalars.endIndex
        while end > scalars.startIndex, scalars[scalars.index(before: end)].properties.isWhitespace {
            end = scalars.index(before: end)
        }
        return String(scalars[..<end])
    }
}
