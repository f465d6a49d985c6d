// SPDX-License-Identifier: Apache-2.0

import Synchronization
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
            guard Bool.random(using: &generator), let (value, line) = turns.pop() else { continue }
            turns.giveBack(line)
            #expect(value / 3 == seen[value % 3])
            seen[value % 3] += 1
        }
        while let (value, line) = turns.pop() {
            turns.giveBack(line)
            #expect(value / 3 == seen[value % 3])
            seen[value % 3] += 1
        }
        #expect(seen == next && turns.count == 0)
    }

    @Test func `takes no more of a line than may be out, and the rest when some is given back`() {
        var turns = Turns<Int>()
        turns.limit = 2
        for n in 0..<5 { turns.push(n, "crowd") }
        turns.push(10, "few")
        var taken: [Int] = []
        while let (value, _) = turns.pop() { taken.append(value) }
        #expect(taken == [0, 10, 1] && turns.count == 3)
        turns.giveBack("few")
        #expect(turns.pop() == nil)
        turns.giveBack("crowd")
        turns.push(11, "few")
        taken = []
        while let (value, _) = turns.pop() { taken.append(value) }
        #expect(taken == [2, 11])
        for _ in 0..<2 { turns.giveBack("crowd") }
        taken = []
        while let (value, _) = turns.pop() { taken.append(value) }
        #expect(taken == [3, 4] && turns.count == 0)
    }

    @Test func `is worked off for all others while one namespace's work does not end`() async {
        let queue = WorkQueue<ObjectKey>()
        let (others, done) = AsyncStream.makeStream(of: String.self)
        let (never, gate) = AsyncStream.makeStream(of: Void.self)
        let begun = Mutex(0)
        for n in 0..<20 { queue.add(ObjectKey("crowd", "\(n)")) }
        for n in 0..<20 { queue.add(ObjectKey("few \(n)", "x")) }
        let running = Task {
            await queue.run(workers: 3, failed: { _, _ in }) { key in
                guard key.namespace == "crowd" else {
                    done.yield(key.namespace)
                    return
                }
                begun.withLock { $0 += 1 }
                for await _ in never {}
            }
        }
        var iterator = others.makeAsyncIterator()
        var seen: Set<String> = []
        while seen.count < 20, let name = await iterator.next() { seen.insert(name) }
        #expect(begun.withLock { $0 } <= 3)
        gate.finish()
        while queue.count > 0 { await Task.yield() }
        running.cancel()
        await running.value
        #expect(begun.withLock { $0 } == 20)
    }
}
