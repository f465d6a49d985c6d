// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Glibc
import Store
import Testing

@Suite struct `A damaged or contended store` {
    let scratch = Scratch()

    private func fill(_ count: Int) async throws {
        let store = try SQLiteStore(directory: scratch.path)
        for n in 0..<count { _ = try await store.create("/registry/x/\(n)", value(n)) }
        store.close()
    }

    private func sql(_ text: String) {
        var handle: OpaquePointer?
        #expect(sqlite3_open("\(scratch.path)/state.db", &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK)
        sqlite3_close(handle)
    }

    @Test func `a file of the first format is taken, and is one of the second when it says so`() async throws {
        try await fill(1)
        sql("PRAGMA user_version=1")
        do {
            let store = try SQLiteStore(directory: scratch.path)
            #expect(store.count(prefix: "/registry/x/") == 1)
            try await store.adoptFormat()
            store.close()
        }
        // What an earlier version does with such a file, this one does with one of the next.
        sql("PRAGMA user_version=3")
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            "\($0)".contains("the store has format 3, this version of swiftlet knows up to 2")
        }
    }

    @Test func `a second instance is refused by name`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            "\($0)" == "lock \(scratch.path): the data directory is in use by process \(getpid())"
        }
        _ = try await store.create("/still/works", value(1))
    }

    @Test func `a changed byte of a value is found at start, and the file is left as it is`() async throws {
        try await fill(20)
        sql("UPDATE log SET value=replace(value,'9','8') WHERE revision=10; PRAGMA wal_checkpoint(TRUNCATE)")
        let before = scratch.read("state.db")
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            "\($0)".contains("the checksum of revision 10 (/registry/x/9) does not match")
        }
        let unchanged = scratch.read("state.db") == before
        #expect(unchanged)
    }

    @Test func `a page of rubbish is found at start`() async throws {
        try await fill(400)
        sql("PRAGMA wal_checkpoint(TRUNCATE)")
        var bytes = scratch.read("state.db")
        #expect(bytes.count > 4 * 4096)
        for index in (bytes.count - 4096)..<bytes.count { bytes[index] = 0xa5 }
        scratch.write("state.db", bytes)
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            let text = "\($0)"
            return text.hasPrefix("open \(scratch.path)/state.db: the database is corrupt (") && text.contains("age ")
                && text.contains("left untouched") && !text.contains("\n")
        }
    }

    @Test func `a torn tail of the log loses nothing that was acknowledged before it`() async throws {
        // A crash while a transaction is written leaves half a frame at the end of the WAL.
        let live = Scratch()
        let store = try SQLiteStore(directory: live.path)
        for n in 0..<30 { _ = try await store.create("/registry/x/\(n)", value(n)) }
        scratch.write("state.db", live.read("state.db"))
        scratch.write("state.db-wal", live.read("state.db-wal") + [UInt8](repeating: 0x5a, count: 1000))
        store.close()
        let recovered = try SQLiteStore(directory: scratch.path)
        #expect(recovered.currentRevision == 30 && recovered.count(prefix: "/registry/x/") == 30)
        _ = try await recovered.create("/registry/x/30", value(30))
    }

    @Test func `a file of another kind is refused and kept`() throws {
        scratch.write("state.db", Array("this is no database, it is a text of some length, kept as it is".utf8))
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            if case StoreError.corrupt = $0 { true } else { false }
        }
        #expect(scratch.read("state.db").count == 63)
    }

    @Test func `a format of the future is refused`() async throws {
        try await fill(1)
        sql("PRAGMA user_version=99")
        #expect {
            _ = try SQLiteStore(directory: scratch.path)
        } throws: {
            "\($0)".contains("the store has format 99")
        }
    }

    @Test(.enabled(if: getuid() == 0, "needs root"))
    func `a full disk refuses the write, keeps the rest and recovers`() async throws {
        #expect(mount("tmpfs", scratch.path, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        let store = try SQLiteStore(directory: scratch.path)
        var kept = 0
        var refusal: (any Error)?
        for n in 0..<1000 {
            do {
                _ = try await store.create("/r/\(n)", NewValue([UInt8](repeating: 65, count: 8000)))
                kept += 1
            } catch {
                refusal = error
                break
            }
        }
        #expect(
            "\(try #require(refusal))" == "write to \(scratch.path)/state.db: the disk is full, nothing was written")
        #expect(kept > 5 && store.count(prefix: "/r/") == kept && store.currentRevision == Int64(kept))
        #expect(mount("tmpfs", scratch.path, "tmpfs", UInt(MS_REMOUNT), "size=16m") == 0)
        _ = try await store.create("/r/after", value(1))
        store.close()
        let again = try SQLiteStore(directory: scratch.path)
        #expect(again.count(prefix: "/r/") == kept + 1)
        again.close()
    }
}
