// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import TLS
import Testing

@testable import APIServer

private let nodes = "/api/v1/nodes"
private let merge = "application/merge-patch+json"

@Suite(.timeLimit(.minutes(1))) struct `A node's certificate` {
    /// One of n1, issued so many seconds ago.
    private static func certificate(
        _ key: UInt8, _ age: Int64 = 60, of name: String = "system:node:n1"
    ) -> PeerCertificate {
        PeerCertificate(
            commonName: name, organizations: ["system:nodes"], notBefore: WallClock.seconds() - age, isVerified: true,
            chain: [[key]])
    }

    private let squatter = certificate(1, 30), honest = certificate(2, 20), late = certificate(3, 0)

    private func send(
        _ server: TestServer, _ certificate: PeerCertificate, _ method: String, _ path: String,
        _ body: HTTPBody = .empty, type: String = "application/json", headers: HTTPHeaders = [:]
    ) async throws -> (status: Int, json: JSONValue) {
        var headers = headers
        headers["Content-Type"] = type
        let response = await server.server.handle(
            HTTPRequest(
                method: method, target: path, headers: headers, body: body,
                context: RequestContext(clientCertificate: certificate)))
        return (response.status, try JSONValue.parse(try await response.body.collect(limit: 1 << 20)))
    }

    private func node(_ annotation: JSONValue? = nil) -> JSONValue {
        var metadata: JSONValue = ["name": "n1"]
        if let annotation { metadata["annotations"] = [NodeMaker.annotation: annotation] }
        return ["kind": "Node", "apiVersion": "v1", "metadata": metadata]
    }

    private func make(_ server: TestServer, _ certificate: PeerCertificate) async throws -> Int {
        try await send(server, certificate, "POST", nodes, .bytes(node("00").encoded())).status
    }

    private func noted(_ server: TestServer) async throws -> String? {
        try await server.send("GET", "\(nodes)/n1").json["metadata"]?["annotations"]?[NodeMaker.annotation]?.string
    }

    @Test func `counts when it made the Node or was issued since, and no other for as long as that is there`()
        async throws
    {
        let server = try await TestServer()
        func get(_ certificate: PeerCertificate) async throws -> Int {
            try await send(server, certificate, "GET", "\(nodes)/n1").status
        }
        // Whoever has one is the node, until one of them says so.
        for certificate in [squatter, honest, late] { #expect(try await get(certificate) == 404) }
        #expect(try await make(server, honest) == 201)
        #expect(try await noted(server) == Hex.encode(Digest.hash([2])))
        #expect(try await get(honest) == 200)
        for certificate in [squatter, late] {
            let answer = try await send(server, certificate, "GET", "\(nodes)/n1")
            #expect(answer.status == 401)
            #expect(answer.json["message"]?.string?.contains("was made with another certificate") == true)
            #expect(try await send(server, certificate, "GET", "/version").status == 401)
        }
        // Renewed, a good while after it was made.
        let roll = server.server.core.nodes
        try roll.require(Self.certificate(4, -NodeMaker.settling - 2))
        #expect(throws: APIError.self) { try roll.require(Self.certificate(4, -NodeMaker.settling + 2)) }
        // Another node's, and one of no node, are no business of this.
        try roll.require(Self.certificate(4, 60, of: "system:node:n2"))
        try roll.require(PeerCertificate(commonName: "system:node:n1", notBefore: 1, isVerified: true, chain: [[1]]))
        // A change of the Node changes nothing.
        let label: JSONValue = ["metadata": ["labels": ["a": "b"]]]
        #expect(try await server.send("PATCH", "\(nodes)/n1", label, type: merge).status == 200)
        #expect(try await (get(honest), get(squatter)) == (200, 401))
        // The name is free again, and whose it is next is open.
        #expect(try await server.send("DELETE", "\(nodes)/n1").status == 200)
        #expect(try await get(squatter) == 404)
        #expect(try await make(server, squatter) == 201)
        #expect(try await (get(honest), get(squatter)) == (401, 200))
    }

    @Test func `is noted by the API server alone`() async throws {
        let server = try await TestServer()
        #expect(try await make(server, honest) == 201)
        let own = try await noted(server)
        let apply = "application/apply-patch+yaml"
        for value: JSONValue in [.null, .string(Hex.encode(Digest.hash([1]))), "none"] {
            let patch: JSONValue = ["metadata": ["annotations": [NodeMaker.annotation: value]]]
            for path in ["\(nodes)/n1", "\(nodes)/n1/status"] {
                let answer = try await send(
                    server, honest, "PATCH", path, .bytes(patch.encoded()), type: merge)
                #expect(answer.status == 200, "\(answer.json)")
                #expect(try await server.send("PATCH", path, patch, type: merge).status == 200)
                #expect(try await noted(server) == own)
            }
            let body = value == .null ? node() : node(value)
            #expect(try await server.send("PUT", "\(nodes)/n1", body).status == 200)
            #expect(
                try await server.send("PATCH", "\(nodes)/n1?fieldManager=a&force=true", body, type: apply).status == 200
            )
            #expect(try await noted(server) == own)
        }
        // Nobody notes one for a Node that an administrator makes, whose certificates all count.
        func makes(_ user: RequestUser) async throws -> String? {
            #expect(try await server.send("DELETE", "\(nodes)/n1").status == 200)
            #expect(try await server.send("POST", nodes, node("00"), as: user).status == 201)
            return try await noted(server)
        }
        #expect(try await makes(TestServer.admin) == nil)
        #expect(try await send(server, squatter, "GET", "\(nodes)/n1").status == 200)
        // One in the API server's process has none, and whoever has one is somebody else.
        #expect(
            try await makes(RequestUser(name: "system:node:n1", groups: ["system:nodes"])) == NodeMaker.noCertificate)
        #expect(try await send(server, squatter, "GET", "\(nodes)/n1").status == 401)
        // An administrator who speaks for the node is not the node either.
        #expect(try await server.send("DELETE", "\(nodes)/n1").status == 200)
        let master = PeerCertificate(
            commonName: "admin", organizations: ["system:masters"], isVerified: true, chain: [[9]])
        let answer = try await send(
            server, master, "POST", nodes, .bytes(node("00").encoded()),
            headers: ["Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"])
        #expect(answer.status == 201, "\(answer.json)")
        #expect(try await noted(server) == nil)
    }

    @Test func `counts when a request is carried out, not when it begins`() async throws {
        let server = try await TestServer()
        let (writer, stream) = HTTPBodyStream.pipe()
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        async let slow = send(server, squatter, "POST", path, .stream(stream))
        // It is let in meanwhile.
        try await Task.sleep(for: .milliseconds(100))
        #expect(try await make(server, honest) == 201)
        let request = try CertificateRequest(
            key: PrivateKey(generate: .ecdsaP256), commonName: "system:node:n1", organizations: ["system:nodes"])
        let body: JSONValue = [
            "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1", "metadata": ["name": "r"],
            "spec": [
                "request": .string(Base64.encode(try request.pem())), "usages": ["digital signature", "client auth"],
                "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            ],
        ]
        try await writer.write(body.encoded())
        writer.finish()
        let answer = try await slow
        #expect(answer.status == 401, "\(answer.json)")
        #expect(try await send(server, honest, "POST", path, .bytes(body.encoded())).status == 201)
    }

    @Test func `sees nothing more by a watch of before`() async throws {
        let server = try await TestServer()
        let response = await server.server.handle(
            HTTPRequest(
                target: "\(pods)?watch=1&fieldSelector=spec.nodeName%3Dn1",
                context: RequestContext(clientCertificate: squatter)))
        #expect(response.status == 200)
        #expect(try await make(server, honest) == 201)
        let pod: JSONValue = [
            "kind": "Pod", "apiVersion": "v1", "metadata": ["name": "p"],
            "spec": [
                "nodeName": "n1", "serviceAccountName": "robot",
                "containers": [["name": "c", "image": "secret-image"]],
            ],
        ]
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        let made = try await server.send("POST", pods, pod)
        try #require(made.status == 201, "\(made.json)")
        let seen = String(decoding: try await response.body.collect(limit: 1 << 20), as: UTF8.self)
        #expect(seen.contains(#""type":"ERROR""#) && seen.contains("401") && !seen.contains("secret-image"), "\(seen)")
    }
}
