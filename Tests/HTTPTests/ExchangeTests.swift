// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import Linux
import TLS
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    @Test(arguments: TestServer.Transport.allCases)
    func `requests and responses go through`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        for name in ["a", "b"] {
            let response = try await client.send(HTTPRequest(target: "/hello?name=\(name)"))
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(try await response.body.collect(limit: 100) == Array("hello \(name)".utf8))
        }
        #expect(test.server.connectionCount == 1)
        #expect(try await client.send(HTTPRequest(target: "/none")).status == 404)
        let empty = try await client.send(HTTPRequest(target: "/empty"))
        #expect(empty.status == 204)
        #expect(try await empty.body.collect(limit: 0).isEmpty)
        let head = try await client.send(HTTPRequest(method: "HEAD", target: "/hello"))
        #expect(head.status == 200)
        #expect(try await head.body.collect(limit: 0).isEmpty)
        #expect(head.headers["content-length"] == "12")
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `bodies go both ways, whole and in pieces`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        for size in [1, 1000, 40_000, 3_000_000] {
            let body = Array(TestHandler.big[..<size])
            for path in ["/echo", "/stream-echo"] {
                let whole = try await client.send(HTTPRequest(method: "POST", target: path, body: .bytes(body)))
                #expect(try await whole.body.collect(limit: size) == body)
                let (writer, stream) = HTTPBodyStream.pipe()
                let writing = Task {
                    for start in stride(from: 0, to: size, by: 30_000) {
                        try await writer.write(Array(body[start..<min(start + 30_000, size)]))
                    }
                    writer.finish()
                }
                let pieces = try await client.send(HTTPRequest(method: "POST", target: path, body: .stream(stream)))
                #expect(try await pieces.body.collect(limit: size) == body)
                try await writing.value
            }
        }
        let big = try await client.send(HTTPRequest(target: "/big"))
        #expect(try await big.body.collect(limit: 10_000_000) == TestHandler.big)
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a stream arrives piece by piece, with its trailers`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let response = try await test.client().send(HTTPRequest(target: "/ticks"))
        guard case .stream(let stream) = response.body else {
            Issue.record("not a stream")
            return
        }
        var text = ""
        var pieces = 0
        for try await chunk in stream {
            text += String(decoding: chunk, as: UTF8.self)
            pieces += 1
        }
        #expect(text == "tick 0\ntick 1\ntick 2\ntick 3\ntick 4\n")
        #expect(pieces >= 3)
        #expect(stream.trailers["X-Count"] == "5")
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a body that fails is never taken for a whole one`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        await #expect(throws: (any Error).self) {
            let response = try await client.send(HTTPRequest(target: "/broken"))
            _ = try await response.body.collect(limit: 100)
        }
        #expect(try await client.send(HTTPRequest(target: "/hello")).status == 200)
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a server may answer without reading the body`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        for size in [100, 20_000_000] {
            let body = HTTPBody.bytes([UInt8](repeating: 7, count: size))
            let response = try await client.send(HTTPRequest(method: "POST", target: "/ignore", body: body))
            #expect(response.status == 200)
            let limited = try await client.send(HTTPRequest(method: "POST", target: "/small", body: body))
            #expect(limited.status == 413)
        }
        #expect(try await client.send(HTTPRequest(target: "/hello")).status == 200)
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a handler is cancelled when its client goes away`(transport: TestServer.Transport) async throws {
        let (signal, stream) = HTTPBodyStream.pipe()
        let test = try TestServer(
            transport,
            handler: HTTPClosureHandler { request in
                try? await signal.write([1])
                do { try await sleep(for: .seconds(30)) } catch {
                    try? await Task { try await signal.write([2]) }.value
                }
                return .text("")
            })
        let client = try test.client()
        let sending = Task { try await client.send(HTTPRequest(target: "/")) }
        #expect(try await stream.next() == [1])
        sending.cancel()
        #expect(try await stream.next() == [2])
        _ = await sending.result
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a writer learns that its reader went away`(transport: TestServer.Transport) async throws {
        let (signal, stream) = HTTPBodyStream.pipe()
        let test = try TestServer(
            transport,
            handler: HTTPClosureHandler { request in
                let (writer, body) = HTTPBodyStream.pipe()
                writer.onAbandon { signal.finish() }
                Task {
                    try await writer.write([1]); try await sleep(for: .seconds(20)); writer.finish()
                }
                return HTTPResponse(status: 200, body: .stream(body))
            })
        let client = try test.client()
        do {
            let response = try await client.send(HTTPRequest(target: "/"))
            guard case .stream(let body) = response.body else { return }
            #expect(try await body.next() == [1])
        }
        #expect(try await stream.next() == nil)
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `many requests at once are all answered`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<400 {
                group.addTask {
                    let body = Array("\(number)".utf8)
                    let response = try await client.send(
                        HTTPRequest(method: "POST", target: "/echo", body: .bytes(body)))
                    let answer = try await response.body.collect(limit: 100)
                    #expect(answer == body)
                }
            }
            try await group.waitForAll()
        }
        if transport == .http2 { #expect(test.server.connectionCount == 1) }
        await test.server.stop()
    }

    @Test func `a client certificate reaches the handler`() async throws {
        for transport in TestServer.Transport.allCases where transport != .plain && transport != .unix {
            let test = try TestServer(transport, handler: TestHandler())
            let identity = try test.authority.issue(commonName: "alice", usages: [.clientAuthentication])
            let version = transport == .http2 ? "HTTP/2.0" : "HTTP/1.1"
            let known = try await test.client(identity: identity).send(HTTPRequest(target: "/who"))
            #expect(try await known.body.collect(limit: 100) == Array("alice true \(version)".utf8))
            let unknown = try await test.client().send(HTTPRequest(target: "/who"))
            #expect(try await unknown.body.collect(limit: 100) == Array("- false \(version)".utf8))
            await test.server.stop()
        }
    }

    @Test(arguments: [TestServer.Transport.tls, .http2])
    func `a client exchanges its certificate, and requests under way go on`(
        transport: TestServer.Transport
    ) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        func configuration(_ name: String) throws -> TLSClientConfiguration {
            TLSClientConfiguration(
                authorities: .certificates([test.authority.certificate]),
                identity: try test.authority.issue(commonName: name, usages: [.clientAuthentication]))
        }
        let client = try HTTPClient(base: test.base, tls: try configuration("alice"))
        func who() async throws -> String {
            let answer = try await client.send(HTTPRequest(target: "/who"))
            return String(decoding: try await answer.body.collect(limit: 100).prefix { $0 != 0x20 }, as: UTF8.self)
        }
        #expect(try await who() == "alice")
        let slow = try await client.send(HTTPRequest(target: "/ticks"))
        try client.reload(tls: try configuration("bob"))
        #expect(try await who() == "bob")
        #expect(try await slow.body.collect(limit: 1000).count == 35)
        // The old connection has ended its work by now, and must not be taken for the next.
        #expect(try await who() == "bob")
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `a connection can be taken over`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        _ = try await client.send(HTTPRequest(target: "/hello")).body.collect(limit: 100)
        let response = try await client.send(HTTPRequest(target: "/upgrade", headers: ["Upgrade": "echo"]))
        #expect(response.status == 101)
        let stream = try #require(response.connection)
        try await stream.write(Array("over the wire".utf8))
        #expect(try await stream.readExactly(13) == Array("over the wire".utf8))
        await stream.closeWrite()
        #expect(try await stream.read(max: 1).isEmpty)
        await stream.close()
        await test.server.stop()
    }

    @Test func `a server stops: idle connections at once, busy ones when done or when time is up`() async throws {
        for transport in TestServer.Transport.allCases {
            let test = try TestServer(transport, handler: TestHandler())
            let client = try test.client()
            _ = try await client.send(HTTPRequest(target: "/hello")).body.collect(limit: 100)
            let ticks = try await client.send(HTTPRequest(target: "/ticks"))
            let slow = Task { try await client.send(HTTPRequest(target: "/slow")).status }
            try await sleep(for: .milliseconds(20))
            let start = KernelClock.monotonic.now()
            async let stopped: Void = test.server.stop(grace: .milliseconds(1500))
            #expect(try await ticks.body.collect(limit: 1000).count == 35)
            await stopped
            #expect(KernelClock.monotonic.now() - start < 15_000_000_000)
            _ = await slow.result
            await #expect(throws: (any Error).self) { _ = try await client.send(HTTPRequest(target: "/hello")) }
        }
    }

    @Test func `redirects are followed only when asked, the dialled address is the caller's`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        #expect(try await test.client().send(HTTPRequest(target: "/redirect")).status == 302)
        let client = try test.client { $0.maximumRedirects = 2 }
        let response = try await client.send(HTTPRequest(target: "/redirect"))
        #expect(try await response.body.collect(limit: 100) == Array("hello moved".utf8))
        let address = test.server.addresses[0]
        var configuration = HTTPClient.Configuration()
        configuration.dial = { endpoint, loop in
            #expect(endpoint.host == "some.service.svc")
            return try await AsyncSocket.connect(to: address, loop: loop)
        }
        let dialling = try HTTPClient(base: "http://some.service.svc:8080/", configuration: configuration)
        #expect(try await dialling.send(HTTPRequest(target: "/hello")).status == 200)
        await test.server.stop()
    }

    @Test func `a server that does not answer in time is an error that says so`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let client = try test.client { $0.responseTimeout = .milliseconds(30) }
        let error = await #expect(throws: DeadlineExceeded.self) {
            _ = try await client.send(HTTPRequest(target: "/slow"))
        }
        #expect(error?.description.hasPrefix("GET /slow on 127.0.0.1:") == true)
        await test.server.stop()
    }

    @Test(arguments: TestServer.Transport.allCases)
    func `many answers at the same time come whole`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: TestHandler())
        let client = try test.client()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await client.send(HTTPRequest(target: "/ticks")).body.collect(limit: 1000).count
                }
            }
            for try await count in group { #expect(count == 35) }
        }
        await test.server.stop()
    }

    @Test func `who asks in this process without end lets others have his thread`() async throws {
        let loop = try EventLoop()
        let exchange = InProcessExchange(handler: HTTPClosureHandler { _ in .text("-") }, user: nil)
        let asking = loop.begin {
            while !Task.isCancelled { _ = try await exchange.send(HTTPRequest(target: "/")) }
        }
        // Behind the other on the same thread.
        for _ in 0..<10 { await loop.begin {}.value }
        asking.cancel()
        _ = await asking.result
        loop.stop()
    }

    @Test func `an in-process exchange vouches for its user and upgrades`() async throws {
        let exchange = InProcessExchange(
            handler: HTTPClosureHandler { request in
                if request.path == "/upgrade" { return await TestHandler().handle(request) }
                return .text(request.context.user?.name ?? "-")
            }, user: RequestUser(name: "system:scheduler"))
        var request = HTTPRequest(target: "/")
        request.context.user = RequestUser(name: "somebody else")
        #expect(try await exchange.send(request).body.collect(limit: 100) == Array("system:scheduler".utf8))
        let stream = try #require(try await exchange.send(HTTPRequest(target: "/upgrade")).connection)
        try await stream.write([1, 2, 3])
        #expect(try await stream.readExactly(3) == [1, 2, 3])
        await stream.close()
    }
}
