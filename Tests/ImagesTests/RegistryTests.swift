// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP
import Linux
import Testing

@testable import Images

@Suite(.enabled(if: getuid() == 0, "needs root: layers have owners and whiteout devices"))
struct RegistryTests {
    let scratch: Scratch
    let store: ImageStore

    init() throws {
        scratch = try Scratch()
        store = try ImageStore(root: "\(scratch.path)/store")
    }

    /// Pulls an image whose manifest names one blob of 1000 bytes; `answer` says how the registry serves that.
    private func pull(
        manifest: [UInt8]? = nil, answer: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) async throws {
        let config = Array("{}".utf8)
        let configDigest = try ImageStore(root: "\(scratch.path)/digests").content.add(config)
        let layer = try #require(ImageDigest("sha256:" + String(repeating: "1", count: 64)))
        let text = ImageManifest(
            config: Descriptor(mediaType: "", digest: configDigest, size: 2),
            layers: [Descriptor(mediaType: "", digest: layer, size: 1000)]
        ).encoded
        let handler = HTTPClosureHandler { request in
            if request.target.contains("/manifests/") { return HTTPResponse(status: 200, body: .bytes(text)) }
            if request.target.hasSuffix("\(configDigest)") { return HTTPResponse(status: 200, body: .bytes(config)) }
            do { return try await answer(request) } catch { return HTTPResponse(status: 500) }
        }
        let server = try HTTPServer(addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], handler: handler)
        try server.start()
        defer { Task { await server.stop(grace: .zero) } }
        var configuration = RegistryConfiguration()
        configuration.patience = .milliseconds(500)
        let port = server.addresses[0].port ?? 0
        _ = try await store.pull("127.0.0.1:\(port)/x:1", configuration: configuration)
    }

    @Test func `a registry that falls silent within a blob is given up, by name, and leaves nothing`() async throws {
        let (writer, stream) = HTTPBodyStream.pipe()
        try await writer.write([UInt8](repeating: 0, count: 500))
        await #expect {
            try await pull { _ in HTTPResponse(status: 200, body: .stream(stream)) }
        } throws: {
            let text = "\($0)"
            return text.hasPrefix("registry 127.0.0.1:") && text.contains("broke off after 500 bytes")
        }
        #expect(try Files.list("\(store.root)/ingest").isEmpty)
        #expect(try store.list().isEmpty)
        writer.finish()
    }

    @Test func `a registry that does not answer is given up`() async throws {
        await #expect {
            try await pull { _ in
                try await Task.sleep(for: .seconds(3600))
                return HTTPResponse(status: 500)
            }
        } throws: {
            "\($0)".contains("it took too long")
        }
        #expect(try Files.list("\(store.root)/ingest").isEmpty)
    }
}
