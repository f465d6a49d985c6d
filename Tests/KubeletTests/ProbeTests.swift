// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import JSON
import KubeAPI
import Linux
import Synchronization
import TLS
import Testing

@testable import Kubelet

/// A server on the loopback that a probe asks.
private final class Probed: Sendable {
    let server: HTTPServer
    let port: UInt16

    private final class Handler: HTTPHandler {
        let answer: @Sendable (HTTPRequest) -> HTTPResponse
        let seen = Mutex<[HTTPRequest]>([])

        init(_ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse) { self.answer = answer }

        func handle(_ request: HTTPRequest) async -> HTTPResponse {
            var copy = request
            if let bytes = try? await request.body.collect(limit: 1 << 20) {  // Left as it is: the test sees it is not.
                copy.body = .bytes(bytes)
            }
            let recorded = copy
            seen.withLock { $0.append(recorded) }
            if request.path == "/slow" {
                do { try await sleep(for: .seconds(5)) } catch { return HTTPResponse(status: 503) }  // The server ends.
            }
            return answer(recorded)
        }
    }

    private let handler: Handler

    init(tls: Bool = false, _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws {
        handler = Handler(answer)
        var configuration: TLSServerConfiguration?
        if tls {
            // Nobody's authority, and another's name: a probe does not mind.
            let identity = try CertificateAuthority.create(commonName: "nobody").issue(
                commonName: "elsewhere", dnsNames: ["elsewhere"], addresses: [], usages: [.serverAuthentication])
            configuration = TLSServerConfiguration(identity: identity, applicationProtocols: ["h2", "http/1.1"])
        }
        server = try HTTPServer(
            addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], tls: configuration, handler: handler)
        try server.start()
        port = server.addresses[0].port ?? 0
    }

    var seen: [HTTPRequest] { handler.seen.withLock { $0 } }

    func stop() async { await server.stop(grace: .zero) }

    func status(_ action: JSONObject, timeout: Duration = .seconds(3)) async throws -> Int {
        try await HTTPGet(HTTPGetAction(json: action), host: "127.0.0.1", port: port, purpose: .probe)
            .status(timeout: timeout)
    }

    func health(_ service: String = "", timeout: Duration = .seconds(3)) async -> ProbeResult {
        await GRPCHealth(host: "127.0.0.1", port: port, service: service).check(timeout: timeout)
    }
}

@Suite struct `A probe over HTTP` {
    @Test(arguments: [false, true], [200, 204, 399, 404, 503])
    func `brings the status`(tls: Bool, status: Int) async throws {
        let probed = try Probed(tls: tls) { _ in .text("x", status: status) }
        let action: JSONObject = ["path": "/healthz?full=1#here", "scheme": tls ? "HTTPS" : "HTTP"]
        #expect(try await probed.status(action) == status)
        let request = try #require(probed.seen.first)
        #expect(request.method == "GET")
        #expect(request.target == "/healthz?full=1")
        #expect(request.headers["User-Agent"] == "kube-probe/1.36")
        #expect(request.headers["Accept"] == "*/*")
        #expect(request.headers["Host"] == "127.0.0.1:\(probed.port)")
        #expect(request.context.version == (tls ? "HTTP/2.0" : "HTTP/1.1"))
        await probed.stop()
    }

    @Test func `sends the headers given, in place of its own`() async throws {
        let probed = try Probed { _ in .text("") }
        let headers: [JSONValue] = [
            ["name": "Host", "value": "name.example"], ["name": "User-Agent", "value": "me"],
            ["name": "Accept", "value": ""], ["name": "X", "value": "1"], ["name": "X", "value": "2"],
        ]
        #expect(try await probed.status(["path": "a b", "httpHeaders": .array(headers)]) == 200)
        let request = try #require(probed.seen.first)
        #expect(request.target == "/a%20b")
        #expect(request.headers["Host"] == "name.example")
        #expect(request.headers["User-Agent"] == "me")
        #expect(request.headers["Accept"] == nil)
        #expect(request.headers.all("X") == ["1", "2"])
        await probed.stop()
    }

    @Test func `follows redirects on the host`() async throws {
        let other = try Probed(tls: true) { _ in .text("", status: 418) }
        let port = other.port
        let probed = try Probed { request in
            switch request.path {
            case "/a/one": HTTPResponse(status: 302, headers: ["Location": "two"])
            case "/a/two": HTTPResponse(status: 301, headers: ["Location": "/three?x=y"])
            case "/three": HTTPResponse(status: 307, headers: ["Location": "https://127.0.0.1:\(port)/end"])
            default: .text("", status: 500)
            }
        }
        #expect(try await probed.status(["path": "/a/one"]) == 418)
        #expect(probed.seen.map(\.target) == ["/a/one", "/a/two", "/three?x=y"])
        #expect(other.seen.map(\.target) == ["/end"])
        await probed.stop()
        await other.stop()
    }

    @Test(arguments: ["http://elsewhere.example/", "https://10.0.0.1/x", "//elsewhere.example/"])
    func `stops at a redirect to another host`(location: String) async throws {
        let probed = try Probed { _ in HTTPResponse(status: 302, headers: ["Location": location]) }
        #expect(try await probed.status([:]) == 302)
        #expect(probed.seen.count == 1)
        await probed.stop()
    }

    @Test func `gives up on redirects without end`() async throws {
        let probed = try Probed { _ in HTTPResponse(status: 302, headers: ["Location": "/"]) }
        await #expect(throws: ProbeUnsupported.self) { try await probed.status([:]) }
        #expect(probed.seen.count == 10)
        await probed.stop()
    }

    @Test func `does not wait longer than it may`() async throws {
        let probed = try Probed { _ in .text("") }
        let start = ContinuousClock.now
        await #expect(throws: DeadlineExceeded.self) {
            try await probed.status(["path": "/slow"], timeout: .milliseconds(200))
        }
        #expect(ContinuousClock.now - start < .seconds(3))
        await probed.stop()
    }

    @Test func `has seen enough of an endless answer`() async throws {
        let probed = try Probed { _ in
            HTTPResponse(status: 200, body: .stream(HTTPBodyStream(next: { [UInt8](repeating: 0x78, count: 4096) })))
        }
        #expect(try await probed.status([:]) == 200)
        await probed.stop()
    }

    @Test func `fails where nobody listens`() async throws {
        let probed = try Probed { _ in .text("") }
        await probed.stop()
        await #expect(throws: (any Error).self) { try await probed.status([:]) }
    }

    @Test(arguments: [
        ("c", "/a/c"), ("../c", "/c"), ("./c/", "/a/c/"), ("..", "/"), ("?q", "/a/b?q"), ("/x#f", "/x"),
        ("../../../c?d=..", "/c?d=.."),
    ]) func `resolves a relative address`(location: String, target: String) {
        let url = ProbeURL(isTLS: false, host: "h", port: 80, path: "/a/b?x")
        #expect(url.resolving(location)?.target == target)
        #expect(url.resolving(location)?.host == "h")
    }

    @Test(arguments: ["ftp://h/", "http://", "http://user@h/"]) func `refuses what is no address`(location: String) {
        #expect(ProbeURL(isTLS: false, host: "h", port: 80, path: "/").resolving(location) == nil)
    }
}

@Suite struct `A probe over gRPC` {
    private static func answer(_ message: [UInt8], status: String = "0", text: String = "") -> HTTPResponse {
        let (writer, stream) = HTTPBodyStream.pipe()
        Task {
            try await writer.write(GRPCHealth.frame(message))
            writer.finish(trailers: ["grpc-status": status, "grpc-message": text])
        }
        return HTTPResponse(status: 200, headers: ["content-type": "application/grpc"], body: .stream(stream))
    }

    @Test func `asks the health service over HTTP/2`() async throws {
        let probed = try Probed { _ in Self.answer([0x08, 0x01]) }
        #expect(await probed.health("svc") == .success)
        let request = try #require(probed.seen.first)
        #expect(request.method == "POST")
        #expect(request.target == "/grpc.health.v1.Health/Check")
        #expect(request.context.version == "HTTP/2.0")
        #expect(request.headers["content-type"] == "application/grpc")
        #expect(request.headers["te"] == "trailers")
        #expect(try await request.body.collect(limit: 100) == [0, 0, 0, 0, 5, 0x0a, 3, 0x73, 0x76, 0x63])
        #expect(await probed.health() == .success)
        #expect(try await probed.seen[1].body.collect(limit: 100) == [0, 0, 0, 0, 0])
        await probed.stop()
    }

    @Test(arguments: [
        ([UInt8]([0x08, 0x02]), "NOT_SERVING"), ([0x08, 0x03], "SERVICE_UNKNOWN"), ([], "UNKNOWN"),
        ([0x12, 0x01, 0x08, 0x08, 0x02], "NOT_SERVING"),
    ]) func `fails for a service that does not serve`(message: [UInt8], name: String) async throws {
        let probed = try Probed { _ in Self.answer(message) }
        #expect(await probed.health() == .failure("service unhealthy (responded with \"\(name)\")"))
        await probed.stop()
    }

    @Test func `fails as the call does`() async throws {
        let unknown = try Probed { _ in
            HTTPResponse(
                status: 200,
                headers: ["content-type": "application/grpc", "grpc-status": "12", "grpc-message": "no such"])
        }
        #expect(
            await unknown.health()
                == .failure(
                    "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): no such"))
        await unknown.stop()
        let plain = try Probed { _ in .text("no", status: 404) }
        #expect(
            await plain.health() == .failure("error: health rpc probe failed: unexpected HTTP status code 404"))
        await plain.stop()
        #expect(await plain.health().message.hasPrefix("error: failed to connect service at \"127.0.0.1:"))
    }

    @Test(arguments: [
        [UInt8]([]), [0, 0, 0, 0, 9, 8], [1, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 1, 8], [0, 0, 0, 0, 1, 0x0d],
    ])
    func `takes no damaged message for health`(body: [UInt8]) {
        #expect(GRPCHealth.verdict(body, ["grpc-status": "0"]) != .success)
        #expect(GRPCHealth.verdict([0, 0, 0, 0, 2, 8, 1], [:]) != .success)
    }
}
