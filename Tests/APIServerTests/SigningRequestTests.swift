// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

@Suite struct `A certificate signing request` {
    private static let jane = RequestUser(name: "jane", groups: ["system:authenticated"])
    private static let group = "certificates.k8s.io"
    private static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    private static let merge = "application/merge-patch+json"

    private static func make(_ server: TestServer, _ name: String) async throws -> JSONValue {
        let request = try CertificateRequest(key: PrivateKey(generate: .ecdsaP256), commonName: name).pem()
        let stored: JSONValue = [
            "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1",
            "metadata": ["name": .string(name)],
            "spec": [
                "request": .string(Base64.encode(request)), "signerName": "example.com/s", "usages": ["client auth"],
                "username": "root", "groups": ["system:masters"], "uid": "1", "extra": ["a": ["b"]],
            ],
            "status": ["conditions": [["type": "Approved", "status": "True"]], "certificate": "AAAA"],
        ]
        let made = try await server.send("POST", path, stored)
        try #require(made.status == 201, "\(made.json)")
        return made.json
    }

    private static func condition(_ type: String, _ status: String = "True", _ message: String = "") -> JSONValue {
        ["type": .string(type), "status": .string(status), "message": .string(message)]
    }

    @Test func `says who asks as the server knows it, and begins undecided`() async throws {
        let server = try await TestServer()
        let made = try await Self.make(server, "r")
        #expect(made["spec"]?["username"] == "admin")
        #expect(made["spec"]?["groups"] == ["system:masters", "system:authenticated"])
        #expect(made["spec"]?["uid"] == nil)
        #expect(made["spec"]?["extra"] == nil)
        #expect(made["status"]?["conditions"]?.array?.isEmpty != false)
        #expect(made["status"]?["certificate"] == nil)
    }

    /// By subresource: what is written, and what comes of it.
    @Test func `is decided by its approval alone and signed by its status alone`() async throws {
        let server = try await TestServer()
        try await server.grant(
            "everything", to: "jane",
            [
                rule(
                    "*",
                    "certificatesigningrequests,certificatesigningrequests/status,certificatesigningrequests/approval",
                    Self.group), rule("approve,sign", "signers", Self.group, names: "example.com/*"),
            ])
        _ = try await Self.make(server, "r")
        let certificate = JSONValue.string(
            Base64.encode(try CertificateAuthority.create(commonName: "x").certificate.pem()))
        func patch(_ subresource: String, _ status: JSONObject) async throws -> TestServer.Answer {
            try await server.send(
                "PATCH", "\(Self.path)/r\(subresource)", ["status": .object(status)], as: Self.jane, type: Self.merge)
        }
        let approved: JSONObject = ["conditions": [Self.condition("Approved")]]
        for type in ["Approved", "Denied"] {
            let answer = try await patch("/status", ["conditions": [Self.condition(type)]])
            #expect(answer.status == 422)
            #expect(
                answer.json["message"]?.string?.contains("updates may not add a condition of type \"\(type)\"") == true)
        }
        // The object itself holds its status back.
        let whole = try await patch("", ["conditions": [Self.condition("Approved")], "certificate": certificate])
        #expect(whole.status == 200)
        #expect(whole.json["status"]?["conditions"]?.array?.isEmpty != false)
        #expect(whole.json["status"]?["certificate"] == nil)
        // An approval brings no certificate, and is no place for other statuses than True or for both at once.
        #expect(try await patch("/approval", ["conditions": [Self.condition("Approved", "False")]]).status == 422)
        #expect(
            try await patch("/approval", ["conditions": [Self.condition("Approved"), Self.condition("Denied")]]).status
                == 422)
        #expect(try await patch("/approval", ["conditions": [["type": "Approved"]]]).status == 422)
        let done = try await patch("/approval", ["conditions": approved["conditions"]!, "certificate": certificate])
        #expect(done.status == 200, "\(done.json)")
        #expect(done.json["status"]?["certificate"] == nil)
        let verdict = done.json["status"]?["conditions"]?[0]
        #expect(verdict?["lastTransitionTime"]?.string != nil)
        // Nobody takes it back or words it anew.
        #expect(try await patch("/approval", ["conditions": []]).status == 422)
        #expect(try await patch("/status", ["conditions": []]).status == 422)
        let reworded = try await patch(
            "/status", ["conditions": [Self.condition("Approved", "True", "other"), Self.condition("Failed")]])
        #expect(reworded.status == 200, "\(reworded.json)")
        #expect(reworded.json["status"]?["conditions"]?[0] == verdict)
        #expect(reworded.json["status"]?["conditions"]?[1]?["type"] == "Failed")
        // The certificate comes by the status: one, once.
        #expect(try await patch("/status", ["certificate": "AAAA"]).status == 422)
        #expect(try await patch("/status", ["certificate": certificate]).status == 200)
        let again = JSONValue.string(Base64.encode(try CertificateAuthority.create(commonName: "y").certificate.pem()))
        #expect(try await patch("/status", ["certificate": again]).status == 422)
        // Whatever is written, what is asked for stays.
        for subresource in ["", "/status", "/approval"] {
            let answer = try await server.send(
                "PATCH", "\(Self.path)/r\(subresource)",
                ["spec": ["username": "root", "groups": ["system:masters"], "signerName": "kubernetes.io/legacy"]],
                as: Self.jane, type: Self.merge)
            #expect(answer.json["spec"]?["username"] == "admin", "\(answer.json)")
            #expect(answer.json["spec"]?["signerName"] == "example.com/s")
        }
    }

    @Test func `wants sign on its signer for any change of certificate or conditions through its status`() async throws
    {
        let server = try await TestServer()
        _ = try await Self.make(server, "r")
        try await server.grant("writer", to: "jane", [rule("patch", "certificatesigningrequests/status", Self.group)])
        for status: JSONObject in [
            ["conditions": [Self.condition("Failed")]], ["conditions": [Self.condition("Mine", "False")]],
        ] {
            let answer = try await server.send(
                "PATCH", "\(Self.path)/r/status", ["status": .object(status)], as: Self.jane, type: Self.merge)
            #expect(answer.status == 403)
            #expect(answer.json["message"]?.string?.contains("not permitted to sign") == true)
        }
        try await server.grant("signer", to: "jane", [rule("sign", "signers", Self.group, names: "example.com/s")])
        let answer = try await server.send(
            "PATCH", "\(Self.path)/r/status", ["status": ["conditions": [Self.condition("Failed")]]], as: Self.jane,
            type: Self.merge)
        #expect(answer.status == 200)
    }
}
