// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import JSON
import Synchronization
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Quotas` {
    private let quotas = "/api/v1/namespaces/default/resourcequotas"

    private func server(_ hard: JSONObject, _ extra: JSONObject = [:]) async throws -> TestServer {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        var spec: JSONObject = ["hard": .object(hard)]
        for (key, value) in extra { spec[key] = value }
        let made = try await server.send(
            "POST", quotas,
            [
                "kind": "ResourceQuota", "apiVersion": "v1", "metadata": ["name": "q"], "spec": .object(spec),
            ])
        #expect(made.status == 201)
        return server
    }

    private func used(_ server: TestServer) async throws -> JSONValue? {
        try await server.send("GET", "\(quotas)/q").json["status"]?["used"]
    }

    private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<400 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("did not happen: \(what)")
    }

    private func sized(_ name: String, cpu: String) -> JSONValue {
        pod(
            name,
            ["containers": [["name": "c", "image": "busybox:1", "resources": ["requests": ["cpu": .string(cpu)]]]]])
    }

    @Test func `a pod beyond the quota is refused as upstream words it, and room comes back`() async throws {
        let server = try await server(["pods": "2", "requests.cpu": "1"])
        #expect(try await server.send("POST", pods, sized("a", cpu: "600m")).status == 201)
        #expect(try await used(server) == ["pods": "1", "requests.cpu": "600m"])
        let refused = try await server.send("POST", pods, sized("b", cpu: "500m"))
        #expect(refused.status == 403 && refused.json["reason"] == "Forbidden")
        #expect(
            refused.json["message"]?.string
                == #"pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1"#
        )
        #expect(try await used(server) == ["pods": "1", "requests.cpu": "600m"])
        let trial = try await server.send("POST", pods + "?dryRun=All", sized("b", cpu: "500m"))
        #expect(trial.status == 403)
        try await server.send("DELETE", "\(pods)/a", ["gracePeriodSeconds": 0])
        try await eventually("its room comes back") { try await used(server)?["pods"] == "0" }
        #expect(try await server.send("POST", pods, sized("b", cpu: "500m")).status == 201)
    }

    @Test func `a pod says what the quota counts`() async throws {
        let server = try await server(["limits.memory": "1Gi", "requests.cpu": "1"])
        let refused = try await server.send("POST", pods, pod("p"))
        #expect(
            refused.json["message"]?.string
                == #"pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c"#)
    }

    @Test func `a write that is refused takes back what was counted for it, and counts nothing else`() async throws {
        let server = try await server(["pods": "5", "requests.cpu": "2", "configmaps": "3"])
        #expect(try await server.send("POST", pods, sized("a", cpu: "600m")).status == 201)
        let before: JSONValue = ["pods": "1", "requests.cpu": "600m", "configmaps": "0"]
        #expect(try await used(server) == before)
        func counts() -> Int { server.server.core.quotas.countsByWrites.load(ordering: .relaxed) }
        let done = counts()
        #expect(try await server.send("POST", pods, sized("a", cpu: "600m")).status == 409)
        var stale = sized("a", cpu: "700m")
        stale["metadata"] = ["name": "a", "resourceVersion": "1"]
        #expect(try await server.send("PUT", "\(pods)/a", stale).status == 409)
        let patch: JSONValue = ["metadata": ["uid": "00000000-0000-0000-0000-000000000000"]]
        let patched = try await server.send("PATCH", "\(pods)/a", patch, type: "application/merge-patch+json")
        #expect(patched.status == 409, "\(patched.json)")
        #expect(try await server.send("PUT", "\(pods)/none", sized("none", cpu: "1")).status == 404)
        #expect(counts() == done)
        // Too large to be stored, which is found out after it was counted.
        let value = JSONValue.string(String(repeating: "x", count: 1_700_000))
        let resources: JSONValue = ["requests": ["cpu": "100m"]]
        let huge = pod(
            "huge",
            [
                "containers": [
                    [
                        "name": "c", "image": "busybox:1", "resources": resources,
                        "env": [["name": "A", "value": value]],
                    ]
                ]
            ])
        let refused = try await server.send("POST", pods, huge)
        #expect((400..<500).contains(refused.status), "\(refused.status)")
        #expect(try await used(server) == before)
    }

    @Test func `many creates at once never exceed the quota, and one that fails uses nothing`() async throws {
        let server = try await server(["count/configmaps": "5", "configmaps": "10"])
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<20 {
                group.addTask { try await server.send("POST", maps, configMap("m\(index)")).status }
            }
            return try await group.reduce(0) { $0 + ($1 == 201 ? 1 : 0) }
        }
        #expect(made == 5)
        let kept = try await server.send("GET", maps).json["items"]?.array ?? []
        #expect(kept.count == 5)
        let name = kept.first?["metadata"]?["name"]?.string ?? ""
        try await server.send("DELETE", "\(maps)/\(name)")
        try await eventually("one goes") { try await used(server)?["count/configmaps"] == "4" }
        let other = kept.last?["metadata"]?["name"]?.string ?? ""
        #expect(try await server.send("POST", maps, configMap(other)).status == 409)
        #expect(try await used(server)?["count/configmaps"] == "4")
    }

    @Test func `a namespace that is long in being counted keeps no other`() async throws {
        let server = try await server(["configmaps": "5"])
        let namespace: JSONValue = ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "other"]]
        #expect(try await server.send("POST", "/api/v1/namespaces", namespace).status == 201)
        let other = "/api/v1/namespaces/other"
        let quota: JSONValue = [
            "kind": "ResourceQuota", "apiVersion": "v1", "metadata": ["name": "q"],
            "spec": ["hard": ["configmaps": "5"]],
        ]
        #expect(try await server.send("POST", "\(other)/resourcequotas", quota).status == 201)
        for path in [maps, "\(other)/configmaps"] {
            #expect(try await server.send("POST", path, configMap("m")).status == 201)
        }
        let (held, end) = (Waiter(), Waiter())
        let quotas = server.server.core.quotas
        let holder = Task {
            try await quotas.locked("other") { () async throws(APIError) in
                held.wake()
                await end.wait()
            }
        }
        await held.wait()
        try await server.send("DELETE", "\(other)/configmaps/m")
        try await server.send("DELETE", "\(maps)/m")
        try await eventually("it is counted") { try await used(server)?["configmaps"] == "0" }
        func usedThere() async throws -> JSONValue? {
            try await server.send("GET", "\(other)/resourcequotas/q").json["status"]?["used"]?["configmaps"]
        }
        #expect(try await usedThere() == "1")
        end.wake()
        try await holder.value
        try await eventually("the other is counted too") { try await usedThere() == "0" }
    }

    @Test func `a finished pod gives its room back, and scopes choose what is counted`() async throws {
        let server = try await server(["pods": "1"], ["scopes": ["BestEffort"]])
        #expect(try await server.send("POST", pods, sized("big", cpu: "1")).status == 201)
        #expect(try await server.send("POST", pods, pod("a")).status == 201)
        #expect(try await server.send("POST", pods, pod("b")).status == 403)
        let type = "application/merge-patch+json"
        try await server.send("PATCH", "\(pods)/a/status", ["status": ["phase": "Succeeded"]], type: type)
        try await eventually("it counts no more") { try await used(server)?["pods"] == "0" }
        #expect(try await server.send("POST", pods, pod("b")).status == 201)
    }

    @Test func `a service that grows is counted, a quota made later counts what is there`() async throws {
        let server = try await TestServer()
        let path = "/api/v1/namespaces/default/services"
        let service: JSONValue = [
            "kind": "Service", "apiVersion": "v1", "metadata": ["name": "s"],
            "spec": ["type": "NodePort", "ports": [["port": 80, "name": "a"]]],
        ]
        try await server.send("POST", path, service)
        try await server.send(
            "POST", quotas,
            [
                "kind": "ResourceQuota", "apiVersion": "v1", "metadata": ["name": "q"],
                "spec": ["hard": ["services.nodeports": "1", "count/deployments.apps": "0"]],
            ])
        try await eventually("the quota is counted") {
            try await used(server) == ["count/deployments.apps": "0", "services.nodeports": "1"]
        }
        let patch: JSONValue = ["spec": ["ports": [["port": 81, "name": "b"]]]]
        let refused = try await server.send(
            "PATCH", "\(path)/s", patch, type: "application/strategic-merge-patch+json")
        #expect(refused.status == 403)
        #expect(
            refused.json["message"]?.string?.hasSuffix(
                "exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1"
            ) == true)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `What is stored only` {
    @Test func `a network policy is answered with a warning`() async throws {
        let server = try await TestServer()
        let made = try await server.send(
            "POST", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
            [
                "kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": ["name": "none"],
                "spec": ["podSelector": [:]],
            ])
        #expect(made.status == 201)
        #expect(
            made.headers["Warning"]?.hasPrefix(
                #"299 - "this server stores the NetworkPolicy but does not act on it yet: "#) == true)
    }

    @Test func `wishes that come to nothing are answered with a warning, and others are not`() async throws {
        let server = try await TestServer()
        func warning(_ kind: String, _ plural: String, _ spec: JSONValue) async throws -> String? {
            let object: JSONValue = [
                "kind": .string(kind), "apiVersion": "v1", "metadata": ["generateName": "a"], "spec": spec,
            ]
            let answer = try await server.send("POST", "/api/v1/namespaces/default/\(plural)", object)
            #expect(answer.status == 201, "\(kind): \(answer.json)")
            return answer.headers["Warning"]
        }
        let claim: JSONValue = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
        var bound = claim
        bound["volumeName"] = "v"
        #expect(
            try await warning("PersistentVolumeClaim", "persistentvolumeclaims", claim)?.contains("Pending") == true)
        #expect(try await warning("PersistentVolumeClaim", "persistentvolumeclaims", bound) == nil)
        var balanced: JSONValue = ["type": "LoadBalancer", "ports": [["port": 80]]]
        #expect(try await warning("Service", "services", balanced)?.contains("no load balancers") == true)
        balanced["loadBalancerClass"] = "example.com/b"
        #expect(try await warning("Service", "services", balanced) == nil)
        #expect(try await warning("Service", "services", ["ports": [["port": 80]]]) == nil)
        let devices: JSONValue = ["hard": ["gold.deviceclass.resource.k8s.io/devices": "1"]]
        let counted: JSONValue = ["hard": ["pods": "100"]]
        #expect(try await warning("ResourceQuota", "resourcequotas", devices)?.contains("not counted") == true)
        #expect(try await warning("ResourceQuota", "resourcequotas", counted) == nil)
        func pod(_ limits: JSONValue) -> JSONValue {
            ["containers": [["name": "c", "image": "i", "resources": ["limits": limits, "requests": limits]]]]
        }
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        let measured = "spec.containers[0].resources.limits[ephemeral-storage]"
        #expect(try await warning("Pod", "pods", pod(["ephemeral-storage": "1Gi"]))?.contains(measured) == true)
        #expect(try await warning("Pod", "pods", pod(["memory": "1Gi"])) == nil)
    }

    @Test func `only what asks for more than is done is warned of`() async throws {
        let server = try await TestServer()
        let plain = try await server.send("POST", maps, configMap("m"))
        #expect(plain.status == 201 && plain.headers["Warning"] == nil)
        let labels: JSONValue = [
            "metadata": ["labels": ["pod-security.kubernetes.io/enforce": "restricted"]]
        ]
        let patched = try await server.send(
            "PATCH", "/api/v1/namespaces/default", labels, type: "application/merge-patch+json")
        #expect(patched.headers["Warning"]?.contains("Pod Security Standards") == true)
        let untouched = try await server.send("GET", "/api/v1/namespaces/default")
        #expect(untouched.headers["Warning"] == nil)
    }

    @Test func `confinement that a pod asks for and does not get is warned of`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        let wishful: JSONObject = [
            "hostUsers": false, "securityContext": ["appArmorProfile": ["type": "RuntimeDefault"]],
        ]
        let made = try await server.send("POST", pods, pod("p", wishful))
        #expect(made.status == 201)
        let warnings = made.headers.all("Warning")
        #expect(warnings.count == 2 && warnings[0].contains("hostUsers") && warnings[1].contains("appArmorProfile"))
        let plain = try await server.send("POST", pods, pod("plain"))
        #expect(plain.status == 201 && plain.headers.all("Warning").isEmpty)
    }

    @Test func `a pod waits for its namespace's account`() async throws {
        let server = try await TestServer()
        async let made = server.send("POST", pods, pod("p"))
        try await Task.sleep(for: .milliseconds(50))
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        #expect(try await made.status == 201)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `What a node may do` {
    private func allowed(
        _ server: TestServer, _ verb: String, _ group: String, _ resource: String, _ subresource: String
    ) async throws -> Bool {
        let answer = try await server.send(
            "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            [
                "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "spec": [
                    "user": "system:node:n1", "groups": ["system:nodes", "system:authenticated"],
                    "resourceAttributes": [
                        "verb": .string(verb), "group": .string(group), "resource": .string(resource),
                        "subresource": .string(subresource), "namespace": "default", "name": "x",
                    ],
                ],
            ])
        return answer.json["status"]?["allowed"]?.bool == true
    }

    @Test(arguments: [
        ("create", "", "pods", ""), ("patch", "", "pods", "status"), ("create", "", "pods", "eviction"),
        ("patch", "", "nodes", "status"), ("create", "certificates.k8s.io", "certificatesigningrequests", ""),
        ("create", "certificates.k8s.io", "certificatesigningrequests", "selfnodeclient"),
    ])
    func `its own work is allowed`(_ verb: String, _ group: String, _ resource: String, _ part: String) async throws {
        #expect(try await allowed(TestServer(), verb, group, resource, part))
    }

    @Test(arguments: [
        ("create", "", "pods", "exec"), ("create", "", "pods", "binding"), ("get", "", "pods", "log"),
        ("get", "", "nodes", "proxy"), ("create", "", "nodes", "proxy"), ("patch", "", "pods", ""),
        ("create", "certificates.k8s.io", "certificatesigningrequests", "nodeclient"),
        ("update", "certificates.k8s.io", "certificatesigningrequests", "approval"),
    ])
    func `a right on a kind is none on its subresources`(
        _ verb: String, _ group: String, _ resource: String, _ part: String
    ) async throws {
        #expect(try await !allowed(TestServer(), verb, group, resource, part))
    }
}
