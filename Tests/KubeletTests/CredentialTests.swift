// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import TLS
import Telemetry
import Testing

@testable import Kubelet

@Suite struct `What the kubelet's server shows` {
    private func withCredentials(
        _ change: (inout KubeletConfiguration, String) throws -> Void = { _, _ in },
        _ body: (ServingCredentials, String) throws -> Void
    ) throws {
        var template = Array("/tmp/swiftlet-serving-XXXXXX".utf8CString)
        let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        defer { try? Files.removeTree(directory) }
        var settings = KubeletSettings(nodeName: "n1", nodeAddresses: ["192.0.2.7"])
        settings.rootDirectory = directory
        var configuration = KubeletConfiguration()
        try change(&configuration, directory)
        try body(
            ServingCredentials(configuration, settings, logger: Logger(label: "test", level: .error)), directory)
    }

    @Test func `its own certificate stays until a third of its time is left`() throws {
        try withCredentials { credentials, _ in
            let first = try #require(try credentials.read())
            #expect(try credentials.read() == first)
            #expect(first.identity.leaf.alternativeNames.addresses == ["192.0.2.7"])
        }
        try withCredentials { credentials, _ in
            var short = credentials
            short.lifetime = .seconds(2)
            let first = try #require(try short.read())
            usleep(2_100_000)
            let second = try #require(try short.read())
            #expect(second != first && second.identity.leaf.notAfter > first.identity.leaf.notAfter)
        }
    }

    @Test func `files that others exchange are read again`() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        func write(_ directory: String) throws {
            let identity = try authority.issue(commonName: "n1", usages: [.serverAuthentication])
            try Files.replace("\(directory)/key", with: identity.key.pem(), mode: 0o600)
            try Files.replace("\(directory)/crt", with: identity.certificatePEM(), mode: 0o600)
        }
        try withCredentials { configuration, directory in
            try write(directory)
            try Files.replace("\(directory)/ca", with: authority.certificate.pem(), mode: 0o600)
            configuration.tlsCertFile = "\(directory)/crt"
            configuration.tlsPrivateKeyFile = "\(directory)/key"
            configuration.clientCAFile = "\(directory)/ca"
        } _: { credentials, directory in
            let first = try #require(try credentials.read())
            try write(directory)
            let second = try #require(try credentials.read())
            #expect(second != first)
            let another = try CertificateAuthority.create(commonName: "another")
            try Files.replace("\(directory)/ca", with: another.certificate.pem(), mode: 0o600)
            #expect(try credentials.read() != second)
            // A pair that does not match is an error, not something to show.
            try Files.replace("\(directory)/key", with: another.key.pem(), mode: 0o600)
            #expect(throws: TLSError.self) { try credentials.read() }
        }
    }

    @Test(arguments: [
        ("10.0.0.1", true, ["10.0.0.1"]), ("fd00::1, 10.0.0.1", true, ["10.0.0.1", "fd00:0::1"]),
        ("192.0.2.99", true, []), ("", true, []),
        // A cluster that notes nothing: its administrators look at each request.
        ("", false, ["10.0.0.1", "fd00:0::1"]), ("10.0.0.1", false, ["10.0.0.1"]),
    ])
    func `the addresses asked for are those the cluster knows`(_ proven: String, _ only: Bool, _ asked: [String]) {
        let node: JSONObject = [
            "metadata": ["annotations": ["swiftlet.internal/proven-addresses": .string(proven)]]
        ]
        #expect(NodeCertificate.certified(["10.0.0.1", "fd00:0::1"], node, onlyProven: only) == asked)
    }

    @Test func `what was issued is used while it names the node and nothing that is not its own`() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        try withCredentials { configuration, directory in
            configuration.serverTLSBootstrap = true
            try Files.makeDirectories("\(directory)/pki", mode: 0o700)
        } _: { (credentials, directory) throws in
            func isUsed(_ names: [String], _ addresses: [String]) throws -> Bool {
                let identity = try authority.issue(
                    commonName: "system:node:n1", dnsNames: names, addresses: addresses,
                    usages: [.serverAuthentication])
                try Files.replace(
                    "\(directory)/pki/kubelet-server-current.pem", with: identity.certificatePEM() + identity.key.pem(),
                    mode: 0o600)
                return try credentials.read() != nil
            }
            #expect(try credentials.read() == nil)
            #expect(try isUsed(["n1"], ["192.0.2.7"]) == true)
            // Its address is not proven, or was not then.
            #expect(try isUsed(["n1"], []) == true)
            #expect(try isUsed(["n1"], ["192.0.2.8"]) == false)
            #expect(try isUsed([], ["192.0.2.7"]) == false)
        }
    }
}
