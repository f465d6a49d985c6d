// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@testable import Controllers

@Suite struct `What controllers make` {
    private func pod(_ name: String, node: String = "", phase: String = "Pending") -> JSONObject {
        [
            "metadata": ["name": .string(name), "namespace": "crowd"], "spec": ["nodeName": .string(node)],
            "status": ["phase": .string(phase)],
        ]
    }

    @Test func `comes at a rate, for each namespace by itself`() {
        let pacer = PodPacer()
        let start = ContinuousClock.now
        #expect(pacer.take(2_000_000_000, in: "crowd", at: start) == .init(count: 500, delay: .seconds(1)))
        #expect(pacer.take(100, in: "crowd", at: start).count == 0)
        #expect(pacer.take(100, in: "few", at: start) == .init(count: 100))
        var made = 500
        for second in 1...60 {
            made += pacer.take(1_000, in: "crowd", at: start.advanced(by: .seconds(second))).count
        }
        #expect(made == 500 + 60 * 20)
        // What was not tried is not lost, and nobody saves more than there is.
        pacer.giveBack(30, in: "crowd")
        #expect(pacer.take(1_000, in: "crowd", at: start.advanced(by: .seconds(60))).count == 30)
        #expect(pacer.take(1_000, in: "crowd", at: start.advanced(by: .seconds(6_000))).count == 500)
        #expect(pacer.take(0, in: "crowd", at: start) == .init(count: 0))
        // The administrator's own.
        for _ in 0..<10 { #expect(pacer.take(500, in: "kube-system", at: start).count == 500) }
    }

    @Test func `waits while very many wait for a node`() {
        let pacer = PodPacer()
        for n in 0..<4_900 { pacer.count(pod("p\(n)"), 1) }
        // Those that have a node, or are over, do not count.
        for n in 0..<1_000 {
            pacer.count(pod("n\(n)", node: "n1"), 1)
            pacer.count(pod("f\(n)", phase: "Succeeded"), 1)
        }
        let start = ContinuousClock.now
        #expect(pacer.take(500, in: "crowd", at: start).count == 100)
        for n in 4_900..<5_000 { pacer.count(pod("p\(n)"), 1) }
        let refused = pacer.take(1, in: "crowd", at: start)
        #expect(refused.count == 0 && refused.delay == .seconds(10) && refused.reason?.hasPrefix("5000 pods") == true)
        #expect(pacer.take(1, in: "few", at: start).count == 1)
        // One gets a node.
        pacer.count(pod("p0"), -1)
        pacer.count(pod("p0", node: "n1"), 1)
        #expect(pacer.take(7, in: "crowd", at: start).count == 1)
    }

    @Test(.timeLimit(.minutes(2))) func `for two thousand millions keeps nobody else waiting`() async throws {
        try await Cluster().run(nodes: 1) { cluster in
            func set(_ name: String, _ namespace: String, _ replicas: Int64) -> JSONObject {
                [
                    "metadata": ["name": .string(name), "namespace": .string(namespace)],
                    "spec": [
                        "replicas": .integer(replicas), "selector": ["matchLabels": ["app": "web"]],
                        "template": Cluster.template(),
                    ],
                ]
            }
            for name in ["crowd", "few"] {
                _ = try await cluster.client.create(
                    Cluster.namespaces, ["metadata": ["name": .string(name)], "status": ["phase": "Active"]])
            }
            for name in ["a", "b", "c", "d", "e", "f"] {
                _ = try await cluster.client.create(Cluster.replicaSets, set(name, "crowd", 2_147_483_647))
            }
            try await cluster.eventually("the crowd is made") {
                try await cluster.list(Cluster.pods).filter { $0.objectNamespace == "crowd" }.count >= 500
            }
            _ = try await cluster.client.create(Cluster.replicaSets, set("few", "few", 3))
            try await cluster.eventually("the few are made") {
                try await cluster.list(Cluster.pods).filter { $0.objectNamespace == "few" }.count == 3
            }
            let made = try await cluster.list(Cluster.pods).filter { $0.objectNamespace == "crowd" }.count
            #expect(made < 1_500)
        }
    }
}
