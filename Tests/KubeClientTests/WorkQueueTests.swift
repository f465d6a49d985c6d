// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KubeClient

@Suite(.timeLimit(.minutes(1))) struct `A queue of work` {
    @Test func `lets namespaces take turns`() async {
        let queue = WorkQueue<ObjectKey>()
        for n in 0..<1_000 { queue.add(ObjectKey("crowd", "\(n)")) }
        for n in 0..<3 { queue.add(ObjectKey("few", "\(n)")) }
        queue.add(ObjectKey("few", "0"))
        #expect(queue.count == 1_003)
        var seen: [String] = []
        for _ in 0..<7 {
            guard let key = await queue.next() else { return }
            seen.append("\(key)")
            queue.done(key)
        }
        #expect(seen == ["crowd/0", "few/0", "crowd/1", "few/1", "crowd/2", "few/2", "crowd/3"])
        // Who comes again takes his turn again.
        queue.add(ObjectKey("few", "0"))
        for expected in ["crowd/4", "few/0", "crowd/5"] {
            guard let key = await queue.next() else { return }
            #expect("\(key)" == expected)
            queue.done(key)
        }
        #expect(queue.count == 994)
    }

    @Test func `keeps the order of arrival within a line, through any number of keys`() {
        var turns = Turns<Int>()
        var next = [0, 0, 0]
        var seen = [0, 0, 0]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let line = Int.random(in: 0..<3, using: &generator)
            turns.push(next[line] * 3 + line, "\(line)")
            next[line] += 1
            guard Bool.random(using: &generator), let value = turns.pop() else { continue }
            #expect(value / 3 == seen[value % 3])
            seen[value % 3] += 1
        }
        while let value = turns.pop() {
            #expect(value / 3 == seen[value % 3])
            seen[value % 3] += 1
        }
        #expect(seen == next && turns.count == 0)
    }
}
