// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import HTTP
import Linux
import TLS
import Testing

/// A server on a free port of the loopback, over TLS or not, and what is needed to talk to it.
struct TestServer {
    enum Transport: String, CaseIterable, Sendable {
        case plain, tls, unix, http2
    }

    let server: HTTPServer
    let group: EventLoopGroup?
    let authority: CertificateAuthority
    let transport: Transport
    let base: String

    static let authority = Result { try CertificateAuthority.create(commonName: "test ca") }

    init(
        _ transport: Transport, configuration: HTTPServer.Configuration = HTTPServer.Configuration(),
        group: EventLoopGroup? = nil, handler: any HTTPHandler
    ) throws {
        authority = try Self.authority.get()
        self.transport = transport
        var tls: TLSServerConfiguration?
        if transport == .tls || transport == .http2 {
            let identity = try authority.issue(
                commonName: "localhost", dnsNames: ["localhost"], addresses: ["127.0.0.1"],
                usages: [.serverAuthentication])
            tls = TLSServerConfiguration(
                identity: identity, clientAuthentication: .request(authorities: [authority.certificate]),
                applicationProtocols: transport == .http2 ? ["h2", "http/1.1"] : ["http/1.1"])
        }
        let address: SocketAddress =
            transport == .unix
            ? .unix("/tmp/swiftlet-http-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock")
            : .ipv4(address: [127, 0, 0, 1], port: 0)
        server = try HTTPServer(
            addresses: [address], tls: tls, configuration: configuration, group: group, handler: handler)
        self.group = group
        try server.start()
        let bound = server.addresses[0]
        switch transport {
        case .plain: base = "http://\(bound)"
        case .tls, .http2: base = "https://\(bound)"
        case .unix: base = "unix://\(bound.host)"
        }
    }

    func client(
        identity: TLSIdentity? = nil, _ change: (inout HTTPClient.Configuration) -> Void = { _ in }
    ) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        change(&configuration)
        return try HTTPClient(
            base: base,
            tls: TLSClientConfiguration(authorities: .certificates([authority.certificate]), identity: identity),
            configuration: configuration)
    }

    /// A connection that speaks bytes, to say what no client of ours would.
    func raw() async throws -> AsyncSocket {
        try await AsyncSocket.connect(to: server.addresses[0], loop: group?.next())
    }

    /// What the server answers to `text` on a connection of its own, to the end; gives up after `patience`.
    func answer(to text: String, patience: Duration = .seconds(5)) async throws -> String {
        let socket = try await raw()
        socket.setDeadline(KernelClock.deadline(after: patience))
        try await socket.write(Array(text.utf8))
        var result: [UInt8] = []
        do {
            while case let bytes = try await socket.read(max: 65536), !bytes.isEmpty { result += bytes }
        } catch is DeadlineExceeded {}
        await socket.close()
        return String(decoding: result, as: UTF8.self)
    }
}

/// Answers by the path: what the tests ask for.
struct TestHandler: HTTPHandler {
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        do { return try await answer(request) } catch {
            return .text("\(error)", status: error is HTTPBodyTooLarge ? 413 : 400)
        }
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        switch request.path {
        case "/hello": return .text("hello \(request.query("name") ?? "nobody")")
        case "/echo": return HTTPResponse(status: 200, body: .bytes(try await request.body.collect(limit: 64 << 20)))
        case "/small": return HTTPResponse(status: 200, body: .bytes(try await request.body.collect(limit: 10)))
        case "/stream-echo": return HTTPResponse(status: 200, body: request.body)
        case "/empty": return HTTPResponse(status: 204)
        case "/big": return HTTPResponse(status: 200, body: .bytes(Self.big))
        case "/who":
            let certificate = request.context.clientCertificate
            return .text(
                "\(certificate?.commonName ?? "-") \(certificate?.isVerified ?? false) \(request.context.version)")
        case "/ticks":
            let (writer, stream) = HTTPBodyStream.pipe()
            Task {
                for number in 0..<5 {
                    try await writer.write(Array("tick \(number)\n".utf8))
                    try await sleep(for: .milliseconds(5))
                }
                writer.finish(trailers: ["x-count": "5"])
            }
            return HTTPResponse(status: 200, body: .stream(stream))
        case "/broken":
            let (writer, stream) = HTTPBodyStream.pipe()
            try await writer.write(Array("half".utf8))
            writer.finish(HTTPBodyAbandoned())
            return HTTPResponse(status: 200, body: .stream(stream))
        case "/ignore": return .text("ignored")
        case "/redirect": return HTTPResponse(status: 302, headers: ["Location": "/hello?name=moved"])
        case "/slow":
            do { try await sleep(for: .seconds(30)) } catch { return .text("cancelled", status: 500) }
            return .text("slow")
        case "/upgrade":
            return HTTPResponse(
                status: 101, headers: ["Upgrade": "echo", "Connection": "Upgrade"],
                upgrade: { stream in
                    // The test sees a failure as missing bytes.
                    while let bytes = try? await stream.read(max: 100), !bytes.isEmpty {
                        try? await stream.write(bytes)
                    }
                    await stream.close()
                })
        default: return .text("not found", status: 404)
        }
    }

    static let big = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ ($0 >> 8)) }
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
