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

    @Test func `makes no pod that runs the mirror of another, nor a mirror a pod`() async throws {
        let server = try await server()
        let made = try await server.send(
            "POST", "/api/v1/namespaces/own/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        try #require(made.status == 201)
        let key = "kubernetes.io/config.mirror"
        func pod(_ name: String, _ annotations: JSONValue) -> JSONValue {
            [
                "kind": "Pod", "apiVersion": "v1", "metadata": ["name": .string(name), "annotations": annotations],
                "spec": ["containers": [["name": "c", "image": "x"]]],
            ]
        }
        let pods = "/api/v1/namespaces/own/pods"
        try #require(try await server.send("POST", pods, pod("plain", [:])).status == 201)
        for place in ["plain", "plain/status"] {
            let answer = try await server.send(
                "PATCH", "\(pods)/\(place)", ["metadata": ["annotations": .object([key: "x"])]],
                type: "application/merge-patch+json")
            #expect(answer.status == 422, "\(answer.json)")
        }
        #expect(try await server.send("GET", "\(pods)/plain").json["metadata"]?["annotations"]?[key] == nil)
    }
}
