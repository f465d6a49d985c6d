// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

@Suite struct `Tokens that were found good` {
    private static func token(_ number: Int, _ key: PrivateKey) throws -> String {
        try JWT.sign(["iss": "us", "jti": .string("\(number)")], key: key)
    }

    @Test func `stay known while they are in use, however many others are shown`() throws {
        let key = try PrivateKey()
        let known = VerifiedTokens(limit: 8)
        let own = try Self.token(0, key)
        let first = try known.token(own, keys: [key.publicKey])
        for number in 1...50 {
            _ = try known.token(try Self.token(number, key), keys: [key.publicKey])
            #expect(known.count <= 8)
            #expect(known.known(own) === first, "after \(number) others")
        }
        // What nobody has shown for long is forgotten.
        #expect(known.known(try Self.token(1, key)) == nil)
    }

    @Test func `are not those of another key`() throws {
        let key = try PrivateKey()
        let known = VerifiedTokens()
        let foreign = try Self.token(1, try PrivateKey())
        #expect(throws: TLSError.self) { try known.token(foreign, keys: [key.publicKey]) }
        #expect(known.known(foreign) == nil)
    }

    /// A signature is not checked where everybody waits: those that nobody has the key of cost as much as others.
    @Test func `are told at once, and others are not`() async throws {
        let server = try await TestServer()
        let authenticator = server.server.authenticator
        let account = "/api/v1/namespaces/default/serviceaccounts"
        try await server.send(
            "POST", account, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        let issued = try await server.send(
            "POST", "\(account)/robot/token",
            ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": ["expirationSeconds": 600]])
        let token = try #require(issued.json["status"]?["token"]?.string, "\(issued.json)")
        func request(_ token: String) -> HTTPRequest {
            HTTPRequest(target: "/version", headers: ["Authorization": "Bearer \(token)"])
        }
        #expect(try authenticator.authenticateMomentary(request(token)) == nil)
        let caller = try authenticator.authenticate(request(token))
        #expect(caller.user.name == "system:serviceaccount:default:robot")
        #expect(try authenticator.authenticateMomentary(request(token)) === caller)
        // What has changed about the account is looked at anew.
        try await server.send(
            "PATCH", "\(account)/robot", ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
        #expect(try authenticator.authenticateMomentary(request(token)) == nil)
        #expect(try authenticator.authenticate(request(token)).user == caller.user)
        let foreign = try Self.token(1, try PrivateKey())
        #expect(try authenticator.authenticateMomentary(request(foreign)) == nil)
        #expect(throws: APIError.self) { try authenticator.authenticate(request(foreign)) }
        #expect(throws: APIError.self) { try authenticator.authenticateMomentary(request("none")) }
    }
}
