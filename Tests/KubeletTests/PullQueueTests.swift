// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct PullQueueTests {
    @Test func `one namespace has half of the pulls, and all namespaces take turns`() {
        var queue = PullQueue(limit: 4)
        #expect((1...4).map { queue.ask($0, "a") } == [true, true, false, false])
        #expect(queue.ask(5, "b") == true)
        #expect(queue.ask(6, "c") == true)
        #expect(queue.ask(7, "b") == false)
        #expect(queue.ask(8, "d") == false)
        // Of those that wait, d has had no turn yet; then it is a's, whose last was the longest ago.
        #expect(queue.ended("a") == [8])
        #expect(queue.ended("c") == [3])
        #expect(queue.ended("a") == [7])
        #expect(queue.ended("b") == [4])
    }

    @Test func `a limit of one holds, and none is none`() {
        var serial = PullQueue(limit: 1)
        #expect(serial.ask(1, "a") == true)
        #expect(serial.ask(2, "a") == false)
        #expect(serial.ask(3, "b") == false)
        #expect(serial.ended("a") == [3])
        #expect(serial.withdraw(2) == true)
        #expect(serial.withdraw(3) == false)
        #expect(serial.ended("b") == [])
        var any = PullQueue(limit: nil)
        #expect((1...100).filter { any.ask($0, "a") }.count == 100)
    }

    @Test func `who is cancelled while waiting leaves its turn to others`() async throws {
        let turns = PullTurns(limit: 1)
        let (begun, held) = (Waiter(), Waiter())
        let first = Task {
            try await turns.run(for: "a") {
                begun.wake()
                await held.wait()
            }
        }
        await begun.wait()
        let second = Task { try await turns.run(for: "b") { Issue.record("has had its turn") } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        held.wake()
        try await first.value
        #expect(try await turns.run(for: "c") { 3 } == 3)
    }

    @Test func `the configuration's two fields say how many`() throws {
        func pulls(_ fields: JSONObject) throws -> Int? { try KubeletConfiguration(fields).parallelImagePulls }
        #expect(try pulls([:]) == 4)
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
