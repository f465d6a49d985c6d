// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Linux
internal import Schema
internal import Store
internal import Synchronization
internal import Telemetry

extension RequestScope {
    /// GET with `watch`: a stream of events, a line of JSON or a frame of protobuf each, until the client, the timeout or the server ends it.
    func watch() async throws(APIError) -> HTTPResponse {
        try permission.require(.read, resource, namespace: namespace, name: info.name)
        var selection = try selection()
        if !info.name.isEmpty {
            // A watch of one object by its path.
            if selection.fields.isEverything {
                selection.fields = FieldSelector([.init(field: "metadata.name", value: info.name)])
            } else if selection.fields.exactValue(of: "metadata.name") != info.name {
                throw .badRequest("fieldSelector metadata.name doesn't match requested name")
            }
        }
        let filter = try ObjectFilter(resource, selection)
        try checkWatchOptions()
        let events = try WatchEncoding(output, resource)
        let (initial, revision) = try await initialState(filter)
        let share = try shareOfLists(initial ?? [])
        let prefix = ObjectStorage.prefix(resource, namespace: resource.namespaced ? namespace : "")
        let watch: StoreWatch
        do throws(StoreError) {
            watch = try await core.store.watch(prefix: prefix, after: revision, for: holder.pastReader)
        } catch {
            throw .store(error, subject(""))
        }
        let (writer, stream) = HTTPBodyStream.pipe()
        let session = WatchSession(
            scope: self, filter: filter, encoding: events, watch: watch, writer: writer,
            initial: InitialObjects(initial, share), revision: revision,
            form: SharedForms.Form(resource, output, includeObject: options.includeObject))
        let task = session.executor.begin { await session.run() }
        // What such a client has not read yet it would not be sent in time: it begins again.
        watch.onCutOff { writer.finish() }
        writer.onAbandon {
            watch.cancel()
            task.cancel()
        }
        return HTTPResponse(
            status: 200, headers: ["Content-Type": events.contentType, "Cache-Control": "no-cache, private"],
            body: .stream(stream))
    }

    private func checkWatchOptions() throws(APIError) {
        guard let send = options.sendInitialEvents else {
            if let match = options.resourceVersionMatch, !match.isEmpty {
                throw .badRequest("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
            }
            return
        }
        guard options.resourceVersionMatch == "NotOlderThan" else {
            throw .badRequest("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        if send, !options.allowWatchBookmarks {
            throw .badRequest("sendInitialEvents requires allowWatchBookmarks")
        }
    }

    /// What to send first, and the revision to go on from. Without a resourceVersion, or with 0, a watch begins with
    /// everything there is.
    private func initialState(_ filter: ObjectFilter) async throws(APIError) -> ([StoredObject]?, Int64) {
        let wanted = try revision(options.resourceVersion)
        let sends: Bool
        if let asked = options.sendInitialEvents { sends = asked } else { sends = (wanted ?? 0) == 0 }
        guard sends else {
            if let wanted, wanted > 0 { return (nil, wanted) }
            return (nil, core.store.currentRevision)
        }
        if let wanted, wanted > core.store.currentRevision {
            throw .store(.future(requested: wanted, current: core.store.currentRevision), subject(""))
        }
        let prefix = ObjectStorage.prefix(resource, namespace: resource.namespaced ? namespace : "")
        let page: ListPage
        do throws(StoreError) {
            page = try await core.store.list(prefix: prefix, revision: nil, after: nil, limit: nil)
        } catch {
            throw .store(error, subject(""))
        }
        return (try await matching(page.objects, filter), page.revision)
    }
}

/// What a watch begins with, which is kept until it has been sent and no longer: objects change, and their old states go.
private final class InitialObjects: Sendable {
    private let state: Mutex<(objects: [StoredObject]?, share: Share?)>

    init(_ objects: [StoredObject]?, _ share: Share?) { state = Mutex((objects, share)) }

    /// The objects that are still to be sent, in turns; nil when there is nothing to begin with.
    func take() -> (objects: [StoredObject], share: Share?)? {
        state.withLock { state in
            guard let objects = state.objects else { return nil }
            defer { state = (nil, nil) }
            return (objects, state.share)
        }
    }
}

/// One watch being served: in the turns of whoever asked, apart from writes, so that who has thousands of watches keeps
/// no other's waiting. What a component of this process watches is its own work, and done on its own loop.
private struct WatchSession: Sendable {
    let scope: RequestScope
    let filter: ObjectFilter
    let encoding: WatchEncoding
    let watch: StoreWatch
    let writer: HTTPBodyWriter
    let initial: InitialObjects
    let revision: Int64
    /// What tells its form of events from that of other watches.
    let form: SharedForms.Form

    /// How often a bookmark tells an idle client how far the world has come, in seconds.
    static let bookmarkInterval = 60
    /// How many bytes are made and written at once, or a little more.
    static let chunk = 128 * 1024

    /// Where it runs.
    var executor: any TaskExecutor {
        isOfThisProcess ? EventLoop.here : scope.core.watchTurns.executor(for: scope.flow)
    }

    private var isOfThisProcess: Bool { if case .thisProcess = scope.request.origin { true } else { false } }

    func run() async {
        guard let custom = scope.resource.custom else { return await serve() }
        // With another schema the objects look different: the client begins again.
        let number = scope.core.registry.whenReplaced(custom) { watch.cancel() }
        await serve()
        scope.core.registry.forget(number, of: custom)
    }

    private func serve() async {
        let bookmarks = scope.options.allowWatchBookmarks ? executor.begin { await sendBookmarks() } : nil
        // A day at most: more seconds than a clock can count are a number like any other to a client.
        let asked = scope.options.timeoutSeconds.flatMap { $0 > 0 ? min($0, 86_400) : nil }
        let lifetime = Duration.seconds(asked ?? Int.random(in: 1800...3600))
        let loop = EventLoop.here
        let deadline = loop.schedule(atNanoseconds: KernelClock.deadline(after: lifetime)) { [watch] in watch.cancel() }
        do {
            try await sendInitial()
            var rights = Rights(of: scope)
            while let events = try await watch.next() {
                if let refusal = try await rights.refusal() {
                    try await writer.write(encoding.error(refusal))
                    break
                }
                // A node sees nothing more of a name that is another's by now.
                if let certificate = scope.request.certificate { try scope.core.nodes.require(certificate) }
                try await send(events)
            }
            writer.finish()
        } catch let error as StoreError {
            // The client is told why, then lists again.
            try? await writer.write(encoding.error(.expired("\(error)")))
            writer.finish()
        } catch let error as APIError {
            try? await writer.write(encoding.error(error))
            writer.finish()
        } catch {
            // The client went away.
            writer.finish()
        }
        bookmarks?.cancel()
        loop.cancel(deadline)
        watch.cancel()
    }

    /// Whether whoever watches still may: rights are taken away, and namespaces are made again for others. Decided again
    /// where roles or bindings have changed, at most once in a while however often they do.
    private struct Rights {
        private let scope: RequestScope
        /// The newest change of a role or a binding that is known of: at first none, since the door.
        private var policy: Int64 = -1
        private var next: Int64 = 0
        private static let pause: Duration = .seconds(2)

        init(of scope: RequestScope) { self.scope = scope }

        mutating func refusal() async throws(APIError) -> APIError? {
            let newest = scope.core.grants.policyRevision
            // What a node may do goes by its pods, and is asked for object by object.
            guard newest != policy, scope.user.nodeName == nil, scope.request.origin != .thisProcess,
                KernelClock.monotonic.now() >= next
            else { return nil }
            policy = newest
            next = KernelClock.deadline(after: Self.pause)
            let access = scope.permission.access
            let (allowed, reason) = try await Authorizer(core: scope.core).decide(access, inTurnsOf: scope.flow)
            return allowed ? nil : access.refusal(reason)
        }
    }

    /// Does work on so many bytes where it keeps nobody else waiting, which a session's turns are already.
    private func apart<Result: Sendable>(
        _ bytes: Int, _ body: @escaping @Sendable () throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        if bytes <= RequestScope.momentary || !isOfThisProcess { return try body() }
        return try await scope.core.watchTurns.run(for: scope.flow, body)
    }

    private func sendInitial() async throws {
        guard let (objects, share) = initial.take() else { return }
        defer { withExtendedLifetime(share) {} }
        for turn in RequestScope.turns(objects, of: Self.chunk) {
            try await write(
                apart(encoding.takesStoredBytes ? 0 : turn.bytes) { () throws(APIError) -> WatchOutput in
                    var output = WatchOutput()
                    for object in turn.objects {
                        append("ADDED", object, at: object.revision, isShared: false, to: &output)
                    }
                    return output
                })
        }
        if scope.options.sendInitialEvents == true {
            try await writer.write(bookmark(revision, ["k8s.io/initial-events-end": "true"]))
        }
    }

    /// Writes what is large through to the client before there is more: so much is held for it, and no more, and is counted
    /// as long as it is.
    private func write(_ output: WatchOutput) async throws {
        let pieces = output.finished
        guard pieces.count > 1 || (pieces.first?.count ?? 0) > WatchOutput.small else {
            if let piece = pieces.first { try await writer.write(piece) }
            return
        }
        let holdings = scope.core.watchHoldings
        let (user, logger) = (scope.user.name, scope.core.logger)
        let number = holdings.hold(pieces, by: scope.flow) { [writer] in
            logger.info("ended a watch whose client does not read", ["user": user])
            writer.abort()
        }
        defer { holdings.release(number) }
        try await writer.writeThrough(pieces)
    }

    private func sendBookmarks() async {
        while !Task.isCancelled {
            do { try await AsyncIO.sleep(for: .seconds(Self.bookmarkInterval)) } catch { return }
            guard let revision = watch.progress() else { continue }
            // A failed write means that the client is gone; `run` sees that too.
            try? await writer.write(bookmark(revision, [:]))
        }
    }

    private func bookmark(_ revision: Int64, _ annotations: JSONObject) -> [UInt8] {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
        if !annotations.isEmpty { metadata["annotations"] = .object(annotations) }
        let object: JSONObject
        switch scope.output.shape {
        case .object:
            object = [
                "kind": .string(scope.resource.kind), "apiVersion": .string(scope.resource.apiVersion),
                "metadata": .object(metadata),
            ]
        case .metadata:
            object = [
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
            ]
        case .table:
            let row: JSONValue = [
                "cells": [],
                "object": [
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
                ],
            ]
            object = [
                "kind": "Table", "apiVersion": "meta.k8s.io/v1",
                "metadata": ["resourceVersion": .string(String(revision))], "columnDefinitions": .null, "rows": [row],
            ]
        }
        return encoding.event("BOOKMARK", object)
    }

    /// Sends events as this watcher sees them. What has to be decoded for that is where it keeps nobody else waiting; what
    /// a slow client has not read is not written out before it does.
    private func send(_ events: [StoreEvent]) async throws {
        var rest = events[...]
        while !rest.isEmpty {
            var (size, read) = (0, 0)
            let end = rest.firstIndex { event in
                if size > Self.chunk { return true }
                size += (event.object ?? event.previous)?.bytes.count ?? 0
                read += work(event)
                return false
            }
            let turn = rest[..<(end ?? rest.endIndex)]
            rest = rest[turn.endIndex...]
            try await write(
                apart(read) { () throws(APIError) -> WatchOutput in
                    var output = WatchOutput()
                    for event in turn { append(event, to: &output) }
                    return output
                })
        }
    }

    /// How many bytes have to be read to show an event.
    private func work(_ event: StoreEvent) -> Int {
        var size =
            encoding.takesStoredBytes || isMade(event) ? 0 : (event.object ?? event.previous)?.bytes.count ?? 0
        if filter.isEverything { return size }
        for object in [event.object, event.previous] {
            guard let object else { continue }
            size += object.isExamined && filter.knows(object) ? filter.cost : object.bytes.count
        }
        return size
    }

    /// Whether another watch has made the event's form already.
    private func isMade(_ event: StoreEvent) -> Bool {
        let type = event.object == nil ? "DELETED" : event.previous == nil ? "ADDED" : "MODIFIED"
        return scope.core.sharedForms.has(.init(key: event.key, revision: event.revision, type: type, form: form))
    }

    /// An event as this watcher sees it: an object that stops matching is deleted to it, one that begins is added.
    private func append(_ event: StoreEvent, to output: inout WatchOutput) {
        let before = event.previous.map(filter.matches) ?? false
        let after = event.object.map(filter.matches) ?? false
        switch (before, after, event.object, event.previous) {
        case (false, true, let object?, _): append("ADDED", object, at: event.revision, isShared: true, to: &output)
        case (true, true, let object?, _): append("MODIFIED", object, at: event.revision, isShared: true, to: &output)
        case (true, false, _, let previous?):
            append("DELETED", previous, at: event.revision, isShared: true, to: &output)
        default: break
        }
    }

    /// - Parameter isShared: Whether other watches are likely to want the same at the same time.
    private func append(
        _ type: String, _ object: StoredObject, at revision: Int64, isShared: Bool, to output: inout WatchOutput
    ) {
        let forms = scope.core.sharedForms
        func shared(_ make: () -> [UInt8]) -> [UInt8] {
            guard isShared else { return make() }
            return forms.bytes(.init(key: object.key, revision: revision, type: type, form: form), make)
        }
        guard encoding.takesStoredBytes else { return output.add(shared { made(type, object, at: revision) }) }
        output.add("{\"type\":\"\(type)\",\"object\":".utf8)
        // The last state of what was deleted has another revision than it was stored with: large ones are made once.
        if revision == object.revision || object.bytes.count <= WatchOutput.small {
            output.add(object.bytes(at: revision))
        } else {
            output.add(shared { object.bytes(at: revision) })
        }
        output.add("}\n".utf8)
    }

    private func made(_ type: String, _ object: StoredObject, at revision: Int64) -> [UInt8] {
        do throws(APIError) {
            var shown = StoredForm.outgoing(try APIObject(object), scope.resource)
            shown.resourceVersion = String(revision)
            switch scope.output.shape {
            case .object: return encoding.event(type, shown.json)
            case .metadata: return encoding.event(type, RequestScope.partial(shown).json)
            case .table:
                let table = Machinery.table(
                    scope.resource, [shown], includeObject: scope.options.includeObject,
                    resourceVersion: String(revision))
                return encoding.event(type, table)
            }
        } catch {
            return encoding.error(error)
        }
    }
}
