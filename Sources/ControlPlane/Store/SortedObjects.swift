// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Text

/// The live objects ordered by the bytes of their keys: a two-level sorted array. A copy is a snapshot that shares
/// everything until one of the two changes; a change copies one chunk then.
struct SortedObjects: Sendable {
    private var chunks: [[StoredObject]] = []
    private(set) var count = 0
    private static let chunkLimit = 512

    struct Position: Equatable {
        var chunk: Int
        var index: Int
    }

    subscript(key: String) -> StoredObject? {
        guard let object = object(at: lowerBound(key)), Self.order(object.key, key) == 0 else { return nil }
        return object
    }

    /// Puts `object` under its key, in place of any there.
    mutating func set(_ object: StoredObject) {
        guard !chunks.isEmpty else {
            chunks = [[object]]
            count = 1
            return
        }
        var position = lowerBound(object.key)
        if let present = self.object(at: position), Self.order(present.key, object.key) == 0 {
            chunks[position.chunk][position.index] = object
            return
        }
        // A key past the end of a chunk goes to that chunk's end, not before the next chunk's first.
        if position.index == 0, position.chunk > 0 {
            position = Position(chunk: position.chunk - 1, index: chunks[position.chunk - 1].count)
        }
        chunks[position.chunk].insert(object, at: position.index)
        count += 1
        if chunks[position.chunk].count > Self.chunkLimit { split(position.chunk) }
    }

    /// Removes the object under `key` if there is one.
    mutating func remove(_ key: String) {
        let position = lowerBound(key)
        guard let present = object(at: position), Self.order(present.key, key) == 0 else { return }
        chunks[position.chunk].remove(at: position.index)
        if chunks[position.chunk].isEmpty { chunks.remove(at: position.chunk) }
        count -= 1
    }

    func forEach(_ body: (StoredObject) -> Void) {
        for chunk in chunks { chunk.forEach(body) }
    }

    func object(at position: Position) -> StoredObject? {
        guard position.chunk < chunks.count, position.index < chunks[position.chunk].count else { return nil }
        return chunks[position.chunk][position.index]
    }

    /// The first position whose key is not less than `key`.
    func lowerBound(_ key: String) -> Position {
        position { Self.order($0, key) < 0 }
    }

    /// The first position after every key that starts with `prefix`.
    func upperBound(prefix: String) -> Position {
        position { Self.order($0, prefix) < 0 || $0.hasExactPrefix(prefix) }
    }

    /// The first position whose key is greater than `key`.
    func upperBound(_ key: String) -> Position {
        position { Self.order($0, key) <= 0 }
    }

    /// How many objects lie from `start` up to but not including `end`.
    func distance(_ start: Position, _ end: Position) -> Int {
        if start.chunk == end.chunk { return max(0, end.index - start.index) }
        guard start.chunk < end.chunk else { return 0 }
        var total = chunks[start.chunk].count - start.index + end.index
        for chunk in (start.chunk + 1)..<end.chunk { total += chunks[chunk].count }
        return total
    }

    /// The objects from `start` up to but not including `end`, at most `limit` of them.
    func slice(_ start: Position, _ end: Position, limit: Int) -> [StoredObject] {
        var result: [StoredObject] = []
        let limit = min(limit, distance(start, end))
        result.reserveCapacity(limit)
        var chunk = start.chunk
        var index = start.index
        while chunk < chunks.count, chunk <= end.chunk, result.count < limit {
            let stop = chunk == end.chunk ? end.index : chunks[chunk].count
            let wanted = min(stop, index + limit - result.count)
            if index < wanted { result += chunks[chunk][index..<wanted] }
            chunk += 1
            index = 0
        }
        return result
    }

    /// Those under `prefix` after the key `after`, `limit` of them, as a list of `revision`.
    func page(prefix: String, after: String?, limit: Int?, revision: Int64) -> ListPage {
        let end = upperBound(prefix: prefix)
        let start = after.map { upperBound($0) } ?? lowerBound(prefix)
        let items = slice(start, end, limit: limit ?? .max)
        return ListPage(objects: items, revision: revision, remaining: distance(start, end) - items.count)
    }

    /// Binary search over both levels for the first key where `before` is false.
    private func position(where before: (String) -> Bool) -> Position {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if before(chunks[middle][chunks[middle].count - 1].key) { low = middle + 1 } else { high = middle }
        }
        guard low < chunks.count else { return Position(chunk: low, index: 0) }
        var first = 0
        var last = chunks[low].count
        while first < last {
            let middle = (first + last) / 2
            if before(chunks[low][middle].key) { first = middle + 1 } else { last = middle }
        }
        return Position(chunk: low, index: first)
    }

    private mutating func split(_ chunk: Int) {
        // Keys often arrive in order (names with a counter): a chunk that overflows at its end keeps most of its room.
        let middle = chunks[chunk].count * 3 / 4
        let tail = Array(chunks[chunk][middle...])
        chunks[chunk].removeSubrange(middle...)
        chunks.insert(tail, at: chunk + 1)
    }

    /// Byte order, not Swift's Unicode order: two spellings of one character are two keys. Negative, 0 or positive.
    private static func order(_ a: String, _ b: String) -> Int {
        withBytes(a, b) { a, b in
            let shared = min(a.count, b.count)
            // Keys of one kind have most of their bytes in common: memcmp takes them 32 at a time.
            if shared > 0, let left = a.baseAddress, let right = b.baseAddress {
                let difference = memcmp(left, right, shared)
                if difference != 0 { return Int(difference) }
            }
            return a.count - b.count
        }
    }

    private static func withBytes<Result>(
        _ a: String, _ b: String, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        let result = a.utf8.withContiguousStorageIfAvailable { a in
            b.utf8.withContiguousStorageIfAvailable { body(a, $0) }
        }
        guard case .some(.some(let result)) = result else { preconditionFailure("a native string is contiguous") }
        return result
    }
}
