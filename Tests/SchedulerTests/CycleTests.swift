// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@testable import Scheduler

@Suite struct CycleTests {
    private func node(
        _ name: String, cpu: String = "4", pods: Int = 110, labels: JSONObject = [:], taints: [JSONValue] = [],
        unschedulable: Bool = false
    ) -> NodeInfo {
        var all = labels
        all["kubernetes.io/hostname"] = .string(name)
        return NodeInfo([
            "metadata": ["name": .string(name), "labels": .object(all)],
            "spec": ["taints": .array(taints), "unschedulable": .bool(unschedulable)],
            "status": ["allocatable": ["cpu": .string(cpu), "memory": "8Gi", "pods": .string(String(pods))]],
        ])
    }

    private func pod(
        _ name: String, cpu: String = "100m", priority: Int = 0, labels: JSONObject = [:], spec: JSONObject = [:]
    ) -> PodInfo {
        var full = spec
        full["containers"] = [["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]]
        full["priority"] = .count(priority)
        return PodInfo([
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string(name), "labels": .object(labels),
                "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "spec": .object(full),
        ])
    }

    private func decide(_ pod: PodInfo, _ nodes: [NodeInfo]) -> Verdict { Cycle(pod, Snapshot(nodes: nodes)).decide() }

    private func failure(_ verdict: Verdict) throws -> FitFailure {
        guard case .none(let failure) = verdict else { throw Unexpected() }
        return failure
    }

    private struct Unexpected: Error {}

    @Test func `the reasons of all nodes are counted in one message`() throws {
        let nodes = [
            node("a", cpu: "50m"), node("b", cpu: "50m"), node("c", unschedulable: true),
            node("d", taints: [["key": "k", "value": "v", "effect": "NoSchedule"]]),
        ]
        let failure = try failure(decide(pod("p"), nodes))
        #expect(
            failure.message
                == "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu."
        )
    }

    /// Two pods that ask for more than there is in the world: one node's sums must hold them, and be even again after.
    @Test func `no amount of a pod or a node ends the scheduler`() {
        let amounts = [
            "0", "-1", "9223372036854775807", "-9223372036854775808", "1e1000", "100E", "9223372036854775", "1Ei", "1n",
        ]
        for one in amounts {
            for other in amounts {
                let container: JSONValue = [
                    "name": "c",
                    "resources": [
                        "requests": [
                            "cpu": .string(one), "memory": .string(other), "ephemeral-storage": .string(one),
                            "example.com/x": .string(other), "hugepages-2Mi": .string(one),
                        ]
                    ],
                ]
                let spec: JSONObject = [
                    "containers": [container, container], "initContainers": [container, container],
                    "overhead": ["cpu": .string(one), "memory": .string(other)],
                    "tolerations": [["operator": "Exists", "tolerationSeconds": .integer(.max)]],
                ]
                let pods = (0..<3).map {
                    PodInfo([
                        "metadata": ["name": "p", "namespace": "n", "uid": .string("\($0)")], "spec": .object(spec),
                    ])
                }
                var node = NodeInfo([
                    "metadata": ["name": "n"],
                    "status": [
                        "allocatable": [
                            "cpu": .string(one), "memory": .string(other), "pods": .string(one),
                            "example.com/x": .string(one),
                        ], "images": [["names": ["i"], "sizeBytes": .integer(.max)]],
                    ],
                ])
                for pod in pods { node.add(pod) }
                _ = decide(pods[0], [node, node])
                for pod in pods { node.remove(uid: pod.uid) }
                #expect(node.requested.milliCPU == 0 && node.requested.memory == 0 && node.nonZeroMemory == 0)
            }
        }
    }

    @Test func `init containers, sidecars and overhead count as upstream counts them`() {
        let spec: JSONObject = [
            "containers": [["resources": ["requests": ["cpu": "100m", "memory": "10Mi"]]]],
            "initContainers": [
                ["restartPolicy": "Always", "resources": ["requests": ["cpu": "50m"]]],
                ["resources": ["requests": ["cpu": "400m"]]],
            ],
            "overhead": ["cpu": "5m"],
        ]
        #expect(PodRequests(spec: .object(spec)).amounts.milliCPU == 455)
        #expect(PodRequests(spec: .object(spec)).amounts.memory == 10 << 20)
    }

    @Test func `no pod needs less than its parts do`() {
        func requests(_ whole: JSONValue) -> ResourceAmounts {
            PodRequests(
                spec: [
                    "containers": [["resources": ["requests": ["cpu": "100m", "memory": "10Mi"]]]],
                    "resources": ["requests": whole],
                ]
            ).amounts
        }
        #expect(requests(["cpu": "1", "memory": "20Mi"]).milliCPU == 1000)
        #expect(requests(["cpu": "1m"]).milliCPU == 100)
        #expect(requests(["cpu": "-900", "memory": "-1Gi"]).milliCPU == 100)
        #expect(requests(["memory": "-1Gi"]).memory == 10 << 20)
        #expect(requests(["hugepages-2Mi": "-4Mi"]).scalar["hugepages-2Mi"] ?? 0 == 0)
        #expect(PodRequests(spec: ["overhead": ["cpu": "-1"]]).amounts.milliCPU == 0)
    }

    @Test func `a pod goes to the node with most left`() throws {
        var busy = node("busy")
        busy.add(pod("x", cpu: "3"))
        guard case .node(let name) = decide(pod("p"), [busy, node("idle")]) else { throw Unexpected() }
        #expect(name == "idle")
    }

    @Test func `host ports conflict on one address or any`() {
        func port(_ address: String) -> JSONObject {
            ["containers": [["ports": [["hostPort": 80, "containerPort": 80, "hostIP": .string(address)]]]]]
        }
        func pod(_ name: String, _ address: String) -> PodInfo {
            PodInfo(["metadata": ["name": .string(name), "uid": .string(name)], "spec": .object(port(address))])
        }
        var used = node("a")
        used.add(pod("x", "10.0.0.1"))
        #expect(NodeFilters.ports(pod("p", "10.0.0.2"), used) == nil)
        #expect(NodeFilters.ports(pod("p", "10.0.0.1"), used) != nil)
        #expect(NodeFilters.ports(pod("p", ""), used) != nil)
    }

    @Test func `a required node affinity by field pins the pod`() throws {
        let spec: JSONObject = [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        "nodeSelectorTerms": [
                            ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["b"]]]]
                        ]
                    ]
                ]
            ]
        ]
        guard case .node(let name) = decide(pod("p", spec: spec), [node("a"), node("b")]) else { throw Unexpected() }
        #expect(name == "b")
        #expect(try failure(decide(pod("p", spec: spec), [node("a")])).message.contains("node affinity/selector"))
    }

    @Test func `anti-affinity keeps like pods apart, also the other way round`() throws {
        let spec: JSONObject = [
            "affinity": [
                "podAntiAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        ["labelSelector": ["matchLabels": ["app": "web"]], "topologyKey": "kubernetes.io/hostname"]
                    ]
                ]
            ]
        ]
        var taken = node("a")
        taken.add(pod("x", labels: ["app": "web"], spec: spec))
        guard case .node(let name) = decide(pod("p", labels: ["app": "web"], spec: spec), [taken, node("b")]) else {
            throw Unexpected()
        }
        #expect(name == "b")
        let plain = try failure(decide(pod("q", labels: ["app": "web"]), [taken]))
        #expect(plain.message.contains("didn't satisfy existing pods anti-affinity rules"))
    }

    @Test func `spreading refuses a node that would be too far ahead`() throws {
        let spec: JSONObject = [
            "topologySpreadConstraints": [
                [
                    "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": ["matchLabels": ["app": "web"]],
                ]
            ]
        ]
        var ahead = node("a")
        ahead.add(pod("x", labels: ["app": "web"]))
        guard case .node(let name) = decide(pod("p", labels: ["app": "web"], spec: spec), [ahead, node("b", cpu: "1")])
        else { throw Unexpected() }
        #expect(name == "b")
    }

    @Test func `preemption takes the least important pods, and only as many as needed`() throws {
        var full = node("a", cpu: "1")
        full.add(pod("low", cpu: "500m", priority: 1))
        full.add(pod("middle", cpu: "500m", priority: 5))
        var other = node("b", cpu: "1")
        other.add(pod("high", cpu: "1", priority: 50))
        let important = pod("p", cpu: "400m", priority: 100)
        let snapshot = Snapshot(nodes: [full, other])
        let failure = try failure(Cycle(important, snapshot).decide())
        let outcome = Preemption(Cycle(important, snapshot), budgets: []).find(failure)
        #expect(outcome.best?.node == "a")
        #expect(outcome.best?.victims.map(\.key.name) == ["low"])
        let equal = pod("e", cpu: "400m", priority: 1)
        let refused = Preemption(Cycle(equal, snapshot), budgets: [])
            .find(try self.failure(Cycle(equal, snapshot).decide()))
        #expect(
            refused.message
                == "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.")
    }

    @Test func `important pods are tried first, and refused ones wait for what may help`() async {
        let queue = SchedulingQueue()
        queue.add(pod("low", priority: 1))
        queue.add(pod("high", priority: 9))
        let first = await queue.next()
        #expect(first?.pod.key.name == "high")
        guard let first else { return }
        queue.refused(first, by: [.nodeResourcesFit])
        let second = await queue.next()
        #expect(second?.pod.key.name == "low")
        if let second { queue.done(second) }
        queue.happened(.podPlaced(pod("other")))
        queue.happened(.nodeAdded)
        let start = ContinuousClock.now
        #expect(await queue.next()?.pod.key.name == "high")
        // Its first back-off was still running.
        #expect(start.duration(to: .now) > .milliseconds(800))
    }

    @Test func `namespaces take turns, and what was refused comes after what was not tried`() async {
        let queue = SchedulingQueue()
        func pod(_ name: String, _ namespace: String, _ priority: Int = 0) -> PodInfo {
            PodInfo([
                "metadata": [
                    "name": .string(name), "namespace": .string(namespace), "uid": .string("\(namespace)/\(name)"),
                ],
                "spec": ["priority": .count(priority), "containers": []],
            ])
        }
        for n in 0..<1_000 { queue.add(pod("\(n)", "crowd")) }
        for n in 0..<3 { queue.add(pod("\(n)", "few")) }
        queue.add(pod("0", "other", 5))
        var seen: [String] = []
        for _ in 0..<8 {
            guard let item = await queue.next() else { return }
            seen.append(item.pod.uid)
            queue.refused(item, by: [.nodeResourcesFit])
        }
        // The important first; then in turns.
        #expect(seen.first == "other/0")
        #expect(seen.dropFirst().filter { $0.hasPrefix("few/") } == ["few/0", "few/1", "few/2"])
        #expect(seen.dropFirst().filter { $0.hasPrefix("crowd/") }.count == 4)
        // Of a thousand that wait none is tried as often as of a few.
        #expect(SchedulingQueue.backoff(attempts: 1, among: 3) == .seconds(1))
        #expect(SchedulingQueue.backoff(attempts: 1, among: 100_000) == .seconds(1_000))
        #expect(SchedulingQueue.backoff(attempts: 9, among: 50) == .seconds(10))
    }

    @Test func `a hundred thousand that find no node cost the others little`() async {
        let queue = SchedulingQueue()
        for n in 0..<100_000 {
            queue.add(
                PodInfo([
                    "metadata": ["name": .string("\(n)"), "namespace": "crowd", "uid": .string("c\(n)")],
                    "spec": ["containers": []],
                ]))
        }
        for _ in 0..<100_000 {
            guard let item = await queue.next() else { return }
            queue.refused(item, by: [.nodeResourcesFit])
        }
        let start = ContinuousClock.now
        for n in 0..<1_000 {
            queue.happened(.podGone(pod("gone")))
            queue.add(pod("\(n)"))
            guard let item = await queue.next() else { return }
            #expect(item.pod.key.namespace == "default")
            queue.done(item)
        }
        // Each event was a look at all of them: that were minutes.
        #expect(start.duration(to: .now) < .seconds(20))
    }

    @Test func `a gated pod is not tried before its gates are gone`() async throws {
        let queue = SchedulingQueue()
        queue.add(pod("p", spec: ["schedulingGates": [["name": "wait"]]]))
        queue.happened(.nodeAdded)
        let waiting = Task { await queue.next() }
        try await Task.sleep(for: .milliseconds(20))
        queue.add(pod("p"))
        #expect(await waiting.value?.pod.key.name == "p")
    }
}
