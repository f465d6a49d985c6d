// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Store

@Suite struct `The space of a store` {
    let scratch = Scratch()

    /// A store of 2 MB, 1 MB in reserve; the space of `/a/1` is `a`'s.
    private func open(_ refused: @escaping @Sendable () -> Void = {}) throws -> SQLiteStore {
        let space = StoreSpace(
            quota: 2_000_000, reserve: 1_000_000, holder: { String($0.split(separator: "/")[0]) },
            onRefusal: { _ in refused() })
        return try SQLiteStore(directory: scratch.path, space: space)
    }

    private func value(_ count: Int, _ claim: SpaceClaim = .none) -> NewValue {
        var value = NewValue([UInt8](repeating: 0x61, count: count))
        value.claim = claim
        return value
    }

    private func isRefused(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch {
            if case StoreError.quotaExceeded = error { return true }
            Issue.record(error)
            return false
        }
    }

    @Test func `gives nobody more than is left over, and everybody else the rest`() async throws {
        let count = Mutex(0)
        let store = try open { count.withLock { $0 += 1 } }
        for n in 0..<11 {
            let isFull = await isRefused { _ = try await store.create("/a/\(n)", value(100_000)) }
            // Ten: with one more "a" had more than would be left.
            #expect(isFull == (n >= 10))
        }
        #expect(count.withLock { $0 } == 1)
        for n in 0..<5 { _ = try await store.create("/b/\(n)", value(100_000)) }
        #expect(await isRefused { _ = try await store.create("/b/9", value(100_000)) })
        _ = try await store.create("/c/0", value(100_000))
        #expect(store.spaceInUse.map { (1_600_000..<1_610_000).contains($0) } == true)
    }

    @Test func `lets shrink and delete, and those who keep the cluster going write`() async throws {
        let store = try open()
        for n in 0..<9 { _ = try await store.create("/a/\(n)", value(100_000)) }
        for n in 0..<10 { _ = try await store.create("/b\(n)/0", value(100_000)) }
        let first = try #require(store.get("/a/0"))
        #expect(await isRefused { _ = try await store.create("/c/0", value(100_000)) })
        #expect(await isRefused { _ = try await store.update("/a/0", expected: first.revision, value(200_000)) })
        var reserved = try await store.update("/a/0", expected: first.revision, value(900_000, .components))
        #expect(
            await isRefused {
                _ = try await store.update("/a/0", expected: reserved.revision, value(1_400_000, .components))
            })
        // Who may do everything has room that those cannot take.
        reserved = try await store.update("/a/0", expected: reserved.revision, value(1_400_000, .everything))
        reserved = try await store.update("/a/0", expected: reserved.revision, value(10))
        _ = try await store.create("/c/0", value(50_000))
        for n in 1..<9 { _ = try await store.delete("/a/\(n)", expected: nil) }
        _ = try await store.create("/a/9", value(300_000))
    }

    @Test func `in reserve is dealt out, and one part takes nothing of another`() async throws {
        let space = StoreSpace(
            quota: 2_000_000, reserve: 1_000_000, holder: { String($0.split(separator: "/")[0]) },
            group: { $0.hasPrefix("g") ? "all" : nil })
        let store = try SQLiteStore(directory: scratch.path, space: space)
        for n in 0..<19 { _ = try await store.create("/x\(n)/0", value(100_000)) }
        // Each of many takes what he gets; nobody has more than is left over, and all of them a half.
        var kept = 0
        for node in 0..<40 {
            for n in 0..<60 {
                guard (try? await store.create("/n/\(node)-\(n)", value(9_000, .part(of: "n\(node)")))) != nil else {
                    break
                }
                kept += 9_300
            }
        }
        #expect((350_000..<600_000).contains(kept), "\(kept)")
        // There is something left for every other, as for those who took all they could get.
        for node in 40..<60 {
            var own = try await store.create("/s/\(node)", value(1_000, .part(of: "n\(node)")))
            // A write that is as large as the one before costs nothing.
            for count in [3_000, 1_000, 3_000, 1_000, 3_000] {
                own = try await store.update("/s/\(node)", expected: own.revision, value(count, .part(of: "n\(node)")))
            }
        }
        #expect(await isRefused { _ = try await store.create("/s/99", value(10, .none)) })
        _ = try await store.create("/k/0", value(900_000, .components))
        #expect(await isRefused { _ = try await store.create("/k/1", value(200_000, .components)) })
        _ = try await store.create("/k/2", value(900_000, .everything))
    }

    @Test func `of a group is no more than that of one of it`() async throws {
        let space = StoreSpace(
            quota: 2_000_000, reserve: 1_000_000, holder: { String($0.split(separator: "/")[0]) },
            group: { $0.hasPrefix("g") ? "all" : nil })
        let store = try SQLiteStore(directory: scratch.path, space: space)
        var kept = 0
        for n in 0..<19 where (try? await store.create("/g\(n)/0", value(100_000))) != nil { kept += 1 }
        #expect(kept == 10)
        _ = try await store.create("/x/0", value(100_000))
    }

    @Test func `is counted anew by who opens it, and within one transaction`() async throws {
        do {
            let store = try open()
            let value = value(100_000)
            let kept = await withTaskGroup(of: Bool.self) { group in
                for n in 0..<40 {
                    group.addTask { (try? await store.create("/a/\(n)", value)) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(kept == 10)
            store.close()
        }
        let again = try open()
        let sizes = again.current(prefix: "/").map { $0.bytes.count + StoreSpace.overhead + $0.key.utf8.count }
        #expect(again.spaceInUse == sizes.reduce(0, +))
        #expect(await isRefused { _ = try await again.create("/a/x", value(100_000)) })
        _ = try await again.create("/b/x", value(100_000))
    }

    @Test func `may be less than what is there already, which goes on`() async throws {
        do {
            let store = try SQLiteStore(directory: scratch.path)
            for n in 0..<60 { _ = try await store.create("/a/\(n)", value(100_000)) }
            store.close()
        }
        let store = try open()
        let first = try #require(store.get("/a/0"))
        #expect(await isRefused { _ = try await store.create("/b/0", value(10)) })
        #expect(await isRefused { _ = try await store.update("/a/0", expected: first.revision, value(100_001)) })
        _ = try await store.update("/a/0", expected: first.revision, value(100_001, .components))
        for n in 0..<50 { _ = try await store.delete("/a/\(n)", expected: nil) }
        _ = try await store.create("/b/0", value(10))
    }

    @Test func `of a large value that many watches wait with is counted once`() {
        let load = WatchLoad()
        var queues = (0..<100).map { _ in WatchQueue(prefix: "/", replaying: false, load: load) }
        let object = StoredObject(
            key: "/k", revision: 1, created: 1, value: NewValue([UInt8](repeating: 1, count: 1_000_000)))
        for queue in queues { queue.push(StoreEvent(revision: 1, key: "/k", object: object, previous: nil)) }
        #expect(load.inUse == 1_000_000)
        for queue in queues.prefix(50) { _ = queue.take() }
        #expect(load.inUse == 1_000_000)
        for queue in queues.dropFirst(50).prefix(25) { queue.end() }
        queues = []
        #expect(load.inUse == 0)
    }

    @Test func `of watches that nobody reads is bounded for all together`() {
        let load = WatchLoad(limit: 1 << 20)
        let queues = (0..<100).map { _ in WatchQueue(prefix: "/", replaying: false, load: load) }
        for number in Int64(0)..<50 {
            for queue in queues {
                let object = StoredObject(
                    key: "/k", revision: number, created: 1, value: NewValue([UInt8](repeating: 1, count: 10_000)))
                queue.push(StoreEvent(revision: number, key: "/k", object: object, previous: nil))
            }
        }
        // Each may have what is always left to one who reads.
        #expect(load.inUse < 1 << 20 + 100 * StoreWatch.floor)
        let cut = queues.count { if case .failed = $0.take() { true } else { false } }
        #expect(cut > 50 && load.inUse == 0)
        // One who reads in time is not cut off, however little is left.
        _ = load.add(1 << 20)
        let reader = WatchQueue(prefix: "/", replaying: false, load: load)
        for number in Int64(0)..<50 {
            let object = StoredObject(
                key: "/k", revision: number, created: 1, value: NewValue([UInt8](repeating: 1, count: 1_000_000)))
            reader.push(StoreEvent(revision: number, key: "/k", object: object, previous: nil))
            guard case .events(let events) = reader.take() else {
                Issue.record("it was cut off")
                return
            }
            #expect(events.count == 1)
        }
    }
}
