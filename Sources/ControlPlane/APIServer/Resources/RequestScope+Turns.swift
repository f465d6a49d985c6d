// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Store
internal import Synchronization

extension RequestScope {
    /// Bytes of stored objects that are decoded and shown where the request is: some hundred microseconds.
    static let momentary = 32 * 1024
    /// Bytes of one turn at the workbench: some ten milliseconds.
    static let turn = 512 * 1024

    /// Runs work on so many bytes where it keeps nobody else waiting.
    func apart<Result: Sendable>(
        _ bytes: Int, _ body: @escaping @Sendable () throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        if bytes <= Self.momentary { return try body() }
        return try await core.workbench.run(for: user.name, body)
    }

    /// Objects cut into what is done at one turn; at least one turn, and in each at least one object where there are any.
    static func turns(
        _ objects: [StoredObject], of turn: Int = RequestScope.turn
    ) -> [(objects: ArraySlice<StoredObject>, bytes: Int)] {
        var turns: [(objects: ArraySlice<StoredObject>, bytes: Int)] = []
        var start = 0
        var bytes = 0
        for (index, object) in objects.enumerated() {
            if index > start, bytes + object.bytes.count > turn {
                turns.append((objects[start..<index], bytes))
                (start, bytes) = (index, 0)
            }
            bytes += object.bytes.count
        }
        turns.append((objects[start...], bytes))
        return turns
    }

    /// What `make` makes of every object, in their order.
    func each<Result: Sendable>(
        _ objects: [StoredObject], _ make: @escaping @Sendable (StoredObject) throws(APIError) -> Result?
    ) async throws(APIError) -> [Result] {
        var results: [Result] = []
        for turn in Self.turns(objects) {
            results += try await apart(turn.bytes) { () throws(APIError) -> [Result] in
                var made: [Result] = []
                for object in turn.objects {
                    if let result = try make(object) { made.append(result) }
                }
                return made
            }
        }
        return results
    }

    /// The objects that a filter chooses. What it looks at is kept with an object once it was read.
    func matching(_ objects: [StoredObject], _ filter: ObjectFilter) async throws(APIError) -> [StoredObject] {
        if filter.isEverything { return objects.readable }
        let unread = objects.reduce(0) { $0 + ($1.isRead ? 0 : $1.bytes.count) }
        if unread <= Self.momentary { return objects.filter(filter.matches) }
        return try await each(objects) { (object) throws(APIError) in filter.matches(object) ? object : nil }
    }
}

extension StoredObject {
    /// Whether what selectors look at is known.
    var isRead: Bool { memo.withLock { $0 != nil } }
}
