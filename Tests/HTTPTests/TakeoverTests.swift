// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import Linux
import Testing

/// Connections that change hands: from a body's reader to another protocol, or back to the connection.
@Suite(.timeLimit(.minutes(1))) struct TakeoverTests {
    /// Reads the request's body in a task of its own, as one that passes it on does, and answers `response` meanwhile.
    private struct ReadingOn: HTTPHandler {
        let response: HTTPResponse
        let ended: HTTPBodyWriter

        func handle(_ request: HTTPRequest) async -> HTTPResponse {
            guard case .stream(let body) = request.body else { return .text("no body", status: 400) }
            let ended = ended
            Task {
                var count = 0
                do {
                    while let chunk = try await body.next() { count += chunk.count }
                    try await ended.write(Array("whole, \(count) bytes".utf8))
                } catch {
                    try? await ended.write(Array("\(error)".utf8))
                }
                ended.finish()
            }
            return response
        }
    }

    private static let echo = HTTPResponse(
        status: 101, headers: ["Upgrade": "echo", "Connection": "Upgrade"],
        upgrade: { stream in
            // The test sees a failure as missing bytes.
            while let bytes = try? await stream.read(max: 100), !bytes.isEmpty { try? await stream.write(bytes) }
            await stream.close()
        })

    private func exchange(
        _ response: HTTPResponse, _ transport: TestServer.Transport = .plain, sending text: String
    ) async throws -> (answer: String, reader: String) {
        let (writer, told) = HTTPBodyStream.pipe()
        let test = try TestServer(transport, handler: ReadingOn(response: response, ended: writer))
        let answer = try await test.answer(to: text)
        let reader = try await HTTPBody.stream(told).collect(limit: 1000)
        await test.server.stop()
        return (answer, String(decoding: reader, as: UTF8.self))
    }

    @Test(arguments: [
        "Content-Length: 10\r\n\r\n", "Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ])
    func `are not given away while a body is to come`(rest: String) async throws {
        let result = try await exchange(
            Self.echo, sending: "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n" + rest)
        #expect(result.answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(result.answer.contains("Connection: close"))
        #expect(result.reader == "\(HTTPBodyTakenBack())")
    }

    @Test func `are given away after the body, with what follows it`() async throws {
        let test = try TestServer(
            .plain,
            handler: HTTPClosureHandler { request in
                let body = try? await request.body.collect(limit: 100)
                return body == Array("0123456789".utf8) ? Self.echo : .text("no", status: 400)
            })
        let socket = try await test.raw()
        try await socket.write(
            Array("POST / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nContent-Length: 10\r\n\r\n0123456789after".utf8))
        await socket.closeWrite()
        var answer: [UInt8] = []
        while case let bytes = try await socket.read(max: 4096), !bytes.isEmpty { answer += bytes }
        let text = String(decoding: answer, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 101 "))
        #expect(text.hasSuffix("\r\n\r\nafter"))
        await socket.close()
        await test.server.stop()
    }

    @Test func `end a body's reader with the answer, and serve the next request`() async throws {
        let result = try await exchange(
            .text("early"),
            sending: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        #expect(result.answer.hasSuffix("\r\n\r\nearly"))
        #expect(result.reader == "\(HTTPBodyTakenBack())")

        // What comes of the first body later is skipped, not taken for a request.
        let (writer, told) = HTTPBodyStream.pipe()
        let test = try TestServer(.plain, handler: ReadingOn(response: .text("early"), ended: writer))
        let socket = try await test.raw()
        try await socket.write(Array("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n".utf8))
        var first = ""
        while !first.hasSuffix("early") { first += String(decoding: try await socket.read(max: 4096), as: UTF8.self) }
        _ = try await HTTPBody.stream(told).collect(limit: 1000)
        try await socket.write(Array("abcGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
        var second: [UInt8] = []
        while case let bytes = try await socket.read(max: 4096), !bytes.isEmpty { second += bytes }
        #expect(String(decoding: second, as: UTF8.self).hasSuffix("\r\n\r\nno body"))
        await socket.close()
        await test.server.stop()
    }

    @Test func `by a server that nobody asked are broken off`() async throws {
        let listener = try AsyncListener(at: .ipv4(address: [127, 0, 0, 1], port: 0))
        async let served: Void = {
            for _ in 0..<2 {
                let socket = try await listener.accept()
                _ = try await socket.read(max: 4096)
                try await socket.write(Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n".utf8))
                // To the end, which the client makes.
                while let bytes = try? await socket.read(max: 4096), !bytes.isEmpty {}
            }
        }()
        let client = try HTTPClient(base: "http://\(listener.address)")
        await #expect(throws: HTTPProtocolError("the server changed the protocol without being asked")) {
            try await client.send(HTTPRequest(target: "/"))
        }
        // Nor before it has the request: what is still to come would be the other protocol's.
        let (writer, body) = HTTPBodyStream.pipe()
        await #expect(throws: HTTPProtocolError("the server changed the protocol before it had the whole request")) {
            try await client.send(
                HTTPRequest(method: "POST", target: "/", headers: ["Upgrade": "foo"], body: .stream(body)))
        }
        writer.finish()
        try await served
    }
}
