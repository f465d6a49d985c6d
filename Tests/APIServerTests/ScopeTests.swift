// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `A right in a namespace` {
    /// Somebody may do everything in the namespace `own`.
    private func server() async throws -> TestServer {
        let server = try await TestServer()
        for name in ["own", "other"] {
            let made = try await server.send(
                "POST", "/api/v1/namespaces",
                ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": .string(name)]])
            try #require(made.status == 201)
        }
        try await server.grant("everything-here", to: "owner", [rule("*", "*", "*")], in: "own")
        return server
    }

    @Test func `reaches no other namespace and nothing of the cluster by its path`() async throws {
        let server = try await server()
        let owner = RequestUser(name: "owner", groups: ["system:authenticated"])
        #expect(try await server.send("GET", "/api/v1/namespaces/own", as: owner).status == 200)
        for place in [
            "/api/v1/namespaces/own/", "/apis/\(roleGroup)/v1/namespaces/own/", "/api/v1/watch/namespaces/own/",
        ] {
            for target in [
                "namespaces/other", "namespaces/kube-system", "namespaces", "namespaces/other/status",
                "namespaces/other/finalize", "nodes", "persistentvolumes/x", "clusterroles/cluster-admin",
                "clusterrolebindings",
            ] {
                for (method, body) in [
                    ("GET", nil), ("DELETE", nil), ("PUT", JSONValue.object([:])), ("POST", .object([:])),
                    ("PATCH", .object(["metadata": ["labels": ["a": "b"]]])),
                ] as [(String, JSONValue?)] {
                    let answer = try await server.send(
                        method, place + target, body, as: owner,
                        type: method == "PATCH" ? "application/merge-patch+json" : "application/json")
                    #expect([403, 404, 405].contains(answer.status), "\(method) \(place)\(target): \(answer.status)")
                }
            }
        }
        let other = try await server.send("GET", "/api/v1/namespaces/other")
        #expect(other.status == 200 && other.json["metadata"]?["deletionTimestamp"] == nil)
        #expect(other.json["metadata"]?["labels"]?["a"] == nil)
    }
}
