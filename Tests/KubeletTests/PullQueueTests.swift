// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import Synchronization
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct PullQueueTests {
    private let second: Int64 = 1_000_000_000

    @Test func `one namespace has half of the pulls, and all namespaces take turns`() {
        var queue = PullQueue(limit: 4)
        #expect((1...4).map { queue.ask($0, "a", at: 0) } == [true, true, false, false])
        #expect(queue.ask(5, "b", at: 0) == true)
        #expect(queue.ask(6, "c", at: 0) == true)
        #expect(queue.ask(7, "b", at: 0) == false)
        #expect(queue.ask(8, "d", at: 0) == false)
        // Of those that wait, d has had no turn yet; then it is a's, whose last was the longest ago.
        #expect(queue.ended(1, at: 0) == [8])
        #expect(queue.ended(6, at: 0) == [3])
        #expect(queue.ended(2, at: 0) == [7])
        #expect(queue.ended(5, at: 0) == [4])
    }

    @Test func `a limit of one holds, and none is none`() {
        var serial = PullQueue(limit: 1)
        #expect(serial.ask(1, "a", at: 0) == true)
        #expect(serial.ask(2, "a", at: 0) == false)
        #expect(serial.ask(3, "b", at: 0) == false)
        // An administrator's number is not gone beyond, however long it takes.
        #expect(serial.review(at: 10 * PullQueue.patience) { _ in 0 }.begun == [])
        #expect(serial.ended(1, at: 0) == [3])
        #expect(serial.withdraw(2) == true)
        #expect(serial.withdraw(3) == false)
        #expect(serial.ended(3, at: 0) == [])
        var any = PullQueue(limit: nil)
        #expect((1...100).filter { any.ask($0, "a", at: 0) }.count == 100)
    }

    @Test func `pulls that have had their time make room for who waits, and go on beside`() {
        var queue = PullQueue(limit: 4, spare: 2)
        for (id, namespace) in [(1, "a"), (2, "a"), (3, "b"), (4, "b")] as [(UInt64, String)] {
            #expect(queue.ask(id, namespace, at: Int64(id)) == true)
        }
        #expect(queue.ask(5, "c", at: 10) == false)
        #expect(queue.review(at: 59 * second) { _ in 0 } == ([], []))
        // The longest one makes room, and no more than are needed.
        #expect(queue.review(at: 61 * second) { _ in 0 } == ([5], []))
        #expect(queue.review(at: 62 * second) { _ in 0 } == ([], []))
        // What has ended beside the places gives none back.
        #expect(queue.ask(6, "d", at: 62 * second) == false)
        #expect(queue.ended(1, at: 62 * second) == [])
        #expect(queue.review(at: 62 * second) { _ in 0 } == ([6], []))
    }

    @Test func `where all is taken, the slowest of who has the most is given up`() {
        var queue = PullQueue(limit: 2, spare: 2)
        let brought: [UInt64: Int64] = [1: 1_000_000, 2: 90_000_000_000, 3: 50]
        #expect(queue.ask(1, "greedy", at: 0) == true)
        #expect(queue.ask(2, "honest", at: 0) == true)
        #expect(queue.ask(3, "greedy", at: 0) == false)
        #expect(queue.review(at: 60 * second) { brought[$0] ?? 0 } == ([3], []))
        #expect(queue.ask(4, "new", at: 61 * second) == false)
        // The honest one goes beside, which is full with it.
        #expect(queue.review(at: 61 * second) { brought[$0] ?? 0 } == ([4], []))
        #expect(queue.ask(5, "other", at: 61 * second) == false)
        #expect(queue.review(at: 119 * second) { brought[$0] ?? 0 } == ([], []))
        let review = queue.review(at: 121 * second) { brought[$0] ?? 0 }
        #expect(review.begun == [5])
        #expect(review.givenUp == [3])
    }

    @Test func `nobody is given up for his own namespace`() {
        var queue = PullQueue(limit: 2, spare: 1)
        #expect((1...4).map { queue.ask($0, "a", at: 0) } == [true, false, false, false])
        #expect(queue.review(at: 60 * second) { _ in 0 } == ([2], []))
        #expect(queue.review(at: 600 * second) { _ in 0 } == ([], []))
    }

    @Test func `no set of registries that never end keeps a namespace waiting`() {
        var queue = PullQueue(limit: 4, spare: 12)
        var id: UInt64 = 0
        func ask(_ namespace: String, _ now: Int64) -> (UInt64, Bool) {
            id += 1
            return (id, queue.ask(id, namespace, at: now))
        }
        for number in 0..<50 { for _ in 0..<4 { _ = ask("bad\(number)", 0) } }
        // A place for each of 51 namespaces takes 13 rounds at the most.
        let (mine, isFree) = ask("mine", 0)
        #expect(!isFree)
        var rounds = 0
        var begun: [UInt64] = []
        while !begun.contains(mine), rounds < 100 {
            rounds += 1
            let review = queue.review(at: Int64(rounds) * PullQueue.patience) { _ in 1 << 30 }
            begun += review.begun
            for other in review.givenUp { _ = queue.ask(other + 1000, "bad\(other % 50)", at: 0) }
        }
        #expect(rounds <= 14)
    }

    @Test func `a pull that is given up says so, and another begins`() async throws {
        let time = Mutex<Int64>(0)
        let turns = PullTurns(limit: 1, spare: 1) { time.withLock { $0 } }
        let begun = [Waiter(), Waiter(), Waiter()]
        func slow(_ number: Int, _ namespace: String) -> Task<Void, any Error> {
            Task {
                try await turns.run(for: namespace) { meter in
                    meter.add(Int64(1000 * number))
                    begun[number].wake()
                    try await sleep(for: .seconds(3600))
                }
            }
        }
        let first = slow(0, "a")
        await begun[0].wait()
        let second = slow(1, "a")
        // Room is made once a second by the clock of the machine, and by this one each has had its time.
        time.withLock { $0 += PullQueue.patience }
        await begun[1].wait()
        let third = slow(2, "b")
        time.withLock { $0 += PullQueue.patience }
        await begun[2].wait()
        await #expect(throws: PullGivenUp.self) { try await first.value }
        for task in [second, third] {
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `who is cancelled while waiting leaves its turn to others`() async throws {
        let turns = PullTurns(limit: 1)
        let (begun, held) = (Waiter(), Waiter())
        let first = Task {
            try await turns.run(for: "a") { _ in
                begun.wake()
                await held.wait()
            }
        }
        await begun.wait()
        let second = Task { try await turns.run(for: "b") { _ in Issue.record("has had its turn") } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        held.wake()
        try await first.value
        #expect(try await turns.run(for: "c") { _ in 3 } == 3)
    }

    @Test func `the configuration's two fields say how many`() throws {
        func pulls(_ fields: JSONObject) throws -> Int? { try KubeletConfiguration(fields).parallelImagePulls }
        #expect(try pulls([:]) == 4)
        #expect(try KubeletConfiguration([:]).spareImagePulls == 12)
        #expect(try KubeletConfiguration(["maxParallelImagePulls": 7]).spareImagePulls == 0)
        #expect(try pulls(["serializeImagePulls": true]) == 1)
        #expect(try pulls(["serializeImagePulls": false]) == nil)
        #expect(try pulls(["maxParallelImagePulls": 7]) == 7)
        #expect(try pulls(["serializeImagePulls": true, "maxParallelImagePulls": 1]) == 1)
        #expect(throws: KubeletConfigurationError.self) {
            try pulls(["serializeImagePulls": true, "maxParallelImagePulls": 2])
        }
        #expect(throws: KubeletConfigurationError.self) { try pulls(["maxParallelImagePulls": 0]) }
    }
}
