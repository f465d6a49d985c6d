// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KubeClient

@Suite(.timeLimit(.minutes(1))) struct `A queue of delays` {
    @Test func `takes any delay, and delivers what is due before it`() async throws {
        let queue = DelayQueue<String>()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        queue.deliver(to: { continuation.yield($0) })
        for (number, seconds) in [Int64.max, Int64.max - 1, 1 << 62, 1 << 40].enumerated() {
            queue.add("far \(number)", after: .seconds(seconds))
        }
        queue.add("near", after: .milliseconds(1))
        queue.set("far 0", after: .milliseconds(2))
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next() == "near")
        #expect(await iterator.next() == "far 0")
        #expect(queue.remove("far 1") && !queue.remove("near"))
        queue.cancel()
    }
}
