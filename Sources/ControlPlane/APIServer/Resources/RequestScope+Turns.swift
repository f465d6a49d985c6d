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
        return try await core.workbench.run(for: flow, body)
    }

    /// A stored object, read where it keeps nobody else waiting.
    func read(_ stored: StoredObject) async throws(APIError) -> APIObject {
        try await apart(stored.bytes.count) { () throws(APIError) in try APIObject(stored) }
    }

    /// Objects cut into what is done at one turn; at least one turn, and in each at least one object where there are any.
    /// `cost` is in bytes that are decoded.
    static func turns(
        _ objects: [StoredObject], of turn: Int = RequestScope.turn, cost: (StoredObject) -> Int = { $0.bytes.count }
    ) -> [(objects: ArraySlice<StoredObject>, bytes: Int)] {
        var turns: [(objects: ArraySlice<StoredObject>, bytes: Int)] = []
        var start = 0
        var bytes = 0
        for (index, object) in objects.enumerated() {
            let cost = cost(object)
            if index > start, bytes + cost > turn {
                turns.append((objects[start..<index], bytes))
                (start, bytes) = (index, 0)
            }
            bytes += cost
        }
        turns.append((objects[start...], bytes))
        return turns
    }

    /// What `make` makes of every object, in their order.
    func each<Result: Sendable>(
        _ objects: [StoredObject], cost: (StoredObject) -> Int = { $0.bytes.count },
        _ make: @escaping @Sendable (StoredObject) throws(APIError) -> Result?
    ) async throws(APIError) -> [Result] {
        var results: [Result] = []
        for turn in Self.turns(objects, cost: cost) {
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

    /// Finds out which of the objects can be read, once for each: what this process has not written was read by nobody yet,
    /// after a start and of the past.
    func examine(_ objects: [StoredObject]) async throws(APIError) {
        guard let first = objects.firstIndex(where: { !$0.isExamined }) else { return }
        let unknown = objects[first...].filter { !$0.isExamined }
        _ = try await each(unknown) { (object) throws(APIError) -> Bool? in
            _ = object.isReadable
            return nil
        }
    }

    /// The objects that a filter chooses. What it looks at is kept with an object once it was read.
    func matching(_ objects: [StoredObject], _ filter: ObjectFilter) async throws(APIError) -> [StoredObject] {
        try await examine(objects)
        if filter.isEverything { return objects.readable }
        func cost(_ object: StoredObject) -> Int { filter.knows(object) ? filter.cost : object.bytes.count }
        if objects.reduce(0, { $0 + cost($1) }) <= Self.momentary { return objects.filter(filter.matches) }
        return try await each(objects, cost: cost) { (object) throws(APIError) in
            filter.matches(object) ? object : nil
        }
    }
}

extension BudgetHolder {
    /// Whose turns reads of the store's past are.
    var pastReader: PastReader { PastReader(kind: kind.rawValue, flow: flow) }
}
