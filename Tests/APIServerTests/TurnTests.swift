// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import JSON
import Testing

@testable import APIServer

/// Nobody waits for what somebody else has much of: it is done at the workbench, and little is done at once.
@Suite(.timeLimit(.minutes(2))) struct `What takes long is done in turns` {
    /// How many pieces `body` comes to.
    private func pieces(_ server: TestServer, _ body: () async throws -> Void) async rethrows -> UInt64 {
        let before = server.server.core.workbench.begun
        try await body()
        return server.server.core.workbench.begun - before
    }

    private func text(_ size: Int) -> JSONValue { .string(String(repeating: "x", count: size)) }

    @Test func `watches are served in turns of their own, whoever else never ends`() async throws {
        let server = try await TestServer()
        #expect(try await server.send("POST", maps, configMap("m")).status == 201)
        let core = server.server.core
        let endless = ["a", "b"].flatMap { flow in
            [core.watchTurns, core.workbench].map { bench in
                bench.executor(for: flow).begin {
                    while !Task.isCancelled { await Task.yield() }
                }
            }
        }
        let begun = core.watchTurns.begun
        // As from another process: what a component of this one watches is done where the component is.
        var request = HTTPRequest(target: "\(maps)?watch=1")
        request.headers["Authorization"] = "Bearer \(try await token(server))"
        let response = await server.server.handle(request)
        guard case .stream(let stream) = response.body else {
            Issue.record("\(response.status)")
            return
        }
        var lines = LineReader()
        var events: [JSONValue] = []
        for number in 0..<3 {
            while events.count <= number, let chunk = try await stream.next() {
                events += try lines.take(chunk).map { try JSONValue.parse($0) }
            }
            let change = configMap("m", ["a": text(number * 40_000)])
            #expect(try await server.send("PUT", "\(maps)/m", change).status == 200)
        }
        #expect(events.compactMap { $0["type"]?.string } == ["ADDED", "MODIFIED", "MODIFIED"])
        #expect(core.watchTurns.begun > begun)
        for task in endless { task.cancel() }
        for task in endless { await task.value }
    }

    /// Of an account that may read config maps.
    private func token(_ server: TestServer) async throws -> String {
        let accounts = "/api/v1/namespaces/default/serviceaccounts"
        try await server.send(
            "POST", accounts, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "watcher"]])
        try await server.send(
            "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "watcher"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"],
                "subjects": [["kind": "ServiceAccount", "name": "watcher", "namespace": "default"]],
            ])
        let asked: JSONValue = ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": [:]]
        let answer = try await server.send("POST", "\(accounts)/watcher/token", asked)
        return try #require(answer.json["status"]?["token"]?.string)
    }

    @Test func `a write of much, and a small one to what is large; not one of little`() async throws {
        let server = try await TestServer()
        func expect(
            _ isApart: Bool, _ status: Int, _ what: String, _ send: () async throws -> TestServer.Answer
        ) async throws {
            var answer: TestServer.Answer?
            let count = try await pieces(server) { answer = try await send() }
            #expect(answer?.status == status, "\(what): \(String(describing: answer?.json))")
            #expect((count > 0) == isApart, "\(what): \(count) pieces")
        }
        let (small, large) = (configMap("small"), configMap("large", ["a": text(40_000)]))
        try await expect(false, 201, "small create") { try await server.send("POST", maps, small) }
        try await expect(true, 201, "large create") { try await server.send("POST", maps, large) }
        try await expect(false, 200, "small update") { try await server.send("PUT", "\(maps)/small", small) }
        try await expect(true, 200, "small update of what is large") {
            try await server.send("PUT", "\(maps)/large?dryRun=All", configMap("large"))
        }
        for type in ["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"] {
            let target = type.hasPrefix("apply") ? "?fieldManager=me&force=true" : ""
            let patch: JSONValue = [
                "kind": "ConfigMap", "apiVersion": "v1", "data": ["b": .string(type)],
            ]
            for (name, isApart) in [("small", false), ("large", true)] {
                try await expect(isApart, 200, "\(type) to what is \(name)") {
                    try await server.send(
                        "PATCH", "\(maps)/\(name)\(target)", patch, type: "application/\(type)")
                }
            }
        }
        let operations: [JSONValue] = (0..<200).map { ["op": "add", "path": "/data/c", "value": .string("\($0)")] }
        try await expect(true, 200, "many operations") {
            try await server.send(
                "PATCH", "\(maps)/small", .array(operations), type: "application/json-patch+json")
        }
        let yaml = Array(
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: y}\ndata: {a: \(String(repeating: "y", count: 20_000))}\n"
                .utf8)
        try await expect(true, 201, "YAML") {
            try await server.send("POST", maps, bytes: yaml, type: "application/yaml")
        }
        try await expect(true, 400, "what is no object") {
            try await server.send("POST", maps, bytes: Array(repeating: 0x5b, count: 20_000))
        }
        try await expect(false, 200, "small delete") { try await server.send("DELETE", "\(maps)/small") }
        try await expect(true, 200, "delete of what is large") { try await server.send("DELETE", "\(maps)/large") }
    }

    @Test func `a small request that looks at what is large`() async throws {
        let server = try await TestServer()
        let core = "/api/v1/namespaces/default"
        func make(
            _ path: String, _ kind: String, _ version: String, _ name: String, _ more: JSONObject = [:]
        ) async throws {
            var object: JSONObject = [
                "kind": .string(kind), "apiVersion": .string(version),
                "metadata": [
                    "name": .string(name),
                    "annotations": ["a": text(name == "large" ? 60_000 : 10)],
                ],
            ]
            for (key, value) in more { object[key] = value }
            let answer = try await server.send("POST", path, .object(object))
            #expect(answer.status == 201, "\(answer.json)")
        }
        func expect(
            _ isApart: Bool, _ status: Int, _ method: String, _ path: String, _ body: JSONValue? = nil
        ) async throws {
            var answer: TestServer.Answer?
            let count = try await pieces(server) { answer = try await server.send(method, path, body) }
            #expect(answer?.status == status, "\(method) \(path): \(String(describing: answer?.json))")
            #expect((count > 0) == isApart, "\(method) \(path): \(count) pieces")
        }
        let containers: JSONValue = ["containers": [["name": "c", "image": "i"]], "serviceAccountName": "small"]
        let template: JSONValue = [
            "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
        ]
        let deployments = "/apis/apps/v1/namespaces/default/deployments"
        try await make("\(core)/serviceaccounts", "ServiceAccount", "v1", "small")
        for name in ["small", "large"] {
            try await make(pods, "Pod", "v1", name, ["spec": containers])
            try await make("\(core)/services", "Service", "v1", name, ["spec": ["ports": [["port": 80]]]])
            try await make(
                deployments, "Deployment", "apps/v1", name,
                ["spec": ["selector": ["matchLabels": ["a": "b"]], "template": template]])
        }
        for (name, isApart) in [("small", false), ("large", true)] {
            try await expect(isApart, 200, "GET", "\(deployments)/\(name)/scale")
            try await expect(isApart, 200, "GET", "\(pods)/\(name)/log")
            try await expect(isApart, 400, "POST", "\(pods)/\(name)/exec?command=id")
            try await expect(isApart, 400, "POST", "\(pods)/\(name)/portforward")
            try await expect(isApart, 503, "GET", "\(pods)/\(name)/proxy/")
            // Its EndpointSlices may be any number.
            try await expect(true, 503, "GET", "\(core)/services/\(name)/proxy/")
            let asked: JSONValue = [
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                "spec": ["boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": .string(name)]],
            ]
            try await expect(isApart, 201, "POST", "\(core)/serviceaccounts/small/token", asked)
        }
        let new = pod("new", ["serviceAccountName": "small"])
        let claim: JSONValue = [
            "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": ["name": "c"],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1"]]],
        ]
        let eviction: JSONValue = ["kind": "Eviction", "apiVersion": "policy/v1", "metadata": ["name": "small"]]
        let claims = "\(core)/persistentvolumeclaims?dryRun=All"
        try await expect(false, 201, "POST", "\(pods)?dryRun=All", new)
        try await expect(false, 201, "POST", "\(pods)/small/eviction?dryRun=All", eviction)
        try await expect(false, 201, "POST", claims, claim)
        try await expect(false, 201, "POST", "\(maps)?dryRun=All", configMap("m"))
        try await make(
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets", "PodDisruptionBudget", "policy/v1", "large",
            ["spec": ["selector": ["matchLabels": ["a": "b"]], "minAvailable": 0]])
        try await expect(true, 201, "POST", "\(pods)/small/eviction?dryRun=All", eviction)
        try await expect(false, 201, "POST", "\(pods)?dryRun=All", new)
        try await make("\(core)/serviceaccounts", "ServiceAccount", "v1", "large")
        try await expect(true, 201, "POST", "\(pods)?dryRun=All", pod("new", ["serviceAccountName": "large"]))
        try await expect(false, 201, "POST", claims, claim)
        try await make("\(core)/limitranges", "LimitRange", "v1", "large", ["spec": ["limits": []]])
        try await expect(true, 201, "POST", claims, claim)
        try await expect(false, 201, "POST", "\(maps)?dryRun=All", configMap("m"))
        try await make("\(core)/resourcequotas", "ResourceQuota", "v1", "large", ["spec": ["hard": ["pods": "9"]]])
        try await expect(true, 201, "POST", "\(maps)?dryRun=All", configMap("m"))
    }

    @Test func `an account, read once for a request`() async throws {
        let server = try await TestServer()
        let stored = try #require(try server.server.core.stored("", "namespaces", name: "default"))
        let read = Admission.LastRead()
        #expect(try read.object(stored).name == "default" && read.object(stored).name == "default")
        #expect(read.count == 1)
    }

    @Test func `a deletion of many, and of few that are large`() async throws {
        let server = try await TestServer()
        for name in ["a", "b"] { _ = try await server.send("POST", maps, configMap(name, labels: ["size": "few"])) }
        #expect(try await pieces(server) { _ = try await server.send("DELETE", "\(maps)?labelSelector=size=few") } == 0)
        for number in 0..<10 { _ = try await server.send("POST", maps, configMap("m\(number)")) }
        var answer: TestServer.Answer?
        #expect(try await pieces(server) { answer = try await server.send("DELETE", maps) } > 0)
        #expect(answer?.json["items"]?.array?.count == 10)
        #expect(try await server.send("GET", maps).json["items"]?.array?.isEmpty == true)
    }

    @Test func `a list of the past, which nobody has read yet`() async throws {
        let server = try await TestServer()
        _ = try await server.send("POST", maps, configMap("one", ["a": text(40_000)]))
        let revision = try await server.send("GET", maps).json["metadata"]?["resourceVersion"]?.string ?? ""
        _ = try await server.send("PUT", "\(maps)/one", configMap("one"))
        let target = "\(maps)?resourceVersion=\(revision)&resourceVersionMatch=Exact"
        var answer: TestServer.Answer?
        #expect(try await pieces(server) { answer = try await server.send("GET", target) } > 0)
        #expect(answer?.json["items"]?[0]?["data"]?["a"] == text(40_000))
        #expect(try await pieces(server) { answer = try await server.send("GET", maps) } == 0)
    }

    @Test func `a right that is looked for in many rules, and what reviews of it find`() async throws {
        let server = try await TestServer()
        let rules: [JSONValue] = (0..<3_000).map { rule("get", "configmaps", names: "n\($0)") }
        try await server.grant("many", to: "jane", rules, in: "default")
        let jane = RequestUser(name: "jane")
        for (name, status) in [("n2999", 404), ("other", 403)] {
            var answer: TestServer.Answer?
            let count = try await pieces(server) {
                answer = try await server.send("GET", "\(maps)/\(name)", as: jane)
            }
            #expect(answer?.status == status && count > 0, "\(name): \(count) pieces")
        }
        let review: JSONValue = [
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "spec": [
                "resourceAttributes": [
                    "verb": "get", "resource": "configmaps", "name": "n2999", "namespace": "default",
                ]
            ],
        ]
        var answer: TestServer.Answer?
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        #expect(try await pieces(server) { answer = try await server.send("POST", reviews, review, as: jane) } > 0)
        #expect(answer?.json["status"]?["allowed"] == true)
        // One who is in no such role pays nothing for it.
        let joe = RequestUser(name: "joe")
        #expect(try await pieces(server) { answer = try await server.send("GET", "\(maps)/n0", as: joe) } == 0)
        #expect(answer?.status == 403)
    }

    @Test func `a document of discovery, made once`() async throws {
        let server = try await TestServer()
        for path in ["/openapi/v3", "/openapi/v2", "/apis", "/api/v1", "/openapi/v3/apis/apps/v1"] {
            var first: TestServer.Answer?
            let count = try await pieces(server) { first = try await server.send("GET", path) }
            #expect(first?.status == 200)
            // The index has made the others of its version.
            #expect(count > 0 || path == "/openapi/v3/apis/apps/v1", "\(path)")
            var second: TestServer.Answer?
            #expect(try await pieces(server) { second = try await server.send("GET", path) } == 0, "\(path)")
            #expect(second?.json == first?.json)
        }
    }

    @Test func `what a custom resource's schema asks of a little`() async throws {
        let server = try await TestServer()
        let definition: JSONValue = [
            "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
            "metadata": ["name": "things.example.com"],
            "spec": [
                "group": "example.com", "scope": "Namespaced",
                "names": ["plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"],
                "versions": [
                    [
                        "name": "v1", "served": true, "storage": true,
                        "schema": [
                            "openAPIV3Schema": [
                                "type": "object",
                                "properties": ["text": ["type": "string", "pattern": "^([a-z]{0,100}-){0,90}$"]],
                            ]
                        ],
                    ]
                ],
            ],
        ]
        let made = try await server.send(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        #expect(made.status == 201, "\(made.json)")
        let things = "/apis/example.com/v1/namespaces/default/things"
        for _ in 0..<400 where try await server.send("GET", things).status != 200 {
            try await Task.sleep(for: .milliseconds(10))
        }
        let thing: JSONValue = [
            "kind": "Thing", "apiVersion": "example.com/v1", "metadata": ["name": "one"],
            "text": .string(String(repeating: "abc-", count: 50)),
        ]
        var answer: TestServer.Answer?
        #expect(try await pieces(server) { answer = try await server.send("POST", things, thing) } > 0)
        #expect(answer?.status == 201, "\(String(describing: answer?.json))")
    }
}
