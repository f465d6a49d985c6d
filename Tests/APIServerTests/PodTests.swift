// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Pods and services` {
    private func account(_ server: TestServer) async throws {
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
    }

    @Test func `a pod needs its account and gets its token, priority and tolerations`() async throws {
        let server = try await TestServer()
        let refused = try await server.send("POST", pods, pod("p"))
        #expect(refused.status == 403)
        #expect(
            refused.json["message"]?.string
                == #"pods "p" is forbidden: error looking up service account default/default: serviceaccount "default" not found"#
        )
        try await account(server)
        let made = try await server.send("POST", pods, pod("p"))
        #expect(made.status == 201)
        let spec = made.json["spec"]
        #expect(spec?["serviceAccountName"] == "default" && spec?["priority"] == 0)
        #expect(spec?["tolerations"]?.array?.count == 2)
        #expect(spec?["volumes"]?[0]?["projected"]?["sources"]?.array?.count == 3)
        #expect(made.json["status"]?["phase"] == "Pending" && made.json["status"]?["qosClass"] == "BestEffort")
        #expect(made.json["metadata"]?["generation"] == 1)
    }

    @Test func `a pod is bound once, and deleted with grace`() async throws {
        let server = try await TestServer()
        try await account(server)
        try await server.send("POST", pods, pod("p"))
        let binding: JSONValue = [
            "kind": "Binding", "apiVersion": "v1", "metadata": ["name": "p"],
            "target": ["kind": "Node", "name": "n1"],
        ]
        let bound = try await server.send("POST", "\(pods)/p/binding", binding)
        #expect(bound.status == 201)
        let again = try await server.send("POST", "\(pods)/p/binding", binding)
        #expect(again.status == 409)
        let read = try await server.send("GET", pods + "?fieldSelector=spec.nodeName%3Dn1")
        #expect(read.json["items"]?[0]?["status"]?["conditions"]?[0]?["type"] == "PodScheduled")
        let marked = try await server.send("DELETE", "\(pods)/p")
        #expect(marked.json["metadata"]?["deletionGracePeriodSeconds"] == 30)
        let ended = try await server.send("DELETE", "\(pods)/p", ["gracePeriodSeconds": 0])
        #expect(ended.status == 200)
        #expect(try await server.send("GET", "\(pods)/p").status == 404)
    }

    @Test func `status and spec are written apart`() async throws {
        let server = try await TestServer()
        try await account(server)
        try await server.send("POST", pods, pod("p"))
        let status: JSONValue = ["status": ["phase": "Running"], "spec": ["nodeName": "n1"]]
        let type = "application/merge-patch+json"
        let patched = try await server.send("PATCH", "\(pods)/p/status", status, type: type)
        #expect(patched.json["status"]?["phase"] == "Running" && patched.json["spec"]?["nodeName"] == nil)
        #expect(patched.json["metadata"]?["generation"] == 1)
    }

    @Test func `a service gets an address and ports, and gives them back`() async throws {
        let server = try await TestServer()
        let path = "/api/v1/namespaces/default/services"
        let service: JSONValue = [
            "kind": "Service", "apiVersion": "v1", "metadata": ["name": "s"],
            "spec": ["type": "NodePort", "selector": ["a": "b"], "ports": [["port": 80]], "clusterIP": "10.43.0.77"],
        ]
        let made = try await server.send("POST", path, service)
        #expect(made.status == 201)
        #expect(made.json["spec"]?["clusterIPs"] == ["10.43.0.77"])
        #expect((30_000...32_767).contains(made.json["spec"]?["ports"]?[0]?["nodePort"]?.integer ?? 0))
        var other = service
        other["metadata"] = ["name": "t"]
        let taken = try await server.send("POST", path, other)
        #expect(taken.status == 422)
        #expect(taken.json["message"]?.string?.contains("provided IP is already allocated") == true)
        try await server.send("DELETE", "\(path)/s")
        let free = try await server.send("POST", path, other)
        #expect(free.status == 201)
        let own = try await server.send("GET", path + "/kubernetes")
        #expect(own.json["spec"]?["clusterIP"] == "10.43.0.1")
    }

    @Test func `a service that changes its type loses what the new one cannot have`() async throws {
        let server = try await TestServer()
        let path = "/api/v1/namespaces/default/services"
        let service: JSONValue = [
            "kind": "Service", "apiVersion": "v1", "metadata": ["name": "s"],
            "spec": ["type": "NodePort", "selector": ["a": "b"], "ports": [["port": 80]]],
        ]
        let made = try await server.send("POST", path, service)
        let port = made.json["spec"]?["ports"]?[0]?["nodePort"]
        let type = "application/merge-patch+json"
        var named = made.json
        named["spec"]?["type"] = "ExternalName"
        named["spec"]?["externalName"] = "example.com"
        let external = try await server.send("PUT", "\(path)/s", named)
        #expect(external.status == 200)
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "externalTrafficPolicy"] {
            #expect(external.json["spec"]?[field] == nil, "\(field)")
        }
        #expect(external.json["spec"]?["ports"]?[0]?["nodePort"] == nil)
        // The port it had is free for another.
        var other = service
        other["metadata"] = ["name": "t"]
        other["spec"]?["ports"] = [["port": 80, "nodePort": port ?? .null]]
        #expect(try await server.send("POST", path, other).status == 201)
        // What the author changed along with the type is not dropped but refused.
        let wrong = try await server.send(
            "PATCH", "\(path)/t", ["spec": ["type": "ClusterIP", "externalTrafficPolicy": "Local"]], type: type)
        #expect(wrong.status == 422)
    }

    @Test func `an eviction asks the disruption budget`() async throws {
        let server = try await TestServer()
        try await account(server)
        var labelled = pod("p", ["nodeName": "n1"])
        labelled["metadata"]?["labels"] = ["app": "x"]
        try await server.send("POST", pods, labelled)
        let running: JSONValue = [
            "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
        ]
        try await server.send("PATCH", "\(pods)/p/status", running, type: "application/merge-patch+json")
        let budget: JSONValue = [
            "kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": ["name": "b"],
            "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "x"]]],
        ]
        let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        #expect(try await server.send("POST", budgets, budget).status == 201)
        let eviction: JSONValue = ["kind": "Eviction", "apiVersion": "policy/v1", "metadata": ["name": "p"]]
        let refused = try await server.send("POST", "\(pods)/p/eviction", eviction)
        #expect(refused.status == 429)
        #expect(refused.json["details"]?["causes"]?[0]?["reason"] == "DisruptionBudget")
        let counted: JSONValue = [
            "status": [
                "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2,
                "observedGeneration": 1,
            ]
        ]
        try await server.send("PATCH", "\(budgets)/b/status", counted, type: "application/merge-patch+json")
        let allowed = try await server.send("POST", "\(pods)/p/eviction", eviction)
        #expect(allowed.status == 201)
        let left = try await server.send("GET", "\(budgets)/b")
        #expect(left.json["status"]?["disruptionsAllowed"] == 0)
    }

    @Test func `a deployment is scaled, and its generation counts changes of its spec`() async throws {
        let server = try await TestServer()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        let deployment: JSONValue = [
            "kind": "Deployment", "apiVersion": "apps/v1", "metadata": ["name": "d"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                ],
            ],
        ]
        let made = try await server.send("POST", path, deployment)
        #expect(made.status == 201 && made.json["metadata"]?["generation"] == 1)
        let scale = try await server.send("GET", "\(path)/d/scale")
        #expect(scale.json["status"]?["selector"] == "a=b" && scale.json["spec"]?["replicas"] == 1)
        let patched = try await server.send(
            "PATCH", "\(path)/d/scale", ["spec": ["replicas": 3]], type: "application/merge-patch+json")
        #expect(patched.json["spec"]?["replicas"] == 3)
        let read = try await server.send("GET", "\(path)/d")
        #expect(read.json["spec"]?["replicas"] == 3 && read.json["metadata"]?["generation"] == 2)
        let label = try await server.send(
            "PATCH", "\(path)/d", ["metadata": ["labels": ["x": "y"]]], type: "application/merge-patch+json")
        #expect(label.json["metadata"]?["generation"] == 2)
    }

    @Test func `a scale that is applied takes no number that another owns`() async throws {
        let server = try await TestServer()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        let apply = "application/apply-patch+yaml"
        let deployment: JSONValue = [
            "kind": "Deployment", "apiVersion": "apps/v1", "metadata": ["name": "d"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                ],
            ],
        ]
        #expect(
            try await server.send("PATCH", "\(path)/d?fieldManager=owner", deployment, type: apply).status == 201)
        func scale(_ count: Int64?, _ query: String) async throws -> (status: Int, message: String) {
            var object: JSONValue = ["kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": ["name": "d"]]
            object["spec"] = .object(count.map { ["replicas": .integer($0)] } ?? [:])
            let answer = try await server.send("PATCH", "\(path)/d/scale?\(query)", object, type: apply)
            return (answer.status, answer.json["message"]?.string ?? "")
        }
        func replicas() async throws -> JSONValue? {
            try await server.send("GET", "\(path)/d").json["spec"]?["replicas"]
        }
        #expect(try await scale(3, "").status == 422)
        let refused = try await scale(3, "fieldManager=scaler")
        #expect(refused.status == 409 && refused.message.contains(".spec.replicas"), "\(refused.message)")
        #expect(try await replicas() == 1)
        // The same number is both's; by force it is his.
        #expect(try await scale(1, "fieldManager=scaler").status == 200)
        #expect(try await scale(3, "fieldManager=scaler&force=true").status == 200)
        #expect(try await replicas() == 3)
        let read = try await server.send("GET", "\(path)/d")
        let again = try await scale(3, "fieldManager=scaler")
        #expect(again.status == 200)
        #expect(
            try await server.send("GET", "\(path)/d").json["metadata"]?["resourceVersion"]
                == read.json["metadata"]?["resourceVersion"])
        let taken = try await server.send("PATCH", "\(path)/d?fieldManager=owner", deployment, type: apply)
        #expect(taken.status == 409)
    }

    @Test func `a scale that is applied without a number leaves the number, and names what it scales`() async throws {
        let server = try await TestServer()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        let apply = "application/apply-patch+yaml"
        try await server.send(
            "POST", path,
            [
                "metadata": ["name": "d"],
                "spec": [
                    "replicas": 2, "selector": ["matchLabels": ["a": "b"]],
                    "template": [
                        "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                    ],
                ],
            ])
        func scale(_ body: JSONValue, _ query: String = "", type: String = apply) async throws -> Int {
            try await server.send("PATCH", "\(path)/d/scale?fieldManager=scaler\(query)", body, type: type).status
        }
        func replicas() async throws -> JSONValue? {
            try await server.send("GET", "\(path)/d").json["spec"]?["replicas"]
        }
        func body(_ more: JSONObject) -> JSONValue {
            var object: JSONObject = ["kind": "Scale", "apiVersion": "autoscaling/v1"]
            for (key, value) in more { object[key] = value }
            return .object(object)
        }
        #expect(try await scale(body(["metadata": ["name": "d"]])) == 200)
        #expect(try await scale(body(["spec": [:]])) == 200)
        #expect(try await scale(body(["spec": ["replicas": .null]])) == 200)
        #expect(try await replicas() == 2)
        for (refused, status) in [
            ([1], 400), (body(["spec": [1]]), 400), (body(["spec": ["replicas": "3"]]), 400),
            (body(["metadata": ["name": "other"], "spec": ["replicas": 3]]), 400),
            (body(["metadata": ["name": "d", "namespace": "other"], "spec": ["replicas": 3]]), 400),
            (body(["metadata": ["uid": "x"], "spec": ["replicas": 3]]), 409),
            (["kind": "Deployment", "spec": ["replicas": 3]], 400),
        ] as [(JSONValue, Int)] {
            #expect(try await scale(refused, "&force=true") == status, "\(refused)")
        }
        #expect(try await scale(["spec": ["replicas": 3]], type: "application/json") == 415)
        #expect(try await replicas() == 2)
        // 0 is a number, and what is given up stays as it is.
        #expect(try await scale(body(["spec": ["replicas": 0]]), "&force=true") == 200)
        #expect(try await replicas() == 0)
        #expect(try await scale(body(["spec": ["replicas": 4]])) == 200)
        #expect(try await scale(body(["metadata": ["name": "d"]])) == 200)
        #expect(try await replicas() == 4)
        let owners = try await server.send("GET", "\(path)/d").json["metadata"]?["managedFields"]?.array ?? []
        #expect(!owners.contains { $0["manager"] == "scaler" }, "\(owners)")
    }

    @Test func `a namespace is finalized before it goes`() async throws {
        let server = try await TestServer()
        let body: JSONValue = ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "x"]]
        try await server.send("POST", "/api/v1/namespaces", body)
        let marked = try await server.send("DELETE", "/api/v1/namespaces/x")
        #expect(marked.json["status"]?["phase"] == "Terminating")
        let refused = try await server.send("POST", "/api/v1/namespaces/x/configmaps", configMap("m"))
        #expect(refused.status == 403)
        #expect(refused.json["details"]?["causes"]?[0]?["reason"] == "NamespaceTerminating")
        var object = marked.json
        object["spec"] = ["finalizers": []]
        let done = try await server.send("PUT", "/api/v1/namespaces/x/finalize", object)
        #expect(done.status == 200)
        #expect(try await server.send("GET", "/api/v1/namespaces/x").status == 404)
        #expect(try await server.send("DELETE", "/api/v1/namespaces/default").status == 403)
    }
}
