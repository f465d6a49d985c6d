// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP
import Linux
import Synchronization
import Testing

@testable import Images

@Suite(.enabled(if: getuid() == 0, "needs root: layers have owners and whiteout devices"))
struct `What is on the node already` {
    /// What a registry has and was asked for.
    private final class Shelf: Sendable {
        let blobs: Mutex<[String: [UInt8]]>
        let asked = Mutex<[String]>([])
        init(_ blobs: [String: [UInt8]]) { self.blobs = Mutex(blobs) }

        func answer(_ request: HTTPRequest, _ manifests: [String: [UInt8]], isOpen: Bool) -> HTTPResponse {
            if !isOpen, !request.headers.contains("Authorization") {
                return HTTPResponse(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"r\""])
            }
            let name = String(request.target.split(separator: "/").last ?? "")
            asked.withLock { $0.append(name) }
            if request.target.contains("/manifests/") {
                guard let manifest = manifests[name] else { return HTTPResponse(status: 404) }
                return HTTPResponse(status: 200, body: .bytes(manifest))
            }
            // As a registry that would have it believed that it has everything.
            if request.method == "HEAD" { return HTTPResponse(status: 200) }
            guard let blob = blobs.withLock({ $0[name] }) else { return HTTPResponse(status: 404) }
            return HTTPResponse(status: 200, body: .bytes(blob))
        }

        /// How often it was asked for it since the last time.
        func count(_ name: String) -> Int {
            asked.withLock { asked in
                defer { asked.removeAll { $0 == name } }
                return asked.count { $0 == name }
            }
        }
    }

    private let scratch: Scratch
    private let store: ImageStore
    /// An image without layers: its configuration is its one blob.
    private let config = Array(
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{\"Env\":[\"KEY=secret\"]}}".utf8)
    private let blob: String
    private let manifest: [UInt8]
    private let manifestDigest: String
    private let index: [UInt8]

    init() throws {
        scratch = try Scratch()
        store = try ImageStore(root: "\(scratch.path)/store")
        let other = try ImageStore(root: "\(scratch.path)/digests")
        let digest = try other.content.add(config)
        blob = "\(digest)"
        manifest =
            ImageManifest(
                config: Descriptor(mediaType: "", digest: digest, size: Int64(config.count)), layers: []
            ).encoded
        manifestDigest = "\(try other.content.add(manifest))"
        let platform = Platform.host
        index = Array(
            """
            {"schemaVersion":2,"manifests":[{"digest":"\(manifestDigest)","size":\(manifest.count),
            "platform":{"os":"\(platform.os)","architecture":"\(platform.architecture)"}}]}
            """.utf8)
    }

    private func withRegistry(
        _ shelf: Shelf, _ manifests: [String: [UInt8]], isOpen: Bool = true, _ body: (String) async throws -> Void
    ) async throws {
        let handler = HTTPClosureHandler { shelf.answer($0, manifests, isOpen: isOpen) }
        let server = try HTTPServer(addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], handler: handler)
        try server.start()
        do { try await body("127.0.0.1:\(server.addresses[0].port ?? 0)") } catch {
            await server.stop(grace: .zero)
            throw error
        }
        await server.stop(grace: .zero)
    }

    private func pull(_ name: String, password: String? = nil) async throws {
        var keyring = RegistryKeyring()
        if let password {
            keyring.add(RegistryCredentials(username: "u", password: password), for: try ImageReference(name).domain)
        }
        _ = try await store.pull(name, keyring: keyring, configuration: RegistryConfiguration())
    }

    @Test func `is no registry's that only names it`() async throws {
        let owner = Shelf([blob: config])
        try await withRegistry(owner, ["1": manifest], isOpen: false) { host in
            try await pull("\(host)/private:1", password: "p")
            #expect(owner.count(blob) == 1)
            // The same repository has shown it.
            try await pull("\(host)/private:1", password: "p")
            #expect(owner.count(blob) == 0)
            // Another has not.
            try await pull("\(host)/other:1", password: "p")
            #expect(owner.count(blob) == 1)
        }
        let attacker = Shelf([:])
        try await withRegistry(attacker, ["1": manifest, "2": index]) { host in
            for tag in ["1", "2"] {
                await #expect(throws: ImageError.self) { try await pull("\(host)/x:\(tag)") }
                let found = try store.resolve("\(host)/x:\(tag)")
                #expect(found?.id == nil)
            }
            // Bytes that are others are refused by their digest.
            attacker.blobs.withLock { $0[blob] = [UInt8](repeating: 1, count: config.count) }
            await #expect(throws: ImageError.self) { try await pull("\(host)/x:1") }
        }
        // The manifest behind an index is asked for as well.
        try await withRegistry(Shelf([blob: config]), ["2": index, manifestDigest: manifest]) { host in
            try await pull("\(host)/x:2")
        }
    }

    @Test func `is everybody's once a registry gave it without credentials`() async throws {
        let first = Shelf([blob: config])
        try await withRegistry(first, ["1": manifest]) { try await pull("\($0)/base:1") }
        #expect(first.count(blob) == 1)
        let second = Shelf([:])
        try await withRegistry(second, ["1": manifest]) { host in
            try await pull("\(host)/app:1")
            #expect(second.count(blob) == 0)
        }
    }

    @Test func `has its origin forgotten with it, and remembered by no end of repositories`() async throws {
        try await withRegistry(Shelf([blob: config]), ["1": manifest], isOpen: false) { host in
            try await pull("\(host)/private:1", password: "p")
            let digest = try #require(ImageDigest(blob))
            #expect(store.origins.has(digest, from: "\(host)/private"))
            for number in 0...ContentOrigins.most {
                try store.origins.note(digest, from: "r\(number)", isEverybodys: false)
            }
            #expect(try Files.list("\(store.root)/origins/sha256-\(digest.hex)").count <= ContentOrigins.most)
            _ = try store.remove("\(host)/private:1")
            _ = try store.collectGarbage()
            #expect(try Files.list("\(store.root)/origins").isEmpty)
        }
    }
}

@Suite struct `A registry that sends elsewhere` {
    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(host: text, port: 443)) }

    @Test(arguments: [
        ("192.0.2.1", "198.51.100.7", true), ("192.0.2.1", "10.0.0.1", true), ("192.0.2.1", "2001:db8::1", true),
        ("192.0.2.1", "127.0.0.1", false), ("192.0.2.1", "::1", false), ("192.0.2.1", "::ffff:127.0.0.1", false),
        ("192.0.2.1", "0.0.0.0", false), ("192.0.2.1", "169.254.0.1", false), ("192.0.2.1", "fe80::1", false),
        ("192.0.2.1", "169.254.169.254", false), ("192.0.2.1", "100.100.100.200", false),
        ("192.0.2.1", "168.63.129.16", false), ("192.0.2.1", "fd00:ec2::254", false),
        ("192.0.2.1", "fd20:ce::254", false), ("192.0.2.1", "64:ff9b::a9fe:a9fe", false),
        ("192.0.2.1", "64:ff9b::6464:64c8", false), ("127.0.0.1", "127.0.0.1", true), ("::1", "127.0.0.1", true),
        ("127.0.0.1", "169.254.169.254", false), ("169.254.7.7", "169.254.169.254", false),
        ("169.254.7.7", "127.0.0.1", false), ("100.100.100.200", "100.100.100.200", true),
    ]) func `leads to the machine's own only from there`(_ known: String, _ target: String, _ may: Bool) throws {
        #expect(RegistryConnections.mayLead([try address(known)], to: try address(target)) == may)
    }

    @Test func `leads nowhere by what its name was for a moment`() throws {
        let known: Set = [try address("192.0.2.1"), try address("127.0.0.1")]
        #expect(!RegistryConnections.mayLead(known, to: try address("127.0.0.1")))
        #expect(RegistryConnections.mayLead(known, to: try address("198.51.100.7")))
        #expect(!RegistryConnections.mayLead([], to: try address("127.0.0.1")))
    }

    @Test func `has nobody connected to the loopback`() async throws {
        let count = Mutex(0)
        let server = try HTTPServer(
            addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)],
            handler: HTTPClosureHandler { _ in
                count.withLock { $0 += 1 }
                return HTTPResponse(status: 200)
            })
        try server.start()
        let port = server.addresses[0].port ?? 0
        var configuration = RegistryConfiguration()
        let registry = try HTTPEndpoint("http://registry.invalid")
        func ask(_ host: String) async throws {
            let target = try HTTPEndpoint("http://\(host):\(port)")
            let connections = RegistryConnections(configuration: configuration)
            _ = try await connections.send(HTTPRequest(target: "/"), to: target, namedBy: registry)
        }
        for host in ["127.0.0.1", "localhost"] {
            await #expect {
                try await ask(host)
            } throws: {
                "\($0)".contains("this machine's own")
            }
        }
        #expect(count.withLock { $0 } == 0)
        // One that the administrator has named is meant.
        configuration.hosts["127.0.0.1:\(port)"] = RegistryConfiguration.Host()
        try await ask("127.0.0.1")
        #expect(count.withLock { $0 } == 1)
        await server.stop(grace: .zero)
    }
}
