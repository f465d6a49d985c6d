// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Store
import Telemetry
import Testing

@testable import APIServer

/// What definitions name like something of the server's own.
@Suite(.timeLimit(.minutes(1))) struct `A definition in a group of the server's own` {
    private static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private static let classes = "/apis/networking.k8s.io/v1/ingressclasses"

    private func definition(
        _ plural: String, _ group: String, kind: String, scope: String = "Cluster", version: String = "v9",
        annotations: JSONObject = ["api-approved.kubernetes.io": "unapproved, a test"]
    ) -> JSONValue {
        [
            "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
            "metadata": ["name": .string("\(plural).\(group)"), "annotations": .object(annotations)],
            "spec": [
                "group": .string(group), "scope": .string(scope),
                "names": ["plural": .string(plural), "kind": .string(kind)],
                "versions": [
                    [
                        "name": .string(version), "served": true, "storage": true,
                        "schema": [
                            "openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
                        ],
                    ]
                ],
            ],
        ]
    }

    private func ingressClass(_ name: String) -> JSONValue {
        [
            "kind": "IngressClass", "apiVersion": "networking.k8s.io/v1", "metadata": ["name": .string(name)],
            "spec": ["controller": "example.com/c"],
        ]
    }

    private func eventually(_ what: () async throws -> Bool) async throws {
        while try await !what() { try await Task.sleep(for: .milliseconds(10)) }
    }

    private func condition(_ server: TestServer, _ name: String, _ type: String) async throws -> String? {
        let answer = try await server.send("GET", "\(Self.definitions)/\(name)")
        return answer.json["status"]?["conditions"]?.array?.first { $0["type"]?.string == type }?["status"]?.string
    }

    @Test func `needs the annotation of the project`() async throws {
        let server = try await TestServer()
        for group in ["networking.k8s.io", "x.kubernetes.io", "k8s.io.example.k8s.io"] {
            let refused = try await server.send(
                "POST", Self.definitions, definition("things", group, kind: "Thing", annotations: [:]))
            #expect(refused.status == 422, "\(group): \(refused.json)")
        }
        let free = definition("things", "k8s.io.example.com", kind: "Thing", annotations: [:])
        #expect(try await server.send("POST", Self.definitions, free).status == 201)
    }

    @Test(arguments: [("ingressclasses", "Other"), ("others", "IngressClass"), ("ingress", "Other")])
    func `gets no name of what is there, and shows and deletes nothing of it`(
        _ plural: String, _ kind: String
    ) async throws {
        let server = try await TestServer()
        #expect(try await server.send("POST", Self.classes, ingressClass("mine")).status == 201)
        let name = "\(plural).networking.k8s.io"
        #expect(
            try await server.send("POST", Self.definitions, definition(plural, "networking.k8s.io", kind: kind)).status
                == 201)
        try await eventually { try await condition(server, name, "NamesAccepted") == "False" }
        #expect(try await condition(server, name, "Established") == "False")
        #expect(try await server.send("GET", "/apis/networking.k8s.io/v9/\(plural)").status == 404)
        #expect(try await server.send("DELETE", "\(Self.definitions)/\(name)").status == 200)
        try await eventually { try await server.send("GET", "\(Self.definitions)/\(name)").status == 404 }
        #expect(try await server.send("GET", "\(Self.classes)/mine").status == 200)
    }

    @Test func `with names of its own is served beside them`() async throws {
        let server = try await TestServer()
        let name = "gateways.networking.k8s.io"
        let created = definition("gateways", "networking.k8s.io", kind: "Gateway")
        #expect(try await server.send("POST", Self.definitions, created).status == 201)
        try await eventually { try await condition(server, name, "Established") == "True" }
        let object: JSONValue = [
            "kind": "Gateway", "apiVersion": "networking.k8s.io/v9", "metadata": ["name": "g"],
        ]
        #expect(try await server.send("POST", "/apis/networking.k8s.io/v9/gateways", object).status == 201)
        let store = server.server.core.store
        #expect(store.get("/registry/custom/networking.k8s.io/gateways/g") != nil)
        #expect(store.count(prefix: "/registry/networking.k8s.io/gateways/") == 0)
    }

    @Test
    func `that an earlier version stored among the built-in ones is told apart, also after a start that was cut short`()
        async throws
    {
        let first = try await TestServer()
        var uids: [JSONValue?] = []
        #expect(try await first.send("POST", Self.classes, ingressClass("mine")).status == 201)
        let things = definition("things", "example.com", kind: "Thing", scope: "Namespaced", annotations: [:])
        #expect(try await first.send("POST", Self.definitions, things).status == 201)
        try await eventually { try await condition(first, "things.example.com", "Established") == "True" }
        let path = "/apis/example.com/v9/namespaces/default/things"
        for name in ["a", "b", "c"] {
            let object: JSONValue = [
                "kind": "Thing", "apiVersion": "example.com/v9", "metadata": ["name": .string(name)],
            ]
            let answer = try await first.send("POST", path, object)
            #expect(answer.status == 201)
            uids.append(answer.json["metadata"]?["uid"])
        }
        // A definition that shared the keys of ingress classes, as it could once.
        let shared = definition("ingressclasses", "networking.k8s.io", kind: "IngressClass")
        #expect(try await first.send("POST", Self.definitions, shared).status == 201)
        first.server.stop()
        do {
            let store = try SQLiteStore(directory: "\(first.directory)/db")
            // "c" was moved before the server was killed.
            for name in ["a", "b"] {
                try await store.move(
                    "/registry/custom/example.com/things/default/\(name)",
                    to: "/registry/example.com/things/default/\(name)")
            }
            let mixed = JSONValue.object([
                "kind": "IngressClass", "apiVersion": "networking.k8s.io/v9",
                "metadata": ["name": "theirs", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"],
            ])
            _ = try await store.create("/registry/networking.k8s.io/ingressclasses/theirs", NewValue(mixed.encoded()))
            store.close()
        }
        let second = try APIServer(
            APIServerConfiguration(dataDirectory: first.directory, advertiseAddress: "192.0.2.1"),
            logger: Logger(label: "test", level: .error))
        try await second.start()
        func get(_ path: String) async throws -> JSONValue {
            let response = try await second.exchange(as: TestServer.admin).send(HTTPRequest(target: path))
            return try JSONValue.parse(try await response.body.collect(limit: 1 << 20))
        }
        let list = try await get(path)
        #expect(list["items"]?.array?.map { $0["metadata"]?["uid"] } == uids)
        let classes = try await get(Self.classes)
        #expect(classes["items"]?.array?.compactMap { $0["metadata"]?["name"]?.string } == ["mine"])
        let store = second.core.store
        #expect(store.count(prefix: "/registry/example.com/") == 0)
        #expect(store.get("/registry/custom/networking.k8s.io/ingressclasses/theirs") != nil)
        second.stop()
    }
}
