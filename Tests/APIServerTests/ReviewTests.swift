// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `A review` {
    private static func ask(
        _ server: TestServer, _ kind: String, _ spec: JSONObject, metadata: JSONObject = [:], namespace: String? = nil,
        as user: RequestUser = TestServer.admin
    ) async throws -> TestServer.Answer {
        let place = namespace.map { "namespaces/\($0)/" } ?? ""
        return try await server.send(
            "POST", "/apis/authorization.k8s.io/v1/\(place)\(kind.lowercased())s",
            [
                "kind": .string(kind), "apiVersion": "authorization.k8s.io/v1", "metadata": .object(metadata),
                "spec": .object(spec),
            ], as: user)
    }

    private static let attributes: JSONValue = ["verb": "list", "resource": "pods", "namespace": "default"]

    @Test func `that does not say what it asks, or too much, is refused`() async throws {
        let server = try await TestServer()
        let path: JSONValue = ["path": "/metrics", "verb": "get"]
        for (kind, spec, words) in [
            ("SubjectAccessReview", ["resourceAttributes": Self.attributes], "at least one of user or group"),
            ("SubjectAccessReview", ["user": "jane"], "exactly one of nonResourceAttributes or resourceAttributes"),
            (
                "SubjectAccessReview",
                ["user": "jane", "resourceAttributes": Self.attributes, "nonResourceAttributes": path],
                "cannot be specified in combination with resourceAttributes"
            ),
            ("SelfSubjectAccessReview", [:], "exactly one of nonResourceAttributes or resourceAttributes"),
            (
                "SelfSubjectAccessReview",
                ["resourceAttributes": ["verb": "list", "resource": "pods", "fieldSelector": [:]]],
                "requirements or rawSelector is required"
            ),
            (
                "SelfSubjectAccessReview",
                [
                    "resourceAttributes": [
                        "verb": "list", "resource": "pods",
                        "labelSelector": [
                            "rawSelector": "a=b",
                            "requirements": [["key": "a", "operator": "In", "values": ["b"]]],
                        ],
                    ]
                ], "may not specified at the same time as requirements"
            ),
        ] as [(String, JSONObject, String)] {
            let answer = try await Self.ask(server, kind, spec)
            #expect(answer.status == 422, "\(spec): \(answer.json)")
            #expect(answer.json["message"]?.string?.contains(words) == true, "\(answer.json)")
        }
        let spec: JSONObject = ["user": "jane", "resourceAttributes": Self.attributes]
        let named = try await Self.ask(server, "SubjectAccessReview", spec, metadata: ["name": "x"])
        #expect(named.status == 422, "\(named.json)")
        let local = "LocalSubjectAccessReview"
        #expect(try await Self.ask(server, local, spec, namespace: "default").status == 201)
        #expect(try await Self.ask(server, local, spec, namespace: "kube-system").status == 422)
        let paths: JSONObject = ["user": "jane", "nonResourceAttributes": path]
        #expect(try await Self.ask(server, local, paths, namespace: "default").status == 422)
    }

    @Test func `of what the server lets through says so, with the same selectors`() async throws {
        let server = try await TestServer()
        let node: JSONObject = ["user": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]]
        func pods(_ selector: JSONValue?, _ more: JSONObject = [:]) async throws -> JSONValue? {
            var attributes: JSONObject = ["verb": "list", "resource": "pods"]
            if let selector { attributes["fieldSelector"] = selector }
            for (key, value) in more { attributes[key] = value }
            var spec = node
            spec["resourceAttributes"] = .object(attributes)
            return try await Self.ask(server, "SubjectAccessReview", spec).json["status"]
        }
        func meets(_ query: String) async throws -> Bool {
            let user = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
            return try await server.send("GET", "/api/v1/pods\(query)", as: user).status == 200
        }
        #expect(try await pods(nil)?["allowed"]?.bool == meets(""))
        for value in ["n1", "n2"] {
            let query = "?fieldSelector=spec.nodeName%3D\(value)"
            let raw: JSONValue = ["rawSelector": .string("spec.nodeName=\(value)")]
            #expect(try await pods(raw)?["allowed"]?.bool == meets(query), "\(value)")
            let listed: JSONValue = [
                "requirements": [["key": "spec.nodeName", "operator": "In", "values": [.string(value)]]]
            ]
            #expect(try await pods(listed)?["allowed"]?.bool == meets(query), "\(value)")
        }
        // What cannot be read narrows nothing.
        let broken = try await pods(["rawSelector": "spec.nodeName"])
        #expect(broken?["allowed"]?.bool == (try await meets("")))
        #expect(
            broken?["evaluationError"] == "spec.resourceAttributes.fieldSelector ignored due to parse error",
            "\(broken!)")
        let partly = try await pods([
            "requirements": [
                ["key": "spec.nodeName", "operator": "In", "values": ["n1"]],
                ["key": "spec.nodeName", "operator": "Foo", "values": ["n1"]],
            ]
        ])
        #expect(
            partly?["evaluationError"]
                == "spec.resourceAttributes.fieldSelector partially ignored due to parse error", "\(partly!)")
    }

    @Test func `of one's own rules tells all of them, or that it cannot`() async throws {
        let server = try await TestServer()
        try await server.grant("r", to: "jane", [rule("get", "secrets", names: "one")], in: "default")
        func rules(_ user: RequestUser, _ namespace: String) async throws -> JSONValue? {
            let answer = try await Self.ask(
                server, "SelfSubjectRulesReview", ["namespace": .string(namespace)], as: user)
            return answer.json["status"]
        }
        let jane = try await rules(RequestUser(name: "jane"), "default")
        #expect(jane?["resourceRules"]?.array?.contains(rule("get", "secrets", names: "one")) == true, "\(jane!)")
        #expect(jane?["incomplete"] == false && jane?["evaluationError"] == nil)
        #expect(
            try await rules(RequestUser(name: "jane"), "kube-system")?["resourceRules"]?.array?.contains(
                rule("get", "secrets", names: "one")) == false)
        let node = try await rules(RequestUser(name: "system:node:n1", groups: ["system:nodes"]), "default")
        #expect(node?["incomplete"] == true && node?["evaluationError"]?.string?.isEmpty == false)
        let master = try await rules(TestServer.admin, "default")
        #expect(master?["resourceRules"]?.array?.contains(rule("*", "*", "*")) == true)
    }

    @Test func `of a certificate request begins with what can be signed`() async throws {
        let server = try await TestServer()
        let key = try PrivateKey(generate: .ecdsaP256)
        let pem = try Base64.encode(CertificateRequest(key: key, commonName: "r").pem())
        func make(_ change: (inout JSONObject) -> Void) async throws -> TestServer.Answer {
            var spec: JSONObject = [
                "request": .string(pem), "signerName": "example.com/s", "usages": ["client auth"],
                "username": "admin", "groups": ["system:masters"], "uid": "7", "extra": ["scopes": ["all"]],
            ]
            change(&spec)
            return try await server.send(
                "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
                [
                    "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1",
                    "metadata": ["generateName": "r-"], "spec": .object(spec),
                    "status": ["conditions": [["type": "Approved", "status": "True"]]],
                ], as: RequestUser(name: "boss", groups: ["system:masters"]))
        }
        let good = try await make { _ in }
        #expect(good.status == 201, "\(good.json)")
        // Who asks is whom the server knows, and nobody has decided yet.
        #expect(good.json["spec"]?["username"] == "boss" && good.json["spec"]?["uid"] == nil)
        #expect(good.json["spec"]?["groups"] == ["system:masters", "system:authenticated"])
        #expect(good.json["spec"]?["extra"] == nil && good.json["status"]?["conditions"]?.array?.isEmpty != false)
        for name in [
            "", "s", "example/s", "example.com/", "/s", "example.com/s/t", "Example.com/s", "example.com/*",
            "example.com/S", "example..com/s", "kubernetes.io/legacy-unknown",
        ] {
            #expect(try await make { $0["signerName"] = .string(name) }.status == 422, "\(name)")
        }
        #expect(try await make { $0["usages"] = ["client auth", "client auth"] }.status == 422)
        #expect(try await make { $0["usages"] = ["anything"] }.status == 422)
        #expect(try await make { $0["usages"] = [] }.status == 422)
        #expect(try await make { $0["expirationSeconds"] = 599 }.status == 422)
        #expect(try await make { $0["request"] = "AAAA" }.status == 422)
    }
}
