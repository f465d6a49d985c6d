// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import Linux
import Testing

@Suite(.timeLimit(.minutes(1))) struct HTTP1Tests {
    @Test(arguments: [(16, true), (17, false)])
    func `a server may say that it goes on, but not for ever`(count: Int, isAnswered: Bool) async throws {
        let listener = try AsyncListener(at: .ipv4(address: [127, 0, 0, 1], port: 0))
        async let served: Void = {
            let socket = try await listener.accept()
            _ = try await socket.read(max: 4096)
            let interim = String(repeating: "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", count: count)
            try await socket.write(Array((interim + "HTTP/1.1 204 No Content\r\n\r\n").utf8))
            await socket.closeWrite()
        }()
        let client = try HTTPClient(base: "http://\(listener.address)")
        if isAnswered {
            #expect(try await client.send(HTTPRequest(target: "/")).status == 204)
        } else {
            await #expect(throws: HTTPProtocolError.self) { try await client.send(HTTPRequest(target: "/")) }
        }
        try await served
    }

    @Test func `pipelined requests are answered in order`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let answer = try await test.answer(
            to: "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                + "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nde\r\n1\r\nf\r\n0\r\nT: x\r\n\r\n"
                + "\r\nGET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let bodies = answer.split(separator: "\r\n\r\n").map { String($0) }
        #expect(bodies.count == 4)
        #expect(bodies[1].hasPrefix("abcHTTP/1.1 200 OK"))
        #expect(bodies[2].hasPrefix("defHTTP/1.1 200 OK"))
        #expect(bodies[2].contains("Connection: close"))
        #expect(bodies[3] == "hello nobody")
        await test.server.stop()
    }

    @Test(arguments: [
        ("GET /hello HTTP/1.1\r\n\r\n", 400), ("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\nHost: a\n\n", 400), ("GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /he llo HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\na", 417),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 70_000) + "\r\n\r\n", 431),
        ("GET /hello HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a: b\r\n", count: 300) + "\r\n", 431),
        ("GET /" + String(repeating: "y", count: 20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ])
    func `what can be read in two ways is refused`(text: String, status: Int) async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let answer = try await test.answer(to: text)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("Connection: close"))
        #expect(answer.components(of: "HTTP/1.1 ") == 1)
        await test.server.stop()
    }

    @Test(arguments: [
        "5\r\nabc\r\n0\r\n\r\n", "zz\r\n", "\r\nabc", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n", "3 x\rabc\r\n0\r\n\r\n", "0\r\nbad trailer\r\n\r\n", "-3\r\nabc\r\n",
        String(repeating: "0", count: 5000) + "3\r\nabc\r\n0\r\n\r\n",
    ])
    func `a broken chunked body is refused`(body: String) async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let socket = try await test.raw()
        try await socket.write(
            Array("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)".utf8))
        await socket.closeWrite()
        socket.setDeadline(KernelClock.deadline(after: .seconds(5)))
        var answer: [UInt8] = []
        while let bytes = try? await socket.read(max: 65536), !bytes.isEmpty { answer += bytes }
        let text = String(decoding: answer, as: UTF8.self)
        #expect(!text.hasPrefix("HTTP/1.1 200"))
        #expect(text.components(of: "HTTP/1.1 ") <= 1)
        await test.server.stop()
    }

    @Test func `a client that waits to be told to continue is told when its body is wanted`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let socket = try await test.raw()
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        try await socket.write(Array(head.utf8))
        #expect(try await socket.read(max: 100) == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        try await socket.write(Array("abc".utf8))
        #expect(String(decoding: try await socket.read(max: 1000), as: UTF8.self).hasSuffix("\r\n\r\nabc"))
        await socket.close()
        let refused = try await test.answer(
            to: "POST /ignore HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        #expect(refused.hasPrefix("HTTP/1.1 200 ") && refused.contains("Connection: close"))
        await test.server.stop()
    }

    @Test func `slow heads and silent connections are ended`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.headTimeout = .milliseconds(50)
        configuration.idleTimeout = .milliseconds(150)
        configuration.bodyTimeout = .milliseconds(50)
        let test = try TestServer(.plain, configuration: configuration, handler: TestHandler())
        let start = KernelClock.monotonic.now()
        #expect(try await test.answer(to: "GET /hello HTTP/1.1\r\nHo").isEmpty)
        #expect(try await test.answer(to: "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").hasSuffix("hello nobody"))
        #expect(
            try await test.answer(to: "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
                .hasPrefix("HTTP/1.1 400 "))
        #expect(KernelClock.monotonic.now() - start < 15_000_000_000)
        await test.server.stop()
    }

    @Test func `HTTP 1.0 gets its body to the end of the connection`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let answer = try await test.answer(to: "GET /ticks HTTP/1.0\r\n\r\n")
        #expect(answer.hasSuffix("\r\n\r\ntick 0\ntick 1\ntick 2\ntick 3\ntick 4\n"))
        #expect(answer.contains("Connection: close") && !answer.contains("chunked"))
        await test.server.stop()
    }

    @Test func `field values cannot start other fields`() async throws {
        let test = try TestServer(
            .plain,
            handler: HTTPClosureHandler { _ in
                HTTPResponse(status: 200, headers: ["X-A": "b\r\nX-Evil: yes", "X Bad": "c", "Content-Length": "99"])
            })
        let answer = try await test.answer(to: "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(answer.contains("X-A: b  X-Evil: yes\r\n"))
        #expect(!answer.contains("X Bad") && answer.contains("Content-Length: 0\r\n") && !answer.contains("99"))
        await test.server.stop()
    }

    @Test func `mutated requests never crash the server, and it keeps serving`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let seed = Array(
            ("POST /echo?a=%20b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                + "5\r\nhello\r\n0\r\nT: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n").utf8)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<1500 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert([0x0d, 0x0a, 0x20, 0x3a, 0x30].randomElement(using: &random)!, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 10))
                }
                if bytes.isEmpty { bytes = seed }
            }
            let socket = try await test.raw()
            try await socket.write(bytes)
            await socket.closeWrite()
            while let answer = try? await socket.read(max: 65536), !answer.isEmpty {}
            await socket.close()
        }
        #expect(try await test.client().send(HTTPRequest(target: "/hello")).status == 200)
        await test.server.stop()
    }
}

extension String {
    /// How often `part` occurs.
    func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let first = rest.firstIndex(of: part.first!) {
            rest = rest[first...]
            if rest.hasPrefix(part) { count += 1 }
            rest = rest.dropFirst()
        }
        return count
    }
}
