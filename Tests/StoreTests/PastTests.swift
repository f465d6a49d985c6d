// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Testing

@testable import Store

@Suite struct `The past of a store` {
    let scratch = Scratch()

    // MARK: Turns

    /// What is read, piece by piece, when each read takes so many pieces.
    private func order(
        _ turns: inout ReadTurns<String>, pieces: (String) -> Int = { _ in 1 }, limit: Int = 100
    ) -> [String] {
        var order: [String] = []
        var done: [String: Int] = [:]
        while order.count < limit, let (read, kind) = turns.next() {
            order.append(read)
            done[read, default: 0] += 1
            if done[read] == pieces(read) { turns.finish(kind) }
        }
        return order
    }

    @Test func `is read for one after the other of a kind, who has asked for much waiting for himself`() {
        var turns = ReadTurns<String>()
        for index in 0..<4 { turns.add("much \(index)", for: PastReader(kind: 0, flow: "much")) }
        turns.add("little 0", for: PastReader(kind: 0, flow: "little"))
        turns.add("other 0", for: PastReader(kind: 0, flow: "other"))
        let first = order(&turns, limit: 2)
        #expect(first == ["much 0", "little 0"])
        turns.add("little 1", for: PastReader(kind: 0, flow: "little"))
        let others = order(&turns)
        #expect(others == ["other 0", "much 1", "little 1", "much 2", "much 3"])
    }

    @Test func `is read in pieces for kinds, so that none waits for another's long reads`() {
        var turns = ReadTurns<String>()
        for flow in 0..<3 { turns.add("tenant \(flow)", for: PastReader(kind: 0, flow: "\(flow)")) }
        let first = order(&turns, pieces: { _ in 100 }, limit: 2)
        #expect(first == ["tenant 0", "tenant 0"])
        turns.add("master", for: PastReader(kind: 1, flow: "m"))
        turns.add("node", for: PastReader(kind: 2, flow: "n"))
        let next = order(&turns, pieces: { $0 == "tenant 0" ? 100 : 2 }, limit: 8)
        #expect(next == ["tenant 0", "master", "node", "tenant 0", "master", "node", "tenant 0", "tenant 0"])
        // Of one kind one read is under way, whoever asks.
        let rest = order(&turns)
        #expect(rest == ["tenant 0", "tenant 1", "tenant 2"])
    }

    @Test func `that nobody reads any more is forgotten as a whole`() {
        var turns = ReadTurns<String>()
        for index in 0..<3 { turns.add("\(index)", for: PastReader(kind: index % 2, flow: "a")) }
        _ = turns.next()
        let all = turns.removeAll().sorted()
        #expect(all == ["0", "1", "2"])
        let nothing = turns.next()
        #expect(nothing == nil)
    }

    // MARK: What is read

    /// Spoils the values of a key in the file, behind the store's back.
    private func spoil(_ key: String) {
        var database: OpaquePointer?
        #expect(sqlite3_open("\(scratch.path)/state.db", &database) == SQLITE_OK)
        let code = sqlite3_exec(database, "UPDATE log SET value=x'00' WHERE key='\(key)'", nil, nil, nil)
        #expect(code == SQLITE_OK && sqlite3_changes(database) > 0)
        sqlite3_close(database)
    }

    /// A store whose recent changes are not in memory any more, with ten changes of each of two keys.
    private func longStore() async throws -> (store: SQLiteStore, start: Int64) {
        var store = try SQLiteStore(directory: scratch.path)
        let start = try await store.create("/r/a/1", value(0)).revision
        _ = try await store.create("/r/b/1", value(0))
        for number in 1...10 {
            for key in ["/r/a/1", "/r/b/1"] {
                _ = try await store.update(key, expected: store.get(key)?.revision ?? 0, value(number))
            }
        }
        store.close()
        store = try SQLiteStore(directory: scratch.path)
        return (store, start + 1)
    }

    @Test func `is read of the keys asked for, and of no others`() async throws {
        let (store, start) = try await longStore()
        spoil("/r/a/1")
        let page = try await store.list(prefix: "/r/b/", revision: start, after: nil, limit: nil)
        #expect(page.objects.map { text($0) } == [#"{"rv":"2","n":0}"#] && page.remaining == 0)
        let watch = try await store.watch(prefix: "/r/b/", after: start)
        let events = try #require(try await watch.next())
        #expect(events.count == 10 && events.allSatisfy { $0.key == "/r/b/1" && $0.previous != nil })
        let one = try await store.watch(prefix: "/r/b/1", after: start)
        #expect(try await one.next()?.count == 10)
        // After a key, nothing before it is read.
        let rest = try await store.list(prefix: "/r/", revision: start, after: "/r/a/1", limit: nil)
        #expect(rest.objects.map(\.key) == ["/r/b/1"])
        for prefix in ["/r/a/", "/r/"] {
            await #expect {
                _ = try await store.list(prefix: prefix, revision: start, after: nil, limit: nil)
            } throws: {
                if case StoreError.corrupt = $0 { true } else { false }
            }
        }
    }

    @Test func `is what it was, page by page`() async throws {
        var store = try SQLiteStore(directory: scratch.path)
        for number in 0..<10 { _ = try await store.create("/r/\(number)", value(number)) }
        let then = store.currentRevision
        let expected = store.current(prefix: "/r/")
        for number in stride(from: 0, to: 10, by: 3) { _ = try await store.delete("/r/\(number)", expected: nil) }
        for number in [1, 2] { _ = try await store.update("/r/\(number)", expected: Int64(number + 1), value(99)) }
        for number in 10..<14 { _ = try await store.create("/r/\(number)", value(number)) }
        _ = try await store.create("/r/0", value(98))
        store.close()
        store = try SQLiteStore(directory: scratch.path)
        var found: [StoredObject] = []
        while found.count < 10 {
            let page = try await store.list(prefix: "/r/", revision: then, after: found.last?.key, limit: 3)
            found += page.objects
            #expect(page.remaining == 10 - found.count && page.revision == then)
            if page.objects.isEmpty { break }
        }
        #expect(found.map(\.key) == expected.map(\.key) && found.map(\.bytes) == expected.map(\.bytes))
        #expect(found.map(\.revision) == expected.map(\.revision) && found.map(\.created) == expected.map(\.created))
    }

    @Test func `is refused where it is gone, and when the store is closed`() async throws {
        let (store, start) = try await longStore()
        try await store.compact(to: store.currentRevision)
        await #expect {
            _ = try await store.watch(prefix: "/r/", after: start)
        } throws: {
            if case StoreError.compacted = $0 { true } else { false }
        }
        store.close()
        let reader = try HistoryReader(path: "\(scratch.path)/state.db", state: StateBox())
        reader.close()
        await #expect {
            _ = try await reader.run(EventsOfPast(prefix: "/r/", after: 0, through: 5), since: 0, for: .own)
        } throws: {
            if case StoreError.closed = $0 { true } else { false }
        }
    }
}
