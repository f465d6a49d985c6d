// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Store
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `A watch` {
    private static let namespace = "/api/v1/namespaces/default"
    private static let bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"

    private static func bind(_ server: TestServer) async throws {
        let made = try await server.send(
            "POST", bindings,
            [
                "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "looks"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"],
                "subjects": [["kind": "ServiceAccount", "name": "robot", "namespace": "default"]],
            ])
        try #require(made.status == 201, "\(made.json)")
    }

    private static func make(_ server: TestServer, _ name: String) async throws {
        let made = try await server.send(
            "POST", "\(namespace)/configmaps",
            ["kind": "ConfigMap", "apiVersion": "v1", "metadata": ["name": .string(name)]])
        try #require(made.status == 201)
    }

    private static func next(_ stream: HTTPBodyStream) async throws -> [JSONValue] {
        guard let bytes = try await stream.next() else { return [] }
        return try bytes.split(separator: 0x0a).map { try JSONValue.parse(Array($0)) }
    }

    @Test func `ends when its right is taken away`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "\(Self.namespace)/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        try await Self.bind(server)
        let issued = try await server.send(
            "POST", "\(Self.namespace)/serviceaccounts/robot/token",
            ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": ["expirationSeconds": 600]])
        let token = try #require(issued.json["status"]?["token"]?.string, "\(issued.json)")
        let revision = server.server.core.store.currentRevision
        let response = await server.server.handle(
            HTTPRequest(
                target: "\(Self.namespace)/configmaps?watch=1&resourceVersion=\(revision)",
                headers: ["Authorization": "Bearer \(token)"]))
        guard case .stream(let stream) = response.body else {
            Issue.record("answered \(response.status), and not by a stream")
            return
        }
        func name(_ event: JSONValue?) -> String? { event?["object"]?["metadata"]?["name"]?.string }
        try await Self.make(server, "a")
        #expect(name(try await Self.next(stream).first) == "a")
        // Other bindings come and go, and the watch goes on.
        try await server.send("DELETE", "\(Self.bindings)/looks")
        try await Self.bind(server)
        try await Task.sleep(for: .seconds(2.1))
        try await Self.make(server, "b")
        #expect(name(try await Self.next(stream).first) == "b")
        try await server.send("DELETE", "\(Self.bindings)/looks")
        try await Task.sleep(for: .seconds(2.1))
        try await Self.make(server, "c")
        let last = try await Self.next(stream)
        #expect(last.first?["type"] == "ERROR" && last.first?["object"]?["code"] == 403, "\(last)")
        #expect(try await stream.next() == nil)
    }
}
