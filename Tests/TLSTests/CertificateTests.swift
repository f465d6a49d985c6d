// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TLS
import Testing

@Suite struct CertificateTests {
    @Test(arguments: [PrivateKey.Kind.ecdsaP256, .rsa(bits: 2048), .ed25519])
    func `keys survive PEM, sign, and match only their certificate`(kind: PrivateKey.Kind) throws {
        let key = try PrivateKey(generate: kind)
        let again = try PrivateKey(pem: key.pem())
        #expect(again.publicKey == key.publicKey)
        let signature = try again.sign([1, 2, 3])
        #expect(key.publicKey.verify([1, 2, 3], signature: signature))
        #expect(!key.publicKey.verify([1, 2, 4], signature: signature))
        #expect(try PublicKey(pem: key.publicKey.pem()) == key.publicKey)
        let authority = try CertificateAuthority.create(commonName: "ca", key: kind)
        let identity = try authority.issue(commonName: "x", usages: [.serverAuthentication], key: kind)
        #expect(throws: TLSError.self) { try TLSIdentity(chain: identity.chain, key: key) }
    }

    @Test func `an issued certificate says what was asked for and verifies`() throws {
        let authority = try CertificateAuthority.create(commonName: "kubernetes")
        let again = try CertificateAuthority(
            certificatePEM: authority.certificate.pem(), keyPEM: authority.key.pem())
        let identity = try again.issue(
            commonName: "system:node:a", organizations: ["system:nodes", "zwei"], dnsNames: ["a.example", "*.b"],
            addresses: ["10.0.0.1", "fd00::1"], uris: ["spiffe://x/y"], usages: [.clientAuthentication],
            lifetime: .seconds(3600))
        let leaf = try Certificate(pem: identity.certificatePEM())
        #expect(leaf.commonName == "system:node:a")
        #expect(leaf.organizations == ["system:nodes", "zwei"])
        #expect(leaf.alternativeNames.dnsNames == ["a.example", "*.b"])
        #expect(leaf.alternativeNames.addresses == ["10.0.0.1", "fd00::1"])
        #expect(leaf.alternativeNames.uris == ["spiffe://x/y"])
        #expect(leaf.issuerCommonName == "kubernetes")
        #expect(abs(leaf.notAfter - Int64(time(nil)) - 3600) < 5)
        #expect(leaf.allows(.clientAuthentication) && !leaf.allows(.serverAuthentication))
        #expect(!leaf.isAuthority && authority.certificate.isAuthority)
        #expect(leaf.serialNumber.count == 16)
        try leaf.verify(authorities: [authority.certificate], usage: .clientAuthentication)
        #expect(throws: TLSError.self) {
            try leaf.verify(authorities: [authority.certificate], usage: .serverAuthentication)
        }
        let stranger = try CertificateAuthority.create(commonName: "kubernetes")
        let error = #expect(throws: TLSError.self) {
            try leaf.verify(authorities: [stranger.certificate], usage: .clientAuthentication)
        }
        #expect(error?.attempt == "verify the certificate of system:node:a")
        #expect(try Certificate(der: leaf.der).fingerprint == leaf.fingerprint)
    }

    @Test func `an expired certificate is refused`() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let identity = try authority.issue(commonName: "x", usages: [.clientAuthentication], lifetime: .seconds(-10))
        let error = #expect(throws: TLSError.self) {
            try identity.leaf.verify(authorities: [authority.certificate], usage: .clientAuthentication)
        }
        #expect(error?.reason == "certificate has expired")
    }

    @Test func `a request is signed as it asks, and a name cannot smuggle another`() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let key = try PrivateKey()
        let names = AlternativeNames(dnsNames: ["n1"], addresses: ["1.2.3.4"])
        let request = try CertificateRequest(
            pem: CertificateRequest(
                key: key, commonName: "system:node:n1", organizations: ["system:nodes"], names: names
            ).pem())
        #expect(request.commonName == "system:node:n1")
        #expect(request.organizations == ["system:nodes"])
        #expect(request.alternativeNames == names)
        let certificate = try authority.sign(request, usages: [.serverAuthentication], lifetime: .seconds(60))
        #expect(certificate.alternativeNames == names)
        #expect(certificate.matches(key))
        let odd = AlternativeNames(dnsNames: ["a,IP:9.9.9.9"])
        let tricky = try CertificateRequest(key: key, commonName: "x", names: odd)
        #expect(try authority.sign(tricky, usages: [], lifetime: .seconds(60)).alternativeNames == odd)
        #expect(throws: TLSError.self) {
            try CertificateRequest(key: key, commonName: "x", names: AlternativeNames(dnsNames: ["a\0b"]))
        }
    }

    @Test func `broken PEM is refused with what it was and why`() throws {
        let error = #expect(throws: TLSError.self) { try Certificate.all(pem: Array("nonsense".utf8), name: "bundle") }
        #expect(error?.description == "read the bundle: no start line")
        #expect(throws: TLSError.self) { try PrivateKey(pem: Array("-----BEGIN PRIVATE KEY-----\nAAAA\n".utf8)) }
        var pem = try CertificateAuthority.create(commonName: "a").certificate.pem()
        pem += Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(throws: TLSError.self) { try Certificate.all(pem: pem) }
    }

    @Test func `mutated certificates and requests never crash the parser`() throws {
        let authority = try CertificateAuthority.create(commonName: "a", organizations: ["b"])
        let identity = try authority.issue(
            commonName: "x", dnsNames: ["a", "b"], addresses: ["1.1.1.1"], usages: [.serverAuthentication])
        var random = SeededGenerator(seed: 7)
        var parsed = 0
        for _ in 0..<3000 {
            var der = identity.leaf.der
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                der[Int.random(in: 0..<der.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { der.removeLast(Int.random(in: 0..<der.count, using: &random)) }
            guard der != identity.leaf.der, let certificate = try? Certificate(der: der) else { continue }
            parsed += 1
            _ = (certificate.commonName, certificate.organizations, certificate.alternativeNames, certificate.notAfter)
            #expect(throws: TLSError.self) {
                try certificate.verify(authorities: [authority.certificate], usage: .serverAuthentication)
            }
        }
        #expect(parsed > 0)
    }
}

/// A generator whose sequence is the same each time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
