// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

/// One way in which an object comes to a node, and that it ends when the object that makes it goes, or changes.
private struct Edge: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var object: NodeGraph.Vertex
    /// Added to the specification of a pod on n1.
    var spec: JSONObject
    var status: JSONObject = [:]

    init(_ text: String, _ kind: NodeGraph.Kind, _ name: String, _ spec: JSONObject, status: JSONObject = [:]) {
        testDescription = text
        object = NodeGraph.Vertex(kind, namespace: "ns", name)
        self.spec = spec
        self.status = status
    }

    static func volume(
        _ field: String, _ source: JSONValue, _ kind: NodeGraph.Kind = .secret, _ name: String = "it"
    )
        -> Edge
    {
        Edge("volume \(field)", kind, name, ["volumes": [["name": "v", field: source]]])
    }

    static func projected(_ field: String, _ kind: NodeGraph.Kind) -> Edge {
        volume("projected", ["sources": [["serviceAccountToken": [:]], [field: ["name": "it"]]]], kind)
    }

    static func container(_ list: String, _ text: String, _ kind: NodeGraph.Kind, _ container: JSONValue) -> Edge {
        Edge("\(list) \(text)", kind, "it", [list: [["name": "other"], container]])
    }
}

private let reference: JSONValue = ["secretRef": ["name": "it"]]

private let edges: [Edge] =
    [
        Edge("pull secret", .secret, "it", ["imagePullSecrets": [["name": "other"], ["name": "it"]]]),
        .volume("secret", ["secretName": "it"]), .volume("azureFile", ["secretName": "it"]),
        .volume("cephfs", reference), .volume("cinder", reference), .volume("flexVolume", reference),
        .volume("rbd", reference), .volume("scaleIO", reference), .volume("iscsi", reference),
        .volume("storageos", reference), .volume("csi", ["driver": "d", "nodePublishSecretRef": ["name": "it"]]),
        .projected("secret", .secret), .volume("configMap", ["name": "it"], .configMap),
        .projected("configMap", .configMap),
        .volume("persistentVolumeClaim", ["claimName": "it"], .claim),
        .volume("ephemeral", ["volumeClaimTemplate": [:]], .claim, "p-v"),
        Edge("account", .account, "it", ["serviceAccountName": "it"]),
        Edge("account by its old name", .account, "it", ["serviceAccount": "it"]),
        Edge("resource claim", .resourceClaim, "it", ["resourceClaims": [["name": "r", "resourceClaimName": "it"]]]),
        Edge(
            "resource claim of a template", .resourceClaim, "it",
            ["resourceClaims": [["name": "r", "resourceClaimTemplateName": "t"]]],
            status: ["resourceClaimStatuses": [["name": "r", "resourceClaimName": "it"]]]),
        Edge(
            "extended resource claim", .resourceClaim, "it", [:],
            status: ["extendedResourceClaimStatus": ["resourceClaimName": "it"]]),
    ]
    + ["containers", "initContainers", "ephemeralContainers"].flatMap { list in
        [
            .container(
                list, "environment", .secret,
                ["env": [["name": "A"], ["name": "B", "valueFrom": ["secretKeyRef": ["name": "it", "key": "k"]]]]]),
            .container(list, "environment of all", .secret, ["envFrom": [["secretRef": ["name": "it"]]]]),
            .container(
                list, "environment", .configMap,
                ["env": [["name": "B", "valueFrom": ["configMapKeyRef": ["name": "it", "key": "k"]]]]]),
            .container(list, "environment of all", .configMap, ["envFrom": [["configMapRef": ["name": "it"]]]]),
        ]
    }

@Suite struct `The graph of nodes` {
    private func made(_ edge: Edge, node: String = "n1", annotations: JSONObject = [:]) -> APIObject {
        var pod = APIObject(["metadata": ["name": "p", "namespace": "ns"]])
        pod.spec = edge.spec
        if !node.isEmpty { pod["spec"]?["nodeName"] = .string(node) }
        pod.status = edge.status
        pod.annotations = annotations
        return pod
    }

    private let place = NodeGraph.Vertex(.pod, namespace: "ns", "p")

    @Test(arguments: edges) private func `leads by a pod to its node, until the pod goes`(_ edge: Edge) {
        var graph = NodeGraph()
        #expect(!graph.leads(edge.object, to: "n1"))
        graph.set(place, made(edge, node: ""))
        #expect(!graph.leads(edge.object, to: "n1") && !graph.leads(edge.object, to: ""))
        graph.set(place, made(edge))
        #expect(graph.leads(edge.object, to: "n1") && graph.leads(place, to: "n1"))
        #expect(!graph.leads(edge.object, to: "n2") && !graph.leads(place, to: "n2"))
        // The same names elsewhere, and other kinds of the same name.
        var foreign = edge.object
        foreign.namespace = "other"
        #expect(!graph.leads(foreign, to: "n1"))
        for kind in [NodeGraph.Kind.secret, .configMap, .account, .claim, .resourceClaim, .volume, .attachment, .slice]
        where kind != edge.object.kind {
            #expect(!graph.leads(NodeGraph.Vertex(kind, namespace: "ns", edge.object.name), to: "n1"))
        }
        graph.set(place, nil)
        #expect(!graph.leads(edge.object, to: "n1") && !graph.leads(place, to: "n1"))
    }

    @Test(arguments: edges) private func `does not lead by a mirror pod`(_ edge: Edge) {
        var graph = NodeGraph()
        graph.set(place, made(edge, annotations: ["kubernetes.io/config.mirror": "x"]))
        #expect(!graph.leads(edge.object, to: "n1") && graph.leads(place, to: "n1"))
        graph.set(place, made(edge))
        #expect(graph.leads(edge.object, to: "n1"))
        graph.set(place, made(edge, annotations: ["kubernetes.io/config.mirror": ""]))
        #expect(!graph.leads(edge.object, to: "n1"))
    }

    @Test(arguments: edges) private func `forgets a reference with the last pod that has it`(_ edge: Edge) {
        var graph = NodeGraph()
        // A claim named after its pod is that pod's alone.
        guard edge.object.name == "it" else { return }
        let second = NodeGraph.Vertex(.pod, namespace: "ns", "q")
        graph.set(place, made(edge))
        graph.set(second, made(edge))
        graph.set(place, nil)
        #expect(graph.leads(edge.object, to: "n1"))
        graph.set(second, made(edge, node: "n2"))
        #expect(!graph.leads(edge.object, to: "n1") && graph.leads(edge.object, to: "n2"))
        graph.set(second, APIObject(["spec": ["nodeName": "n2"]]))
        #expect(!graph.leads(edge.object, to: "n2"))
    }

    // MARK: Volumes

    private func volume(_ source: JSONObject, claim: String? = "v") -> APIObject {
        var volume = APIObject(["metadata": ["name": "pv"]])
        volume.spec = source
        if let claim { volume["spec"]?["claimRef"] = ["namespace": "ns", "name": .string(claim)] }
        return volume
    }

    @Test(arguments: [
        ("cephfs", "secretRef", true), ("flexVolume", "secretRef", true), ("rbd", "secretRef", true),
        ("scaleIO", "secretRef", true), ("iscsi", "secretRef", true), ("cinder", "secretRef", false),
        ("storageos", "secretRef", false), ("csi", "nodePublishSecretRef", false),
        ("csi", "nodeStageSecretRef", false), ("csi", "nodeExpandSecretRef", false),
    ])
    func `leads from a secret by a volume, its claim and a pod`(_ type: String, _ field: String, _ orClaims: Bool) {
        let claim = Edge.volume("persistentVolumeClaim", ["claimName": "v"], .claim)
        let (pv, secret) = (NodeGraph.Vertex(.volume, "pv"), NodeGraph.Vertex(.secret, namespace: "vault", "it"))
        let named = volume([type: [field: ["namespace": "vault", "name": "it"]]])
        var graph = NodeGraph()
        graph.set(pv, named)
        #expect(!graph.leads(secret, to: "n1") && !graph.leads(pv, to: "n1"))
        graph.set(place, made(claim))
        #expect(graph.leads(secret, to: "n1") && graph.leads(pv, to: "n1"))
        #expect(!graph.leads(secret, to: "n2") && !graph.leads(pv, to: "n2"))
        // Each link by itself.
        graph.set(place, nil)
        #expect(!graph.leads(secret, to: "n1") && !graph.leads(pv, to: "n1"))
        graph.set(place, made(claim))
        graph.set(pv, volume([type: [field: ["namespace": "vault", "name": "it"]]], claim: "another"))
        #expect(!graph.leads(secret, to: "n1") && !graph.leads(pv, to: "n1"))
        graph.set(pv, volume([type: [field: ["namespace": "vault", "name": "it"]]], claim: nil))
        #expect(!graph.leads(secret, to: "n1") && !graph.leads(pv, to: "n1"))
        graph.set(pv, volume([type: [:]]))
        #expect(!graph.leads(secret, to: "n1") && graph.leads(pv, to: "n1"))
        graph.set(pv, volume([type: [field: ["name": "it"]]]))
        #expect(graph.leads(NodeGraph.Vertex(.secret, namespace: "ns", "it"), to: "n1") == orClaims)
        graph.set(pv, nil)
        #expect(!graph.leads(NodeGraph.Vertex(.secret, namespace: "ns", "it"), to: "n1") && !graph.leads(pv, to: "n1"))
    }

    @Test func `knows where an Azure share's secret is, and keeps a driver's controller's from the node`() {
        let claim = Edge.volume("persistentVolumeClaim", ["claimName": "v"], .claim)
        let pv = NodeGraph.Vertex(.volume, "pv")
        var graph = NodeGraph()
        graph.set(place, made(claim))
        graph.set(pv, volume(["azureFile": ["secretName": "it"]]))
        #expect(graph.leads(NodeGraph.Vertex(.secret, namespace: "ns", "it"), to: "n1"))
        graph.set(pv, volume(["azureFile": ["secretName": "it", "secretNamespace": "vault"]]))
        #expect(graph.leads(NodeGraph.Vertex(.secret, namespace: "vault", "it"), to: "n1"))
        #expect(!graph.leads(NodeGraph.Vertex(.secret, namespace: "ns", "it"), to: "n1"))
        for field in ["controllerPublishSecretRef", "controllerExpandSecretRef"] {
            graph.set(pv, volume(["csi": [field: ["namespace": "vault", "name": "it"]]]))
            #expect(!graph.leads(NodeGraph.Vertex(.secret, namespace: "vault", "it"), to: "n1"))
        }
    }

    @Test(arguments: [NodeGraph.Kind.attachment, .slice])
    func `leads from attachments and slices to the node they name`(_ kind: NodeGraph.Kind) {
        let vertex = NodeGraph.Vertex(kind, "it")
        var graph = NodeGraph()
        graph.set(vertex, APIObject(["spec": ["nodeName": "n1"]]))
        #expect(graph.leads(vertex, to: "n1") && !graph.leads(vertex, to: "n2"))
        graph.set(vertex, APIObject(["spec": ["nodeName": "n2"]]))
        #expect(!graph.leads(vertex, to: "n1") && graph.leads(vertex, to: "n2"))
        graph.set(vertex, nil)
        #expect(!graph.leads(vertex, to: "n2"))
    }

    // MARK: The store

    @Test(.timeLimit(.minutes(1))) func `is as the store is at each question`() async throws {
        let server = try await TestServer()
        let node = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
        let account: JSONValue = ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]]
        try await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        func may(_ map: String) async throws -> Bool {
            // What may be read is not found; what may not, forbidden.
            try await server.send("GET", "\(maps)/\(map)", as: node).status == 404
        }
        func on(_ map: String) -> JSONObject {
            ["volumes": [["name": "c", "configMap": ["name": .string(map)]]], "terminationGracePeriodSeconds": 0]
        }
        #expect(try await !may("a"))
        #expect(try await server.send("POST", pods, pod("p", on("a"))).status == 201)
        #expect(try await !may("a"))
        let binding: JSONValue = [
            "kind": "Binding", "apiVersion": "v1", "metadata": ["name": "p"], "target": ["kind": "Node", "name": "n1"],
        ]
        #expect(try await server.send("POST", "\(pods)/p/binding", binding).status == 201)
        #expect(try await may("a"))
        let container: JSONValue = [
            "spec": [
                "ephemeralContainers": [["name": "e", "image": "i", "envFrom": [["configMapRef": ["name": "b"]]]]]
            ]
        ]
        #expect(try await !may("b"))
        let added = try await server.send(
            "PATCH", "\(pods)/p/ephemeralcontainers", container, type: "application/strategic-merge-patch+json")
        #expect(added.status == 200)
        #expect(try await may("b"))
        #expect(try await server.send("DELETE", "\(pods)/p").status == 200)
        #expect(try await !may("a"))
        #expect(try await !may("b"))
        // More changes than are remembered one by one.
        let core = server.server.core
        let resource = try core.builtin("", "pods")
        await withTaskGroup(of: Void.self) { group in
            for n in 0..<4_200 {
                group.addTask {
                    var stored = APIObject(pod("many-\(n)", on("m\(n)")).object ?? [:])
                    stored.namespace = "default"
                    stored["spec"]?["nodeName"] = "n1"
                    _ = try? await core.storage.create(resource, stored, in: nil, by: .server)
                }
            }
        }
        #expect(try await may("m0"))
        #expect(try await may("m4199"))
        #expect(try await server.send("DELETE", "\(pods)/many-4199").status == 200)
        #expect(try await may("m0"))
        #expect(try await !may("m4199"))
    }
}
