// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Linux
import TLS
import Testing

@testable import APIServer

private let node = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
private let merge = "application/merge-patch+json"

@Suite(.timeLimit(.minutes(1))) struct `A node writes` {
    /// A server with the node n1; returns its uid too.
    static func server() async throws -> (TestServer, String) {
        let server = try await TestServer { $0.clusterRanges = ["10.42.0.0/16", "fd42::/48"] }
        let made = try await server.send(
            "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n1"]], as: node)
        try #require(made.status == 201)
        let account: JSONValue = ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]]
        try await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        return (server, made.json["metadata"]?["uid"]?.string ?? "")
    }

    /// That the server refuses, and why.
    static func expectRefusal(
        _ answer: TestServer.Answer, _ why: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let message = answer.json["message"]?.string ?? ""
        #expect(
            answer.status == 403 && message.contains(why), "\(answer.status) \(message)", sourceLocation: sourceLocation
        )
    }

    // MARK: Pods

    @Test func `of the pods on it the status, and of no others`() async throws {
        let (server, _) = try await Self.server()
        try await server.send("POST", pods, pod("mine", ["nodeName": "n1", "terminationGracePeriodSeconds": 0]))
        try await server.send("POST", pods, pod("foreign", ["nodeName": "n2", "terminationGracePeriodSeconds": 0]))
        func patch(_ target: String, _ body: JSONValue) async throws -> TestServer.Answer {
            try await server.send("PATCH", "\(pods)/\(target)", body, as: node, type: merge)
        }
        let running: JSONValue = ["status": ["phase": "Running"]]
        #expect(try await patch("mine/status", running).status == 200)
        let foreign = "can only update pod status for pods with spec.nodeName set to itself"
        Self.expectRefusal(try await patch("foreign/status", running), foreign)
        Self.expectRefusal(try await patch("foreign/status?dryRun=All", running), foreign)
        let apply: JSONValue = [
            "kind": "Pod", "apiVersion": "v1", "metadata": ["name": "foreign"], "status": ["phase": "Failed"],
        ]
        Self.expectRefusal(
            try await server.send(
                "PATCH", "\(pods)/foreign/status?fieldManager=f&force=true", apply, as: node,
                type: "application/apply-patch+yaml"), foreign)
        Self.expectRefusal(
            try await patch("mine/status", ["metadata": ["labels": ["app": "web"]]]),
            "node \"n1\" cannot update labels through pod status")
        Self.expectRefusal(
            try await patch(
                "mine/status", ["status": ["resourceClaimStatuses": [["name": "r", "resourceClaimName": "c"]]]]),
            "cannot update resource claim statues")
        Self.expectRefusal(
            try await patch(
                "mine/status",
                ["status": ["extendedResourceClaimStatus": ["resourceClaimName": "c", "requestMappings": []]]]),
            "cannot update extended resource claim status")
        let whole = try await server.send("GET", "\(pods)/mine").json
        #expect(try await server.send("PUT", "\(pods)/mine/status", whole, as: node).status == 200)
        // Neither by the authorizer nor, where a role should grant it, by admission.
        try await grantEverything(server)
        Self.expectRefusal(
            try await patch("mine", ["metadata": ["labels": ["a": "b"]]]), "can only create and delete mirror pods")
        Self.expectRefusal(try await server.send("PUT", "\(pods)/mine", whole, as: node), "unexpected operation")
        for subresource in ["ephemeralcontainers", "resize"] {
            Self.expectRefusal(
                try await patch("mine/\(subresource)", ["metadata": ["labels": ["a": "b"]]]),
                "unexpected pod subresource \"\(subresource)\", only 'status' and 'eviction' are allowed")
        }
        let binding: JSONValue = [
            "kind": "Binding", "apiVersion": "v1", "metadata": ["name": "free"], "target": ["name": "n1"],
        ]
        try await server.send("POST", pods, pod("free"))
        Self.expectRefusal(
            try await server.send("POST", "\(pods)/free/binding", binding, as: node), "unexpected pod subresource")
    }

    /// A role for all nodes, so that only admission is in the way.
    private func grantEverything(_ server: TestServer) async throws {
        let made = try await server.send(
            "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            [
                "kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "n"],
                "subjects": [["kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"]],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"],
            ])
        try #require(made.status == 201)
    }

    @Test func `the end of the pods on it, and of no others`() async throws {
        let (server, _) = try await Self.server()
        for (name, where_) in [("mine", "n1"), ("foreign", "n2"), ("evictable", "n1")] {
            let spec: JSONObject = ["nodeName": .string(where_), "terminationGracePeriodSeconds": 0]
            try await server.send("POST", pods, pod(name, spec))
        }
        try await server.send("POST", pods, pod("free"))
        func evict(_ name: String, _ query: String = "") async throws -> TestServer.Answer {
            try await server.send(
                "POST", "\(pods)/\(name)/eviction\(query)",
                ["kind": "Eviction", "apiVersion": "policy/v1", "metadata": ["name": .string(name)]], as: node)
        }
        for name in ["foreign", "free"] {
            Self.expectRefusal(
                try await server.send("DELETE", "\(pods)/\(name)", as: node),
                "node \"n1\" can only delete pods with spec.nodeName set to itself")
            Self.expectRefusal(try await evict(name), "node n1 can only evict pods with spec.nodeName set to itself")
            Self.expectRefusal(try await evict(name, "?dryRun=All"), "can only evict pods")
        }
        #expect(try await server.send("DELETE", pods, as: node).status == 403)
        #expect(try await server.send("DELETE", "\(pods)/mine", as: node).status == 200)
        #expect(try await evict("evictable").status == 201)
        #expect(try await server.send("DELETE", "\(pods)/mine", as: node).status == 404)
        try await grantEverything(server)
        Self.expectRefusal(try await server.send("DELETE", pods, as: node), "can only delete pods")
        #expect(try await server.send("GET", "\(pods)/foreign").status == 200)
    }

    // MARK: Nodes

    @Test func `its own Node, but nothing that decides about it`() async throws {
        let (server, uid) = try await Self.server()
        let nodes = "/api/v1/nodes"
        try await server.send("POST", nodes, ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n2"]])
        let foreign = "node \"n1\" is not allowed to modify node \"n2\""
        for path in ["n1", "n1/status"] {
            func patch(_ body: JSONValue) async throws -> TestServer.Answer {
                try await server.send("PATCH", "\(nodes)/\(path)", body, as: node, type: merge)
            }
            #expect(try await patch(["metadata": ["annotations": ["a": "b"], "labels": ["a": "b"]]]).status == 200)
            Self.expectRefusal(
                try await patch(["spec": ["taints": [["key": "k", "effect": "NoSchedule"]]]]),
                "node \"n1\" is not allowed to modify taints")
            Self.expectRefusal(try await patch(["spec": ["taints": nil]]), "is not allowed to modify taints")
            let owner: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1"]
            Self.expectRefusal(
                try await patch(["metadata": ["ownerReferences": [owner]]]),
                "node \"n1\" is not allowed to modify ownerReferences")
            let labels: JSONValue = ["metadata": ["labels": ["node-restriction.kubernetes.io/a": "b"]]]
            Self.expectRefusal(
                try await patch(labels), "is not allowed to modify labels: node-restriction.kubernetes.io/a")
            Self.expectRefusal(
                try await server.send(
                    "PATCH", "\(nodes)/\(path)?fieldManager=f&force=true",
                    [
                        "kind": "Node", "apiVersion": "v1",
                        "metadata": ["name": "n1", "labels": ["node-restriction.kubernetes.io/a": "b"]],
                    ], as: node, type: "application/apply-patch+yaml"),
                "is not allowed to modify labels: node-restriction.kubernetes.io/a")
            Self.expectRefusal(
                try await server.send("PATCH", "\(nodes)/\(path)?dryRun=All", labels, as: node, type: merge),
                "is not allowed to modify labels")
            Self.expectRefusal(
                try await patch([
                    "spec": ["configSource": ["configMap": ["name": "m", "namespace": "n", "kubeletConfigKey": "k"]]]
                ]),
                "is not allowed to update configSource to a new non-nil configSource")
            let other = path.replacing("n1", with: "n2")
            Self.expectRefusal(
                try await server.send(
                    "PATCH", "\(nodes)/\(other)", ["metadata": ["labels": ["a": "b"]]], as: node, type: merge),
                foreign)
        }
        var whole = try await server.send("GET", "\(nodes)/n1").json
        #expect(try await server.send("PUT", "\(nodes)/n1", whole, as: node).status == 200)
        whole = try await server.send("GET", "\(nodes)/n1").json
        whole["spec"]?["taints"] = nil
        Self.expectRefusal(try await server.send("PUT", "\(nodes)/n1", whole, as: node), "modify taints")
        Self.expectRefusal(try await server.send("PUT", "\(nodes)/n1/status", whole, as: node), "modify taints")
        // A label that an administrator has set may not go either.
        let guarded: JSONValue = ["metadata": ["labels": ["node-restriction.kubernetes.io/a": "b"]]]
        #expect(try await server.send("PATCH", "\(nodes)/n1", guarded, type: merge).status == 200)
        let without: JSONValue = ["metadata": ["labels": ["node-restriction.kubernetes.io/a": nil]]]
        Self.expectRefusal(
            try await server.send("PATCH", "\(nodes)/n1", without, as: node, type: merge),
            "is not allowed to modify labels")
        #expect(try await server.send("DELETE", "\(nodes)/n1", as: node).status == 403)
        try await grantEverything(server)
        Self.expectRefusal(try await server.send("DELETE", "\(nodes)/n2", as: node), foreign)
        #expect(try await server.send("GET", "\(nodes)/n1").json["metadata"]?["uid"]?.string == uid)
    }

    @Test func `a new Node of its own name, without labels that are not its own to set`() async throws {
        let server = try await TestServer()
        func make(_ name: String, _ metadata: JSONObject, _ spec: JSONObject = [:]) async throws -> TestServer.Answer {
            var metadata = metadata
            metadata["name"] = .string(name)
            return try await server.send(
                "POST", "/api/v1/nodes",
                ["kind": "Node", "apiVersion": "v1", "metadata": .object(metadata), "spec": .object(spec)], as: node)
        }
        Self.expectRefusal(try await make("n2", [:]), "node \"n1\" is not allowed to modify node \"n2\"")
        Self.expectRefusal(
            try await make("n1", ["labels": ["a.k8s.io/b": "c", "node-restriction.kubernetes.io/x": "y"]]),
            "node \"n1\" is not allowed to set the following labels: a.k8s.io/b, node-restriction.kubernetes.io/x")
        Self.expectRefusal(
            try await make(
                "n1", [:], ["configSource": ["configMap": ["name": "m", "namespace": "n", "kubeletConfigKey": "k"]]]),
            "is not allowed to create pods with a non-nil configSource")
        let taints: JSONObject = ["taints": [["key": "k", "effect": "NoSchedule"]]]
        #expect(try await make("n1", ["labels": ["kubernetes.io/hostname": "n1", "a": "b"]], taints).status == 201)
        let lost = RequestUser(name: "system:node:", groups: ["system:nodes"])
        #expect(try await server.send("POST", "/api/v1/nodes", nil, as: lost).status == 403)
        try await grantEverything(server)
        Self.expectRefusal(
            try await server.send(
                "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n9"]], as: lost),
            "could not determine node from user \"system:node:\"")
    }

    @Test(arguments: [
        ("app", true), ("example.com/app", true), ("kubernetes.io/hostname", true), ("kubernetes.io/os", true),
        ("kubernetes.io/arch", true), ("topology.kubernetes.io/zone", true), ("topology.kubernetes.io/region", true),
        ("failure-domain.beta.kubernetes.io/zone", true), ("failure-domain.beta.kubernetes.io/region", true),
        ("beta.kubernetes.io/instance-type", true), ("node.kubernetes.io/instance-type", true),
        ("beta.kubernetes.io/os", true), ("beta.kubernetes.io/arch", true), ("kubelet.kubernetes.io/x", true),
        ("a.kubelet.kubernetes.io/x", true), ("node.kubernetes.io/x", true), ("a.node.kubernetes.io/x", true),
        ("node-restriction.kubernetes.io/x", false), ("a.node-restriction.kubernetes.io/x", false),
        ("kubernetes.io/x", false), ("k8s.io/x", false), ("a.kubernetes.io/x", false), ("a.k8s.io/x", false),
        ("node-role.kubernetes.io/control-plane", false), ("topology.kubernetes.io/rack", false),
        ("xkubernetes.io/x", true), ("xk8s.io/x", true), ("xnode.kubernetes.io/x", false), ("kubernetes.io", true),
        ("node-restriction.kubernetes.io", true),
    ])
    func `of labels those that upstream lets it`(_ label: String, _ isAllowed: Bool) {
        #expect(KubeletLabels.forbidden([label]).isEmpty == isAllowed)
    }

    // MARK: The rest

    @Test func `of a claim's status what an expansion comes to`() async throws {
        let (server, _) = try await Self.server()
        let claims = "/api/v1/namespaces/default/persistentvolumeclaims"
        for name in ["used", "unused"] {
            try await server.send(
                "POST", claims,
                [
                    "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": ["name": .string(name)],
                    "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                ])
        }
        let volumes: JSONValue = [["name": "v", "persistentVolumeClaim": ["claimName": "used"]]]
        try await server.send("POST", pods, pod("p", ["nodeName": "n1", "volumes": volumes]))
        func patch(_ target: String, _ body: JSONValue) async throws -> TestServer.Answer {
            try await server.send("PATCH", "\(claims)/\(target)", body, as: node, type: merge)
        }
        let size: JSONValue = [
            "status": ["capacity": ["storage": "2Gi"], "conditions": [["type": "Resizing", "status": "True"]]]
        ]
        #expect(try await patch("used/status", size).status == 200)
        #expect(try await patch("unused/status", size).status == 403)
        let only = "is not allowed to update fields other than status.quantity and status.conditions"
        for body: JSONValue in [
            ["status": ["phase": "Lost"]], ["metadata": ["labels": ["a": "b"]]], ["metadata": ["finalizers": nil]],
            ["metadata": ["annotations": ["a": "b"]]], ["spec": ["volumeName": "pv"]],
            ["metadata": ["ownerReferences": [["apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "1"]]]],
        ] {
            Self.expectRefusal(try await patch("used/status", body), only)
        }
        try await grantEverything(server)
        Self.expectRefusal(try await patch("used", ["metadata": ["labels": ["a": "b"]]]), "may only update PVC status")
        Self.expectRefusal(try await server.send("DELETE", "\(claims)/used", as: node), "may only update PVC status")
    }

    @Test func `objects of its own name, and slices of its own devices`() async throws {
        let (server, _) = try await Self.server()
        try await grantEverything(server)
        func lease(_ name: String, _ namespace: String) async throws -> TestServer.Answer {
            try await server.send(
                "POST", "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases",
                [
                    "kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": ["name": .string(name)],
                    "spec": [:],
                ],
                as: node)
        }
        #expect(try await lease("n1", "kube-node-lease").status == 201)
        Self.expectRefusal(
            try await lease("n2", "kube-node-lease"),
            "can only access node lease with the same name as the requesting node")
        Self.expectRefusal(
            try await lease("n1", "default"), "can only access leases in the \"kube-node-lease\" system namespace")
        let put = try await server.send(
            "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2",
            ["kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": ["name": "n2"], "spec": [:]], as: node
        )
        Self.expectRefusal(put, "can only access node lease with the same name")

        func csiNode(_ name: String) async throws -> TestServer.Answer {
            try await server.send(
                "POST", "/apis/storage.k8s.io/v1/csinodes",
                [
                    "kind": "CSINode", "apiVersion": "storage.k8s.io/v1", "metadata": ["name": .string(name)],
                    "spec": ["drivers": []],
                ], as: node)
        }
        #expect(try await csiNode("n1").status == 201)
        Self.expectRefusal(try await csiNode("n2"), "can only access CSINode with the same name as the requesting node")

        let slices = "/apis/resource.k8s.io/v1/resourceslices"
        func slice(_ name: String, _ where_: String, as user: RequestUser) async throws -> TestServer.Answer {
            try await server.send(
                "POST", slices,
                [
                    "kind": "ResourceSlice", "apiVersion": "resource.k8s.io/v1", "metadata": ["name": .string(name)],
                    "spec": [
                        "driver": "d.example.com", "nodeName": .string(where_),
                        "pool": ["name": "p", "generation": 1, "resourceSliceCount": 1],
                    ],
                ], as: user)
        }
        #expect(try await slice("mine", "n1", as: node).status == 201)
        #expect(try await slice("foreign", "n2", as: TestServer.admin).status == 201)
        Self.expectRefusal(
            try await slice("x", "n2", as: node),
            "can only create ResourceSlice with the same NodeName as the requesting node")
        Self.expectRefusal(
            try await server.send("DELETE", "\(slices)/foreign", as: node),
            "can only delete ResourceSlice with the same NodeName as the requesting node")
        Self.expectRefusal(try await server.send("DELETE", slices, as: node), "can only delete ResourceSlice")
        let moved = try await server.send(
            "PATCH", "\(slices)/mine", ["spec": ["nodeName": "n2"]], as: node, type: merge)
        #expect(moved.status == 403 || moved.status == 422 || moved.status == 404)
    }

    @Test func `requests for certificates of its own name`() async throws {
        let (server, _) = try await Self.server()
        let key = try PrivateKey(generate: .ecdsaP256)
        func ask(_ commonName: String, _ signer: String) async throws -> TestServer.Answer {
            let request = try CertificateRequest(
                key: key, commonName: commonName, organizations: ["system:nodes"], names: AlternativeNames())
            return try await server.send(
                "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
                [
                    "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1",
                    "metadata": ["generateName": "csr-"],
                    "spec": [
                        "request": .string(Base64.encode(try request.pem())), "signerName": .string(signer),
                        "usages": ["client auth"],
                    ],
                ], as: node)
        }
        for signer in ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"] {
            #expect(try await ask("system:node:n1", signer).status == 201)
            for name in ["system:node:n2", "system:node:N1", "system:kube-proxy", "admin"] {
                Self.expectRefusal(try await ask(name, signer), "can only create a node CSR with CN=system:node:n1")
            }
        }
    }
}
