// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import HTTP

/// Answers to `/watch` do not end until they are let.
private final class Watched: HTTPHandler {
    private let writers = Mutex<[HTTPBodyWriter]>([])

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        guard request.path == "/watch" else { return .text("here") }
        let (writer, stream) = HTTPBodyStream.pipe()
        writers.withLock { $0.append(writer) }
        return HTTPResponse(status: 200, body: .stream(stream))
    }

    func end() { for writer in writers.withLock({ $0 }) { writer.finish() } }
}

@Suite(.timeLimit(.minutes(1))) struct LastingRequestTests {
    private var watch: HTTPRequest {
        var request = HTTPRequest(target: "/watch")
        request.isLasting = true
        return request
    }

    @Test func `requests that last get as many connections as they need, and others wait for none of them`()
        async throws
    {
        var configuration = HTTPServer.Configuration()
        configuration.maximumStreams = 10
        let handler = Watched()
        let test = try TestServer(.http2, configuration: configuration, handler: handler)
        let client = try test.client { $0.maximumConnections = 4 }
        var answers: [HTTPResponse] = []
        for _ in 0..<36 { answers.append(try await client.send(watch)) }
        // Nine each: the tenth stream of a connection is for what ends soon.
        #expect(test.server.connectionCount == 4)
        await #expect(throws: HTTPConnectionsFull.self) { try await client.send(watch) }
        let quick = try await client.send(HTTPRequest(target: "/quick"))
        #expect(try await quick.body.collect(limit: 100) == Array("here".utf8))
        // Many of them share what is left.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let answer = try await client.send(HTTPRequest(target: "/quick"))
                    #expect(try await answer.body.collect(limit: 100) == Array("here".utf8))
                }
            }
            try await group.waitForAll()
        }
        #expect(test.server.connectionCount == 4)
        handler.end()
        for answer in answers { _ = try await answer.body.collect(limit: 100) }
        let again = try await client.send(watch)
        #expect(again.status == 200)
        handler.end()
        await test.server.stop(grace: .zero)
    }

    @Test func `a tenth of a connection is not for requests that last`() {
        #expect(HTTP2.room(of: 250, isLasting: true) == 225)
        #expect(HTTP2.room(of: 250, isLasting: false) == 250)
        #expect(HTTP2.room(of: 10, isLasting: true) == 9)
        #expect(HTTP2.room(of: 2, isLasting: true) == 1)
        // A server that takes one at a time, or says none, is asked all the same.
        #expect(HTTP2.room(of: 1, isLasting: true) == 1)
        #expect(HTTP2.room(of: 0, isLasting: false) == 1)
    }
}
