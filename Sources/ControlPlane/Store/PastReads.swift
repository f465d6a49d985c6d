// SPDX-License-Identifier: Apache-2.0

internal import Text

/// Keys in the order of their bytes: those under a path that ends in `/`, or one.
struct KeyRange: Sendable {
    /// The first, and the first that is none of them.
    let low, high: String

    /// Those after the key `after`, where one is given.
    init(_ prefix: String, after: String? = nil) {
        let isPath = prefix.utf8.last == UInt8(ascii: "/")
        // The byte that follows the slash, and the least key that is longer.
        high = isPath ? String(Substring(prefix.utf8.dropLast())) + "0" : prefix + "\u{0}"
        low = after.map { $0 + "\u{0}" } ?? prefix
    }
}

/// A read of the past, in pieces that each take some milliseconds.
protocol PastRead: Sendable {
    associatedtype Value: Sendable

    /// Reads on; what it comes to when that was all.
    mutating func step(_ log: borrowing Log) throws(StoreError) -> Value?
}

/// How much is read in one piece.
private enum PieceOfPast {
    /// Revisions whose keys are looked at.
    static let revisions: Int64 = 10_000
    /// Values.
    static let values = 256
    static let bytes = 512 << 10
    /// Keys put in order.
    static let keys = 2_000
}

/// The objects under a prefix as they were.
struct PageOfPast: PastRead {
    /// What it was before, for each key that has changed since: where several changes are of one, what the first replaced.
    private var earlier: [KeyBytes: Int64] = [:]
    /// The same in a row, of which so many have been put into `objects`.
    private var rest: [(key: String, previous: Int64)]?
    private var put = 0
    /// The objects of when it began, and by and by as they were, those of the past without their values.
    private var objects: SortedObjects?
    private var now: Int64 = 0
    /// The page, of which those before `filled` have their values.
    private var page: ListPage?
    private var filled = 0
    private var scanned: Int64

    private let range: KeyRange
    private let prefix: String
    private let after: String?
    private let limit: Int?
    private let revision: Int64
    private let state: StateBox

    /// - Parameter revision: As of when the page is.
    init(_ state: StateBox, prefix: String, revision: Int64, after: String?, limit: Int?) {
        self.state = state
        self.prefix = prefix
        self.revision = revision
        self.after = after
        self.limit = limit
        range = KeyRange(prefix, after: after)
        scanned = revision
    }

    mutating func step(_ log: borrowing Log) throws(StoreError) -> ListPage? {
        // Not before its turn: what is held meanwhile is memory.
        if objects == nil { (objects, now) = state.withLock { ($0.objects, $0.revision) } }
        if scanned < now {
            let high = min(now, scanned + PieceOfPast.revisions)
            try log.forEachKey(after: scanned, through: high, range) { change in
                let key = KeyBytes(change.key)
                if earlier[key] == nil { earlier[key] = change.previous }
                return true
            }
            scanned = high
            return nil
        }
        if rest == nil { rest = earlier.map { ($0.key.text, $0.value) } }
        if rest.map({ put < $0.count }) == true {
            putBack()
            return nil
        }
        if page == nil { page = objects?.page(prefix: prefix, after: after, limit: limit, revision: revision) }
        try fill(log)
        guard let page, filled == page.objects.count else { return nil }
        return page
    }

    private mutating func putBack() {
        for (key, previous) in rest?[put...].prefix(PieceOfPast.keys) ?? [] {
            put += 1
            if previous == 0 {
                objects?.remove(key)
            } else {
                objects?.set(StoredObject(key: key, revision: previous, created: 0, value: NewValue([])))
            }
        }
    }

    /// Reads values of the page.
    private mutating func fill(_ log: borrowing Log) throws(StoreError) {
        guard var objects = page?.objects else { return }
        page?.objects = []
        defer { page?.objects = objects }
        var (count, bytes) = (0, 0)
        while filled < objects.count, count < PieceOfPast.values, bytes < PieceOfPast.bytes {
            let object = objects[filled]
            if earlier[KeyBytes(object.key)] != nil {
                let row = try log.row(revision: object.revision, of: object.key)
                guard let value = row.value else {
                    throw .corrupt(
                        path: log.database.path, detail: "revision \(object.revision) of \(object.key) has no value")
                }
                objects[filled] = StoredObject(
                    key: object.key, revision: object.revision, created: row.created, value: value)
                count += 1
                bytes += value.bytes.count
            }
            filled += 1
        }
    }
}

/// The changes under a prefix since a revision.
struct EventsOfPast: PastRead {
    private var changes: [Log.Change] = []
    private var events: [StoreEvent] = []
    private var bytes = 0
    private var scanned: Int64

    private let range: KeyRange
    private let revision: Int64
    private let now: Int64

    /// Changes that one replay may hold; a client further behind lists again.
    private static let limit = StoreWatch.limit / 2

    init(prefix: String, after revision: Int64, through now: Int64) {
        range = KeyRange(prefix)
        self.revision = revision
        self.now = now
        scanned = revision
    }

    mutating func step(_ log: borrowing Log) throws(StoreError) -> [StoreEvent]? {
        if scanned < now {
            let high = min(now, scanned + PieceOfPast.revisions)
            var isTooMuch = false
            try log.forEachKey(after: scanned, through: high, range) { change in
                bytes += 2 * change.size  // it, and what it replaced
                changes.append(change)
                isTooMuch = changes.count > Self.limit || bytes > StoreWatch.byteLimit
                return !isTooMuch
            }
            if isTooMuch { throw .compacted(requested: revision, oldest: revision + 1) }
            scanned = high
            return nil
        }
        var size = 0
        let end = min(changes.count, events.count + PieceOfPast.values)
        while events.count < end, size < PieceOfPast.bytes {
            let event = try event(changes[events.count], log)
            size += (event.object?.bytes.count ?? 0) + (event.previous?.bytes.count ?? 0)
            events.append(event)
        }
        return events.count == changes.count ? events : nil
    }

    private func event(_ change: Log.Change, _ log: borrowing Log) throws(StoreError) -> StoreEvent {
        let key = change.key
        let row = try log.row(revision: change.revision, of: key)
        var previous: StoredObject?
        if row.previous > 0 {
            let before = try log.row(revision: row.previous, of: key)
            previous = before.value.map {
                StoredObject(key: key, revision: row.previous, created: before.created, value: $0)
            }
        }
        let object = row.value.map {
            StoredObject(key: key, revision: row.revision, created: row.created, value: $0)
        }
        return StoreEvent(revision: row.revision, key: key, object: object, previous: previous)
    }
}
