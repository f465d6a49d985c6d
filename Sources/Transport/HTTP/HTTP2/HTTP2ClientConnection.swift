// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux

/// The server takes no more requests on a connection until others have ended.
struct HTTP2ConnectionFull: Error {}

/// One HTTP/2 connection of a client: many requests at a time.
final class HTTP2ClientConnection: Sendable {
    private let core: HTTP2Core

    init(_ connection: any Connection, _ configuration: HTTPClient.Configuration) {
        core = HTTP2Core(
            connection, .client, configuration.limits, window: configuration.streamWindow,
            idleTimeout: configuration.idleTimeout, patience: .seconds(60))
    }

    func room(isLasting: Bool) -> HTTP2Core.Room { core.room(isLasting: isLasting) }

    /// Starts to read. The task ends with the connection, which every end of the client closes.
    func start() {
        let core = core
        Task(executorPreference: core.connection.loop) {
            await core.run { state, stream, headers, pseudo, isEnd in
                Self.receive(core, state, stream, headers, pseudo, isEnd)
            }
        }
    }

    func close() { core.goAway() }

    private static func receive(
        _ core: HTTP2Core, _ state: HTTP2State, _ stream: HTTP2Stream, _ headers: HTTPHeaders,
        _ pseudo: [String: String], _ isEnd: Bool
    ) {
        guard let status = pseudo[":status"].flatMap({ Int($0) }), status >= 200 else { return }
        state.hasServed = true
        var response = HTTPResponse(status: status, headers: headers)
        if !isEnd {
            let pipe = BodyPipe(capacity: .max)
            stream.input = pipe
            let length = headers["content-length"].flatMap { Int($0) }
            response.body = .stream(HTTPBodyStream(HTTP2BodySource(core, stream.id, pipe), expectedLength: length))
        }
        stream.response?.resolve(.success(response))
        stream.response = nil
    }

    /// Throws `HTTP2ConnectionFull`, and has done nothing, where the server takes no more at a time; `waits` has the request
    /// wait for others to end.
    func send(
        _ request: HTTPRequest, _ endpoint: HTTPEndpoint, timeout: Duration?, waits: Bool
    ) async throws -> HTTPResponse {
        let fields = try fields(of: request, endpoint)
        let waiter = ResponseWaiter()
        let id = try core.perform { state -> Int32? in
            guard !state.isClosed, !state.isGoingAway else { return nil }
            guard waits || state.hasRoom(isLasting: request.isLasting) else { throw HTTP2ConnectionFull() }
            var bytes: [UInt8] = []
            var isStream = false
            switch request.body {
            case .empty: break
            case .bytes(let given): bytes = given
            case .stream: isStream = true
            }
            guard let id = state.submitRequest(fields, hasBody: isStream || !bytes.isEmpty) else { return nil }
            let stream = HTTP2Stream(id: id)
            _ = state.append(bytes, to: stream)
            stream.isOutputOver = !isStream
            stream.response = waiter
            state.streams[id] = stream
            return id
        }
        guard let id else { throw UnansweredRequest(cause: HTTP2Error.connectionLost, isUntouched: true) }
        if case .stream(let body) = request.body { upload(body, id) }
        let timer = timeout.map { timeout in
            core.connection.loop.schedule(atNanoseconds: KernelClock.deadline(after: timeout)) {
                waiter.resolve(
                    .failure(DeadlineExceeded("\(request.method) \(request.target) on \(endpoint.authority)")))
            }
        }
        defer { if let timer { core.connection.loop.cancel(timer) } }
        do {
            return try await waiter.value()
        } catch {
            // Cancelled or late: the server shall stop as well. After any other failure there is no stream any more.
            core.perform { state in
                guard let stream = state.streams[id] else { return }
                stream.response = nil
                stream.task?.cancel()
                state.reset(id, HTTP2.cancel)
            }
            throw error
        }
    }

    private func upload(_ body: HTTPBodyStream, _ id: Int32) {
        let core = core
        let task = Task(executorPreference: core.connection.loop) {
            do {
                while let chunk = try await body.next() { try await core.write(id, chunk) }
                core.finish(id, trailers: body.trailers)
            } catch {
                core.finish(id, error: true)
            }
        }
        core.perform { $0.streams[id]?.task = task }
    }

    private func fields(of request: HTTPRequest, _ endpoint: HTTPEndpoint) throws -> [(String, String)] {
        let target = endpoint.prefix + request.target
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !target.isEmpty else {
            throw HTTPProtocolError("the target \(target) is not encoded")
        }
        var fields = [
            (":method", request.method), (":scheme", endpoint.isTLS ? "https" : "http"),
            (":authority", request.headers["Host"] ?? endpoint.authority), (":path", target),
        ]
        for field in request.headers {
            let name = field.name.lowercasedASCII()
            guard !HTTP2.isConnectionField(name), name != "content-length" else { continue }
            fields.append((name, field.value))
        }
        switch request.body {
        case .bytes(let bytes) where !bytes.isEmpty: fields.append(("content-length", String(bytes.count)))
        case .stream(let stream):
            if let length = stream.expectedLength { fields.append(("content-length", String(length))) }
        default: break
        }
        return fields
    }
}
