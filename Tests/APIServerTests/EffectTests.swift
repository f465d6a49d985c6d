// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
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
