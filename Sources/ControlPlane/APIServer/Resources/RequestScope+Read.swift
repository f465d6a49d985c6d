// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization
internal import Telemetry

extension RequestScope {
    /// GET of one object.
    func get() async throws(APIError) -> HTTPResponse {
        try permission.require(.read, resource, namespace: namespace, name: info.name)
        // The newest state satisfies every resourceVersion but one of the future.
        if let wanted = try revision(options.resourceVersion), wanted > core.store.currentRevision {
            throw .store(.future(requested: wanted, current: core.store.currentRevision), subject())
        }
        let stored = try storage.require(resource, namespace: namespace, name: info.name)
        if showsStoredBytes { return try respond(stored) }
        return try await apart(stored.bytes.count) { () throws(APIError) in try respond(stored) }
    }

    func revision(_ text: String?) throws(APIError) -> Int64? {
        guard let text, !text.isEmpty else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw .badRequest(
                "invalid resource version \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        return number
    }

    /// GET of a collection.
    func list() async throws(APIError) -> HTTPResponse {
        if options.sendInitialEvents != nil {
            throw .badRequest("sendInitialEvents is forbidden for list")
        }
        let page = try await listPage()
        var response = try await show(page)
        for left in page.unreadable {
            core.logger.error("left out of a list: it cannot be read", ["key": left.key])
            Self.add(["\(left.key) is corrupt: it cannot be read, and is left out"], to: &response)
        }
        return response
    }

    /// A page as the client wants to see it.
    func show(_ page: Page) async throws(APIError) -> HTTPResponse {
        var metadata: JSONObject = ["resourceVersion": .string(String(page.revision))]
        if let token = page.continueToken {
            metadata["continue"] = .string(token)
            if let remaining = page.remaining { metadata["remainingItemCount"] = .integer(Int64(remaining)) }
        }
        if showsStoredBytes { return joined(page.objects, metadata: metadata) }
        let list = metadata
        let json: JSONObject
        var schema: TypeSchema?
        switch output.shape {
        case .table:
            let include = options.includeObject.flatMap(TableColumns.IncludedObject.init) ?? .metadata
            let now = WallClock.seconds()
            let rows = try await each(page.objects) { (stored) throws(APIError) in
                TableColumns.row(try shown(stored).json, resource: resource, now: now, include: include)
            }
            json = Machinery.table(resource, rows, listMetadata: list)
        case .metadata:
            let items = try await each(page.objects) { (stored) throws(APIError) in
                JSONValue.object(Self.partial(try shown(stored)).json)
            }
            json = [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": .object(list),
                "items": .array(items),
            ]
        case .object:
            let items = try await each(page.objects) { (stored) throws(APIError) in
                JSONValue.object(try shown(stored).json)
            }
            json = [
                "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion),
                "metadata": .object(list), "items": .array(items),
            ]
            schema = Machinery.listSchema(resource)
        }
        let shape = schema
        return try await apart(page.objects.reduce(0) { $0 + $1.bytes.count }) { () throws(APIError) in
            try respond(json: json, schema: shape)
        }
    }

    private func shown(_ stored: StoredObject) throws(APIError) -> APIObject {
        StoredForm.outgoing(try APIObject(stored), resource)
    }

    /// The list as the objects' own bytes with commas between: nothing is parsed or encoded.
    private func joined(_ objects: [StoredObject], metadata: JSONObject) -> HTTPResponse {
        var head = Array(
            "{\"kind\":\"\(resource.listKind)\",\"apiVersion\":\"\(resource.apiVersion)\",\"metadata\":".utf8)
        JSONValue.object(metadata).encode(into: &head)
        head += Array(",\"items\":[".utf8)
        let tail = Array("]}".utf8)
        let total = objects.reduce(head.count + tail.count) { $0 + $1.bytes.count + 1 }
        if total < 512 * 1024 {
            head.reserveCapacity(total)
            for (index, object) in objects.enumerated() {
                if index > 0 { head.append(UInt8(ascii: ",")) }
                head += object.bytes
            }
            return .json(head + tail)
        }
        // A long list goes out in pieces: its memory is that of one piece.
        let cursor = ListCursor(objects: objects, head: head, tail: tail)
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "application/json"],
            body: .stream(HTTPBodyStream(next: { cursor.next() })))
    }

    /// What of the collection the request is about: what authorization decided by.
    func selection() throws(APIError) -> ListSelection {
        if let error = info.selectionError { throw error }
        return info.selection
    }

    struct Page {
        var objects: [StoredObject]
        var revision: Int64
        var continueToken: String?
        var remaining: Int?
        /// What is there and left out.
        var unreadable: [StoredObject] = []
    }

    /// The objects that a list, or a deletecollection, is about.
    func listPage() async throws(APIError) -> Page {
        try permission.require(
            info.verb == "deletecollection" ? .delete : .read, resource, namespace: namespace, name: info.name)
        let filter = try ObjectFilter(resource, try selection())
        var prefix = ObjectStorage.prefix(resource, namespace: resource.namespaced ? namespace : "")
        let root = prefix
        if let name = filter.name, !resource.namespaced || !namespace.isEmpty, options.continueToken == nil {
            // One name can match: no need to look at the others.
            prefix += name
            // The revision first: a change between the two is then seen twice by who watches from it, never missed.
            let revision = core.store.currentRevision
            let found = [core.store.get(prefix)].compactMap { $0 }
            return Page(
                objects: try await matching(found, filter), revision: revision,
                unreadable: found.filter { !$0.isReadable })
        }
        var (wanted, after) = try position()
        if let token = after { after = root + token }
        var collected: [StoredObject] = []
        var pageRevision: Int64 = 0
        var unreadable: [StoredObject] = []
        while true {
            let page = try await read(prefix: root, revision: wanted, after: after, filter: filter)
            pageRevision = page.revision
            try await examine(page.objects)
            if !page.objects.allSatisfy(\.isReadable) { unreadable += page.objects.filter { !$0.isReadable } }
            guard let limit = options.limit, !filter.isEverything else {
                let more = page.remaining > 0
                return Page(
                    objects: try await matching(page.objects, filter), revision: page.revision,
                    continueToken: more ? token(page.objects.last, page.revision, root) : nil,
                    remaining: more ? page.remaining : nil, unreadable: unreadable)
            }
            // With a selector the count of what is left is unknown; pages are filled until the limit.
            wanted = page.revision
            for object in try await matching(page.objects, filter) {
                collected.append(object)
                if collected.count == limit {
                    let end = page.remaining == 0 && object === page.objects.last
                    return Page(
                        objects: collected, revision: pageRevision,
                        continueToken: end ? nil : token(object, pageRevision, root), unreadable: unreadable)
                }
            }
            after = page.objects.last?.key ?? after
            if page.remaining == 0 {
                return Page(objects: collected, revision: pageRevision, unreadable: unreadable)
            }
            // Of many pages in which little matches, others have their turns in between.
            await core.workbench.run(for: user.name) {}
        }
    }

    private func token(_ last: StoredObject?, _ revision: Int64, _ root: String) -> String? {
        last.map { ContinueToken(after: String($0.key.dropFirst(root.count)), revision: revision).text }
    }

    /// The revision to list at (nil: now) and the key to go on after.
    private func position() throws(APIError) -> (Int64?, String?) {
        let wanted = try revision(options.resourceVersion)
        if let text = options.continueToken {
            if let wanted, wanted > 0 {
                throw .badRequest("specifying resource version is not allowed when using continue")
            }
            let token = try ContinueToken(parsing: text)
            return (token.revision < 0 ? nil : token.revision, token.after)
        }
        switch options.resourceVersionMatch {
        case nil, "", "NotOlderThan":
            if options.resourceVersionMatch == "NotOlderThan", wanted == nil {
                throw .badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            if let wanted, wanted > core.store.currentRevision {
                throw .store(.future(requested: wanted, current: core.store.currentRevision), subject(""))
            }
            return (nil, nil)
        case "Exact":
            guard let wanted, wanted > 0 else {
                throw .badRequest("resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
            }
            return (wanted, nil)
        case .some(let other):
            throw .badRequest(
                "resourceVersionMatch: Unsupported value: \"\(other)\": supported values: \"Exact\", \"NotOlderThan\"")
        }
    }

    private func read(
        prefix: String, revision: Int64?, after: String?, filter: ObjectFilter
    ) async throws(APIError) -> ListPage {
        // With a selector more is read at once than may match.
        let limit = options.limit.map { filter.isEverything ? $0 : max($0, 500) }
        do throws(StoreError) {
            return try await core.store.list(prefix: prefix, revision: revision, after: after, limit: limit)
        } catch {
            guard case .compacted = error, options.continueToken != nil, let after else {
                throw .store(error, subject(""))
            }
            var expired = APIError.expired(
                "The provided continue parameter is too old to display a consistent list result. Start a new list "
                    + "without it, or continue with the token in this response, which shows the rest as it is now.")
            expired.continueToken =
                ContinueToken(after: String(after.dropFirst(prefix.count)), revision: -1).text
            throw expired
        }
    }
}

/// A long list on its way out, a piece at a time.
private final class ListCursor: Sendable {
    private let objects: [StoredObject]
    private let head: [UInt8]
    private let tail: [UInt8]
    private let position = Atomic<Int>(-1)
    private static let piece = 256 * 1024

    init(objects: [StoredObject], head: [UInt8], tail: [UInt8]) {
        self.objects = objects
        self.head = head
        self.tail = tail
    }

    func next() -> [UInt8]? {
        var index = position.load(ordering: .relaxed)
        if index > objects.count { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.piece + 16 * 1024)
        if index < 0 {
            bytes += head
            index = 0
        }
        while index < objects.count, bytes.count < Self.piece {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += objects[index].bytes
            index += 1
        }
        if index == objects.count {
            bytes += tail
            index += 1
        }
        position.store(index, ordering: .relaxed)
        return bytes
    }
}
