// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(1))) struct `Bodies that many send` {
    private func place(_ bytes: [UInt8]) -> UInt { bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }

    @Test func `come to their readers without a copy`() async throws {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let (writer, stream) = HTTPBodyStream.pipe()
        async let written: Void = writer.writeThrough([[1], bytes, [2]])
        #expect(try await stream.next() == [1])
        let middle = try await stream.next()
        #expect(middle.map(place) == place(bytes))
        #expect(try await stream.next() == [2])
        // It is written when its reader comes back.
        async let end = stream.next()
        try await written
        writer.finish()
        #expect(try await end == nil)
    }

    @Test func `wait for their reader, and no longer than they may`() async throws {
        let (writer, stream) = HTTPBodyStream.pipe()
        let isEnded = Mutex(false)
        stream.onAbort { isEnded.withLock { $0 = true } }
        let task = Task { try await writer.writeThrough([[1], [UInt8](repeating: 2, count: 1 << 20)]) }
        #expect(try await stream.next() == [1])
        try await Task.sleep(for: .milliseconds(50))
        writer.abort()
        await #expect(throws: HTTPBodyAbandoned.self) { try await task.value }
        #expect(isEnded.withLock { $0 })
        await #expect(throws: HTTPBodyUnfinished.self) { _ = try await stream.next() }
    }

    private struct Sender: HTTPHandler {
        let bytes: [UInt8]

        func handle(_ request: HTTPRequest) async -> HTTPResponse {
            if request.path == "/ready" { return .text("ready") }
            let (writer, stream) = HTTPBodyStream.pipe()
            Task {
                // A client that goes away ends it.
                try? await writer.writeThrough([[1], bytes, [2]])
                writer.finish()
            }
            return HTTPResponse(status: 200, body: .stream(stream))
        }
    }

    @Test(arguments: [TestServer.Transport.plain, .tls, .http2]) func `arrive whole`(
        _ kind: TestServer.Transport
    ) async throws {
        // Together less than there is for those who have shown nothing.
        let bytes = (0..<300_003).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        let test = try TestServer(kind, handler: Sender(bytes: bytes))
        let client = try test.client()
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<20 {
                group.addTask { try await client.send(HTTPRequest(target: "/")).body.collect(limit: 2 << 20) }
            }
            for try await body in group { #expect(body == [1] + bytes + [2]) }
        }
    }
}
