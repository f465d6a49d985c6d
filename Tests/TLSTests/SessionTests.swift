// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import Linux
import TLS
import Testing

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    let authority: CertificateAuthority
    let identity: TLSIdentity
    let client: TLSIdentity

    init() throws {
        authority = try CertificateAuthority.create(commonName: "ca")
        identity = try authority.issue(
            commonName: "server", dnsNames: ["server.example"], addresses: ["127.0.0.1"],
            usages: [.serverAuthentication])
        client = try authority.issue(
            commonName: "alice", organizations: ["dev"], usages: [.clientAuthentication])
    }

    func connect(
        _ server: TLSServerConfiguration, _ client: TLSClientConfiguration, host: String = "server.example"
    ) async throws -> (TLSStream, TLSStream) {
        let (one, other) = try AsyncSocket.pair()
        let server = try TLSServer(server)
        let client = try TLSClient(client)
        async let accepted = server.accept(one)
        let connected = try await client.connect(other, host: host)
        return (try await accepted, connected)
    }

    var trusting: TLSClientConfiguration {
        TLSClientConfiguration(authorities: .certificates([authority.certificate]))
    }

    @Test func `bytes go both ways, and the end is seen`() async throws {
        let (server, client) = try await connect(TLSServerConfiguration(identity: identity), trusting)
        #expect(client.applicationProtocol == server.applicationProtocol && client.applicationProtocol != nil)
        #expect(client.version == "TLSv1.3")
        #expect(client.peerCertificate?.commonName == "server")
        #expect(client.peerCertificate?.isVerified == true)
        #expect(server.peerCertificate == nil)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        async let written: Void = server.write(bytes)
        #expect(try await client.readExactly(bytes.count) == bytes)
        try await written
        try await client.write([1, 2, 3])
        #expect(try await server.read(max: 2) == [1, 2])
        #expect(try await server.read(max: 2) == [3])
        await client.closeWrite()
        #expect(try await server.read(max: 10).isEmpty)
        await server.close()
    }

    @Test func `a client certificate is known, and an unknown authority's is not verified`() async throws {
        let asking = TLSServerConfiguration(
            identity: identity, clientAuthentication: .request(authorities: [authority.certificate]))
        var configuration = trusting
        configuration.identity = client
        let (known, _) = try await connect(asking, configuration)
        #expect(known.peerCertificate?.commonName == "alice")
        #expect(known.peerCertificate?.organizations == ["dev"])
        #expect(known.peerCertificate?.isVerified == true)
        let stranger = try CertificateAuthority.create(commonName: "ca")
        configuration.identity = try stranger.issue(commonName: "alice", usages: [.clientAuthentication])
        let (unknown, _) = try await connect(asking, configuration)
        #expect(unknown.peerCertificate?.commonName == "alice")
        #expect(unknown.peerCertificate?.isVerified == false)
        configuration.identity = try authority.issue(
            commonName: "alice", usages: [.clientAuthentication], lifetime: .seconds(-5))
        #expect(try await connect(asking, configuration).0.peerCertificate?.isVerified == false)
        configuration.identity = identity
        #expect(try await connect(asking, configuration).0.peerCertificate?.isVerified == false)
    }

    @Test func `a server that must know its clients refuses strangers`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let server = try TLSServer(
            TLSServerConfiguration(
                identity: identity, clientAuthentication: .require(authorities: [authority.certificate])))
        let connecting = try TLSClient(trusting)
        async let connected = connecting.connect(other, host: "server.example")
        let error = await #expect(throws: TLSError.self) { _ = try await server.accept(one) }
        #expect(error?.reason == "peer did not return a certificate")
        _ = try await connected
    }

    @Test(arguments: ["other.example", "127.0.0.2"])
    func `a server with another name is refused`(host: String) async throws {
        let (one, other) = try AsyncSocket.pair()
        let server = try TLSServer(TLSServerConfiguration(identity: identity))
        let accepting = Task { try await server.accept(one) }
        let connecting = try TLSClient(trusting)
        let error = await #expect(throws: TLSError.self) { _ = try await connecting.connect(other, host: host) }
        #expect(error?.attempt == "TLS handshake with \(host)")
        #expect(error?.reason.contains("mismatch") == true)
        _ = await accepting.result
        let (server2, _) = try await connect(TLSServerConfiguration(identity: identity), trusting, host: "127.0.0.1")
        await server2.close()
        var careless = trusting
        careless.verifiesPeer = false
        _ = try await connect(TLSServerConfiguration(identity: identity), careless, host: host)
    }

    @Test func `the certificate is chosen by name and can be replaced`() async throws {
        let second = try authority.issue(
            commonName: "second", dnsNames: ["*.two.example"], usages: [.serverAuthentication])
        let configuration = TLSServerConfiguration(identities: [identity, second])
        #expect(try await connect(configuration, trusting).1.peerCertificate?.commonName == "server")
        #expect(
            try await connect(configuration, trusting, host: "a.two.example").1.peerCertificate?.commonName == "second")
        let server = try TLSServer(configuration)
        try server.reload(
            TLSServerConfiguration(
                identity: authority.issue(
                    commonName: "third", dnsNames: ["server.example"], usages: [.serverAuthentication])))
        let (one, other) = try AsyncSocket.pair()
        async let accepted = server.accept(one)
        let connected = try await TLSClient(trusting).connect(other, host: "server.example")
        #expect(connected.peerCertificate?.commonName == "third")
        _ = try await accepted
    }

    @Test func `garbage instead of a handshake is an error, whatever it is`() async throws {
        let server = try TLSServer(TLSServerConfiguration(identity: identity))
        var random = SeededGenerator(seed: 3)
        for round in 0..<200 {
            let (one, other) = try AsyncSocket.pair()
            var bytes: [UInt8] = round % 2 == 0 ? [0x16, 3, 1, 0, UInt8(round)] : []
            for _ in 0..<Int.random(in: 1...300, using: &random) { bytes.append(.random(in: 0...255, using: &random)) }
            try await other.write(bytes)
            await other.closeWrite()
            await #expect(throws: TLSError.self) { _ = try await server.accept(one) }
        }
    }
}

extension SessionTests {
    @Test func `a client judges by the certificate instead of the name where it says so`() async throws {
        let server = TLSServerConfiguration(identity: identity)
        var configuration = trusting
        configuration.judge = { $0.commonName == "server" && $0.isVerified ? nil : "it is another" }
        let (_, connected) = try await connect(server, configuration, host: "any.example")
        #expect(connected.peerCertificate?.commonName == "server")
        configuration.judge = { "it is \($0.commonName)" }
        await #expect(throws: TLSError("TLS handshake with server.example", "verify the certificate: it is server")) {
            _ = try await connect(server, configuration)
        }
        // A chain that leads nowhere is not put to the judge.
        let other = try CertificateAuthority.create(commonName: "other")
        configuration.judge = { _ in nil }
        configuration.authorities = .certificates([other.certificate])
        await #expect(throws: TLSError.self) { _ = try await connect(server, configuration) }
    }
}
