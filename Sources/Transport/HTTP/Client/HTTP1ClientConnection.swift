// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// One HTTP/1 connection of a client: one request at a time.
final class HTTP1ClientConnection: Sendable {
    /// Of the credentials it was made with.
    let generation: Int
    private let connection: any Connection
    private let channel: HTTP1Channel
    private let state = Mutex(State())
    /// How many responses of the kind `100 Continue` may come before the one that counts: a server that sends nothing
    /// else would be listened to for ever.
    private static let maximumInterim = 16

    private struct State {
        var hasServed = false
        var upload: Task<Void, Never>?
        var isUploaded = true
    }

    init(_ connection: any Connection, _ limits: HTTPLimits, generation: Int) {
        self.generation = generation
        self.connection = connection
        channel = HTTP1Channel(connection, .client, limits)
    }

    func shut() { connection.shut() }

    func enterIdle(closed: @escaping @Sendable () -> Void) { connection.onPeerClosed(closed) }

    func leaveIdle() { connection.onPeerClosed(nil) }

    func send(_ request: HTTPRequest, _ endpoint: HTTPEndpoint, client: HTTPClient) async throws -> HTTPResponse {
        do {
            try await write(request, endpoint)
            return try await receive(request, client)
        } catch {
            state.withLock { $0.upload }?.cancel()
            connection.shut()
            if error is DeadlineExceeded {
                throw DeadlineExceeded("\(request.method) \(request.target) on \(endpoint.authority)")
            }
            throw error
        }
    }

    private var isReused: Bool { state.withLock { $0.hasServed } }

    // MARK: The request

    private func write(_ request: HTTPRequest, _ endpoint: HTTPEndpoint) async throws {
        var request = request
        if request.headers.contains("Upgrade"), !request.headers.contains("Connection", token: "Upgrade") {
            request.headers["Connection"] = "Upgrade"
        }
        var body: [UInt8] = []
        var framing = HTTP1Head.Framing.none
        switch request.body {
        case .empty: break
        case .bytes(let bytes):
            body = bytes
            if !bytes.isEmpty { framing = .length(bytes.count) }
        case .stream(let stream):
            framing = stream.expectedLength.map { .length($0) } ?? .chunked
        }
        let isSmall = body.count <= 32 * 1024
        var message = try HTTP1Writer.request(
            request, target: endpoint.prefix + request.target, host: endpoint.authority, framing: framing,
            reserving: isSmall ? body.count : 0)
        if isSmall { message += body }
        do {
            try connection.send(message)
            if case .stream(let stream) = request.body {
                upload { [connection, framing] sent in try await Self.write(stream, framing, connection, sent) }
            } else if !isSmall {
                // Beside the response: a server may refuse a large body before it has read it.
                upload { [connection, body] sent in
                    try await connection.write(body)
                    sent()
                }
            }
        } catch let error as Errno {
            throw UnansweredRequest(cause: error, isReused: isReused)
        }
    }

    private func upload(_ write: @escaping @Sendable (_ sent: @Sendable () -> Void) async throws -> Void) {
        state.withLock { $0.isUploaded = false }
        let task = Task(executorPreference: connection.loop) { [weak self, connection] in
            do {
                try await write { [weak self] in self?.state.withLock { $0.isUploaded = true } }
            } catch {
                // What the peer broke off, it may have answered before: whoever reads the response finds out. A body that
                // failed here must not look whole, and closing is the only way to say so.
                if !(error is Errno) { connection.shut() }
            }
        }
        state.withLock { $0.upload = task }
    }

    private static func write(
        _ stream: HTTPBodyStream, _ framing: HTTP1Head.Framing, _ connection: any Connection, _ sent: () -> Void
    ) async throws {
        guard case .length(var left) = framing else {
            while let chunk = try await stream.next() { try await connection.write(HTTP1Writer.chunk(chunk)) }
            try connection.send(HTTP1Writer.lastChunk(stream.trailers))
            sent()
            return try await connection.drained()
        }
        while let chunk = try await stream.next() {
            guard chunk.count <= left else { throw HTTPProtocolError("a body is longer than announced") }
            left -= chunk.count
            guard left == 0 else {
                try await connection.write(chunk)
                continue
            }
            // Said as soon as it is queued: the server may answer before this task runs again.
            try connection.send(chunk)
            sent()
            try await connection.drained()
        }
        if left > 0 { throw HTTPProtocolError("a body is shorter than announced") }
        sent()
    }

    // MARK: The response

    private func receive(_ request: HTTPRequest, _ client: HTTPClient) async throws -> HTTPResponse {
        if let patience = client.configuration.responseTimeout {
            connection.setDeadline(KernelClock.deadline(after: patience))
        }
        var interim = 0
        while true {
            let head: HTTP1Head
            do {
                guard let next = try await channel.nextHead() else {
                    throw HTTPProtocolError("the connection ended before the response")
                }
                head = next
            } catch {
                if error is CancellationError || error is DeadlineExceeded || channel.hasInput { throw error }
                throw UnansweredRequest(cause: error, isReused: isReused)
            }
            guard case .response(let status) = head.start else { continue }
            if status == 101 {
                guard request.headers.contains("Upgrade") else {
                    throw HTTPProtocolError("the server changed the protocol without being asked")
                }
                // What is still to be sent would be taken for the other protocol's.
                guard state.withLock({ $0.isUploaded }) else {
                    throw HTTPProtocolError("the server changed the protocol before it had the whole request")
                }
                connection.setDeadline(nil)
                var response = HTTPResponse(status: status, headers: head.headers)
                response.connection = UpgradedStream(connection, rest: channel.takeRest())
                return response
            }
            if status < 200 {
                interim += 1
                guard interim <= Self.maximumInterim else {
                    throw HTTPProtocolError("there are more than \(Self.maximumInterim) interim responses")
                }
                continue
            }
            connection.setDeadline(nil)
            let framing = try head.responseFraming(status: status, method: request.method)
            return response(HTTPResponse(status: status, headers: head.headers), head, framing, client)
        }
    }

    private func response(
        _ response: HTTPResponse, _ head: HTTP1Head, _ framing: HTTP1Head.Framing, _ client: HTTPClient
    ) -> HTTPResponse {
        var response = response
        state.withLock { $0.hasServed = true }
        let keepsAlive = head.keepsAlive && framing != .untilClose
        let turn = channel.startBody(framing)
        if framing == .none {
            end(isComplete: true, keepsAlive: keepsAlive, client)
            return response
        }
        let source = HTTP1BodySource(channel, turn, patience: client.configuration.bodyTimeout) {
            [self, weak client] isComplete in
            end(isComplete: isComplete, keepsAlive: keepsAlive, client)
        }
        if case .length(let length) = framing {
            response.body = .stream(HTTPBodyStream(source, expectedLength: length))
        } else {
            response.body = .stream(HTTPBodyStream(source))
        }
        return response
    }

    private func end(isComplete: Bool, keepsAlive: Bool, _ client: HTTPClient?) {
        let isUploaded = state.withLock { $0.isUploaded }
        guard isComplete, keepsAlive, isUploaded, !channel.hasInput, let client else {
            state.withLock { $0.upload }?.cancel()
            connection.shut()
            return
        }
        client.keep(self)
    }
}
