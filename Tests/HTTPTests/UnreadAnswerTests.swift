// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Testing

@testable import HTTP

/// Answers with 300 KB, in one piece or in several. For one who may do no more it does nothing.
private struct Large: HTTPHandler {
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let holder = BudgetHolder(name: request.headers["user"] ?? "jane")
        request.context.standing?.vouch(for: holder)
        if request.method == "POST", request.context.standing?.hasRoomForAnswer == false {
            return HTTPResponse(status: 503)
        }
        let piece = [UInt8](repeating: 1, count: 100_000)
        if request.path == "/pieces" {
            return HTTPResponse(status: 200, body: .stream(.pieces([piece, piece, piece])))
        }
        return HTTPResponse(status: 200, body: .bytes(piece + piece + piece))
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Answers that nobody reads` {
    private func server(_ transport: TestServer.Transport, unread: Int) throws -> TestServer {
        var configuration = HTTPServer.Configuration()
        configuration.unreadBytesPerHolder = unread
        return try TestServer(transport, configuration: configuration, handler: Large())
    }

    @Test func `are refused when a holder has many of them, and given again when they are read`() async throws {
        let test = try server(.http2, unread: 1 << 20)
        let client = try test.client { $0.streamWindow = 64 << 10 }
        var answers: [HTTPResponse] = []
        for _ in 0..<20 { answers.append(try await client.send(HTTPRequest(target: "/whole"))) }
        let given = answers.count { $0.status == 200 }
        #expect((3..<10).contains(given) && answers.allSatisfy { [200, 429].contains($0.status) })
        #expect(test.server.output.inUse <= 1 << 20)
        // Somebody else has his own.
        let other = try test.client { $0.streamWindow = 64 << 10 }
        let johns = try await other.send(HTTPRequest(target: "/whole", headers: ["user": "john"]))
        #expect(try await johns.body.collect(limit: 1 << 20).count == 300_000)
        for answer in answers where answer.status == 200 {
            #expect(try await answer.body.collect(limit: 1 << 20).count == 300_000)
        }
        answers = [try await client.send(HTTPRequest(target: "/whole"))]
        #expect(answers[0].status == 200)
        answers = [try await client.send(HTTPRequest(target: "/pieces"))]
        #expect(try await answers[0].body.collect(limit: 1 << 20).count == 300_000)
        await test.server.stop(grace: .zero)
        #expect(test.server.output.inUse == 0)
    }

    @Test func `are given all the same where something was done, and nothing more is done then`() async throws {
        let test = try server(.http2, unread: 1 << 20)
        let client = try test.client { $0.streamWindow = 64 << 10 }
        var answers: [HTTPResponse] = []
        for _ in 0..<20 { answers.append(try await client.send(HTTPRequest(method: "POST", target: "/whole"))) }
        let given = answers.count { $0.status == 200 }
        #expect((3..<10).contains(given) && answers.allSatisfy { [200, 503].contains($0.status) })
        // At the most one is beyond what there is.
        #expect((1 << 20..<(1 << 20) + 300_000).contains(test.server.output.inUse))
        #expect(try await client.send(HTTPRequest(target: "/whole")).status == 429)
        for answer in answers where answer.status == 200 {
            #expect(try await answer.body.collect(limit: 1 << 20).count == 300_000)
        }
        #expect(try await client.send(HTTPRequest(method: "POST", target: "/whole")).status == 200)
        await test.server.stop(grace: .zero)
        #expect(test.server.output.inUse == 0)
        let old = try server(.plain, unread: 150_000)
        let whole = try await old.client().send(HTTPRequest(method: "POST", target: "/whole"))
        #expect(try await whole.body.collect(limit: 1 << 20).count == 300_000)
        #expect(old.server.output.inUse == 0)
        await old.server.stop(grace: .zero)
    }

    @Test func `are refused over HTTP/1`() async throws {
        let test = try server(.plain, unread: 150_000)
        let client = try test.client()
        let whole = try await client.send(HTTPRequest(target: "/whole"))
        #expect(whole.status == 429 && whole.headers["Retry-After"] == "1")
        let pieces = try await client.send(HTTPRequest(target: "/pieces"))
        #expect(try await pieces.body.collect(limit: 1 << 20).count == 300_000)
        #expect(test.server.output.inUse == 0)
        await test.server.stop(grace: .zero)
    }
}
