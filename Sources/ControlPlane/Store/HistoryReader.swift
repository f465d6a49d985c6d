// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Reads the past from disk, on a connection of its own that is opened when first needed.
final class HistoryReader: Sendable {
    private let path: String
    private let log = Mutex<LogBox?>(nil)

    /// Changes that one replay may hold; a client further behind lists again.
    private static let replayLimit = StoreWatch.limit / 2

    init(path: String) { self.path = path }

    /// Lets go of the file.
    func close() { log.withLock { $0 = nil } }

    /// `snapshot`, which is of revision `now`, as it was at `revision` where keys start with `prefix`.
    func objects(
        _ snapshot: SortedObjects, prefix: String, at revision: Int64, now: Int64, compacted: () -> Int64
    ) throws(StoreError) -> SortedObjects {
        try withLog { (log) throws(StoreError) in
            var result = snapshot
            var earlier: [KeyBytes: Int64] = [:]
            try log.forEach(after: revision, through: now) { row in
                guard SortedObjects.hasPrefix(row.key, prefix), earlier[KeyBytes(row.key)] == nil else { return }
                earlier[KeyBytes(row.key)] = row.previous
            }
            for (key, previous) in earlier.map({ ($0.key.text, $0.value) }) {
                if previous == 0 {
                    result.remove(key)
                } else if let row = try log.row(revision: previous), let value = row.value {
                    result.set(StoredObject(key: key, revision: previous, created: row.created, value: value))
                }
            }
            // Checked after the reading: a compaction in between has taken rows away.
            let oldest = compacted()
            if revision < oldest { throw .compacted(requested: revision, oldest: oldest) }
            return result
        }
    }

    /// The changes under `prefix` after `revision` up to `last`.
    func events(
        prefix: String, after revision: Int64, through last: Int64, compacted: () -> Int64
    ) throws(StoreError) -> [StoreEvent] {
        try withLog { (log) throws(StoreError) in
            var rows: [Log.Row] = []
            var bytes = 0
            var isComplete = true
            try log.forEach(after: revision, through: last) { row in
                guard isComplete, SQLiteStore.matches(row.key, prefix) else { return }
                bytes += 2 * (row.value?.bytes.count ?? 0)  // it, and what it replaced
                isComplete = rows.count < Self.replayLimit && bytes <= StoreWatch.byteLimit
                if isComplete { rows.append(row) }
            }
            var events: [StoreEvent] = []
            for row in rows {
                var previous: StoredObject?
                if row.previous > 0, let before = try log.row(revision: row.previous), let value = before.value {
                    previous = StoredObject(
                        key: row.key, revision: row.previous, created: before.created, value: value)
                }
                let object = row.value.map {
                    StoredObject(key: row.key, revision: row.revision, created: row.created, value: $0)
                }
                events.append(
                    StoreEvent(revision: row.revision, key: row.key, object: object, previous: previous))
            }
            let oldest = max(compacted(), isComplete ? 0 : revision + 1)
            if revision < oldest { throw .compacted(requested: revision, oldest: oldest) }
            return events
        }
    }

    private func withLog<Value>(
        _ body: (borrowing Log) throws(StoreError) -> sending Value
    ) throws(StoreError) -> sending Value {
        let box = try log.withLock { (box) throws(StoreError) -> LogBox in
            if let box { return box }
            let opened = LogBox(try Log(path: path, readOnly: true))
            box = opened
            return opened
        }
        return try body(box.log)
    }
}

/// A log shared by reference. `@unchecked`: only the reader thread, or only the writer thread, uses the one it has.
final class LogBox: @unchecked Sendable {
    let log: Log
    init(_ log: consuming Log) { self.log = log }
}
