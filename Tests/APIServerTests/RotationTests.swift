// SPDX-License-Identifier: Apache-2.0

import APIServer
import AsyncIO
import Glibc
import HTTP
import Linux
import Synchronization
import TLS
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Certificates that end` {
    @Test func `the server's certificates are renewed while it runs, and an ended one says nothing`() async throws {
        var template = Array("/tmp/swiftlet-rotation-XXXXXX".utf8CString)
        let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        defer { try? Files.removeTree(directory) }
        var configuration = APIServerConfiguration(dataDirectory: directory, advertiseAddress: "192.0.2.1")
        configuration.certificateLifetime = .seconds(6)
        let server = try APIServer(configuration, logger: Logger(label: "test", level: .error))
        defer { server.stop() }
        let listener = try HTTPServer(
            addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], tls: server.credentials.listener, handler: server)
        try listener.start()
        let renewals = Mutex(0)
        let keeping = Task {
            try await server.keepCertificates {
                try listener.reload(tls: server.credentials.listener)
                renewals.withLock { $0 += 1 }
            }
        }
        defer { keeping.cancel() }
        // While certificates are kept: on a busy machine this takes longer than one of them lasts.
        try await server.start()

        let first = server.credentials.serving.leaf
        func client(_ identity: TLSIdentity) throws -> HTTPClient {
            try HTTPClient(
                base: "https://\(listener.addresses[0])",
                tls: TLSClientConfiguration(
                    authorities: .certificates([server.credentials.authority.certificate]), identity: identity))
        }
        func status(_ client: HTTPClient) async throws -> Int {
            let response = try await client.send(HTTPRequest(target: "/api/v1/namespaces"))
            _ = try await response.body.collect(limit: 1 << 20)
            return response.status
        }
        let old = try client(server.credentials.administrator)
        #expect(try await status(old) == 200)
        // Past the end of everything made at the start: 6 s, and the second in which it ends.
        try await sleep(for: .seconds(7.5))
        #expect(first.notAfter < Int64(time(nil)))
        #expect(renewals.withLock { $0 } >= 1)
        // Over a new connection the server is trusted, the new certificate counts, and so does what a restart would read.
        // (What is renewed ends as soon, which a busy machine may not be in time for: then the next one counts.)
        var renewed = server.credentials.administrator
        for attempt in 0..<20 {
            renewed = server.credentials.administrator
            do {
                #expect(try await status(client(renewed)) == 200)
                break
            } catch  where attempt < 19 {
                try await sleep(for: .milliseconds(500))
            }
        }
        #expect(server.credentials.serving.leaf.fingerprint != first.fingerprint)
        let file = try Files.readText("\(directory)/tls/admin.kubeconfig")
        #expect(try file.contains(Base64.encode(renewed.certificatePEM())))
        // Over the old one the ended certificate is nobody's.
        #expect(try await [401, 403].contains(status(old)))
        await listener.stop(grace: .zero)
    }
}
