// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Synchronization
import Testing

@testable import AsyncIO

@Suite(.timeLimit(.minutes(1))) struct DirectoryWatchesTests {
    private let directory = "/tmp/asyncio-watches-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    private final class Count: Sendable {
        let number = Mutex(0)
    }

    private func inDirectory(_ body: () async throws -> Void) async throws {
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        try await body()
    }

    /// Whether a change is told of within a second; without one, that is how long it takes.
    private func isTold(_ changes: DirectoryChanges) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await changes.next()) != nil }
            group.addTask {
                do { try await sleep(for: .seconds(1)) } catch { return false }  // The other was faster.
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    @Test func `everybody who looks at a directory is told what he wants of it, by one instance`() async throws {
        try await inDirectory {
            let made = Mutex(0)
            let watches = DirectoryWatches(interval: .seconds(3600)) { () throws(Errno) in
                made.withLock { $0 += 1 }
                return try FileWatch()
            }
            let (growth, other) = (watches.changes(in: directory), watches.changes(in: directory, [.movedFrom]))
            let elsewhere = watches.changes(in: "/")
            try Files.write("\(directory)/log", Array("a".utf8), flags: O_WRONLY | O_CREAT)
            try await growth.next()
            try Files.rename("\(directory)/log", to: "\(directory)/old")
            try await other.next()
            #expect(made.withLock { $0 } == 1)
            #expect(await isTold(elsewhere) == false)
        }
    }

    @Test func `one who leaves takes no watch from who stays`() async throws {
        try await inDirectory {
            let watches = DirectoryWatches(interval: .seconds(3600))
            let stays = watches.changes(in: directory)
            do { _ = watches.changes(in: directory) }
            try Files.write("\(directory)/log", Array("a".utf8), flags: O_WRONLY | O_CREAT)
            try await stays.next()
        }
    }

    @Test func `without an instance changes are found by looking, and it is said once`() async throws {
        try await inDirectory {
            let said = Mutex<[String]>([])
            let watches = DirectoryWatches(interval: .milliseconds(1)) { () throws(Errno) in
                throw Errno(EMFILE, "inotify_init1")
            }
            watches.open { problem in said.withLock { $0.append(problem) } }
            let changes = watches.changes(in: directory)
            for _ in 0..<40 { try await changes.next() }
            #expect(said.withLock { $0.count } == 1)
        }
    }

    @Test func `what cannot be watched at first is watched when it can be`() async throws {
        try await inDirectory {
            let watches = DirectoryWatches(interval: .milliseconds(1))
            let changes = watches.changes(in: "\(directory)/later")
            let told = Count()
            let counting = Task { @Sendable in
                while true {
                    try await changes.next()
                    told.number.withLock { $0 += 1 }
                }
            }
            defer { counting.cancel() }
            /// Waits until it is told of something more, or of nothing for a while.
            func waits(forMore: Bool) async throws {
                var before = told.number.withLock { $0 }
                while true {
                    try await sleep(for: .milliseconds(500))
                    let now = told.number.withLock { $0 }
                    if (now > before) == forMore { return }
                    before = now
                }
            }
            try await waits(forMore: true)
            try Files.makeDirectories("\(directory)/later")
            // It is tried again; from then on there is silence but for changes.
            try await waits(forMore: false)
            try Files.write("\(directory)/later/log", Array("a".utf8), flags: O_WRONLY | O_CREAT)
            try await waits(forMore: true)
        }
    }

    @Test func `a directory that goes is looked at from then on`() async throws {
        try await inDirectory {
            let watches = DirectoryWatches(interval: .milliseconds(1))
            try Files.makeDirectories("\(directory)/pod")
            let changes = watches.changes(in: "\(directory)/pod")
            try Files.removeTree("\(directory)/pod")
            for _ in 0..<10 { try await changes.next() }
        }
    }
}
