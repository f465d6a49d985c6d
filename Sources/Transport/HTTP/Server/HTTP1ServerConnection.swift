// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// Serves the requests of one HTTP/1 connection, one after the other.
final class HTTP1ServerConnection: ServedConnection {
    private struct State {
        var isIdle = true
        var hasServed = false
        var isStopping = false
    }

    private let server: HTTPServer
    private let channel: HTTP1Channel
    private let context: RequestContext
    private let state = Mutex(State())
    /// Cancels the task that runs this connection, and with it the handler at work.
    private let cancel: @Sendable () -> Void

    init(
        _ server: HTTPServer, _ channel: HTTP1Channel, _ context: RequestContext,
        cancel: @escaping @Sendable () -> Void
    ) {
        self.server = server
        self.channel = channel
        self.context = context
        self.cancel = cancel
    }

    private var connection: any Connection { channel.connection }

    func stop() {
        let isIdle = state.withLock { state in
            state.isStopping = true
            return state.isIdle
        }
        if isIdle { connection.shut() }
    }

    func kill() { connection.shut() }

    var isIdle: Bool { state.withLock { $0.isIdle } }

    /// Serves until the connection has ended.
    func run() async {
        do {
            while let head = try await nextHead() {
                guard try await serve(head) else { break }
            }
        } catch let error as HTTPProtocolError {
            await refuse(error)
        } catch {
            // The connection broke, or was silent for too long: there is nobody to tell.
        }
        connection.shut()
    }

    private func nextHead() async throws -> HTTP1Head? {
        let (mayWait, isFirst) = state.withLock { state in
            // What has been read already is a request the client may count on.
            if state.isStopping, !channel.hasInput { return (false, false) }
            state.isIdle = !channel.hasInput
            return (true, !state.hasServed)
        }
        guard mayWait else { return nil }
        let configuration = server.configuration
        // A connection is made for a request: only between two of them there may be a long time.
        let idle = channel.hasInput || isFirst ? configuration.headTimeout : configuration.idleTimeout
        connection.setDeadline(KernelClock.deadline(after: idle))
        let head = try await channel.nextHead {
            connection.setDeadline(KernelClock.deadline(after: configuration.headTimeout))
        }
        state.withLock { state in
            state.isIdle = false
            state.hasServed = true
        }
        connection.setDeadline(nil)
        return head
    }

    /// Serves one request; false when the connection is not to be used any more.
    private func serve(_ head: HTTP1Head) async throws -> Bool {
        guard case .request(let method, let target) = head.start else { return false }
        let framing = try head.requestFraming()
        let turn = channel.startBody(framing)
        var request = HTTPRequest(method: method, target: target, headers: head.headers, context: context)
        request.context.version = head.minorVersion == 1 ? "HTTP/1.1" : "HTTP/1.0"
        var wantsContinue = false
        if framing != .none {
            wantsContinue = try expectsContinue(head)
            request.body = .stream(bodyStream(framing, turn, wantsContinue: wantsContinue))
        }
        connection.onPeerClosed(cancel)
        var response = await server.handler.handle(request)
        connection.onPeerClosed(nil)
        var isRefused = false
        if let upgrade = response.upgrade, response.status == 101 || (response.status == 200 && method == "CONNECT") {
            // The connection is given away whole or not at all: nobody may wait for its bytes any more, and none that are
            // the request's may be taken for the other protocol's.
            _ = await channel.takeBack()
            if channel.isBodyComplete {
                try await hand(over: response, to: upgrade)
                return false
            }
            isRefused = true
            response = .text(
                "the request's body has not come, or was not read: the protocol cannot change\n", status: 400)
        }
        request.body = .empty  // lets go of the stream: from here on its rest is ours to read
        let isStopping = state.withLock { $0.isStopping }
        // A client that was never told to continue may send its body, or not: only closing makes that certain.
        let bodyIsOpen = !channel.isBodyComplete
        var keepsAlive =
            head.keepsAlive && !isRefused && !isStopping && !channel.isBroken && !(bodyIsOpen && wantsContinue)
        if response.headers.contains("Connection", token: "close") { keepsAlive = false }
        keepsAlive = try await write(&response, method: method, head: head, keepsAlive: keepsAlive)
        // Also from a task of the handler that reads on: an answer that was given ends its request.
        let own = await channel.takeBack()
        if keepsAlive, await skipBody(own) { return true }
        await linger()
        return false
    }

    private func expectsContinue(_ head: HTTP1Head) throws -> Bool {
        guard let expectation = head.headers["Expect"], head.minorVersion == 1 else { return false }
        guard expectation.equalsIgnoringCase("100-continue") else {
            throw HTTPProtocolError("the expectation \(expectation) is not known", status: 417)
        }
        return true
    }

    private func bodyStream(
        _ framing: HTTP1Head.Framing, _ turn: HTTP1Channel.Turn, wantsContinue: Bool
    ) -> HTTPBodyStream {
        var beforeFirst: (@Sendable () throws -> Void)?
        if wantsContinue {
            let connection = connection
            beforeFirst = { _ = try connection.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        }
        let source = HTTP1BodySource(
            channel, turn, patience: server.configuration.bodyTimeout, beforeFirst: beforeFirst, ended: { _ in })
        guard case .length(let length) = framing else { return HTTPBodyStream(source) }
        return HTTPBodyStream(source, expectedLength: length)
    }

    // MARK: Responses

    /// What is sent in one go; more is sent in turns with others.
    private static let small = 32 * 1024

    /// Writes the response; false when the connection can carry no other.
    private func write(
        _ response: inout HTTPResponse, method: String, head: HTTP1Head, keepsAlive: Bool
    ) async throws -> Bool {
        let mayHaveBody = method != "HEAD" && response.status >= 200 && response.status != 204 && response.status != 304
        let patience = server.configuration.bodyTimeout
        let isOwed = HTTPRequest.isAnswerOwed(method)
        switch response.body {
        case .empty, .bytes:
            var bytes: [UInt8] = []
            if case .bytes(let given) = response.body { bytes = given }
            var share: Share?
            if mayHaveBody, bytes.count > OutputPart.free(holder) {
                share = self.share(bytes.count, isOwed)
                if share == nil {
                    response = .tooMuchUnread
                    if case .bytes(let refusal) = response.body { bytes = refusal }
                }
            }
            defer { withExtendedLifetime(share) {} }
            let framing: HTTP1Head.Framing? =
                mayHaveBody || (method == "HEAD" && !bytes.isEmpty) ? .length(bytes.count) : nil
            let isSmall = bytes.count <= Self.small
            var message = HTTP1Writer.response(
                response, framing: framing, keepsAlive: keepsAlive, minorVersion: head.minorVersion,
                reserving: isSmall ? bytes.count : 0)
            // Small ones go in one write, large ones are not copied.
            if mayHaveBody, isSmall { message += bytes }
            if try connection.send(message) > 0 { try await drain(patience) }
            if mayHaveBody, !isSmall { try await write(bytes, patience) }
            return keepsAlive
        case .stream(let stream):
            var keepsAlive = keepsAlive
            var framing: HTTP1Head.Framing?
            if mayHaveBody {
                if let length = stream.expectedLength {
                    framing = .length(length)
                } else if head.minorVersion == 1 {
                    framing = .chunked
                } else {
                    framing = .untilClose
                    keepsAlive = false
                }
            }
            let message = HTTP1Writer.response(
                response, framing: framing, keepsAlive: keepsAlive, minorVersion: head.minorVersion)
            if try connection.send(message) > 0 { try await drain(patience) }
            response.body = .empty
            if mayHaveBody { try await write(stream, framing, patience, isOwed) }
            return keepsAlive
        }
    }

    private func write(
        _ stream: HTTPBodyStream, _ framing: HTTP1Head.Framing?, _ patience: Duration, _ isOwed: Bool
    ) async throws {
        connection.onPeerClosed(cancel)
        defer { connection.onPeerClosed(nil) }
        let connection = connection
        stream.onAbort { connection.shut() }
        var left: Int?
        if case .length(let length) = framing { left = length }
        do {
            while let chunk = try await stream.next() {
                let isMuch = chunk.count > OutputPart.free(holder)
                let share = isMuch ? self.share(chunk.count, isOwed) : nil
                guard !isMuch || share != nil else { throw ConnectionAborted() }
                defer { withExtendedLifetime(share) {} }
                guard let room = left else {
                    if framing != .chunked {
                        try await write(chunk, patience)
                    } else if chunk.count <= Self.small {
                        try await write(HTTP1Writer.chunk(chunk), patience)
                    } else {
                        // Not copied: others may be sending the same bytes.
                        try await write(HTTP1Writer.chunkHead(chunk.count), patience)
                        try await write(chunk, patience)
                        try await write([0x0d, 0x0a], patience)
                    }
                    continue
                }
                guard chunk.count <= room else { throw HTTPProtocolError("a body is longer than announced") }
                left = room - chunk.count
                try await write(chunk, patience)
            }
            if let left, left > 0 { throw HTTPProtocolError("a body is shorter than announced") }
        } catch {
            // The client must not take what it got for the whole: an unfinished body is the only way to tell it.
            throw ConnectionAborted()
        }
        if framing == .chunked { try await write(HTTP1Writer.lastChunk(stream.trailers), patience) }
    }

    private struct ConnectionAborted: Error {}

    /// What is written counts until the peer has taken it; nil when it is more than there is for him, and not owed.
    private func share(_ bytes: Int, _ isOwed: Bool) -> Share? {
        let holder = holder
        return Share(of: server.output, bytes - OutputPart.free(holder), for: holder, owed: isOwed)
    }

    private var holder: BudgetHolder { context.standing?.holder ?? ConnectionStanding.stranger }

    private func write(_ bytes: [UInt8], _ patience: Duration) async throws {
        if bytes.count <= Self.small {
            if try connection.send(bytes) > 0 { try await drain(patience) }
            return
        }
        // In slices: each has the time that the whole would have if it were small.
        var start = 0
        while start < bytes.count {
            let end = min(start + 4 * 1024 * 1024, bytes.count)
            connection.setDeadline(KernelClock.deadline(after: patience))
            try await connection.write(start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end]))
            start = end
        }
        connection.setDeadline(nil)
    }

    private func drain(_ patience: Duration) async throws {
        connection.setDeadline(KernelClock.deadline(after: patience))
        try await connection.drained()
        connection.setDeadline(nil)
    }

    private func hand(over response: HTTPResponse, to upgrade: @Sendable (any ByteStream) async -> Void) async throws {
        var response = response
        response.body = .empty
        try connection.send(
            HTTP1Writer.response(response, framing: nil, keepsAlive: true, minorVersion: 1))
        await upgrade(UpgradedStream(connection, rest: channel.takeRest()))
    }

    // MARK: The rest of a request

    /// Reads what is left of the request's body; false when that is too much to be worth it.
    private func skipBody(_ turn: HTTP1Channel.Turn) async -> Bool {
        var left = 256 * 1024
        while !channel.isBodyComplete {
            let deadline = KernelClock.deadline(after: .seconds(5))
            // A body that is broken, or does not come, ends the connection; its request has been answered.
            guard !channel.isBroken, let piece = try? await channel.nextPiece(turn, until: deadline) else {
                return false
            }
            if case .bytes(let bytes) = piece {
                left -= bytes.count
                if left < 0 { return false }
            }
        }
        return true
    }

    /// Answers a request that cannot be read, and closes.
    private func refuse(_ error: HTTPProtocolError) async {
        let response = HTTPResponse.text(error.reason + "\n", status: error.status)
        var bytes: [UInt8] = []
        if case .bytes(let body) = response.body { bytes = body }
        let head = HTTP1Writer.response(
            response, framing: .length(bytes.count), keepsAlive: false, minorVersion: 1)
        // The connection may be gone; then there is nobody to tell.
        guard (try? connection.send(head + bytes)) != nil else { return }
        await linger()
    }

    /// Closes so that the client can still read what was sent: closing with unread input would make the kernel take it
    /// back (RFC 9112 §9.6).
    private func linger() async {
        connection.setDeadline(KernelClock.deadline(after: .seconds(2)))
        await connection.closeWrite()
        guard !channel.isBodyComplete || channel.hasInput else { return }
        var left = 1024 * 1024
        // Whatever ends this, the connection is closed after it.
        while left > 0, let bytes = try? await connection.read(max: 64 * 1024), !bytes.isEmpty { left -= bytes.count }
    }
}
