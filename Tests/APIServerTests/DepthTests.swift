// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Schema
import Store
import Testing

@testable import APIServer

/// Objects that nest deeper than readers go: none is stored, and one that was stored all the same stops nobody.
@Suite(.timeLimit(.minutes(2))) struct `Deep objects` {
    private static let services = "/api/v1/namespaces/default/services"
    private static let key = "/registry/core/configmaps/default/deep"
    private static let unsafe = "ignoreStoreReadErrorWithClusterBreakingPotential"

    /// `levels` objects in each other.
    private func nested(_ levels: Int, _ name: String = "f:a") -> JSONValue {
        (1..<levels).reduce([:]) { inner, _ in .object([name: inner]) }
    }

    /// Its managed fields make it `depth` deep.
    private func map(_ name: String, depth: Int) -> JSONValue {
        var object = configMap(name)
        object["metadata"]?["managedFields"] = [
            [
                "manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": nested(depth - 4),
            ]
        ]
        return object
    }

    @Test func `are refused in a create, an update, an apply and every patch, also as YAML`() async throws {
        let server = try await TestServer()
        #expect(map("a", depth: 500).depth == 500)
        for depth in [JSONDepth.stored + 1, JSONDepth.read, JSONDepth.read + 1, 5000] {
            let made = try await server.send("POST", maps, map("a", depth: depth))
            #expect((400..<500).contains(made.status), "\(depth): \(made.status)")
        }
        #expect(try await server.send("POST", "\(maps)?dryRun=All", map("a", depth: 500)).status == 422)
        let yaml =
            "metadata: {name: a, managedFields: [{manager: m, operation: Apply, apiVersion: v1, "
            + "fieldsType: FieldsV1, fieldsV1: " + String(repeating: "{\"f:a\": ", count: 490) + "{}"
            + String(repeating: "}", count: 490) + "}]}"
        let asYAML = try await server.send("POST", maps, bytes: Array(yaml.utf8), type: "application/yaml")
        #expect((400..<500).contains(asYAML.status))
        #expect(try await server.send("POST", maps, configMap("a")).status == 201)
        #expect(try await server.send("PUT", "\(maps)/a", map("a", depth: 500)).status == 422)
        for type in ["merge", "strategic-merge"] {
            let answer = try await server.send(
                "PATCH", "\(maps)/a", map("a", depth: 500), type: "application/\(type)-patch+json")
            #expect(answer.status == 422, "\(type): \(answer.status)")
        }
        let applied = try await server.send(
            "PATCH", "\(maps)/a?fieldManager=x", map("a", depth: 500), type: "application/apply-patch+yaml")
        #expect((400..<500).contains(applied.status))
        let read = try await server.send("GET", "\(maps)/a")
        #expect(read.status == 200 && read.json.depth < 20)
    }

    @Test func `as deep as they may be are read in lists, tables and watches`() async throws {
        let server = try await TestServer()
        #expect(try await server.send("POST", maps, map("a", depth: JSONDepth.stored)).status == 201)
        let list = try await server.send("GET", maps)
        #expect(list.json["items"]?.array?.contains { $0["metadata"]?["name"] == "a" } == true)
        let table = try await server.send(
            "GET", "\(maps)?includeObject=Object",
            headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])
        #expect(table.json["rows"]?.array?.isEmpty == false)
        #expect(try await server.watch("\(maps)?watch=true&fieldSelector=metadata.name%3Da", 1).count == 1)
        // Room is left for whoever writes their status or annotations.
        let noted = try await server.send(
            "PATCH", "\(maps)/a", ["metadata": ["annotations": ["a": "b"]]], type: "application/merge-patch+json")
        #expect(noted.status == 200)
    }

    @Test func `are never built by the operations of a JSON patch`() async throws {
        let server = try await TestServer()
        #expect(
            try await server.send(
                "POST", Self.services,
                [
                    "kind": "Service", "apiVersion": "v1", "metadata": ["name": "s"],
                    "spec": ["ports": [["port": 80]]],
                ]
            ).status == 201)
        let place = "/metadata/managedFields/0/fieldsV1"
        let below = place + String(repeating: "/f:a", count: 399) + "/f:c"
        let answer = try await server.send(
            "PATCH", "\(Self.services)/s",
            [
                ["op": "replace", "path": .string(place), "value": nested(400)],
                ["op": "add", "path": .string(below), "value": nested(400)],
            ], type: "application/json-patch+json")
        #expect(answer.status == 422)
        #expect(try await server.send("DELETE", "\(Self.services)/s").status == 200)
    }

    // MARK: Objects that are there

    /// A server that holds what nobody could read, beside what everybody can.
    private func damaged(_ bytes: [UInt8]) async throws -> TestServer {
        let server = try await TestServer()
        _ = try await server.server.core.store.create(Self.key, NewValue(bytes))
        #expect(try await server.send("POST", maps, configMap("fine")).status == 201)
        return server
    }

    private var tooDeep: [UInt8] { map("deep", depth: 600).encoded() }

    @Test func `that cannot be read are left out of lists and watches, and named`() async throws {
        for bytes in [tooDeep, Array("{\"kind\":\"ConfigMap\",".utf8), [0xFF, 0x00]] {
            let server = try await damaged(bytes)
            let list = try await server.send("GET", maps)
            let names = (list.json["items"]?.array ?? []).compactMap { $0["metadata"]?["name"]?.string }
            #expect(names.contains("fine") && !names.contains("deep"))
            #expect(list.headers["Warning"]?.contains(Self.key) == true)
            #expect(try await server.send("GET", "/api/v1/configmaps?labelSelector=a%3Db").status == 200)
            let events = try await server.watch("\(maps)?watch=true&fieldSelector=metadata.name%3Dfine", 1)
            #expect(events.first?["object"]?["metadata"]?["name"] == "fine")
            let read = try await server.send("GET", "\(maps)/deep")
            #expect(read.status == 500 && read.json["message"]?.string?.contains(Self.key) == true)
            #expect(try await server.send("DELETE", "\(maps)/deep").status == 500)
            #expect(try await server.send("DELETE", maps).status == 200)
        }
    }

    @Test func `that cannot be read are deleted by whoever may and says so`() async throws {
        let server = try await damaged(tooDeep)
        let forced = "\(maps)/deep?\(Self.unsafe)=true"
        let editor = RequestUser(name: "e", groups: [])
        try await server.send(
            "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "metadata": ["name": "e"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"],
                "subjects": [["kind": "User", "name": "e", "apiGroup": "rbac.authorization.k8s.io"]],
            ])
        #expect(try await server.send("DELETE", "\(maps)/fine", as: editor).status == 200)
        #expect(try await server.send("DELETE", forced, as: editor).status == 403)
        #expect(try await server.send("DELETE", forced + "&propagationPolicy=Orphan").status == 422)
        #expect(try await server.send("DELETE", "\(maps)?\(Self.unsafe)=true").status == 422)
        #expect(try await server.send("DELETE", forced).status == 200)
        #expect(try await server.send("GET", "\(maps)/deep").status == 404)
        // Of what can be read it is no way to pass finalizers by.
        #expect(try await server.send("POST", maps, configMap("whole")).status == 201)
        #expect(try await server.send("DELETE", "\(maps)/whole", [Self.unsafe: true]).status == 422)
    }

    @Test func `that cannot be read keep no server from starting`() async throws {
        let first = try await TestServer()
        let store = first.server.core.store
        for key in [
            "/registry/core/services/default/bad", "/registry/core/namespaces/bad", "/registry/core/pods/default/bad",
            "/registry/rbac.authorization.k8s.io/clusterrolebindings/bad",
            "/registry/rbac.authorization.k8s.io/clusterroles/bad",
            "/registry/apiextensions.k8s.io/customresourcedefinitions/bads.example.com",
            "/registry/core/resourcequotas/default/bad", "/registry/core/nodes/bad",
        ] {
            _ = try await store.create(key, NewValue(tooDeep))
        }
        // The server's own as well.
        for key in [
            "/registry/core/services/default/kubernetes", "/registry/rbac.authorization.k8s.io/clusterroles/view",
            "/registry/discovery.k8s.io/endpointslices/default/kubernetes",
        ] {
            guard let present = store.get(key) else { continue }
            _ = try await store.update(key, expected: present.revision, NewValue(tooDeep))
        }
        first.server.stop()
        let second = try await TestServer { $0.dataDirectory = first.directory }
        #expect(try await second.send("POST", maps, configMap("a")).status == 201)
        #expect(try await second.send("GET", "/api/v1/services").status == 200)
        second.server.stop()
    }
}
