// SPDX-License-Identifier: Apache-2.0

import Cgroups
import JSON
import KubeAPI
import Netlink
import Testing

@testable import Kubelet

@Suite struct `What to do next for a pod` {
    private func pod(_ policy: String, inits: [JSONValue] = [], apps: [JSONValue] = [["name": "a"]]) -> Pod {
        Pod(json: [
            "metadata": ["name": "p", "namespace": "n", "uid": "u"],
            "spec": ["restartPolicy": .string(policy), "initContainers": .array(inits), "containers": .array(apps)],
        ])
    }

    private func actions(
        _ pod: Pod, _ phases: [String: ContainerSituation.Phase], sandbox: Bool = true, ending: Bool = false
    ) -> [PodAction] {
        PodPlan(
            pod: pod, containers: PlannedContainer.all(of: pod),
            situations: phases.mapValues { ContainerSituation(phase: $0, isStarted: $0 == .running) },
            hasSandbox: sandbox, isTerminating: ending, now: 100
        ).actions()
    }

    @Test func `begins with the sandbox`() {
        #expect(actions(pod("Always"), [:], sandbox: false) == [.makeSandbox])
    }

    @Test(arguments: [
        ("Always", Int32(0), true), ("Always", 1, true), ("OnFailure", 0, false), ("OnFailure", 1, true),
        ("Never", 0, false), ("Never", 1, false),
    ]) func `restarts by the policy`(policy: String, code: Int32, restarts: Bool) {
        #expect(actions(pod(policy), ["a": .exited(code: code)]) == (restarts ? [.start("a")] : [.tearDown]))
    }

    @Test func `runs init containers one by one, and sidecars until the end`() {
        let pod = pod("Never", inits: [["name": "i"], ["name": "s", "restartPolicy": "Always"], ["name": "j"]])
        #expect(actions(pod, [:]) == [.start("i")])
        #expect(actions(pod, ["i": .running]) == [])
        #expect(actions(pod, ["i": .exited(code: 0)]) == [.start("s")])
        #expect(actions(pod, ["i": .exited(code: 0), "s": .running]) == [.start("j")])
        let done: [String: ContainerSituation.Phase] = ["i": .exited(code: 0), "s": .running, "j": .exited(code: 0)]
        #expect(actions(pod, done) == [.start("a")])
        // A sidecar that ends comes back while the application runs, and is stopped when it is done.
        #expect(actions(pod, done.merging(["s": .exited(code: 1), "a": .running]) { $1 }) == [.start("s")])
        #expect(actions(pod, done.merging(["a": .exited(code: 0)]) { $1 }) == [.stop("s")])
        // A failed init container is the end under Never.
        #expect(actions(pod, ["i": .exited(code: 1)]) == [.tearDown])
    }

    @Test func `stops applications before sidecars`() {
        let pod = pod(
            "Always", inits: [["name": "s", "restartPolicy": "Always"], ["name": "t", "restartPolicy": "Always"]],
            apps: [["name": "a"], ["name": "b"]])
        let running: [String: ContainerSituation.Phase] = ["s": .running, "t": .running, "a": .running, "b": .running]
        #expect(actions(pod, running, ending: true) == [.stop("a"), .stop("b")])
        let stopped = running.merging(["a": .exited(code: 0), "b": .stopping]) { $1 }
        #expect(actions(pod, stopped, ending: true) == [])
        let ended = running.merging(["a": .exited(code: 0), "b": .exited(code: 0)]) { $1 }
        #expect(actions(pod, ended, ending: true) == [.stop("t")])
    }

    @Test func `waits out a back-off`() {
        var backoff = CrashBackoff(maximum: 300_000_000_000)
        let waits = (0..<8).map { _ in backoff.ended(at: 0, ranFor: 0) / 1_000_000_000 }
        #expect(waits == [0, 10, 20, 40, 80, 160, 300, 300])
        #expect(backoff.ended(at: 0, ranFor: 601_000_000_000) == 0)
    }
}

@Suite struct `Small decisions of the kubelet` {
    @Test func `a pod's object does not say that it is a static pod`() {
        func pod(_ source: String?) -> Pod {
            let annotations: JSONObject = source.map { ["kubernetes.io/config.source": .string($0)] } ?? [:]
            return Pod(json: ["metadata": ["name": "p", "annotations": .object(annotations)]])
        }
        for source in ["file", "http", "", "api", nil] { #expect(!pod(source).fromAPI.isStatic) }
        #expect(pod("file").isStatic)
    }

    @Test(arguments: [
        ("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("a$", "a$"), ("$(A", "$(A"), ("$$$(A)", "$1"),
        ("x$y", "x$y"),
    ]) func `expand variables as upstream does`(text: String, result: String) throws {
        #expect(try VariableExpansion.expand(text, ["A": "1"]) == result)
    }

    /// Each opening was a walk to the end of the text: what a pod may say would have taken hours.
    @Test(.timeLimit(.minutes(1))) func `openings that nothing closes are passed once`() throws {
        let open = String(repeating: "$(", count: 60_000)
        #expect(try VariableExpansion.expand(open, ["A": "1"]) == open)
        #expect(try VariableExpansion.expand("$(A)" + open, ["A": "1"]) == "1" + open)
    }

    /// Each variable twice the one before: forty of them were a terabyte, in the process that holds everything.
    @Test func `expand to no more than the kernel takes`() throws {
        var variables = ["A0": String(repeating: "x", count: 1024)]
        var refused: Int?
        for number in 1..<40 {
            do {
                variables["A\(number)"] = try VariableExpansion.expand("$(A\(number - 1))$(A\(number - 1))", variables)
            } catch {
                refused = number
                break
            }
        }
        #expect(refused == 7, "131,072 bytes with the final zero")
        let many = String(repeating: "$(A6)", count: 20_000)
        #expect(throws: VariableExpansion.TooLong.self) { try VariableExpansion.expand(many, variables) }
        #expect(throws: VariableExpansion.TooLong.self) { try VariableExpansion.expandStrictly(many, variables) }
        #expect(throws: VariableExpansion.TooLong.self) {
            try VariableExpansion.expand(String(repeating: "x", count: 200_000), [:])
        }
    }

    @Test func `refuse pods that do not fit`() {
        func pod(_ cpu: String, port: Int = 0) -> Pod {
            Pod(json: [
                "metadata": ["name": "p"],
                "spec": [
                    "containers": [
                        [
                            "name": "a", "resources": ["requests": ["cpu": .string(cpu)]],
                            "ports": port == 0 ? [] : [["containerPort": 80, "hostPort": .integer(Int64(port))]],
                        ]
                    ]
                ],
            ])
        }
        var admission = PodAdmission(
            allocatable: ["cpu": "2", "pods": "3"], node: NodePlacement(name: "n", labels: [:]),
            admitted: [pod("1500m", port: 8080)],
            allowedUnsafeSysctls: [])
        #expect(admission.refusal(pod("500m")) == nil)
        #expect(admission.refusal(pod("600m"))?.reason == "OutOfcpu")
        #expect(admission.refusal(pod("100m", port: 8080))?.reason == "NodePorts")
        admission.ownPorts = [.tcp(10250), .udp(10053)]
        #expect(
            admission.refusal(pod("0", port: 10250))?.message
                == "Predicate NodePorts failed: host port 10250/TCP is one of the node's own")
        #expect(admission.refusal(pod("0", port: 10053)) == nil)
        var onNode = pod("0", port: 10250)
        onNode.json["spec"]?["hostNetwork"] = true
        #expect(admission.refusal(onNode) == nil)
        var confined = pod("0")
        confined.json["spec"]?["securityContext"] = ["appArmorProfile": ["type": "Unconfined"]]
        #expect(admission.refusal(confined) == nil)
        confined.json["spec"]?["securityContext"] = ["appArmorProfile": ["type": "RuntimeDefault"]]
        #expect(admission.refusal(confined)?.reason == "AppArmor")
        var device = pod("0")
        device.json["spec"]?["containers"] = [["name": "a", "resources": ["limits": ["example.com/device": "2"]]]]
        #expect(admission.refusal(device) == nil)
        admission.allocatable["example.com/device"] = "1"
        #expect(admission.refusal(device)?.reason == "OutOfexample.com/device")
        admission.admitted = [pod("0"), pod("0"), pod("0")]
        #expect(admission.refusal(pod("0"))?.reason == "OutOfpods")
    }

    @Test(arguments: [("SIGTERM", Int32(15)), ("quit", 3), ("9", 9), ("SIGRTMIN+3", 37)])
    func `know signals by name`(name: String, number: Int32) { #expect(Signals.number(name) == number) }

    @Test func `read a configuration and name what is wrong in one`() throws {
        let text = """
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            clusterDNS: [10.43.0.10]
            containerLogMaxSize: 5Mi
            nodeStatusUpdateFrequency: 1m30s
            authentication: {anonymous: {enabled: false}, x509: {clientCAFile: /ca}}
            """
        let configuration = try KubeletConfiguration(text: Array(text.utf8))
        #expect(configuration.clusterDNS == ["10.43.0.10"])
        #expect(configuration.containerLogMaxSize == 5 << 20)
        #expect(configuration.nodeStatusUpdateFrequency == .seconds(90))
        #expect(configuration.clientCAFile == "/ca")
        #expect(configuration.healthzPort == 10248)
        #expect(configuration.unused == [])
        let idle =
            "kind: KubeletConfiguration\nshutdownGracePeriod: 30s\nmaxPods: 9\ncpuManagerPolicy: static\nlogging: null\n"
        #expect(try KubeletConfiguration(text: Array(idle.utf8)).unused == ["cpuManagerPolicy", "shutdownGracePeriod"])
        #expect(throws: KubeletConfigurationError("healthzPort 65536 is not between 0 and 65535")) {
            try KubeletConfiguration(text: Array("kind: KubeletConfiguration\nhealthzPort: 65536\n".utf8))
        }
        #expect(throws: KubeletConfigurationError("maxPods: \"many\" is not of the type this field has")) {
            try KubeletConfiguration(text: Array("kind: KubeletConfiguration\nmaxPods: many\n".utf8))
        }
    }

    @Test func `make the resolver's file by the policy`() {
        var config = ResolverConfiguration(text: "search a. b\nnameserver 1.1.1.1\noptions ndots:2\n")
        config.nameservers += ["1.1.1.1", "2.2.2.2"]
        #expect(config.text == "search a b\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions ndots:2\n")
    }
}

@Suite struct `What a pod's cgroup is held to` {
    private func limits(_ apps: [JSONValue], inits: [JSONValue] = [], pids: Int64 = -1) -> PodLimits {
        PodLimits(
            Pod(json: ["spec": ["containers": .array(apps), "initContainers": .array(inits)]]), cpuQuotaEnforced: true,
            processLimit: pids)
    }

    private func container(_ limits: JSONValue) -> JSONValue { ["name": "a", "resources": ["limits": limits]] }

    @Test func `the sum of its containers, or the peak of its initialization`() {
        let one = container(["cpu": "200m", "memory": "32Mi"])
        #expect(limits([one, one]).cpuLimit == 400)
        #expect(limits([one, one]).memoryLimit == 64 << 20)
        #expect(limits([one], inits: [container(["cpu": "1", "memory": "8Mi"])]).cpuLimit == 1000)
        #expect(limits([one], inits: [container(["cpu": "1", "memory": "8Mi"])]).memoryLimit == 32 << 20)
    }

    @Test func `nothing, when one of them is unbounded`() {
        let one = container(["memory": "32Mi"])
        #expect(limits([one, container([:])]).memoryLimit == nil)
        #expect(limits([one]).cpuLimit == nil)
        #expect(limits([one], inits: [container([:])]).memoryLimit == nil)
    }

    @Test func `as the kernel counts`() {
        let group = limits([container(["cpu": "200m", "memory": "32Mi"])], pids: 64).cgroup
        #expect(group.cpuMaximum?.quota == 20_000)
        #expect(group.memoryMaximum == 33_554_432)
        #expect(group.processMaximum == 64)
        #expect(limits([container([:])]).cgroup.cpuWeight == 1)
        #expect(limits([container([:])]).cgroup.processMaximum == nil)
    }

    @Test func `huge pages of each size the machine has, none where none are asked for`() throws {
        let sizes = try ["hugepages-2048kB", "hugepages-1048576kB"].map { try #require(HugePageSize(directory: $0)) }
        #expect(sizes.map(\.resource) == ["hugepages-2Mi", "hugepages-1Gi"])
        #expect(HugePageSize(directory: "hugepages-64kB")?.resource == "hugepages-64Ki")
        #expect(HugePageSize(directory: "hugepages-64kB")?.cgroupName == "64KB")
        #expect(HugePageSize(directory: "hugepages-") == nil)
        let one = container(["memory": "32Mi", "hugepages-2Mi": "4Mi"])
        let pod = PodLimits(
            Pod(json: ["spec": ["containers": [one, one]]]), cpuQuotaEnforced: true, processLimit: -1,
            hugePageSizes: sizes)
        #expect(pod.cgroup.hugetlb == ["2MB": 8 << 20, "1GB": 0])
        let own = ContainerResources(
            ResourceRequirements(json: ["limits": ["hugepages-2Mi": "4Mi"]]), cpuQuotaEnforced: true,
            hugePageSizes: sizes)
        #expect(own.hugePageLimits == ["2MB": 4 << 20, "1GB": 0])
    }

    @Test func `the Burstable class by what its pods request together`() {
        func pod(_ request: JSONValue, _ limits: JSONValue = [:]) -> Pod {
            Pod(json: ["spec": ["containers": [["name": "a", "resources": ["requests": request, "limits": limits]]]]])
        }
        let guaranteed: JSONValue = ["cpu": "1", "memory": "32Mi"]
        let pods = [pod(["cpu": "300m"]), pod(["cpu": "200m"]), pod([:]), pod(guaranteed, guaranteed)]
        var admitted = AdmittedPods(pods)
        #expect(admitted.burstableRequest == 500 && admitted.used("cpu") == 1_500)
        for number in pods.indices { admitted.remove("\(number)") }
        #expect(admitted.burstableRequest == 0 && admitted.used("cpu") == 0 && admitted.count == 0)
        #expect(PodLimits.weight(milli: 1000) == 100)
        #expect(PodLimits.weight(milli: 0) == 1)
    }
}
