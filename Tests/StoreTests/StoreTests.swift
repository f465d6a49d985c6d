// SPDX-License-Identifier: Apache-2.0

import Store
import Testing

@Suite struct `A store` {
    let scratch = Scratch()

    @Test func `gives every write the next revision and splices it into the value`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let a = try await store.create("/registry/a/1", value(1))
        let b = try await store.create("/registry/a/2", value(2))
        let c = try await store.update("/registry/a/1", expected: a.revision, value(3))
        #expect(a.revision == 1 && b.revision == 2 && c.revision == 3 && c.created == 1)
        #expect(text(store.get("/registry/a/1")) == #"{"rv":"3","n":3}"#)
        #expect(text(store.get("/registry/a/2")) == #"{"rv":"2","n":2}"#)
        let gone = try await store.delete("/registry/a/1", expected: nil)
        #expect(gone.revision == 4 && gone.previous?.revision == 3)
        #expect(String(decoding: gone.previous?.bytes(at: 12345) ?? [], as: UTF8.self) == #"{"rv":"12345","n":3}"#)
        #expect(store.get("/registry/a/1") == nil)
    }

    @Test func `writes a value only beside the object that it was made for`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let home = try await store.create("/homes/a", value(1))
        var beside = value(2)
        beside.beside = home
        _ = try await store.create("/in/a/1", beside)
        _ = try await store.update("/homes/a", expected: home.revision, value(3))
        func refused(_ key: String) async throws {
            await #expect {
                _ = try await store.create(key, beside)
            } throws: {
                if case StoreError.besideChanged("/homes/a") = $0 { true } else { false }
            }
            #expect(store.get(key) == nil)
        }
        try await refused("/in/a/2")
        _ = try await store.delete("/homes/a", expected: nil)
        try await refused("/in/a/3")
        _ = try await store.create("/homes/a", value(4))
        try await refused("/in/a/4")
        // Also where both are in one transaction.
        beside.beside = store.get("/homes/a")
        async let gone = store.delete("/homes/a", expected: nil)
        async let late: StoredObject? = try? store.create("/in/a/5", beside)
        let (end, object) = try await (gone, late)
        #expect(object.map { $0.revision < end.revision } ?? (store.get("/in/a/5") == nil))
    }

    @Test func `moves a value to another key in one step`() async throws {
        do {
            let store = try SQLiteStore(directory: scratch.path)
            _ = try await store.create("/a/1", value(1))
            _ = try await store.create("/a/2", value(2))
            let there = try await store.create("/b/2", value(22))
            let watch = try await store.watch(prefix: "/", after: there.revision)
            try await store.move("/a/1", to: "/b/1")
            let events = try #require(try await watch.next())
            #expect(events.map(\.key) == ["/b/1", "/a/1"] && events[1].object == nil)
            // What is there stays, as after a move that was answered to nobody.
            try await store.move("/a/2", to: "/b/2")
            await #expect {
                try await store.move("/a/1", to: "/b/1")
            } throws: {
                if case StoreError.notFound = $0 { true } else { false }
            }
            store.close()
        }
        let again = try SQLiteStore(directory: scratch.path)
        #expect(again.count(prefix: "/a/") == 0)
        #expect(text(again.get("/b/1")) == #"{"rv":"4","n":1}"# && text(again.get("/b/2")) == #"{"rv":"3","n":22}"#)
    }

    @Test func `refuses what etcd would refuse for its size`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        func text(_ count: Int, _ unit: String = "a") -> NewValue {
            NewValue(Array("{\"x\":\"\(String(repeating: unit, count: count))\"}".utf8))
        }
        let kept = try await store.create("/k", text(1_500_000))
        for write in 0..<2 {
            await #expect {
                _ =
                    try await
                    (write == 0
                    ? store.create("/l", text(1_600_000))
                    : store.update("/k", expected: kept.revision, text(1_600_000)))
            } throws: {
                if case StoreError.tooLarge(_, let size, SizeLimit.bytes) = $0 { size > 1_600_000 } else { false }
            }
        }
        // A megabyte of line ends is two of JSON, and a megabyte to etcd.
        _ = try await store.create("/lines", text(1_048_576, "\\n"))
        await #expect(throws: StoreError.self) { _ = try await store.create("/m", text(1_048_576, "\\u0001")) }
        #expect(store.count(prefix: "/") == 2)
    }

    @Test func `tells keys apart by their bytes, also over a restart`() async throws {
        // A NUL, and one character spelt in two ways.
        let keys = ["/r/a", "/r/a\u{0}b", "/r/\u{e9}", "/r/e\u{301}"]
        do {
            let store = try SQLiteStore(directory: scratch.path)
            // At once: they meet in one transaction.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, key) in keys.enumerated() {
                    group.addTask { _ = try await store.create(key, value(number)) }
                }
                try await group.waitForAll()
            }
            store.close()
        }
        let again = try SQLiteStore(directory: scratch.path)
        for (number, key) in keys.enumerated() {
            #expect(text(again.get(key))?.hasSuffix("\"n\":\(number)}") == true)
        }
    }

    @Test func `keeps no more of the past in memory than it says`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let large = String(repeating: "a", count: 1_000_000)
        func text() -> NewValue { NewValue(Array("{\"x\":\"\(large)\"}".utf8)) }
        let watch = try await store.watch(prefix: "/k", after: 0)
        var object = try await store.create("/k", text())
        weak let first = object
        for _ in 0..<80 { object = try await store.update("/k", expected: object.revision, text()) }
        // Nobody reads the watch: it is cut off, and the values that only it held are gone.
        await #expect { _ = try await watch.next() } throws: {
            if case StoreError.tooSlow = $0 { true } else { false }
        }
        #expect(first == nil)
    }

    @Test func `refuses a second create, a stale update and a stale delete`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        _ = try await store.create("/k", value(1))
        await #expect { _ = try await store.create("/k", value(2)) } throws: {
            if case StoreError.keyExists(let object) = $0 { object.revision == 1 } else { false }
        }
        await #expect { _ = try await store.update("/k", expected: 9, value(2)) } throws: {
            if case StoreError.conflict(_, 9, let object) = $0 { object?.revision == 1 } else { false }
        }
        await #expect { _ = try await store.delete("/k", expected: 7) } throws: {
            if case StoreError.conflict = $0 { true } else { false }
        }
        await #expect { _ = try await store.delete("/none", expected: nil) } throws: {
            if case StoreError.notFound = $0 { true } else { false }
        }
        #expect(store.currentRevision == 1)
    }

    @Test func `keeps what it acknowledged over a restart`() async throws {
        do {
            let store = try SQLiteStore(directory: scratch.path)
            for n in 0..<50 { _ = try await store.create("/registry/x/\(n)", value(n)) }
            _ = try await store.delete("/registry/x/7", expected: nil)
            _ = try await store.update("/registry/x/8", expected: 9, value(800))
            store.close()
        }
        let again = try SQLiteStore(directory: scratch.path)
        #expect(again.currentRevision == 52)
        #expect(again.count(prefix: "/registry/x/") == 49)
        #expect(text(again.get("/registry/x/8")) == #"{"rv":"52","n":800}"#)
        let next = try await again.create("/registry/x/7", value(7))
        #expect(next.revision == 53)
    }

    @Test func `lists in byte order, in pages pinned to one revision`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        for n in 0..<1500 { _ = try await store.create("/r/p/\(n)", value(n)) }
        _ = try await store.create("/r/pz", value(0))
        let first = try await store.list(prefix: "/r/p/", revision: nil, after: nil, limit: 700)
        #expect(first.objects.count == 700 && first.remaining == 800 && first.revision == 1501)
        #expect(first.objects.map(\.key) == first.objects.map(\.key).sorted())
        _ = try await store.delete("/r/p/999", expected: nil)
        _ = try await store.create("/r/p/9999", value(1))
        let other = try #require(store.get("/r/p/998"))
        _ = try await store.update("/r/p/998", expected: other.revision, value(-1))
        let rest = try await store.list(
            prefix: "/r/p/", revision: first.revision, after: first.objects.last?.key, limit: nil)
        #expect(rest.objects.count == 800 && rest.remaining == 0)
        let keys = rest.objects.map(\.key)
        #expect(keys.contains("/r/p/999") && !keys.contains("/r/p/9999"))
        #expect(text(rest.objects.first { $0.key == "/r/p/998" }) == #"{"rv":"999","n":998}"#)
    }

    @Test func `refuses a list of compacted history and of the future`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        for n in 0..<10 { _ = try await store.create("/r/\(n)", value(n)) }
        try await store.compact(to: 6)
        await #expect { _ = try await store.list(prefix: "/r/", revision: 5, after: nil, limit: nil) } throws: {
            if case StoreError.compacted(5, 6) = $0 { true } else { false }
        }
        await #expect { _ = try await store.list(prefix: "/r/", revision: 99, after: nil, limit: nil) } throws: {
            if case StoreError.future = $0 { true } else { false }
        }
        let page = try await store.list(prefix: "/r/", revision: 6, after: nil, limit: nil)
        #expect(page.objects.count == 6)
    }

    @Test func `compaction drops only what is replaced or deleted, and survives a restart`() async throws {
        do {
            let store = try SQLiteStore(directory: scratch.path)
            var object = try await store.create("/r/a", value(0))
            for n in 1..<30 { object = try await store.update("/r/a", expected: object.revision, value(n)) }
            _ = try await store.create("/r/b", value(0))
            _ = try await store.delete("/r/b", expected: nil)
            try await store.compact(to: store.currentRevision)
            store.close()
        }
        let again = try SQLiteStore(directory: scratch.path)
        #expect(again.currentRevision == 32 && again.compactedRevision == 32)
        #expect(text(again.get("/r/a")) == #"{"rv":"30","n":29}"#)
        #expect(again.count(prefix: "/r/") == 1)
    }

    @Test func `tells of changes under a prefix and of no others`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let mark = store.changes(under: "/registry/roles/")
        let before = mark.revision
        _ = try await store.create("/registry/pods/a", value(1))
        _ = try await store.create("/registry/roles", value(1))
        #expect(mark.revision == before)
        let made = try await store.create("/registry/roles/a", value(1))
        #expect(mark.revision == made.revision)
        let gone = try await store.delete("/registry/roles/a", expected: nil)
        #expect(mark.revision == gone.revision && store.changes(under: "/registry/roles/") === mark)
    }

    @Test func `remembers which keys under a prefix have changed, and when they are too many`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        _ = try await store.create("/r/old", value(1))
        let changes = store.changedKeys(under: "/r/")
        #expect(changes.take() == .everything && changes.take() == .keys([]))
        _ = try await store.create("/r/a", value(1))
        _ = try await store.create("/s/a", value(1))
        _ = try await store.create("/r", value(1))
        _ = try await store.delete("/r/old", expected: nil)
        _ = try await store.delete("/r/a", expected: nil)
        guard case .keys(let keys) = changes.take() else {
            Issue.record("two keys are not many")
            return
        }
        #expect(keys.sorted() == ["/r/a", "/r/old"] && changes.take() == .keys([]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for n in 0...ChangedKeys.limit { group.addTask { _ = try await store.create("/r/\(n)", value(n)) } }
            try await group.waitForAll()
        }
        #expect(changes.take() == .everything && changes.take() == .keys([]))
    }

    @Test func `answers many writers, each with its own revision`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let revisions = try await withThrowingTaskGroup(of: Int64.self) { group in
            for n in 0..<500 { group.addTask { try await store.create("/r/\(n)", value(n)).revision } }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(revisions == Set(1...500))
        // Of many creates of one key, one wins.
        let wins = await withTaskGroup(of: Bool.self) { group in
            for n in 0..<50 { group.addTask { (try? await store.create("/one", value(n))) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
    }
}

@Suite struct `A watch` {
    let scratch = Scratch()

    @Test func `sees every change under its prefix after its revision, in order`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        _ = try await store.create("/r/a/1", value(1))
        let watch = try await store.watch(prefix: "/r/a/", after: 1)
        let one = try await store.watch(prefix: "/r/a/2", after: 0)
        _ = try await store.create("/r/a/2", value(2))
        _ = try await store.create("/r/ab", value(2))
        _ = try await store.delete("/r/a/1", expected: nil)
        var seen: [StoreEvent] = []
        while seen.count < 2, let batch = try await watch.next() { seen += batch }
        #expect(seen.map(\.revision) == [2, 4])
        #expect(seen[1].object == nil && seen[1].previous?.revision == 1)
        #expect(watch.progress() == 4)
        #expect(try await one.next()?.map(\.revision) == [2])
        watch.cancel()
        #expect(try await watch.next() == nil)
    }

    @Test func `replays history from disk after a restart without a gap`() async throws {
        do {
            let store = try SQLiteStore(directory: scratch.path)
            var object = try await store.create("/r/a", value(0))
            for n in 1..<20 { object = try await store.update("/r/a", expected: object.revision, value(n)) }
            store.close()
        }
        let store = try SQLiteStore(directory: scratch.path)
        let watch = try await store.watch(prefix: "/r/", after: 5)
        _ = try await store.create("/r/b", value(1))
        var seen: [StoreEvent] = []
        while seen.count < 16, let batch = try await watch.next() { seen += batch }
        #expect(seen.map(\.revision) == Array(6...21))
        #expect(seen.first?.previous?.revision == 5)
        try await store.compact(to: 10)
        await #expect { _ = try await store.watch(prefix: "/r/", after: 9) } throws: {
            if case StoreError.compacted(9, 10) = $0 { true } else { false }
        }
    }

    @Test func `is cut off when it does not keep up`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let watch = try await store.watch(prefix: "/r/", after: 0)
        await withTaskGroup(of: Void.self) { group in
            for n in 0..<(StoreWatch.limit + 1) {
                group.addTask { _ = try? await store.create("/r/\(n)", value(n)) }
            }
        }
        // Whoever writes does not wait for those who watch.
        await withCheckedContinuation { continuation in watch.onCutOff { continuation.resume() } }
        await #expect { _ = try await watch.next() } throws: {
            if case StoreError.tooSlow = $0 { true } else { false }
        }
    }

    @Test func `ends with the task that reads it`() async throws {
        let store = try SQLiteStore(directory: scratch.path)
        let watch = try await store.watch(prefix: "/r/", after: 0)
        let task = Task { try await watch.next() }
        task.cancel()
        #expect(try await task.value == nil)
    }
}
