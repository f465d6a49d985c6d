// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct `Ports of Services and their pods` {
    private func service(_ ports: [JSONValue]) -> JSONObject {
        ["metadata": ["name": "s", "namespace": "a", "uid": "s"], "spec": ["ports": .array(ports)]]
    }

    private func pod(_ name: String, _ containers: [JSONValue], initial: [JSONValue] = []) -> JSONObject {
        [
            "metadata": ["name": .string(name), "namespace": "a", "uid": .string(name)],
            "spec": ["nodeName": "n", "containers": .array(containers), "initContainers": .array(initial)],
            "status": ["podIP": "10.42.0.7", "conditions": [["type": "Ready", "status": "True"]]],
        ]
    }

    private func ports(_ service: JSONObject, _ pod: JSONObject) async -> [String] {
        var pieces = WorkPieces()
        let groups = await ServiceEndpoints.resolve(service, pods: [pod], family: "IPv4", &pieces)
        return (groups.first?.ports ?? []).map { "\($0.name) \($0.number) \($0.transport)" }
    }

    @Test func `are found by number and name`() async {
        let service = service([
            ["name": "z", "port": 80, "targetPort": "web"], ["name": "own", "port": 81],
            ["name": "zero", "port": 82, "targetPort": 0], ["name": "number", "port": 83, "targetPort": 8083],
            ["name": "udp", "port": 84, "targetPort": "web", "protocol": "UDP"],
            ["name": "none", "port": 85, "targetPort": "absent"], ["name": "side", "port": 86, "targetPort": "side"],
            ["name": "init", "port": 87, "targetPort": "init"],
        ])
        let pod = pod(
            "p",
            [
                ["ports": [["name": "web", "containerPort": 8080], ["name": "web", "containerPort": 9]]],
                ["ports": [["name": "web", "containerPort": 8053, "protocol": "UDP"]]],
            ],
            initial: [
                ["ports": [["name": "init", "containerPort": 1]]],
                ["restartPolicy": "Always", "ports": [["name": "side", "containerPort": 2]]],
            ])
        #expect(
            await ports(service, pod) == [
                "number 8083 TCP", "own 81 TCP", "side 2 TCP", "udp 8053 UDP", "z 8080 TCP", "zero 82 TCP",
            ])
    }

    @Test func `group the pods that have the same`() async {
        let service = service([["name": "web", "port": 80, "targetPort": "web"]])
        let pods = (0..<6).map { index in
            pod("p\(index)", [["ports": [["name": "web", "containerPort": .count(8000 + index % 2)]]]])
        }
        let plan = await SlicePlan(service: service, pods: pods, existing: [], trigger: nil) { _ in nil }
        #expect(plan.created.map { SlicePlan.ports($0).map(\.number) } == [[8000], [8001]])
        #expect(plan.created.map { $0.array("endpoints").count } == [3, 3])
        // What is there as it should be stays as it is.
        let again = await SlicePlan(service: service, pods: pods, existing: plan.created, trigger: nil) { _ in nil }
        #expect(again.isEmpty)
        let none = await SlicePlan(service: service, pods: [], existing: plan.created, trigger: nil) { _ in nil }
        #expect(none.updated.count == 1 && none.deleted.count == 1)
        #expect(none.updated[0].array("ports").isEmpty && none.updated[0].array("endpoints").isEmpty)
        let object = await EndpointsObject.make(service, pods, current: nil, trigger: nil)
        #expect(object.array("subsets").compactMap { $0["addresses"]?.array?.count } == [3, 3])
    }

    /// Names that nobody has, of pods with as many: each with each would be millions. How long it takes says nothing beside
    /// other tests: each turn given is one that has to be waited for.
    @Test func `are not looked for one by one`() async {
        let names = (0..<2_000).map { JSONValue.string("p\($0)") }
        let service = service(
            names.enumerated().map { index, name in
                ["name": name, "port": .count(index + 1), "targetPort": "absent"]
            })
        let containers: JSONValue = [
            "ports": .array(names.map { ["name": $0, "containerPort": 80] })
        ]
        let pods = ["a", "b"].map { pod($0, [containers]) }
        #expect(ServiceEndpoints.effort(service, pods) == 10_000)
        let plan = await SlicePlan(service: service, pods: pods, existing: [], trigger: nil) { _ in nil }
        #expect(plan.created.count == 1)
    }

    @Test func `are charged to their namespace, whether anything is written or not`() {
        let pace = EndpointPace()
        var looks = 0
        while pace.wait("a", now: 0) == nil, looks < 100 {
            pace.charge("a", effort: 100_000, now: 0)
            looks += 1
        }
        #expect((2...10).contains(looks))
        #expect(pace.wait("b", now: 0) == nil)
        // A thousand pods of a Service of five ports are nothing.
        let service = service((1...5).map { ["name": .string("p\($0)"), "port": .count($0)] })
        #expect(ServiceEndpoints.effort(service, (0..<1_000).map { pod("p\($0)", []) }) < 2_000)
    }

    @Test func `of the API server's own Service are nobody else's to say`() async throws {
        try await Cluster().run { cluster in
            let metadata: JSONValue = ["name": "kubernetes", "namespace": "default"]
            let spec: JSONValue = ["selector": ["app": "web"], "ports": [["port": 443]]]
            // Left from before.
            _ = try await cluster.client.create(
                Cluster.slices,
                [
                    "metadata": [
                        "name": "kubernetes-x", "namespace": "default",
                        "labels": [
                            SlicePlan.serviceName: "kubernetes", SlicePlan.managedBy: .string(SlicePlan.manager),
                        ],
                    ], "addressType": "IPv4", "endpoints": [], "ports": [],
                ])
            for name in ["kubernetes", "web"] {
                var own = metadata
                own["name"] = .string(name)
                _ = try await cluster.client.create(Cluster.services, ["metadata": own, "spec": spec])
            }
            _ = try await cluster.client.create(
                Cluster.endpoints,
                [
                    "metadata": metadata,
                    "subsets": [["addresses": [["ip": "10.42.0.9"]], "ports": [["port": 1]]]],
                ])
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 2))
            try await cluster.eventually("the other Service has endpoints") {
                try await cluster.list(Cluster.slices).contains {
                    $0.objectLabels[SlicePlan.serviceName] == "web" && $0.array("endpoints").count == 2
                }
            }
            try await cluster.eventually("what was made of the server's goes") {
                try await !cluster.list(Cluster.slices).contains {
                    $0.objectLabels[SlicePlan.serviceName] == "kubernetes"
                }
            }
            let endpoints = try await cluster.client.get(Cluster.endpoints, namespace: "default", name: "kubernetes")
            #expect(endpoints.array("subsets").count == 1)
            #expect(endpoints.objectLabels.isEmpty)
        }
    }
}

@Suite struct `What a change of another kind wakes` {
    private func node(_ extra: JSONObject = [:], proven: String = "", beat: Int = 0) -> DynamicObject {
        DynamicObject(json: [
            "metadata": [
                "name": "n", "labels": extra["labels"] ?? [:],
                "annotations": [ProvenAddresses.annotation: .string(proven)],
            ], "spec": ["taints": extra["taints"] ?? []],
            "status": ["conditions": [["lastHeartbeatTime": .count(beat)]]],
        ])
    }

    @Test func `is nothing where a node only says that it lives`() {
        let change = InformerChange.updated(old: node(beat: 1), new: node(beat: 2))
        #expect(!CertificateController.provesOtherwise(change))
        let moved = InformerChange.updated(old: node(), new: node(proven: "192.0.2.1"))
        #expect(CertificateController.provesOtherwise(moved) && CertificateController.provesOtherwise(.added(node())))
        #expect(DaemonPlacement.goes(by: node(beat: 1).json) == DaemonPlacement.goes(by: node(beat: 2).json))
        for other: JSONObject in [["labels": ["a": "b"]], ["taints": [["key": "a", "effect": "NoSchedule"]]]] {
            #expect(DaemonPlacement.goes(by: node(other).json) != DaemonPlacement.goes(by: node().json))
        }
    }

    @Test func `are of all signing requests those alone that wait for the node`() {
        func request(_ signer: String, _ status: JSONObject = [:]) -> JSONObject {
            [
                "metadata": ["name": "r"],
                "spec": ["signerName": .string("kubernetes.io/\(signer)"), "username": "system:node:n"],
                "status": .object(status),
            ]
        }
        #expect(CertificateController.waitsForNode(request("kubelet-serving")) == "system:node:n")
        #expect(CertificateController.waitsForNode(request("kube-apiserver-client-kubelet")) == nil)
        #expect(CertificateController.waitsForNode(request("kubelet-serving", ["certificate": "AA=="])) == nil)
        for verdict in ["Approved", "Denied", "Failed"] {
            let status: JSONObject = ["conditions": [["type": .string(verdict), "status": "True"]]]
            #expect(CertificateController.waitsForNode(request("kubelet-serving", status)) == nil)
        }
    }

    @Test func `is nobody where a pod without an owner keeps its labels`() {
        func pod(_ label: String, _ note: String) -> DynamicObject {
            DynamicObject(json: [
                "metadata": [
                    "name": "p", "labels": ["a": .string(label)], "annotations": ["b": .string(note)],
                ]
            ])
        }
        #expect(!InformerChange.updated(old: pod("1", "x"), new: pod("1", "y")).mayBeAdopted)
        #expect(InformerChange.updated(old: pod("1", "x"), new: pod("2", "x")).mayBeAdopted)
        #expect(InformerChange.added(pod("1", "x")).mayBeAdopted && !InformerChange.deleted(pod("1", "x")).mayBeAdopted)
        #expect(!DisruptionController.matters(pod("1", "x").json, pod("1", "y").json))
        #expect(DisruptionController.matters(pod("1", "x").json, pod("2", "x").json))
    }
}
