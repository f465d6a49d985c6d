// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import Linux
import Synchronization
import Testing

private struct Refusal: Error, Equatable { var number: Int }

/// What pieces of work tell, from several threads.
private final class Notes: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func note(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite(.timeLimit(.minutes(1))) struct WorkbenchTests {

    @Test func `work is done on another thread, and its result and its error come back`() async throws {
        let loop = try EventLoop()
        let bench = Workbench(limit: 2)
        let isElsewhere = await loop.spawn {
            let here = pthread_self()
            let there = await bench.run(for: "a") { pthread_self() }
            return here != there && here == pthread_self()
        }.value
        #expect(isElsewhere)
        do throws(Refusal) {
            try await bench.run(for: "a") { () throws(Refusal) in throw Refusal(number: 7) }
            Issue.record("nothing was thrown")
        } catch { #expect(error == Refusal(number: 7)) }
        loop.stop()
    }

    @Test func `one who has much waits for himself, and others are between`() async {
        let bench = Workbench(limit: 1)
        let order = Notes()
        let (gate, begun) = (CountingSemaphore(), Waiter())
        let first = Task {
            await bench.run(for: "many") {
                begun.wake()
                gate.wait()
            }
        }
        // Nothing else begins while the first piece is held.
        await begun.wait()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<3 {
                group.addTask { await bench.run(for: "many") { order.note("many") } }
                if number == 2 {
                    group.addTask { await bench.run(for: "few") { order.note("few") } }
                }
            }
            // All four wait when the gate opens.
            group.addTask {
                while bench.waiting < 4 { await Task.yield() }
                gate.signal()
            }
        }
        await first.value
        let found = order.all
        #expect(found.count == 4 && found.prefix(2).contains("few"), "\(found)")
    }

    @Test func `no more threads work than were allowed`() async {
        let bench = Workbench(limit: 3)
        let order = Notes()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask {
                    await bench.run(for: "\(number % 5)") {
                        order.note("begins")
                        sched_yield()
                        order.note("ends")
                    }
                }
            }
        }
        var (now, most) = (0, 0)
        for line in order.all {
            now += line == "begins" ? 1 : -1
            most = max(most, now)
        }
        #expect((1...3).contains(most) && now == 0)
    }

    @Test func `what a task does between its waits is done in turns, and afterwards it is on its loop again`()
        async throws
    {
        let loop = try EventLoop()
        let bench = Workbench(limit: 1)
        let threads = await loop.spawn {
            let here = pthread_self()
            let (before, after) = await withTaskExecutorPreference(bench.executor(for: "a")) {
                let before = pthread_self()
                do { try await loop.sleep(for: .milliseconds(5)) } catch { Issue.record(error) }
                return (before, pthread_self())
            }
            return (here: here, before: before, after: after, last: pthread_self())
        }.value
        #expect(threads.before != threads.here && threads.after != threads.here)
        #expect(threads.last == threads.here)
        #expect(bench.begun >= 2)
        loop.stop()
    }

    @Test func `an error leaves the bench with its task`() async throws {
        let loop = try EventLoop()
        let bench = Workbench(limit: 1)
        let isBack = await loop.spawn {
            let here = pthread_self()
            do throws(Refusal) {
                try await withTaskExecutorPreference(bench.executor(for: "a")) { () async throws(Refusal) in
                    throw Refusal(number: 1)
                }
                return false
            } catch { return here == pthread_self() }
        }.value
        #expect(isBack)
        loop.stop()
    }

    @Test func `what lasts too long loses its place to others, and its flow has no other until it has ended`() async {
        let bench = Workbench(limit: 1)
        let order = Notes()
        let (gate, begun) = (CountingSemaphore(), Waiter())
        let first = Task {
            await bench.run(for: "long") {
                begun.wake()
                gate.wait()
                order.note("long")
            }
        }
        await begun.wait()
        let second = Task { await bench.run(for: "long") { order.note("long again") } }
        // Without the place of the first this would wait for ever.
        await bench.run(for: "short") { order.note("short") }
        #expect(order.all == ["short"])
        gate.signal()
        await first.value
        await second.value
        #expect(order.all == ["short", "long", "long again"])
        await bench.run(for: "short") {}
        #expect(bench.waiting == 0 && bench.begun == 4)
    }

    @Test func `a task runs where it was begun to, as what began it`() async throws {
        let loop = try EventLoop()
        let bench = Workbench(limit: 1)
        bench.belong(to: loop)
        let onLoop = await loop.begin { pthread_self() }.value
        let (onBench, here) = await bench.executor(for: "a").begin { (pthread_self(), EventLoop.here) }.value
        #expect(onLoop != onBench && here === loop)
        #expect(await loop.begin { EventLoop.here === loop && pthread_self() == onLoop }.value)
        let failed = await bench.executor(for: "a").begin { throw Refusal(number: 3) }.result
        #expect(throws: Refusal(number: 3)) { try failed.get() }
        #expect(await Tally(bench, "a").begun().value == 1)
        loop.stop()
    }

    @Test func `an actor of a bench does one thing at a time, and nothing elsewhere`() async throws {
        let bench = Workbench(limit: 4)
        let loop = try EventLoop()
        let tally = Tally(bench, "a")
        let onLoop = await loop.begin { pthread_self() }.value
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                // From the loop, from the bench in other turns, and from nowhere.
                let executor: (any TaskExecutor)? =
                    number % 3 == 0 ? loop : number % 3 == 1 ? bench.executor(for: "\(number)") : nil
                group.addTask(executorPreference: executor) {
                    for _ in 0..<200 { #expect(await tally.add() != onLoop) }
                }
            }
        }
        #expect(await tally.count == 1_600)
        loop.stop()
    }

    @Test func `who never ends keeps nobody of another flow, also not an actor`() async {
        let bench = Workbench(limit: 1)
        let endless = (0..<50).map { _ in
            bench.executor(for: "endless").begin {
                while !Task.isCancelled { await Task.yield() }
            }
        }
        let tally = Tally(bench, "other")
        for _ in 0..<100 { await tally.add() }
        #expect(await tally.count == 100)
        for task in endless { task.cancel() }
        for task in endless { await task.value }
    }
}

/// Counts, in turns of a flow.
private actor Tally {
    private let executor: WorkbenchExecutor
    private let actorExecutor: WorkbenchActorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { actorExecutor.asUnownedSerialExecutor() }
    private(set) var count = 0
    private var isInside = false

    init(_ bench: Workbench, _ flow: String) {
        executor = bench.executor(for: flow)
        actorExecutor = bench.actorExecutor(for: flow)
    }

    @discardableResult
    func add() -> pthread_t {
        #expect(!isInside)
        isInside = true
        sched_yield()
        count += 1
        isInside = false
        return pthread_self()
    }

    func begun() -> Task<Int, Never> {
        executor.begin {
            add()
            return count
        }
    }
}
