// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Linux
import Synchronization
import TLS
import Testing

@testable import HTTP

/// Frames of RFC 9113 as no client of ours would send them.
private enum Frame {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func make(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let count = UInt32(payload.count)
        return [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), type, flags] + word(stream)
            + payload
    }

    static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xff) } }

    /// The head of a request; POST's body is still to come.
    static func head(_ stream: UInt32, _ path: String, post: Bool = false) -> [UInt8] {
        let fields: [UInt8] = [post ? 0x83 : 0x82, 0x86]
        return make(
            1, flags: post ? 4 : 5, stream: stream, fields + literal(":path", path) + literal(":authority", "x"))
    }

    static func literal(_ name: String, _ value: String) -> [UInt8] {
        precondition(name.utf8.count < 127 && value.utf8.count < 127, "one byte says the length")
        return [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE 0: nothing of a body may be sent.
    static let shutWindow = make(4, [0, 4, 0, 0, 0, 0])
}

/// Counts the handlers at work, which end when they are told to.
private final class Gate: HTTPHandler {
    let running = Mutex((now: 0, most: 0, ended: 0))
    private let waiting = Mutex<[Waiter]>([])

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        running.withLock { running in
            running.now += 1
            running.most = max(running.most, running.now)
        }
        // Deaf to cancellation, as work that has begun may be.
        let waiter = Waiter()
        waiting.withLock { $0.append(waiter) }
        await waiter.wait()
        running.withLock { running in
            running.now -= 1
            running.ended += 1
        }
        return .text("done")
    }

    func release() { for waiter in waiting.withLock({ $0 }) { waiter.wake() } }
}

/// Knows whose every connection is.
private struct Vouching: HTTPHandler {
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        request.context.standing?.vouch(for: BudgetHolder(name: "jane"))
        return await TestHandler().handle(request)
    }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct `An HTTP/2 server` {
    /// A thread of their own: the other tests must not wait behind these floods.
    private static let group = Result { try EventLoopGroup(count: 1) }

    /// Reads frames until the server ends the connection or `isEnough`; the types of those that came.
    private func frames(
        _ socket: AsyncSocket, until isEnough: (UInt8, UInt32) -> Bool = { _, _ in false }
    ) async throws -> [(type: UInt8, stream: UInt32)] {
        var buffer: [UInt8] = []
        var seen: [(type: UInt8, stream: UInt32)] = []
        while true {
            var start = 0
            while buffer.count >= start + 9 {
                let length = Int(buffer[start]) << 16 | Int(buffer[start + 1]) << 8 | Int(buffer[start + 2])
                guard buffer.count >= start + 9 + length else { break }
                let stream = buffer[(start + 5)..<(start + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                seen.append((buffer[start + 3], stream))
                if isEnough(buffer[start + 3], stream) { return seen }
                start += 9 + length
            }
            buffer.removeFirst(start)
            let bytes: [UInt8]
            // A connection that is reset has ended as well.
            do { bytes = try await socket.read(max: 65536) } catch is Errno { return seen }
            if bytes.isEmpty { return seen }
            buffer += bytes
        }
    }

    @Test func `runs no more handlers than it has streams, however many are reset`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumStreams = 10
        let gate = Gate()
        let test = try TestServer(.plain, configuration: configuration, group: Self.group.get(), handler: gate)
        let socket = try await test.raw()
        var bytes = Frame.preface + Frame.make(4)
        for number in 0..<500 {
            let stream = UInt32(2 * number + 1)
            bytes += Frame.head(stream, "/") + Frame.make(3, stream: stream, Frame.word(8))
        }
        // A PING behind them all: when it is answered, all have been read.
        try await socket.write(bytes + Frame.make(6, [UInt8](repeating: 7, count: 8)))
        _ = try await frames(socket) { type, _ in type == 6 }
        #expect(gate.running.withLock { $0.most } <= 20)
        gate.release()
        await socket.close()
        await test.server.stop()
    }

    /// Opens streams whose answers may not be sent, and tells how many of them have been answered: the others are refused.
    private func answered(_ socket: AsyncSocket, _ streams: Range<UInt32>) async throws -> Int {
        try await socket.write(streams.flatMap { Frame.head(2 * $0 + 1, "/hello") })
        var count = (heads: 0, all: 0)
        _ = try await frames(socket) { type, _ in
            if type == 1 { count.heads += 1 }
            if type == 1 || type == 3 { count.all += 1 }
            return count.all == streams.count
        }
        #expect(count.all == streams.count)
        return count.heads
    }

    @Test func `gives few streams to a connection until it has shown whose it is`() async throws {
        let test = try TestServer(.plain, group: Self.group.get(), handler: TestHandler())
        let stranger = try await test.raw()
        try await stranger.write(Frame.preface + Frame.shutWindow)
        #expect(try await answered(stranger, 0..<250) == 16)
        await stranger.close()
        await test.server.stop(grace: .zero)
        let known = try TestServer(.plain, group: Self.group.get(), handler: Vouching())
        let socket = try await known.raw()
        try await socket.write(Frame.preface + Frame.shutWindow)
        #expect(try await answered(socket, 0..<1) == 1)
        #expect(try await answered(socket, 1..<300) == 249)
        await socket.close()
        await known.server.stop(grace: .zero)
    }

    @Test(arguments: [false, true]) func `has a bounded room for streams, whoever opens them`(
        isKnown: Bool
    ) async throws {
        var configuration = HTTPServer.Configuration()
        // Of strangers 16 streams and 2 for each connection, of an account 128 and 8 for each.
        configuration.unreadBytesPerHolder = 4 << 20
        let handler: any HTTPHandler = isKnown ? Vouching() : TestHandler()
        let test = try TestServer(.plain, configuration: configuration, group: Self.group.get(), handler: handler)
        var sockets: [AsyncSocket] = []
        var open = 0
        for _ in 0..<10 {
            let socket = try await test.raw()
            sockets.append(socket)
            try await socket.write(Frame.preface + Frame.shutWindow)
            open += try await answered(socket, 0..<1)
            open += try await answered(socket, 1..<(isKnown ? 100 : 16))
        }
        #expect(open == (isKnown ? 128 + 10 * 8 : 16 + 10 * 2))
        #expect(test.server.streams.inUse == (isKnown ? 1 << 20 : 128 << 10))
        for socket in sockets { await socket.close() }
        await test.server.stop(grace: .zero)
        #expect(test.server.streams.inUse == 0)
    }

    @Test func `ends a connection that resets streams without end`() async throws {
        let test = try TestServer(.plain, group: Self.group.get(), handler: TestHandler())
        let socket = try await test.raw()
        try await socket.write(Frame.preface + Frame.make(4))
        let sending = Task {
            for number in 0..<2_500 {
                let stream = UInt32(2 * number + 1)
                try await socket.write(Frame.head(stream, "/hello") + Frame.make(3, stream: stream, Frame.word(8)))
            }
        }
        _ = try await frames(socket) { type, _ in type == 7 }
        await socket.close()
        // It failed when the connection ended, or was done before.
        _ = try? await sending.value
        await test.server.stop()
    }

    @Test func `ends a head that goes on in more and more frames`() async throws {
        let test = try TestServer(.plain, group: Self.group.get(), handler: TestHandler())
        let socket = try await test.raw()
        let field = Frame.literal("x", String(repeating: "a", count: 100))
        try await socket.write(
            Frame.preface + Frame.make(4) + Frame.make(1, stream: 1, [0x82, 0x86] + Frame.literal(":path", "/hello")))
        let sending = Task {
            for _ in 0..<10_000 { try await socket.write(Frame.make(9, stream: 1, field)) }
        }
        // It ends, and nothing was answered.
        #expect(!(try await frames(socket)).contains { $0.type == 1 })
        _ = try? await sending.value
        await socket.close()
        await test.server.stop()
    }

    @Test(arguments: [UInt8(4), 6]) func `ends a connection that asks and never reads`(type: UInt8) async throws {
        let test = try TestServer(.plain, group: Self.group.get(), handler: TestHandler())
        let socket = try await test.raw()
        socket.setDeadline(KernelClock.deadline(after: .seconds(50)))
        try await socket.write(Frame.preface + Frame.make(4))
        let flood = [[UInt8]](
            repeating: type == 6
                ? Frame.make(6, [UInt8](repeating: 1, count: 8)) : Frame.make(4, [0, 4, 0, 0, 255, 255]),
            count: 10_000
        ).flatMap { $0 }
        // Not one answer is read; what the server has to say waits in it.
        await #expect(throws: Errno.self) { while true { try await socket.write(flood) } }
        await socket.close()
        await test.server.stop()
    }

    @Test func `ends streams whose client takes nothing of the answer`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.bodyTimeout = .milliseconds(200)
        let test = try TestServer(
            .plain, configuration: configuration, group: Self.group.get(), handler: TestHandler())
        let socket = try await test.raw()
        try await socket.write(
            Frame.preface + Frame.shutWindow + Frame.head(1, "/big") + Frame.head(3, "/hello") + Frame.head(5, "/ticks")
        )
        var reset: Set<UInt32> = []
        _ = try await frames(socket) { type, stream in
            if type == 3 { reset.insert(stream) }
            return reset.count == 3
        }
        #expect(reset == [1, 3, 5])
        await socket.close()
        await test.server.stop()
    }

    @Test func `ends a connection that reads nothing at all`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.bodyTimeout = .milliseconds(200)
        let test = try TestServer(
            .plain, configuration: configuration, group: Self.group.get(), handler: TestHandler())
        let socket = try await test.raw()
        // Windows as large as they go: all of it wants out, and the socket's buffers are the limit.
        var bytes = Frame.preface + Frame.make(4, [0, 4, 0x7f, 0xff, 0xff, 0xff])
        bytes += Frame.make(8, Frame.word(0x7fff_0000 - 65535))
        for stream in 0..<10 { bytes += Frame.head(UInt32(2 * stream + 1), "/big") }
        try await socket.write(bytes)
        while test.server.connectionCount > 0 { try await sleep(for: .milliseconds(10)) }
        await socket.close()
        await test.server.stop()
    }
}

/// Reads the body until a time that has passed.
private struct Late: HTTPHandler {
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        guard case .stream(let stream) = request.body else { return .text("no body", status: 400) }
        stream.setDeadline(KernelClock.deadline(after: .milliseconds(50)))
        do {
            while try await stream.next() != nil {}
            return .text("whole")
        } catch is DeadlineExceeded {
            return .text("late", status: 408)
        } catch {
            return .text("\(error)", status: 400)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A body with a deadline` {
    @Test(arguments: TestServer.Transport.allCases)
    func `that never ends is given up`(transport: TestServer.Transport) async throws {
        let test = try TestServer(transport, handler: Late())
        let client = try test.client()
        let (writer, stream) = HTTPBodyStream.pipe()
        // A piece again and again: each of them is in time, the whole is not.
        let dripping = Task {
            while !Task.isCancelled {
                try await writer.write([1])
                try await sleep(for: .milliseconds(5))
            }
        }
        let response = try await client.send(HTTPRequest(method: "POST", target: "/", body: .stream(stream)))
        #expect(response.status == 408)
        dripping.cancel()
        // The rest of a body that is still being sent would be waited for.
        writer.finish()
        await test.server.stop()
    }
}

@Suite(.timeLimit(.minutes(1))) struct `An HTTP/1 server` {
    @Test func `refuses a body that is mostly chunk extensions, and endless trailers`() async throws {
        let test = try TestServer(.plain, handler: TestHandler())
        let start = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunk = "1;" + String(repeating: "e", count: 4000) + "\r\na\r\n"
        let answer = try await test.answer(to: start + String(repeating: chunk, count: 100))
        #expect(answer.hasPrefix("HTTP/1.1 400") || answer.isEmpty)
        let trailer = "t: " + String(repeating: "v", count: 60_000) + "\r\n"
        let trailed = try await test.answer(to: start + "0\r\n" + String(repeating: trailer, count: 10))
        #expect(trailed.hasPrefix("HTTP/1.1 400") || trailed.isEmpty)
        // Small chunks are what programs write.
        let fine = String(repeating: "1\r\na\r\n", count: 5000)
        let whole = try await test.answer(
            to: start + fine + "0\r\n\r\nGET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(whole.hasPrefix("HTTP/1.1 200") && whole.contains(String(repeating: "a", count: 5000)))
        await test.server.stop()
    }
}
