// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Store
import Testing

@testable import APIServer

/// Rights and pods that came into a namespace after it was emptied would be nobody's, and there when it is made again for
/// somebody else.
@Suite(.timeLimit(.minutes(1))) struct `What comes into a namespace that ends` {
    private static let namespace = "/api/v1/namespaces/off"

    private static func make(_ server: TestServer) async throws {
        let made = try await server.send(
            "POST", "/api/v1/namespaces", ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "off"]])
        try #require(made.status == 201)
    }

    private static func post(_ server: TestServer, _ number: Int) async throws -> Int {
        try await server.send(
            "POST", "\(namespace)/configmaps",
            ["kind": "ConfigMap", "apiVersion": "v1", "metadata": ["name": .string("c\(number)")]]
        ).status
    }

    private static func count(_ server: TestServer) async throws -> Int {
        try await server.send("GET", "\(namespace)/configmaps").json["items"]?.array?.count ?? -1
    }

    /// A quota has them wait for each other between the look at the namespace and the write.
    @Test func `comes before its end is told or not at all`() async throws {
        let server = try await TestServer()
        try await Self.make(server)
        let quota = try await server.send(
            "POST", "\(Self.namespace)/resourcequotas",
            [
                "kind": "ResourceQuota", "apiVersion": "v1", "metadata": ["name": "q"],
                "spec": ["hard": ["configmaps": "1000"]],
            ])
        try #require(quota.status == 201)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<60 { group.addTask { try await Self.post(server, number) } }
            // Some have come, and others wait.
            while try await Self.count(server) < 3 { try await Task.sleep(for: .milliseconds(1)) }
            let end = try await server.send("DELETE", Self.namespace)
            #expect(end.json["metadata"]?["deletionTimestamp"] != nil, "\(end.json)")
            let there = try await Self.count(server)
            var (made, refused) = (0, 0)
            for try await status in group { if status == 201 { made += 1 } else if status == 403 { refused += 1 } }
            #expect(try await Self.count(server) == there)
            #expect(made == there && made + refused == 60)
        }
    }

    @Test func `is not in another of its name`() async throws {
        let server = try await TestServer()
        let core = server.server.core
        try await Self.make(server)
        let user = RequestUser(name: "admin", groups: [Authorizer.masters])
        let admission = Admission(
            core: core, user: user, origin: .thisProcess, certificate: nil, dryRun: false, requestedName: "")
        let resource = try core.builtin("", "configmaps")
        let object = APIObject(["kind": "ConfigMap", "metadata": ["name": "c", "namespace": "off"]])
        let home = try #require(try admission.home(of: object, resource))
        let changed = try await server.send(
            "PATCH", Self.namespace, ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
        try #require(changed.status == 200)
        // One that has changed is the same.
        #expect(try admission.home(of: object, resource, as: home)?.created == home.created)
        #expect(try await core.storage.create(resource, object, in: home, by: .server) == nil)
        _ = try await core.store.delete(home.key, expected: nil)
        #expect(throws: APIError.self) { try admission.home(of: object, resource, as: home) }
        try await Self.make(server)
        #expect(throws: APIError.self) { try admission.home(of: object, resource, as: home) }
        #expect(try await core.storage.create(resource, object, in: home, by: .server) == nil)
        #expect(try await Self.count(server) == 0)
    }

    @Test func `comes into one that others change meanwhile`() async throws {
        let server = try await TestServer()
        try await Self.make(server)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask { try await Self.post(server, number) }
                group.addTask {
                    try await server.send(
                        "PATCH", Self.namespace, ["metadata": ["labels": ["a": .string("\(number)")]]],
                        type: "application/merge-patch+json"
                    ).status
                }
            }
            for try await status in group { #expect(status == 200 || status == 201) }
        }
        #expect(try await Self.count(server) == 40)
    }
}
