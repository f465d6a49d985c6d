// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `The Service of the API server` {
    private static let services = "/api/v1/namespaces/default/services"
    private static let own = "\(services)/kubernetes"
    private static let slice = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
    private static let merge = "application/merge-patch+json"
    private static let tenant = RequestUser(name: "jane", groups: ["system:authenticated"])

    /// What leads the others' requests elsewhere, or nowhere.
    private static let changes: [JSONValue] = [
        ["spec": ["internalTrafficPolicy": "Local"]],
        ["spec": ["ports": [["name": "https", "port": 444, "targetPort": 6443, "protocol": "TCP"]]]],
        ["spec": ["selector": ["app": "evil"]]], ["spec": ["sessionAffinity": "ClientIP"]],
        ["spec": ["trafficDistribution": "PreferClose"]], ["spec": ["externalIPs": ["203.0.113.7"]]],
        ["spec": ["publishNotReadyAddresses": true]],
        [
            "spec": [
                "type": "ExternalName", "externalName": "evil.example", "clusterIP": nil, "clusterIPs": nil,
                "ports": nil,
            ]
        ], ["metadata": ["labels": ["service.kubernetes.io/service-proxy-name": "none"]]],
        ["metadata": ["labels": ["service.kubernetes.io/headless": ""]]],
    ]

    @Test func `is not changed, deleted or made by who may write Services there`() async throws {
        let server = try await TestServer()
        try await server.grant("services", to: "jane", [rule("*", "services")], in: "default")
        let before = try await server.send("GET", Self.own)
        let more: [JSONValue] = [
            ["metadata": ["finalizers": ["example.com/f"]]],
            [
                "metadata": [
                    "ownerReferences": [["apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "u"]]
                ]
            ],
        ]
        for change in Self.changes + more {
            let answer = try await server.send("PATCH", Self.own, change, as: Self.tenant, type: Self.merge)
            #expect([403, 422].contains(answer.status), "\(change): \(answer.json)")
        }
        #expect(try await server.send("DELETE", Self.own, as: Self.tenant).status == 403)
        // All others go.
        let other: JSONValue = [
            "kind": "Service", "apiVersion": "v1", "metadata": ["name": "zebra"], "spec": ["ports": [["port": 80]]],
        ]
        #expect(try await server.send("POST", Self.services, other, as: Self.tenant).status == 201)
        #expect(try await server.send("DELETE", Self.services, as: Self.tenant).status == 200)
        #expect(try await server.send("GET", "\(Self.services)/zebra").status == 404)
        let after = try await server.send("GET", Self.own)
        #expect(after.json == before.json)
    }

    @Test func `is put right at once, whoever changed it`() async throws {
        let server = try await TestServer()
        func spec() async throws -> JSONValue? { try await server.send("GET", Self.own).json["spec"] }
        let wanted = try #require(try await spec())
        let labels = try await server.send("GET", Self.own).json["metadata"]?["labels"]
        for change in Self.changes {
            let answer = try await server.send("PATCH", Self.own, change, type: Self.merge)
            #expect(answer.status == 200, "\(change): \(answer.json)")
            var isRight = false
            // Well before the round of every ten seconds.
            for _ in 0..<100 where !isRight {
                try await Task.sleep(for: .milliseconds(20))
                let now = try await server.send("GET", Self.own).json
                isRight = now["spec"] == wanted && now["metadata"]?["labels"] == labels
            }
            #expect(isRight, "\(change)")
        }
        try await server.send("DELETE", Self.own)
        try await server.send("PATCH", Self.slice, ["metadata": ["labels": nil], "ports": []], type: Self.merge)
        var isRight = false
        for _ in 0..<100 where !isRight {
            try await Task.sleep(for: .milliseconds(20))
            let slice = try await server.send("GET", Self.slice).json
            isRight = try await spec() == wanted
            isRight = isRight && slice["metadata"]?["labels"] == ["kubernetes.io/service-name": "kubernetes"]
            isRight = isRight && slice["ports"]?.array?.count == 1
        }
        #expect(isRight)
    }

    @Test func `is left alone while it is right, and what others note on it`() async throws {
        let server = try await TestServer()
        let note: JSONValue = ["metadata": ["labels": ["team": "a"], "annotations": ["example.com/a": "b"]]]
        #expect(try await server.send("PATCH", Self.own, note, type: Self.merge).status == 200)
        let before = try await server.send("GET", Self.own).json
        #expect(before["metadata"]?["labels"]?["team"] == "a")
        try await Task.sleep(for: .milliseconds(300))
        let after = try await server.send("GET", Self.own).json
        #expect(after["metadata"]?["resourceVersion"] == before["metadata"]?["resourceVersion"])
    }
}

@Suite struct `Certificate signing requests` {
    private static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/"

    @Test func `of nodes and of who joins are bounded in number, for each alone`() async throws {
        let server = try await TestServer()
        let core = server.server.core
        let resource = try core.builtin("certificates.k8s.io", "certificatesigningrequests")
        func make(_ name: String, _ user: String, _ group: String) async throws {
            _ = try await core.storage.create(
                resource,
                APIObject([
                    "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1",
                    "metadata": ["name": .string(name)],
                    "spec": ["username": .string(user), "groups": [.string(group)], "signerName": "x/y"],
                ]), in: nil, by: .server)
        }
        func node(_ name: String) -> RequestUser { RequestUser(name: "system:node:\(name)", groups: ["system:nodes"]) }
        func isAllowed(_ user: RequestUser, _ standing: BudgetHolder.Standing = .first) -> Bool {
            do throws(APIError) {
                try core.signingRequests.admit(APIObject(["metadata": ["name": "r"]]), by: user, resource) { _ in
                    standing
                }
                return true
            } catch {
                return false
            }
        }
        let joining = RequestUser(name: "system:bootstrap:abcdef", groups: ["system:bootstrappers"])
        for index in 0..<SigningRequestRoll.ofNode { try await make("a\(index)", "system:node:a", "system:nodes") }
        #expect(!isAllowed(node("a")) && isAllowed(node("b")) && isAllowed(joining))
        // Gone, they make room.
        try await server.send("DELETE", "\(Self.path)a0")
        #expect(isAllowed(node("a")))
        for index in 0..<SigningRequestRoll.ofBootstrappers {
            try await make("j\(index)", "system:bootstrap:\(index % 7)", "system:bootstrappers")
        }
        #expect(!isAllowed(joining) && isAllowed(node("a")) && isAllowed(TestServer.admin))
        for index in 0..<SigningRequestRoll.ofLaterNodes {
            try await make("l\(index)", "system:node:l\(index)", "system:nodes")
        }
        #expect(!isAllowed(node("new"), .later) && !isAllowed(node("none"), .none))
        #expect(isAllowed(node("new"), .first))
    }
}
