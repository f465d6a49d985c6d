// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Schema
import Testing

@testable import APIServer

@Suite struct `What a request comes to` {
    private static let jane = RequestUser(name: "jane", groups: ["system:authenticated"])
    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    private static let apply = "application/apply-patch+yaml"

    private static func lease(_ name: String) -> JSONValue {
        [
            "kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
            "metadata": ["name": .string(name), "namespace": "default"],
        ]
    }

    @Test func `asks for create where it creates, whatever the method`() async throws {
        let server = try await TestServer()
        try await server.grant(
            "changer", to: "jane",
            [rule("patch,update", "configmaps"), rule("patch,update", "leases", "coordination.k8s.io")], in: "default")
        for query in ["", "&dryRun=All"] {
            let applied = try await server.send(
                "PATCH", "\(maps)/new?fieldManager=m\(query)", configMap("new"), as: Self.jane, type: Self.apply)
            #expect(applied.status == 403)
            #expect(applied.json["message"]?.string?.contains("cannot create resource \"configmaps\"") == true)
            let put = try await server.send(
                "PUT", "\(Self.leases)/new?\(query)", Self.lease("new"), as: Self.jane)
            #expect(put.status == 403)
        }
        #expect(try await server.send("GET", "\(maps)/new").status == 404)
        #expect(try await server.send("GET", "\(Self.leases)/new").status == 404)

        // Of what is there, nothing more is asked.
        try await server.send("POST", maps, configMap("old"))
        try await server.send("POST", Self.leases, Self.lease("old"))
        let changed = try await server.send(
            "PATCH", "\(maps)/old?fieldManager=m&force=1", configMap("old", ["a": "c"]), as: Self.jane,
            type: Self.apply)
        #expect(changed.status == 200)
        #expect(try await server.send("PUT", "\(Self.leases)/old", Self.lease("old"), as: Self.jane).status == 200)

        // A right to create one object by its name is enough, where the path has the name, and for nothing else.
        try await server.grant(
            "maker", to: "jane", [rule("create", "configmaps", names: "new")], in: "default")
        for (name, status) in [("new", 201), ("newer", 403)] {
            let applied = try await server.send(
                "PATCH", "\(maps)/\(name)?fieldManager=m", configMap(name), as: Self.jane, type: Self.apply)
            #expect(applied.status == status)
        }
        #expect(try await server.send("POST", maps, configMap("newest"), as: Self.jane).status == 403)
        #expect(try await server.send("POST", "\(maps)/new", configMap("new"), as: Self.jane).status == 405)
        let generated: JSONValue = [
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": ["generateName": "new"],
        ]
        #expect(try await server.send("POST", maps, generated, as: Self.jane).status == 403)
    }

    @Test(arguments: ["exec", "attach", "portforward"])
    func `asks for create where it reaches into a container, also by GET`(_ subresource: String) async throws {
        let server = try await TestServer()
        try await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        let made = try await server.send("POST", pods, pod("p"))
        try #require(made.status == 201)
        let path = "\(pods)/p/\(subresource)?command=id&ports=1"
        try await server.grant("reader", to: "jane", [rule("get", "pods/\(subresource)")], in: "default")
        for method in ["GET", "POST", "HEAD"] {
            #expect(try await server.send(method, path, as: Self.jane).status == 403, "\(method)")
        }
        // Past the door the pod has no host yet.
        try await server.grant("user", to: "jane", [rule("get,create", "pods/\(subresource)")], in: "default")
        #expect(try await server.send("GET", path, as: Self.jane).status == 400)
        #expect(try await server.send("POST", path, as: Self.jane).status == 400)
        // As upstream has it, a GET asks for both.
        try await server.grant(
            "poster", to: "joe", [rule("create", "pods/\(subresource)")], in: "default")
        let joe = RequestUser(name: "joe", groups: ["system:authenticated"])
        #expect(try await server.send("GET", path, as: joe).status == 403)
        #expect(try await server.send("POST", path, as: joe).status == 400)
    }

    @Test func `is of one namespace where the kind has them, but for reading`() async throws {
        let server = try await TestServer()
        #expect(try await server.send("GET", "/api/v1/configmaps").status == 200)
        #expect(try await server.send("DELETE", "/api/v1/configmaps").status == 405)
        #expect(try await server.send("POST", "/api/v1/configmaps", configMap("a")).status == 405)
    }

    @Test func `is allowed by the permission for it alone`() async throws {
        let server = try await TestServer()
        let resource = try server.server.core.builtin("", "configmaps")
        let authorizer = Authorizer(core: server.server.core)
        func permission(
            _ verb: String, _ resource: String = "configmaps", _ subresource: String = "", namespace: String = "a",
            name: String = ""
        ) throws -> Permission {
            try authorizer.permit(
                AccessRequest(
                    user: TestServer.admin, verb: verb, resource: resource, subresource: subresource,
                    namespace: namespace, name: name))
        }
        let expected: [(verb: String, effects: Set<Effect>)] = [
            ("get", [.read]), ("list", [.read]), ("watch", [.read]), ("create", [.create]), ("update", [.update]),
            ("patch", [.update]), ("delete", [.delete]), ("deletecollection", [.delete]), ("impersonate", []),
        ]
        for (verb, effects) in expected {
            for effect in Effect.allCases {
                let allowed = try permission(verb).covers(effect, resource, namespace: "a", name: "x")
                #expect(allowed == effects.contains(effect), "\(verb) \(effect)")
                #expect(try !permission(verb, "secrets").covers(effect, resource, namespace: "a", name: "x"))
                #expect(try !permission(verb, namespace: "b").covers(effect, resource, namespace: "a", name: "x"))
                #expect(try !permission(verb, name: "y").covers(effect, resource, namespace: "a", name: "x"))
                #expect(
                    try !permission(verb, "configmaps", "exec").covers(effect, resource, namespace: "a", name: "x")
                        || (verb, effect) == ("create", .connect))
            }
        }
    }
}

private let account: JSONValue = ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]]

@Suite struct `What a write may change` {
    private static let metadata: Set<String> = ["labels", "annotations", "finalizers", "ownerReferences"]

    /// (No kind has all of these parts: `data` stands for what a kind has besides.) What upstream's strategies let the subresource change: `PrepareForUpdate` of pkg/registry/*/*/strategy.go. Of owner
    /// references less is allowed here.
    private static func upstream(_ resource: ResourceKind, _ subresource: String) -> Set<String> {
        switch (subresource, resource.plural) {
        case ("", "namespaces"), ("", "certificatesigningrequests"): metadata.union(["data"])
        case ("", _): metadata.union(["spec", "data"])
        case ("status", "servicecidrs"), ("status", "resourceclaims"), ("status", "volumeattachments"),
            ("status", "validatingadmissionpolicies"), ("status", "apiservices"), ("status", "flowschemas"),
            ("status", "prioritylevelconfigurations"):
            ["status"]
        case ("status", "deployments"): ["status", "annotations", "finalizers"]
        case ("status", "pods"): ["status", "labels", "annotations", "finalizers"]
        case ("status", _): metadata.union(["status"])
        case ("approval", _): metadata.union(["status", "data"])
        case ("finalize", _), ("ephemeralcontainers", _), ("resize", _): ["spec"]
        default: []
        }
    }

    private static func object(_ text: String) -> APIObject {
        let value = JSONValue.string(text)
        return APIObject([
            "metadata": [
                "name": "x", "labels": ["a": value], "annotations": ["a": value], "finalizers": [value],
                "ownerReferences": [["name": value]],
            ],
            "spec": [
                "a": value, "finalizers": [value], "ephemeralContainers": [["name": value]],
                "containers": [["name": "c", "image": value, "resources": ["limits": ["cpu": value]]]],
            ],
            "status": [
                "a": value, "certificate": value, "conditions": [["type": value, "status": "True"]],
                "qosClass": "Burstable",
            ],
            "data": ["a": value],
        ])
    }

    private static func changes(_ old: APIObject, _ new: APIObject) -> Set<String> {
        var changed = Set(["spec", "status", "data"].filter { old[$0] != new[$0] })
        for field in metadata where old.metadata[field] != new.metadata[field] { changed.insert(field) }
        return changed
    }

    @Test func `is at most what upstream's strategies leave to it`() async throws {
        let server = try await TestServer()
        let core = server.server.core
        var count = 0
        for resource in core.registry.resources where resource.isStored {
            let parts = ["status", "approval", "finalize", "ephemeralcontainers", "resize"]
            for subresource in [""] + parts where subresource.isEmpty || resource.subresource(subresource) != nil {
                let strategy = ObjectStrategy(core: core, resource: resource, user: TestServer.admin)
                let old = Self.object("old")
                var new = Self.object("new")
                try strategy.prepareForUpdate(&new, old: old, subresource: subresource)
                let allowed = Self.upstream(resource, subresource)
                let changed = Self.changes(old, new)
                // Kinds without a status subresource have no status to be protected.
                let hasStatus = resource.hasStatus || subresource == "approval"
                #expect(
                    changed.subtracting(hasStatus ? [] : ["status"]).isSubset(of: allowed),
                    "\(resource.plural)/\(subresource): \(changed)")
                count += 1
            }
        }
        #expect(count > 80)
    }

    @Test func `is of the spec what the subresource is for`() async throws {
        let server = try await TestServer()
        let core = server.server.core
        func changed(_ plural: String, _ subresource: String, group: String = "") throws -> [String] {
            let strategy = ObjectStrategy(
                core: core, resource: try core.builtin(group, plural), user: TestServer.admin)
            let old = Self.object("old")
            var new = Self.object("new")
            try strategy.prepareForUpdate(&new, old: old, subresource: subresource)
            let part = subresource == "approval" ? "status" : "spec"
            let (before, after) = (old[part]?.object ?? [:], new[part]?.object ?? [:])
            return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        }
        #expect(try changed("namespaces", "finalize") == ["finalizers"])
        #expect(try changed("pods", "ephemeralcontainers") == ["ephemeralContainers"])
        #expect(try changed("certificatesigningrequests", "approval", group: "certificates.k8s.io") == ["conditions"])
        let strategy = ObjectStrategy(core: core, resource: try core.builtin("", "pods"), user: TestServer.admin)
        var resized = Self.object("new")
        try strategy.prepareForUpdate(&resized, old: Self.object("old"), subresource: "resize")
        #expect(
            resized.spec["containers"] == [["name": "c", "image": "old", "resources": ["limits": ["cpu": "new"]]]])
        // Nothing says what an unknown one may change.
        #expect(throws: APIError.self) {
            var new = Self.object("new")
            try strategy.prepareForUpdate(&new, old: Self.object("old"), subresource: "other")
        }
    }

    @Test func `is not which object it is`() async throws {
        let server = try await TestServer()
        for name in ["a", "b"] { try await server.send("POST", maps, configMap(name)) }
        let merge = "application/merge-patch+json"
        func patch(_ metadata: JSONObject, _ type: String = merge) async throws -> Int {
            try await server.send("PATCH", "\(maps)/a", ["metadata": .object(metadata)], type: type).status
        }
        for type in [merge, "application/strategic-merge-patch+json"] {
            #expect(try await patch(["name": "b"], type) == 400)
            #expect(try await patch(["namespace": "kube-system"], type) == 400)
            #expect(try await patch(["uid": "0"], type) == 409)
        }
        for change: JSONObject in [
            ["kind": "Secret"], ["apiVersion": "v2"], ["kind": "Secret", "apiVersion": "foo/v9"],
        ] {
            let patched = try await server.send("PATCH", "\(maps)/a", .object(change), type: merge)
            #expect(patched.status == 400)
        }
        let bare = try await server.send("PATCH", "\(maps)/a", ["kind": .null, "apiVersion": .null], type: merge)
        #expect(bare.json["kind"] == "ConfigMap" && bare.json["apiVersion"] == "v1")
        var other = configMap("b")
        other["metadata"]?["namespace"] = "kube-system"
        #expect(try await server.send("PUT", "\(maps)/a", configMap("b")).status == 400)
        #expect(try await server.send("PUT", "\(maps)/b", other).status == 400)
        #expect(try await server.send("POST", maps, other).status == 400)
        let scale: JSONValue = [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": ["name": "b"], "spec": ["replicas": 1],
        ]
        let deployment: JSONValue = [
            "kind": "Deployment", "apiVersion": "apps/v1", "metadata": ["name": "a"],
            "spec": [
                "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                ],
            ],
        ]
        let path = "/apis/apps/v1/namespaces/default/deployments"
        try #require(try await server.send("POST", path, deployment).status == 201)
        #expect(try await server.send("PUT", "\(path)/a/scale", scale).status == 400)
        let binding: JSONValue = [
            "kind": "Binding", "apiVersion": "v1", "metadata": ["name": "b"], "target": ["kind": "Node", "name": "n"],
        ]
        #expect(try await server.send("POST", "\(pods)/a/binding", binding).status == 400)
    }

    @Test func `of a claim's allocation and devices asks for rights on both`() async throws {
        let server = try await TestServer()
        let group = "resource.k8s.io"
        let path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
        let made = try await server.send(
            "POST", path,
            [
                "kind": "ResourceClaim", "apiVersion": "resource.k8s.io/v1", "metadata": ["name": "c"],
                "spec": ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "k"]]]]],
            ])
        try #require(made.status == 201, "\(made.json)")
        let jane = RequestUser(name: "jane", groups: ["system:authenticated"])
        try await server.grant("status", to: "jane", [rule("patch", "resourceclaims/status", group)])
        func patch(_ status: JSONObject) async throws -> Int {
            try await server.send(
                "PATCH", "\(path)/c/status", ["status": .object(status)], as: jane, type: "application/merge-patch+json"
            ).status
        }
        let result: JSONValue = ["request": "r", "driver": "d.example.com", "pool": "p", "device": "x"]
        let allocation: JSONValue = ["devices": ["results": [result]]]
        let device: JSONValue = ["driver": "d.example.com", "pool": "p", "device": "x"]
        #expect(try await patch(["allocation": allocation]) == 422)
        try await server.grant("binding", to: "jane", [rule("patch", "resourceclaims/binding", group)])
        #expect(try await patch(["allocation": allocation]) == 200)
        #expect(try await patch(["devices": [device]]) == 422)
        try await server.grant(
            "driver", to: "jane",
            [rule("arbitrary-node:patch", "resourceclaims/driver", group, names: "other.example.com")])
        #expect(try await patch(["devices": [device]]) == 422)
        try await server.grant(
            "driver2", to: "jane",
            [rule("arbitrary-node:patch", "resourceclaims/driver", group, names: "d.example.com")]
        )
        #expect(try await patch(["devices": [device]]) == 200)
    }
}
