// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Synchronization
import Testing

@testable import AsyncIO

@Suite(.timeLimit(.minutes(1))) struct BlockingTests {
    @Test func `a cause has its few places, in order, and causes take turns`() {
        var queue = BlockingQueue<Int>(perCause: 2, room: 3)
        let added = (0..<5).map { queue.add($0, "a") }
        #expect(added == [true, true, true, false, false])
        let isTaken = queue.add(10, "b")
        #expect(isTaken)
        #expect(queue.runnable == 3)
        #expect(queue.waiting == 4)
        var taken: [(cause: String, work: Int)] = []
        while let piece = queue.take() { taken.append(piece) }
        #expect(taken.map(\.work) == [0, 10, 1])
        #expect(queue.running == 3)
        #expect(queue.runnable == 0)
        queue.end("b")
        let none = queue.take()
        #expect(none == nil)
        queue.end("a")
        let last = queue.take()
        #expect(last?.work == 2)
        queue.end("a")
        queue.end("a")
        #expect((queue.running, queue.waiting, queue.runnable) == (0, 0, 0))
        let again = queue.add(4, "a")
        #expect(again)
    }

    @Test func `counts agree whatever comes in whatever order`() {
        var random = SystemRandomNumberGenerator()
        var queue = BlockingQueue<Int>(perCause: 3)
        var running: [String] = []
        var waiting: [String: Int] = [:]
        for piece in 0..<20_000 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let cause = "\(Int.random(in: 0..<10, using: &random))"
                let isTaken = queue.add(piece, cause)
                #expect(isTaken)
                waiting[cause, default: 0] += 1
            case 1:
                guard let taken = queue.take() else {
                    #expect(waiting.allSatisfy { item in item.value == 0 || running.count { $0 == item.key } == 3 })
                    continue
                }
                running.append(taken.cause)
                waiting[taken.cause, default: 0] -= 1
                #expect(running.count { $0 == taken.cause } <= 3)
            default:
                guard let index = running.indices.randomElement(using: &random) else { continue }
                queue.end(running.remove(at: index))
            }
            #expect(queue.running == running.count)
            #expect(queue.waiting == waiting.values.reduce(0, +))
        }
    }

    /// Holds threads until it is opened.
    private final class Gate: Sendable {
        let begun = Atomic<Int>(0)
        private let isOpen = Atomic(false)

        func pass() {
            begun.add(1, ordering: .sequentiallyConsistent)
            while !isOpen.load(ordering: .sequentiallyConsistent) { usleep(1000) }
        }

        func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }
    }

    @Test func `what hangs for one pod leaves the others, and the node, their threads`() async throws {
        let gate = Gate()
        let hanging = (0..<100).map { _ in Task { try await Blocking.run(.pod("stuck")) { gate.pass() } } }
        while gate.begun.load(ordering: .sequentiallyConsistent) < 2 { await Task.yield() }
        for pod in 0..<20 { #expect(try await Blocking.run(.pod("\(pod)")) { pod } == pod) }
        #expect(try await Blocking.run(.own) { 1 } == 1)
        #expect(gate.begun.load(ordering: .sequentiallyConsistent) == 2)
        gate.open()
        for task in hanging { try await task.value }
        #expect(gate.begun.load(ordering: .sequentiallyConsistent) == 100)
    }

    @Test func `who is cancelled does not wait: not for its turn, and not for a name`() async throws {
        let gate = Gate()
        let names = (0..<10).map { _ in Task { try await Blocking.run(.name("mute")) { gate.pass() } } }
        while gate.begun.load(ordering: .sequentiallyConsistent) < 2 { await Task.yield() }
        for task in names {
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        // Another asker's names, and the machine's own, have threads meanwhile.
        #expect(try await Blocking.run(.name("other")) { 1 } == 1)
        #expect(try await Blocking.run(.name(nil)) { 1 } == 1)
        gate.open()
        // What nobody waits for any more is not begun.
        #expect(try await Blocking.run(.name("mute")) { 1 } == 1)
        #expect(gate.begun.load(ordering: .sequentiallyConsistent) == 2)
    }

    @Test func `an asker's names are resolved on its own account, wherever that is done`() async throws {
        #expect(Resolver.asker == nil)
        await Resolver.$asker.withValue("a") {
            #expect(Resolver.asker == "a")
            // As a client's dialing is: in a task of its own.
            #expect(await Task { Resolver.asker }.value == "a")
        }
        #expect(try await Resolver.resolve("localhost", port: 80).contains { $0.port == 80 })
        #expect(try await Resolver.resolve("127.0.0.1", port: 80) == [.ipv4(address: [127, 0, 0, 1], port: 80)])
    }
}
