// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeClient
import Synchronization

/// A model of an API server: collections by path, versions, watches, generations, deletion with finalizers and grace.
///
/// It validates and defaults nothing: what a controller writes is what is there.
final class FakeServer: HTTPHandler {
    private struct Change {
        var version: Int64
        var collection: String
        var frame: [UInt8]
    }

    private struct State {
        /// Objects by the path of their collection in all namespaces, then by `namespace/name`.
        var objects: [String: [String: JSONObject]] = [:]
        var version: Int64 = 0
        var log: [Change] = []
        var watchers: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWatcher: UInt64 = 0
        var nextUID = 0
        var requests: [String] = []
        /// Refuses streaming lists, as a server before 1.27 does.
        var refusesStreaming = false
        var expired: Int64 = 0
        /// Collections of which watches are told nothing.
        var held: Set<String> = []
        /// What happens just before the first request that begins so.
        var interruptions: [(request: String, action: @Sendable () async throws -> Void)] = []
    }

    private let state = Mutex(State())

    var client: KubeClient { KubeClient(exchange: InProcessExchange(handler: self, user: nil)) }

    var requests: [String] { state.withLock { $0.requests } }

    func refuseStreaming() { state.withLock { $0.refusesStreaming = true } }

    /// Lets watches of a collection fall behind, `v1/configmaps` by its path.
    func hold(_ collection: String) { state.withLock { _ = $0.held.insert(collection) } }

    /// Tells them what they have missed.
    func release(_ collection: String) {
        let watchers = state.withLock { state in
            state.held.remove(collection)
            defer { state.watchers = [:] }
            return state.watchers.values.map { $0 }
        }
        for watcher in watchers { watcher.resume() }
    }

    /// Does something once, just before the first request that begins so: `PUT /api/v1/…`.
    func before(_ request: String, _ action: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.interruptions.append((request, action)) }
    }

    private func interrupt(_ request: HTTPRequest) async throws {
        let line = "\(request.method) \(request.rawPath)"
        let action = state.withLock { state in
            state.interruptions.firstIndex { line.hasPrefix($0.request) }.map { state.interruptions.remove(at: $0) }
        }
        try await action?.action()
    }

    /// Ends the life of versions so far: watches from them are answered with 410.
    func expireVersions() {
        let watchers = state.withLock { state in
            state.expired = state.version
            defer { state.watchers = [:] }
            return state.watchers.values.map { $0 }
        }
        for watcher in watchers { watcher.resume() }
    }

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let path = request.pathSegments
        if request.method == "GET", let document = FakeDiscovery.document(path) { return .json(document.encoded()) }
        guard let target = Target(path) else { return Self.status(404, "NotFound", "no such path") }
        state.withLock { $0.requests.append("\(request.method) \(request.rawPath)") }
        do {
            try await interrupt(request)
            let bytes = try await request.body.collect(limit: 1 << 22)
            let body = bytes.isEmpty ? nil : try JSONValue.parse(bytes).object
            if request.method == "GET", request.query("watch") == "true" { return watch(target, request) }
            return perform(request, target, body)
        } catch {
            return Self.status(400, "BadRequest", "\(error)")
        }
    }

    private func perform(_ request: HTTPRequest, _ target: Target, _ body: JSONObject?) -> HTTPResponse {
        let (response, watchers) = state.withLock { state -> (HTTPResponse, [CheckedContinuation<Void, Never>]) in
            let before = state.version
            let response: HTTPResponse
            switch request.method {
            case "GET": response = target.name.isEmpty ? list(target, request, &state) : get(target, &state)
            case "POST": response = create(target, body ?? JSONObject(), &state)
            case "PUT": response = update(target, body ?? JSONObject(), &state)
            case "PATCH": response = patch(target, body ?? JSONObject(), &state)
            case "DELETE": response = delete(target, body ?? JSONObject(), &state)
            default: response = Self.status(405, "MethodNotAllowed", request.method)
            }
            guard state.version != before else { return (response, []) }
            defer { state.watchers = [:] }
            return (response, Array(state.watchers.values))
        }
        for watcher in watchers { watcher.resume() }
        return response
    }

    // MARK: Verbs

    private func get(_ target: Target, _ state: inout State) -> HTTPResponse {
        guard let object = state.objects[target.collection]?[target.key] else { return Self.notFound(target) }
        return .json(object.encoded())
    }

    private func list(_ target: Target, _ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        let objects = (state.objects[target.collection] ?? [:]).values.filter { target.includes($0, request) }
        let list: JSONObject = [
            "kind": "List", "metadata": ["resourceVersion": .string(String(state.version))],
            "items": .array(objects.map { .object($0) }),
        ]
        return .json(list.encoded())
    }

    private func create(_ target: Target, _ body: JSONObject, _ state: inout State) -> HTTPResponse {
        if target.subresource == "binding" {
            guard var pod = state.objects[target.collection]?[target.key] else { return Self.notFound(target) }
            guard pod.string("spec", "nodeName").isEmpty else {
                return Self.status(409, "Conflict", "pod \(target.name) is already assigned")
            }
            pod.set("spec", "nodeName", to: body.value("target", "name"))
            store(&pod, target, "MODIFIED", &state)
            return Self.status(201, "", "")
        }
        var object = body
        state.nextUID += 1
        if object.objectName.isEmpty {
            object.set(
                "metadata", "name",
                to: .string(object.string("metadata", "generateName") + String(10_000 + state.nextUID)))
        }
        var target = target
        target.name = object.objectName
        if !target.namespace.isEmpty { object.set("metadata", "namespace", to: .string(target.namespace)) }
        guard state.objects[target.collection]?[target.key] == nil else {
            return Self.status(409, "AlreadyExists", "\(target.name) already exists")
        }
        object.set("metadata", "uid", to: .string("uid-\(state.nextUID)"))
        object.set("metadata", "creationTimestamp", to: .string(Timestamp.now.description))
        object.set("metadata", "generation", to: 1)
        store(&object, target, "ADDED", &state)
        return .json(object.encoded(), status: 201)
    }

    private func update(_ target: Target, _ body: JSONObject, _ state: inout State) -> HTTPResponse {
        guard let old = state.objects[target.collection]?[target.key] else { return Self.notFound(target) }
        let version = body.objectResourceVersion
        if !version.isEmpty, version != old.objectResourceVersion {
            return Self.status(409, "Conflict", "\(target.name) has changed")
        }
        return write(body, over: old, target, &state)
    }

    private func patch(_ target: Target, _ body: JSONObject, _ state: inout State) -> HTTPResponse {
        guard let old = state.objects[target.collection]?[target.key] else { return Self.notFound(target) }
        if let uid = body.value("metadata", "uid")?.string, uid != old.objectUID {
            return Self.status(409, "Conflict", "the uid does not match")
        }
        if let version = body.value("metadata", "resourceVersion")?.string, version != old.objectResourceVersion {
            return Self.status(409, "Conflict", "\(target.name) has changed")
        }
        let merged = Self.merge(.object(old), .object(body)).object ?? old
        return write(merged, over: old, target, &state)
    }

    private func write(_ new: JSONObject, over old: JSONObject, _ target: Target, _ state: inout State) -> HTTPResponse
    {
        var object = new
        if target.subresource == "status" {
            object = old
            object["status"] = new["status"]
        } else if target.subresource != "finalize" {
            object["status"] = old["status"]
        }
        for field in ["uid", "creationTimestamp", "deletionTimestamp", "generation"] {
            object.set("metadata", field, to: old.value("metadata", field))
        }
        object.set("metadata", "resourceVersion", to: old.value("metadata", "resourceVersion"))
        if object == old { return .json(old.encoded()) }
        if object["spec"] != old["spec"] {
            object.set("metadata", "generation", to: .count((old.int("metadata", "generation") ?? 0) + 1))
        }
        if object.objectIsBeingDeleted, object.array("metadata", "finalizers").isEmpty,
            object.array("spec", "finalizers").isEmpty, (object.int("metadata", "deletionGracePeriodSeconds") ?? 0) == 0
        {
            store(&object, target, "DELETED", &state)
        } else {
            store(&object, target, "MODIFIED", &state)
        }
        return .json(object.encoded())
    }

    private func delete(_ target: Target, _ body: JSONObject, _ state: inout State) -> HTTPResponse {
        if target.name.isEmpty {
            for object in (state.objects[target.collection] ?? [:]).values
            where target.namespace.isEmpty || object.objectNamespace == target.namespace {
                var one = target
                one.name = object.objectName
                var options = JSONObject()
                options["preconditions"] = body["preconditions"]
                let response = delete(one, options, &state)
                if response.status == 409 { return response }
            }
            return Self.status(200, "", "")
        }
        guard var object = state.objects[target.collection]?[target.key] else { return Self.notFound(target) }
        if let uid = body.value("preconditions", "uid")?.string, uid != object.objectUID {
            return Self.status(409, "Conflict", "the uid does not match")
        }
        if let version = body.value("preconditions", "resourceVersion")?.string,
            version != object.objectResourceVersion
        {
            return Self.status(409, "Conflict", "\(target.name) has changed")
        }
        if let kept = ["Foreground": "foregroundDeletion", "Orphan": "orphan"][body["propagationPolicy"]?.string ?? ""]
        {
            object.set("metadata", "finalizers", to: [.string(kept)])
        }
        object.set("metadata", "deletionTimestamp", to: .string(Timestamp.now.description))
        let lingers =
            !object.array("metadata", "finalizers").isEmpty || !object.array("spec", "finalizers").isEmpty
        store(&object, target, lingers ? "MODIFIED" : "DELETED", &state)
        return .json(object.encoded())
    }

    private func store(_ object: inout JSONObject, _ target: Target, _ type: String, _ state: inout State) {
        state.version += 1
        object.set("metadata", "resourceVersion", to: .string(String(state.version)))
        state.objects[target.collection, default: [:]][target.key] = type == "DELETED" ? nil : object
        let frame: JSONObject = ["type": .string(type), "object": .object(object)]
        state.log.append(
            Change(version: state.version, collection: target.collection, frame: frame.encoded() + [0x0A]))
    }

    // MARK: Watches

    private func watch(_ target: Target, _ request: HTTPRequest) -> HTTPResponse {
        let streams = request.query("sendInitialEvents") == "true"
        if streams, state.withLock({ $0.refusesStreaming }) {
            return Self.status(422, "Invalid", "sendInitialEvents: Forbidden")
        }
        let (initial, start) = state.withLock { state -> ([UInt8], Int64) in
            guard streams else { return ([], Int64(request.query("resourceVersion") ?? "") ?? state.version) }
            var bytes: [UInt8] = []
            for object in (state.objects[target.collection] ?? [:]).values where target.includes(object, request) {
                bytes += (["type": "ADDED", "object": .object(object)] as JSONObject).encoded() + [0x0A]
            }
            let bookmark: JSONObject = [
                "type": "BOOKMARK",
                "object": [
                    "metadata": [
                        "resourceVersion": .string(String(state.version)),
                        "annotations": ["k8s.io/initial-events-end": "true"],
                    ]
                ],
            ]
            return (bytes + bookmark.encoded() + [0x0A], state.version)
        }
        let cursor = Cursor(initial: initial, version: start)
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "application/json"],
            body: .stream(HTTPBodyStream(next: { await self.nextFrames(target, request, cursor) })))
    }

    private final class Cursor: Sendable {
        let position: Mutex<(initial: [UInt8], version: Int64, ended: Bool)>
        init(initial: [UInt8], version: Int64) { position = Mutex((initial, version, false)) }
    }

    private func nextFrames(_ target: Target, _ request: HTTPRequest, _ cursor: Cursor) async -> [UInt8]? {
        let initial = cursor.position.withLock { position in
            defer { position.initial = [] }
            return position.initial
        }
        if !initial.isEmpty { return initial }
        while !Task.isCancelled {
            let (from, ended) = cursor.position.withLock { ($0.version, $0.ended) }
            if ended { return nil }
            let id = state.withLock { state in
                state.nextWatcher += 1
                return state.nextWatcher
            }
            let found: [UInt8]? = state.withLock { state in
                if from < state.expired {
                    cursor.position.withLock { $0.ended = true }
                    let status: JSONObject = ["kind": "Status", "code": 410, "reason": "Expired"]
                    return (["type": "ERROR", "object": .object(status)] as JSONObject).encoded() + [0x0A]
                }
                if target.isHeld(state.held) { return nil }
                let frames = state.log.filter { $0.version > from && $0.collection == target.collection }
                cursor.position.withLock { $0.version = state.version }
                return frames.isEmpty ? nil : frames.flatMap(\.frame)
            }
            if let found { return found }
            await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let isLate = state.withLock { state in
                        let now = cursor.position.withLock { $0.version }
                        let isBehind = state.version > now && !target.isHeld(state.held)
                        if isBehind || state.expired > now || Task.isCancelled { return true }
                        state.watchers[id] = continuation
                        return false
                    }
                    if isLate { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.watchers.removeValue(forKey: id) }?.resume()
            }
        }
        return nil
    }

    // MARK: Answers

    static func status(_ code: Int, _ reason: String, _ message: String) -> HTTPResponse {
        let object: JSONObject = [
            "kind": "Status", "apiVersion": "v1", "status": code < 400 ? "Success" : "Failure",
            "code": .count(code), "reason": .string(reason), "message": .string(message),
        ]
        return .json(object.encoded(), status: code)
    }

    private static func notFound(_ target: Target) -> HTTPResponse {
        status(404, "NotFound", "\(target.collection) \"\(target.name)\" not found")
    }

    /// A strategic merge of the lists controllers patch; other lists are replaced.
    static func merge(_ old: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard let changes = patch.object else { return patch }
        var object = old.object ?? JSONObject()
        for (key, value) in changes {
            if key == "$deleteFromPrimitiveList/finalizers" {
                let gone = value.array ?? []
                object["finalizers"] = .array((object["finalizers"]?.array ?? []).filter { !gone.contains($0) })
            } else if value == .null {
                object[key] = nil
            } else if let mergeKey = ["conditions": "type", "ownerReferences": "uid"][key], let rows = value.array {
                object[key] = .array(mergeRows(object[key]?.array ?? [], rows, mergeKey))
            } else if key == "finalizers", let rows = value.array {
                let present = object[key]?.array ?? []
                object[key] = .array(present + rows.filter { !present.contains($0) })
            } else if value.object != nil {
                object[key] = merge(object[key] ?? .null, value)
            } else {
                object[key] = value
            }
        }
        return .object(object)
    }

    private static func mergeRows(_ old: [JSONValue], _ rows: [JSONValue], _ key: String) -> [JSONValue] {
        var result = old
        for row in rows {
            if row["$patch"]?.string == "delete" {
                result.removeAll { $0[key] == row[key] }
            } else if let index = result.firstIndex(where: { $0[key] == row[key] }) {
                result[index] = merge(result[index], row)
            } else {
                result.append(row)
            }
        }
        return result
    }
}

/// What a path names.
private struct Target: Sendable {
    var collection: String
    var namespace = ""
    var name = ""
    var subresource = ""

    var key: String { "\(namespace)/\(name)" }

    init?(_ path: [String]) {
        guard path.count >= 3 else { return nil }
        var rest = path[...]
        let prefix = path[0] == "api" ? 2 : 3
        guard rest.count > prefix else { return nil }
        let group = rest.prefix(prefix).joined(separator: "/")
        rest = rest.dropFirst(prefix)
        if rest.first == "namespaces", rest.count > 2, !["status", "finalize"].contains(rest[rest.startIndex + 2]) {
            namespace = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        guard let plural = rest.first else { return nil }
        collection = "\(group)/\(plural)"
        if rest.count > 1 { name = rest[rest.startIndex + 1] }
        if rest.count > 2 { subresource = rest[rest.startIndex + 2] }
    }

    func isHeld(_ held: Set<String>) -> Bool { held.contains { collection.hasSuffix($0) } }

    func includes(_ object: JSONObject, _ request: HTTPRequest) -> Bool {
        if !namespace.isEmpty, object.objectNamespace != namespace { return false }
        if let selector = request.query("fieldSelector"), selector.hasPrefix("metadata.name=") {
            return object.objectName == selector.dropFirst("metadata.name=".count)
        }
        return true
    }
}

/// The discovery documents of the kinds the tests use.
private enum FakeDiscovery {
    static let kinds: [(group: String, plural: String, kind: String, namespaced: Bool)] = [
        ("", "pods", "Pod", true), ("", "services", "Service", true), ("", "namespaces", "Namespace", false),
        ("", "configmaps", "ConfigMap", true), ("", "serviceaccounts", "ServiceAccount", true),
        ("", "nodes", "Node", false), ("", "endpoints", "Endpoints", true),
        ("", "persistentvolumeclaims", "PersistentVolumeClaim", true),
        ("apps", "deployments", "Deployment", true), ("apps", "replicasets", "ReplicaSet", true),
        ("apps", "daemonsets", "DaemonSet", true), ("apps", "statefulsets", "StatefulSet", true),
        ("apps", "controllerrevisions", "ControllerRevision", true), ("batch", "jobs", "Job", true),
        ("batch", "cronjobs", "CronJob", true), ("discovery.k8s.io", "endpointslices", "EndpointSlice", true),
    ]

    static func document(_ path: [String]) -> JSONObject? {
        if path == ["api", "v1"] { return resources("") }
        if path.count == 3, path[0] == "apis", path[2] == "v1" { return resources(path[1]) }
        guard path == ["apis"] else { return nil }
        let names = Set(kinds.map(\.group)).subtracting([""]).sorted()
        return [
            "groups": .array(
                names.map {
                    ["name": .string($0), "versions": [["version": "v1"]], "preferredVersion": ["version": "v1"]]
                })
        ]
    }

    private static func resources(_ group: String) -> JSONObject {
        let rows = kinds.filter { $0.group == group }.map { row -> JSONValue in
            [
                "name": .string(row.plural), "kind": .string(row.kind), "namespaced": .bool(row.namespaced),
                "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            ]
        }
        return ["resources": .array(rows)]
    }
}
