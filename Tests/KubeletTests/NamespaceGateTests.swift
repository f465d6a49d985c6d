// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import KubeAPI
import Synchronization
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct `What pods of a namespace do a few at a time` {
    @Test func `is done by no more, by each in the end, and keeps no other namespace`() async {
        let gate = NamespaceGate(limit: 3)
        let crowd = Crowd()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    await gate.enter("a")
                    crowd.enter()
                    await Task.yield()
                    crowd.leave()
                    gate.leave("a")
                }
            }
        }
        #expect(crowd.most <= 3 && crowd.done == 300)
        for _ in 0..<3 { await gate.enter("a") }
        await gate.enter("b")
        let fourth = EventLoop.here.begin { await gate.enter("a") }
        gate.leave("a")
        await fourth.value
        for namespace in ["a", "a", "a", "b"] { gate.leave(namespace) }
    }

    @Test func `containers are found by their names`() {
        let pod = Pod(json: [
            "spec": [
                "containers": .array((0..<500).map { ["name": .string("c\($0)")] }),
                "initContainers": [["name": "i", "restartPolicy": "Always"], ["name": "j"]],
                "ephemeralContainers": [["name": "e"]],
            ]
        ])
        let planned = PlannedContainers(pod)
        #expect(planned.all == PlannedContainer.all(of: pod))
        for container in planned.all { #expect(planned[container.name] == container) }
        #expect(planned["absent"] == nil)
    }
}

/// How many are inside.
private final class Crowd: Sendable {
    private let state = Mutex((now: 0, most: 0, done: 0))

    var most: Int { state.withLock { $0.most } }
    var done: Int { state.withLock { $0.done } }

    func enter() {
        state.withLock { state in
            state.now += 1
            state.most = max(state.most, state.now)
        }
    }

    func leave() {
        state.withLock { state in
            state.now -= 1
            state.done += 1
        }
    }
}
