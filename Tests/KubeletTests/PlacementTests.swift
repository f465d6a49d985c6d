// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Testing

@testable import Kubelet

@Suite struct `A node` {
    private let node = NodePlacement(name: "here", labels: ["disk": "ssd", "cores": "8"])

    private func reason(_ spec: JSONObject, taints: [Taint] = [], metadata: JSONObject = [:]) -> String? {
        var node = node
        node.taints = taints
        return node.refusal(Pod(json: ["metadata": .object(metadata), "spec": .object(spec)]))?.reason
    }

    private func affinity(_ terms: [JSONValue]) -> JSONObject {
        [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": .array(terms)]
                ]
            ]
        ]
    }

    private func expression(_ key: String, _ operation: String, _ values: [String]) -> JSONValue {
        ["key": .string(key), "operator": .string(operation), "values": .array(values.map { .string($0) })]
    }

    @Test(arguments: [
        (["disk": "ssd"], true), (["disk": "hdd"], false), (["disk": "ssd", "x": "y"], false), ([:], true),
    ])
    func `takes pods whose selector its labels meet`(selector: [String: String], fits: Bool) {
        var object = JSONObject()
        for (key, value) in selector { object[key] = .string(value) }
        #expect(reason(["nodeSelector": .object(object)]) == (fits ? nil : "NodeAffinity"))
    }

    @Test(arguments: [
        ("disk", "In", ["hdd", "ssd"], true), ("disk", "In", ["hdd"], false), ("none", "In", ["x"], false),
        ("disk", "NotIn", ["ssd"], false), ("none", "NotIn", ["x"], true), ("disk", "Exists", [], true),
        ("none", "Exists", [], false), ("none", "DoesNotExist", [], true), ("disk", "DoesNotExist", [], false),
        ("cores", "Gt", ["7"], true), ("cores", "Gt", ["8"], false), ("cores", "Lt", ["9"], true),
        ("cores", "Lt", ["8"], false), ("disk", "Gt", ["1"], false), ("cores", "Like", ["8"], false),
    ]) func `reads an expression`(key: String, operation: String, values: [String], fits: Bool) {
        let spec = affinity([["matchExpressions": [expression(key, operation, values)]]])
        #expect(reason(spec) == (fits ? nil : "NodeAffinity"))
    }

    @Test func `needs one term to fit as a whole`() {
        let (good, bad) = (expression("disk", "Exists", []), expression("none", "Exists", []))
        #expect(reason(affinity([["matchExpressions": [bad]], ["matchExpressions": [good]]])) == nil)
        #expect(reason(affinity([["matchExpressions": [good, bad]]])) == "NodeAffinity")
        #expect(reason(affinity([[:]])) == "NodeAffinity")
        #expect(reason(affinity([])) == "NodeAffinity")
    }

    @Test func `is chosen by its name`() {
        func term(_ key: String, _ name: String) -> [JSONValue] { [["matchFields": [expression(key, "In", [name])]]] }
        #expect(reason(affinity(term("metadata.name", "here"))) == nil)
        #expect(reason(affinity(term("metadata.name", "there"))) == "NodeAffinity")
        #expect(reason(affinity(term("metadata.uid", "here"))) == "NodeAffinity")
    }

    @Test(
        arguments: [
            ([:], false), (["operator": "Exists"], true), (["key": "k", "operator": "Exists"], true),
            (["key": "k", "value": "v"], true), (["key": "k", "value": "w"], false),
            (["key": "k", "value": "v", "effect": "NoSchedule"], false),
            (["key": "k", "value": "v", "effect": "NoExecute"], true), (["key": "x", "operator": "Exists"], false),
        ] as [(JSONObject, Bool)])
    func `keeps pods off that do not tolerate what it executes`(toleration: JSONObject, fits: Bool) {
        let taint = Taint(json: ["key": "k", "value": "v", "effect": "NoExecute"])
        #expect(
            reason(["tolerations": [.object(toleration)]], taints: [taint]) == (fits ? nil : "TaintToleration"))
    }

    @Test func `leaves the other effects to the scheduler, and static pods alone`() {
        #expect(reason([:], taints: [Taint(json: ["key": "k", "effect": "NoSchedule"])]) == nil)
        #expect(
            reason(
                ["nodeSelector": ["none": "x"]], taints: [Taint(json: ["key": "k", "effect": "NoExecute"])],
                metadata: ["annotations": ["kubernetes.io/config.source": "file"]]) == nil)
    }
}

@Suite struct `The status of a node` {
    private func condition(_ problems: [String], old: JSONObject = [:]) -> JSONValue? {
        status(problems, old: old)["conditions"]?.array?.first { $0["type"] == "Ready" }
    }

    private func status(_ problems: [String], old: JSONObject = [:], now: String = "2026-01-01T00:00:00Z") -> JSONObject
    {
        var settings = KubeletSettings(nodeName: "n", nodeAddresses: ["10.0.0.1"])
        settings.rootDirectory = "/"
        return NodeStatus(settings: settings, configuration: KubeletConfiguration(), missingControllers: []).status(
            old: old, images: [], problems: problems, now: now)
    }

    @Test func `is ready with nothing in the way`() {
        #expect(condition([])?["status"] == "True")
        #expect(condition([])?["reason"] == "KubeletReady")
    }

    @Test func `says what is in the way`() {
        #expect(condition(["a"])?["status"] == "False")
        #expect(condition(["a"])?["reason"] == "KubeletNotReady")
        #expect(condition(["a"])?["message"] == "a")
        #expect(condition(["a", "b"])?["message"] == "[a, b]")
    }

    @Test func `is the same while only time has passed`() {
        let first = status([])
        let second = status([], old: first, now: "2026-01-01T00:00:10Z")
        #expect(NodeStatus.isSame(first, second))
        #expect(!NodeStatus.isSame(first, status(["a"], old: first)))
        let ready = second["conditions"]?.array?.first { $0["type"] == "Ready" }
        #expect(ready?["lastHeartbeatTime"] == "2026-01-01T00:00:10Z")
        #expect(ready?["lastTransitionTime"] == "2026-01-01T00:00:00Z")
    }

    private struct Network: PodNetworking {
        func attach(_ attachment: PodNetworkAttachment) -> [String] { [] }
        func detach(podUID: String) {}
        func reconcile(alive: Set<String>) {}
        var notReadyReason: String? { "no CIDR" }
    }

    @Test func `names a network that is not set up and a runtime that is not there`() {
        var settings = KubeletSettings(nodeName: "n", nodeAddresses: [])
        (settings.runtime, settings.shim) = ("/bin/sh", "/bin/sh")
        #expect(NodeProblems.all(settings: settings, network: nil) == [])
        #expect(
            NodeProblems.all(settings: settings, network: Network()) == [
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no CIDR"
            ])
        settings.runtime = "/none/runtime"
        let problems = NodeProblems.all(settings: settings, network: nil)
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("container runtime not ready: RuntimeReady=false"))
        #expect(problems[0].contains("/none/runtime"))
    }

    @Test func `knows a loop that hangs`() {
        #expect(Heartbeat().isAlive)
        let late = Heartbeat(patience: .zero)
        late.beat()
        #expect(!late.isAlive)
    }
}
