// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
internal import Text

/// The log on disk: one row a change, in the order of revisions, each naming the revision it replaced. The rows kept are
/// the live ones and the history since the last compaction; the primary key is the only index, so a write costs one
/// append.
///
/// With `previous` the state at any kept revision R can be told without an index by key: a key changed after R had, at R,
/// the value that its first change after R replaced.
struct Log: ~Copyable {
    let database: Database
    private let insert: Statement
    private let range: Statement
    private let keys: Statement
    private let one: Statement

    /// 2: custom resources have a prefix of their own. A file of format 1 is one of 2 once they have been moved there.
    static let format: Int64 = 2
    /// "swlt" in the header of the file, where file(1) and we look.
    static let application: Int64 = 0x7377_6c74

    /// One row.
    struct Row {
        var revision: Int64
        var key: String
        var created: Int64
        var previous: Int64
        /// nil: a deletion.
        var value: NewValue?
    }

    /// What is to be told of a row without its value.
    struct Change {
        var revision: Int64
        var key: String
        var previous: Int64
        /// Of the value, in bytes.
        var size: Int
    }

    init(path: String, readOnly: Bool = false) throws(StoreError) {
        let database = try Database(path: path, readOnly: readOnly)
        if !readOnly { try Self.prepare(database) }
        let insert = try database.prepare(
            "INSERT INTO log(revision,key,created,previous,splice,value,sum) VALUES(?,?,?,?,?,?,?)")
        let range = try database.prepare(
            "SELECT revision,key,created,previous,splice,value,sum FROM log WHERE revision>? AND revision<=? ORDER BY revision"
        )
        // Those of other keys cost a comparison: neither their values nor their sums are read.
        let keys = try database.prepare(
            """
            SELECT revision,key,previous,length(value) FROM log
                WHERE revision>? AND revision<=? AND key>=? AND key<? ORDER BY revision
            """)
        let one = try database.prepare(
            "SELECT revision,key,created,previous,splice,value,sum FROM log WHERE revision=?")
        // All at once: an owner is whole or not there.
        self.database = database
        self.insert = insert
        self.range = range
        self.keys = keys
        self.one = one
    }

    private static func prepare(_ database: borrowing Database) throws(StoreError) {
        let application = try database.number("PRAGMA application_id") ?? 0
        let format = try database.number("PRAGMA user_version") ?? 0
        let tables = try database.number("SELECT count(*) FROM sqlite_master") ?? 0
        if tables > 0, application != Self.application {
            throw .unknownFormat(path: database.path, detail: "the file is not a swiftlet store")
        }
        if format > Self.format {
            throw .unknownFormat(
                path: database.path,
                detail: "the store has format \(format), this version of swiftlet knows up to \(Self.format)")
        }
        // Of the connection, not of the file: a file that will be refused is not written to.
        // synchronous=FULL in WAL mode: a commit returns after fsync of the log. The checkpoint keeps the WAL at 16 MB.
        try database.execute(
            """
            PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=16777216;
            PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY;
            """)
        if tables > 0 {
            let verdict = try database.text("PRAGMA quick_check(1)") ?? ""
            guard verdict == "ok" else {
                // A heading that says which database, of the one there is; then lines like "Page 22: …".
                let found = verdict.split(separator: "\n").filter { !$0.hasPrefix("***") }.joined(separator: "; ")
                throw .corrupt(path: database.path, detail: found)
            }
            return
        }
        try database.execute("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;")
        try database.execute(
            """
            BEGIN;
            PRAGMA application_id=\(Self.application); PRAGMA user_version=\(Self.format);
            CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL,
                previous INTEGER NOT NULL, splice INTEGER, value BLOB, sum INTEGER NOT NULL);
            CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            COMMIT;
            """)
    }

    /// The revision that history was compacted to, 0 at first.
    borrowing func compactedRevision() throws(StoreError) -> Int64 {
        try database.number("SELECT value FROM meta WHERE name='compacted'") ?? 0
    }

    /// Appends a row to the open transaction.
    borrowing func append(_ row: Row) throws(StoreError) {
        insert.bind(1, row.revision)
        insert.bind(2, row.key)
        insert.bind(3, row.created)
        insert.bind(4, row.previous)
        if let offset = row.value?.revisionOffset { insert.bind(5, Int64(offset)) } else { insert.bindNull(5) }
        if let value = row.value { insert.bind(6, value.bytes) } else { insert.bindNull(6) }
        insert.bind(7, Self.checksum(row))
        let code = insert.step()
        insert.reset()
        if code != SQLITE_DONE { throw database.error(code, attempt: "append \(row.key)") }
    }

    /// Calls `body` with each row after `low` up to and including `high`, oldest first.
    borrowing func forEach(
        after low: Int64, through high: Int64, _ body: (Row) -> Void
    ) throws(StoreError) {
        range.bind(1, low)
        range.bind(2, high)
        var code = range.step()
        while code == SQLITE_ROW {
            do throws(StoreError) { body(try row(range)) } catch {
                range.reset()
                throw error
            }
            code = range.step()
        }
        range.reset()
        if code != SQLITE_DONE { throw database.error(code, attempt: "read the log") }
    }

    /// Calls `body` with each change of the keys in a range after `low` up to and including `high`, oldest first, as long
    /// as it returns true. Their sums are for whoever reads the values.
    borrowing func forEachKey(
        after low: Int64, through high: Int64, _ range: KeyRange, _ body: (Change) -> Bool
    ) throws(StoreError) {
        keys.bind(1, low)
        keys.bind(2, high)
        keys.bind(3, range.low)
        keys.bind(4, range.high)
        var code = keys.step()
        while code == SQLITE_ROW {
            let change = Change(
                revision: keys.integer(0), key: keys.text(1), previous: keys.integer(2), size: Int(keys.integer(3)))
            code = body(change) ? keys.step() : SQLITE_DONE
        }
        keys.reset()
        if code != SQLITE_DONE { throw database.error(code, attempt: "read the keys of the log") }
    }

    /// The row of `revision`, which is of `key`.
    borrowing func row(revision: Int64, of key: String) throws(StoreError) -> Row {
        guard let row = try row(revision: revision), row.key.isExactly(key) else {
            throw .corrupt(path: database.path, detail: "revision \(revision) of \(key) is missing")
        }
        return row
    }

    /// The row of `revision`.
    borrowing func row(revision: Int64) throws(StoreError) -> Row? {
        one.bind(1, revision)
        let code = one.step()
        guard code == SQLITE_ROW else {
            one.reset()
            if code == SQLITE_DONE { return nil }
            throw database.error(code, attempt: "read revision \(revision)")
        }
        do throws(StoreError) {
            let result = try row(one)
            one.reset()
            return result
        } catch {
            one.reset()
            throw error
        }
    }

    /// Deletes what the rows after `low` up to and including `high` replaced, and the deletions among them; then says
    /// that history starts at `high`. One transaction.
    borrowing func compact(after low: Int64, through high: Int64) throws(StoreError) {
        try database.execute(
            """
            BEGIN IMMEDIATE;
            DELETE FROM log WHERE revision IN
                (SELECT previous FROM log WHERE revision>\(low) AND revision<=\(high) AND previous>0);
            DELETE FROM log WHERE revision>\(low) AND revision<=\(high) AND value IS NULL;
            INSERT INTO meta VALUES('compacted',\(high)) ON CONFLICT(name) DO UPDATE SET value=\(high);
            COMMIT;
            """)
    }

    private borrowing func row(_ statement: borrowing Statement) throws(StoreError) -> Row {
        var row = Row(
            revision: statement.integer(0), key: statement.text(1), created: statement.integer(2),
            previous: statement.integer(3), value: nil)
        if !statement.isNull(5) {
            row.value = NewValue(
                statement.bytes(5), revisionOffset: statement.isNull(4) ? nil : Int(statement.integer(4)))
        }
        guard statement.integer(6) == Self.checksum(row),
            row.value?.revisionOffset.map({ $0 >= 0 && $0 <= row.value?.bytes.count ?? 0 }) ?? true
        else {
            throw .corrupt(
                path: database.path, detail: "the checksum of revision \(row.revision) (\(row.key)) does not match")
        }
        return row
    }

    /// A 64-bit sum over every column: finds rotten and torn data, not a forger.
    static func checksum(_ row: Row) -> Int64 {
        var sum = Checksum()
        sum.add(UInt64(bitPattern: row.revision))
        sum.add(UInt64(bitPattern: row.created))
        sum.add(UInt64(bitPattern: row.previous))
        sum.add(Array(row.key.utf8))
        if let value = row.value {
            sum.add(UInt64(bitPattern: Int64(value.revisionOffset ?? -1)))
            sum.add(value.bytes)
        }
        return Int64(bitPattern: sum.value)
    }
}

/// A multiply-and-shift sum, eight bytes at a time.
private struct Checksum {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x9e37_79b9_7f4a_7c15
        value ^= value >> 29
    }

    mutating func add(_ bytes: [UInt8]) {
        add(UInt64(bytes.count))
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset + 8 <= buffer.count {
                add(buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
                offset += 8
            }
            var tail: UInt64 = 0
            while offset < buffer.count {
                tail = tail << 8 | UInt64(buffer[offset])
                offset += 1
            }
            add(tail)
        }
    }
}
