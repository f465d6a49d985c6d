// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization
internal import Telemetry
internal import Text

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
        var response = try await show(page, try shareOfLists(page.objects))
        for left in page.unreadable {
            core.logger.error("left out of a list: it cannot be read", ["key": left.key])
            Self.add(["\(left.key) is corrupt: it cannot be read, and is left out"], to: &response)
        }
        return response
    }

    /// A page as the client wants to see it. A long one holds its share as long as it is on its way.
    func show(_ page: Page, _ share: Share?) async throws(APIError) -> HTTPResponse {
        var metadata: JSONObject = ["resourceVersion": .string(String(page.revision))]
        if let token = page.continueToken {
            metadata["continue"] = .string(token)
            if let remaining = page.remaining { metadata["remainingItemCount"] = .integer(Int64(remaining)) }
        }
        let envelope = envelope(metadata)
        guard !page.objects.isEmpty else {
            return try respond(json: envelope, schema: Machinery.listSchema(resource))
        }
        if output.encoding == .protobuf { return try await protobuf(page.objects, metadata, share) }
        let form =
            showsStoredBytes
            ? ListForm(stored: envelope) : ListForm(envelope, output, isPretty: isPretty, item: item)
        return try await send(page.objects, form, share)
    }

    /// A list of what was asked for, whose last field holds its items: none yet.
    private func envelope(_ metadata: JSONObject) -> JSONObject {
        switch output.shape {
        case .table: Machinery.table(resource, [], includeObject: nil, listMetadata: metadata)
        case .metadata:
            [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
                "items": [],
            ]
        case .object:
            [
                "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion),
                "metadata": .object(metadata), "items": [],
            ]
        }
    }

    /// How one object stands in a list.
    private var item: @Sendable (StoredObject) throws(APIError) -> JSONValue {
        let include = options.includeObject.flatMap(TableColumns.IncludedObject.init) ?? .metadata
        let now = WallClock.seconds()
        return { (stored) throws(APIError) in
            let shown = StoredForm.outgoing(try APIObject(stored), resource)
            return switch output.shape {
            case .table: TableColumns.row(shown.json, resource: resource, now: now, include: include)
            case .metadata: .object(Self.partial(shown).json)
            case .object: .object(shown.json)
            }
        }
    }

    /// Of a list so long, no more than a piece is in memory at a time.
    static let whole = 512 * 1024

    private func send(
        _ objects: [StoredObject], _ form: ListForm, _ share: Share?
    ) async throws(APIError) -> HTTPResponse {
        let size = objects.byteCount
        let headers: HTTPHeaders = ["Content-Type": form.contentType]
        guard size > Self.whole else {
            let bytes = try await apart(form.isWork ? size : 0) { () throws(APIError) -> [UInt8] in
                var bytes = form.head
                bytes.reserveCapacity(form.head.count + size + objects.count + form.tail.count)
                try form.write(objects[...], isFirst: true, to: &bytes)
                return bytes + form.tail
            }
            return HTTPResponse(status: 200, headers: headers, body: .bytes(bytes))
        }
        let cursor = ListCursor(self, form, objects)
        var response = HTTPResponse(
            status: 200, headers: headers, body: .stream(HTTPBodyStream(next: { try await cursor.next() })))
        if let share { response.hold(share) }
        return response
    }

    /// A list whose length has to be known before it is sent: all of its bytes are in memory, beside the objects.
    private func protobuf(
        _ objects: [StoredObject], _ metadata: JSONObject, _ share: Share?
    ) async throws(APIError) -> HTTPResponse {
        guard let schema = Machinery.listSchema(resource) else { throw .notAcceptable(OutputFormat.acceptedAsText) }
        let form = ListForm(protobuf: schema, item: item)
        var pieces = [try Machinery.message(["metadata": .object(metadata)], schema: schema)]
        for turn in Self.turns(objects) {
            pieces.append(
                try await apart(turn.bytes) { () throws(APIError) -> [UInt8] in
                    var bytes: [UInt8] = []
                    try form.write(turn.objects, isFirst: true, to: &bytes)
                    return bytes
                })
        }
        let (head, tail) = Protobuf.envelope(
            apiVersion: resource.apiVersion, kind: resource.listKind, around: pieces.reduce(0) { $0 + $1.count })
        let headers: HTTPHeaders = ["Content-Type": form.contentType]
        guard objects.byteCount > Self.whole else {
            return HTTPResponse(
                status: 200, headers: headers, body: .bytes(Array(([head] + pieces + [tail]).joined())))
        }
        var response = HTTPResponse(status: 200, headers: headers, body: .stream(.pieces([head] + pieces + [tail])))
        if let share { response.hold(share) }
        return response
    }

    /// What lists on their way out keep in memory is counted, for who asks over the network: the objects, and in protobuf
    /// their other form. Of one that is larger than half of anybody's part there is one at a time.
    func shareOfLists(_ objects: [StoredObject]) throws(APIError) -> Share? {
        if holder.kind == .masters { return nil }
        let size = objects.byteCount
        guard size > Self.whole else { return nil }
        let bytes = output.encoding == .protobuf && info.verb != "watch" ? 2 * size : size
        guard let share = Share(of: core.lists, min(bytes, core.lists.each / 2), for: holder) else {
            core.metrics.rejected.increment([PriorityLevel(user: user, info: info).name, "too-many-lists"])
            throw .tooManyRequests("Too many large lists, please try again later.", retryAfter: 1)
        }
        return share
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
            await core.workbench.run(for: flow) {}
        }
    }

    private func token(_ last: StoredObject?, _ revision: Int64, _ root: String) -> String? {
        last.map { ContinueToken(after: $0.key.after(exactPrefix: root) ?? "", revision: revision).text }
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
            return try await core.store.list(
                prefix: prefix, revision: revision, after: after, limit: limit, for: holder.pastReader)
        } catch {
            guard case .compacted = error, options.continueToken != nil, let after else {
                throw .store(error, subject(""))
            }
            var expired = APIError.expired(
                "The provided continue parameter is too old to display a consistent list result. Start a new list "
                    + "without it, or continue with the token in this response, which shows the rest as it is now.")
            expired.continueToken =
                ContinueToken(after: after.after(exactPrefix: prefix) ?? "", revision: -1).text
            throw expired
        }
    }
}
