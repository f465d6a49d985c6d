// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import Linux
import Synchronization
import Testing

@Suite struct EventLoopTests {
    @Test func `a task of a loop runs on the loop's thread, also after waiting`() async throws {
        let loop = try EventLoop()
        let threads = await loop.spawn {
            let before = pthread_self()
            do { try await loop.sleep(for: .milliseconds(5)) } catch { Issue.record(error) }
            return (before, pthread_self())
        }.value
        #expect(threads.0 == threads.1)
        #expect(threads.0 != pthread_self())
        loop.stop()
    }

    @Test func `long work in turns lets others have the loop`() async throws {
        let loop = try EventLoop()
        let done = Atomic(0)
        let workers = (0..<100).map { _ in
            loop.spawn {
                for _ in 0..<50 {
                    await loop.turn()
                    usleep(100)
                    done.add(1, ordering: .relaxed)
                }
            }
        }
        // Each of these has to wait for a piece or two, and not for all; the least of them, as others have processors too.
        var waited = Int.max
        for _ in 0..<5 {
            let before = done.load(ordering: .relaxed)
            let now = await loop.spawn { done.load(ordering: .relaxed) }.value
            waited = min(waited, now - before)
        }
        #expect(waited < 50)
        for worker in workers { await worker.value }
        #expect(done.load(ordering: .relaxed) == 5_000)
        loop.stop()
    }

    @Test func `sleeping takes as long as asked, and ends at once when cancelled`() async throws {
        let start = KernelClock.monotonic.now()
        try await sleep(for: .milliseconds(30))
        #expect(KernelClock.monotonic.now() - start >= 30_000_000)
        let task = Task { try await sleep(for: .seconds(60)) }
        try await sleep(for: .milliseconds(10))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // Far less than the sleep that was cancelled, however busy the machine.
        #expect(KernelClock.monotonic.now() - start < 50_000_000_000)
    }

    @Test func `timers fire in the order of their deadlines, without the cancelled ones`() async throws {
        let loop = try EventLoop()
        let order = Mutex<[Int]>([])
        let now = KernelClock.monotonic.now()
        var cancelled: [TimerID] = []
        for number in (0..<200).shuffled() {
            let timer = loop.schedule(atNanoseconds: now + Int64(20 + number / 10) * 1_000_000 + Int64(number)) {
                order.withLock { $0.append(number) }
            }
            if number % 3 == 0 { cancelled.append(timer) }
        }
        for timer in cancelled { loop.cancel(timer) }
        try await sleep(for: .milliseconds(80))
        #expect(order.withLock { $0 } == (0..<200).filter { $0 % 3 != 0 })
        loop.stop()
    }

    @Test func `a deadline cancels what takes too long and leaves what does not`() async throws {
        let quick = try await withDeadline(.seconds(10), "be quick") { 42 }
        #expect(quick == 42)
        let error = await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(10), "fetch the moon") { try await sleep(for: .seconds(60)) }
        }
        #expect(error?.description == "fetch the moon: it took too long")
    }

    @Test func `a deadline leaves behind what is deaf to cancellation, and so does a cancelled task`() async throws {
        let never = Waiter()
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(10), "wait for nothing") { await never.wait() }
        }
        let (begun, deaf) = (Waiter(), Waiter())
        let task = Task {
            try await withDeadline(.seconds(3600), "wait for nothing") {
                begun.wake()
                await deaf.wait()
            }
        }
        await begun.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        never.wake()
        deaf.wake()
    }

    actor Pinned {
        let loop: EventLoop
        private let executor: EventLoopSerialExecutor
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private var count = 0

        init(_ loop: EventLoop) {
            self.loop = loop
            executor = loop.serialExecutor
        }

        func bump() -> (Int, pthread_t) {
            count += 1
            return (count, pthread_self())
        }
    }

    @Test func `an actor on a loop is serial and stays on its thread`() async throws {
        let loop = try EventLoop()
        let actor = Pinned(loop)
        let thread = await loop.spawn { pthread_self() }.value
        let seen = await withTaskGroup(of: (Int, Bool).self) { group in
            for _ in 0..<500 {
                group.addTask {
                    let (count, on) = await actor.bump()
                    return (count, on == thread)
                }
            }
            return await group.reduce(into: [(Int, Bool)]()) { $0.append($1) }
        }
        #expect(Set(seen.map(\.0)).count == 500)
        #expect(seen.filter { !$0.1 }.isEmpty)
        loop.stop()
    }

    @Test func `blocking work runs beside each other and returns its errors`() async throws {
        // Each waits until all have begun: one after the other they would never end.
        let begun = Arrivals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await Blocking.run(.own) {
                        begun.count.add(1, ordering: .sequentiallyConsistent)
                        while begun.count.load(ordering: .sequentiallyConsistent) < 8 { usleep(1000) }
                    }
                }
            }
            try await group.waitForAll()
        }
        struct Failed: Error {}
        await #expect(throws: Failed.self) { try await Blocking.run(.own) { throw Failed() } }
    }

    @Test func `an idle loop does not wake up`() async throws {
        let loop = try EventLoop()
        let thread = await loop.spawn { Self.threadPath() }.value
        try await sleep(for: .milliseconds(20))
        let before = try switches(thread)
        try await sleep(for: .milliseconds(300))
        #expect(try switches(thread) == before)
        loop.stop()
    }

    private static func threadPath() -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let count = readlink("/proc/thread-self", &buffer, buffer.count)
        return "/proc/" + String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func switches(_ thread: String) throws -> String {
        let file = try FileDescriptor.open("\(thread)/status", O_RDONLY)
        let text = String(decoding: try file.readAll(), as: UTF8.self)
        return String(text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt") } ?? "")
    }
}

/// How many have come.
private final class Arrivals: Sendable {
    let count = Atomic<Int>(0)
}
