// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// One SQLite connection, used by one thread at a time: its owner serialises.
struct Database: ~Copyable {
    private let handle: OpaquePointer
    let path: String

    /// Opens the database at `path`, made when missing unless `readOnly`.
    init(path: String, readOnly: Bool = false) throws(StoreError) {
        var opened: OpaquePointer?
        let flags =
            (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let detail = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw Self.error(code, path: path, attempt: "open \(path)", detail: detail)
        }
        handle = opened
        self.path = path
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5_000)
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs `sql`, one or more statements without results.
    borrowing func execute(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw error(code, attempt: sql) }
    }

    /// Runs `sql` for its side effect when a failure does not matter to the caller (a rollback after a failed write).
    borrowing func attempt(_ sql: String) {
        sqlite3_exec(handle, sql, nil, nil, nil)
    }

    borrowing func prepare(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error(code, attempt: sql) }
        return Statement(owning: statement)
    }

    /// The first column of the first row of `sql` as a number.
    borrowing func number(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try prepare(sql)
        let code = statement.step()
        if code == SQLITE_ROW { return statement.integer(0) }
        if code == SQLITE_DONE { return nil }
        throw error(code, attempt: sql)
    }

    /// The first column of the first row of `sql` as text.
    borrowing func text(_ sql: String) throws(StoreError) -> String? {
        let statement = try prepare(sql)
        let code = statement.step()
        if code == SQLITE_ROW { return statement.text(0) }
        if code == SQLITE_DONE { return nil }
        throw error(code, attempt: sql)
    }

    /// The error of the call that just failed with `code`.
    borrowing func error(_ code: Int32, attempt: String) -> StoreError {
        Self.error(code, path: path, attempt: attempt, detail: String(cString: sqlite3_errmsg(handle)))
    }

    private static func error(_ code: Int32, path: String, attempt: String, detail: String) -> StoreError {
        switch code & 0xff {
        case SQLITE_FULL: .diskFull(path: path)
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt(path: path, detail: detail)
        default: .failed(attempt: "\(path): \(attempt.prefix(60))", detail: "\(detail) (SQLite code \(code))")
        }
    }
}

/// A prepared statement, owned.
struct Statement: ~Copyable {
    private let handle: OpaquePointer

    init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { sqlite3_finalize(handle) }

    borrowing func step() -> Int32 { sqlite3_step(handle) }

    borrowing func reset() {
        sqlite3_reset(handle)
    }

    borrowing func bind(_ index: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }

    borrowing func bindNull(_ index: Int32) {
        sqlite3_bind_null(handle, index)
    }

    /// Binds text; SQLite takes its own copy. By its length: a name may hold NUL, where C would end it.
    borrowing func bind(_ index: Int32, _ value: String) {
        sqlite3_bind_text(handle, index, value, Int32(value.utf8.count), Self.transient)
    }

    /// Binds bytes; SQLite takes its own copy.
    borrowing func bind(_ index: Int32, _ value: [UInt8]) {
        _ = value.withUnsafeBytes {
            sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), Self.transient)
        }
    }

    borrowing func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    borrowing func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    borrowing func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    borrowing func bytes(_ column: Int32) -> [UInt8] {
        let count = Int(sqlite3_column_bytes(handle, column))
        guard count > 0, let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// SQLITE_TRANSIENT, a cast that the importer cannot express.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
