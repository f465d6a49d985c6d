// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP
import Linux
import Synchronization
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

    @Test func `a registry that sends a byte now and then is given up`() async throws {
        let (writer, stream) = HTTPBodyStream.pipe()
        let sending = Task {
            while true {
                try await writer.write([0])
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        await #expect {
            try await pull { _ in HTTPResponse(status: 200, body: .stream(stream)) }
        } throws: {
            "\($0)".contains("sent less than 65536 bytes of blob sha256:1111")
        }
        sending.cancel()
        #expect(try Files.list("\(store.root)/ingest").isEmpty)
        #expect(try Files.list("\(store.root)/pulls").isEmpty)
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

    @Test func `where a registry sends to gets none of its credentials, whatever it asks for`() async throws {
        let told = Mutex<[String]>([])
        let port = Mutex<UInt16>(0)
        func serve(_ body: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws -> HTTPServer {
            let server = try HTTPServer(
                addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], handler: HTTPClosureHandler { body($0) })
            try server.start()
            return server
        }
        let registry = try serve { request in
            guard request.headers.contains("Authorization") else {
                return HTTPResponse(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"r\""])
            }
            let storage = port.withLock { $0 }
            return HTTPResponse(status: 307, headers: ["Location": "http://127.0.0.1:\(storage)/store?signature=s"])
        }
        let storage = try serve { request in
            if let value = request.headers["Authorization"] { told.withLock { $0.append(value) } }
            let own = port.withLock { $0 }
            let realm = "Bearer realm=\"http://127.0.0.1:\(own)/token\",service=\"s\""
            return HTTPResponse(status: 401, headers: ["WWW-Authenticate": realm])
        }
        let storagePort = storage.addresses[0].port ?? 0
        port.withLock { $0 = storagePort }
        let host = "127.0.0.1:\(registry.addresses[0].port ?? 0)"
        var keyring = RegistryKeyring()
        keyring.add(RegistryCredentials(username: "u", password: "secret"), for: host)
        await #expect {
            _ = try await store.pull("\(host)/x:1", keyring: keyring, configuration: RegistryConfiguration())
        } throws: {
            "\($0)".contains("127.0.0.1:\(storagePort)")
        }
        #expect(told.withLock { $0 }.isEmpty)
        await registry.stop(grace: .zero)
        await storage.stop(grace: .zero)
    }

    @Test func `a tag beside a digest names nothing, and what is here is asked for too`() async throws {
        let config = Array("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}".utf8)
        let other = try ImageStore(root: "\(scratch.path)/digests")
        let configDigest = try other.content.add(config)
        let text = ImageManifest(
            config: Descriptor(mediaType: "", digest: configDigest, size: Int64(config.count)), layers: []
        ).encoded
        let digest = try other.content.add(text)
        let isOpen = Mutex(true)
        let handler = HTTPClosureHandler { request in
            guard isOpen.withLock({ $0 }) else { return HTTPResponse(status: 404) }
            return HTTPResponse(status: 200, body: .bytes(request.target.contains("/manifests/") ? text : config))
        }
        let server = try HTTPServer(addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], handler: handler)
        try server.start()
        let name = "127.0.0.1:\(server.addresses[0].port ?? 0)/x"
        let pulled = try await store.pull("\(name):1@\(digest)", configuration: RegistryConfiguration()).image
        #expect(pulled.repoTags.isEmpty && pulled.repoDigests == ["\(name)@\(digest)"])
        #expect(try store.resolve("\(name):1") == nil)
        #expect(try store.resolve("\(name):1@\(digest)") != nil)
        isOpen.withLock { $0 = false }
        await #expect(throws: (any Error).self) {
            _ = try await store.pull("\(name):1@\(digest)", configuration: RegistryConfiguration())
        }
        await server.stop(grace: .zero)
    }
}
