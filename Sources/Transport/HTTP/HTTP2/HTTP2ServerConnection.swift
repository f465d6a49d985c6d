// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import Text

/// Serves the requests of one HTTP/2 connection, many at a time.
final class HTTP2ServerConnection: ServedConnection {
    private let server: HTTPServer
    private let context: RequestContext
    private let core: HTTP2Core
    /// Handlers at work. A stream that the client resets makes room for another while its handler still runs: without a
    /// limit of their own there is none (CVE-2023-44487).
    private let running = Atomic<Int>(0)
    /// How many streams the client may have at a time: few, until it has shown whose the connection is.
    private let allowed: Atomic<Int>

    init(_ server: HTTPServer, _ connection: any Connection, _ context: RequestContext) {
        self.server = server
        self.context = context
        let configuration = server.configuration
        // A certificate is proof enough that its holder can be counted with his first request.
        let isKnown = context.clientCertificate?.isVerified ?? false
        let streams =
            isKnown
            ? configuration.maximumStreams
            : min(configuration.maximumStreams, configuration.maximumStreamsOfStrangers)
        allowed = Atomic(streams)
        core = HTTP2Core(
            connection, .server, configuration.limits, window: configuration.streamWindow,
            maximumStreams: streams, idleTimeout: configuration.idleTimeout,
            firstTimeout: configuration.headTimeout, patience: configuration.bodyTimeout,
            counted: (server.output, server.streams, context.standing))
    }

    func stop() { core.goAway() }

    func kill() { core.connection.shut() }

    var isIdle: Bool { core.isIdle }

    func run(firstBytes: [UInt8]) async {
        await core.run(firstBytes: firstBytes) { [self] state, stream, headers, pseudo, isEnd in
            begin(state, stream, headers, pseudo, isEnd)
        }
    }

    /// Starts the handler. Under the core's lock: the task runs later.
    private func begin(
        _ state: HTTP2State, _ stream: HTTP2Stream, _ headers: HTTPHeaders, _ pseudo: [String: String], _ isEnd: Bool
    ) {
        guard running.load(ordering: .relaxed) < 2 * allowed.load(ordering: .relaxed), state.admit(stream) else {
            return state.reset(stream.id, HTTP2.refusedStream)
        }
        var request = HTTPRequest(
            method: pseudo[":method"] ?? "", target: pseudo[":path"] ?? "", headers: headers, context: context)
        request.context.version = "HTTP/2.0"
        // The authority is what counts where both are there (RFC 9113 §8.3.1): nobody reads the other.
        if let authority = pseudo[":authority"], !authority.isEmpty { request.headers["host"] = authority }
        if !isEnd {
            let pipe = BodyPipe(capacity: .max)
            stream.input = pipe
            let length = headers["content-length"].flatMap { Int($0) }
            request.body = .stream(HTTPBodyStream(HTTP2BodySource(core, stream.id, pipe), expectedLength: length))
        }
        let id = stream.id
        running.add(1, ordering: .relaxed)
        stream.task = Task(executorPreference: core.connection.loop) { [self, request] in
            // Given up before its turn: nobody waits for the answer.
            if !Task.isCancelled { await respond(id, to: request) }
            running.subtract(1, ordering: .relaxed)
        }
    }

    private func respond(_ id: Int32, to request: HTTPRequest) async {
        var response = await answer(request)
        if response.upgrade != nil {
            response = .text("HTTP/2 connections cannot be taken over\n", status: 505)
        }
        let stream = start(id, response, to: request.method)
        guard let stream else { return }
        stream.onAbort { [core] in core.finish(id, error: true) }
        do {
            while let chunk = try await stream.next() { try await core.write(id, chunk) }
            core.finish(id, trailers: stream.trailers)
        } catch {
            core.finish(id, error: true)
        }
    }

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        do throws(HTTPProtocolError) {
            guard request.target.hasExactPrefix("/") || request.target == "*" else {
                throw HTTPProtocolError("the target is not a path")
            }
            guard request.headers.count("Host") <= 1 else { throw HTTPProtocolError("there are several Host fields") }
            guard request.target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw HTTPProtocolError("the target holds a space, a control character or something not ASCII")
            }
            guard request.target.utf8.count <= server.configuration.limits.targetBytes else {
                throw HTTPProtocolError("the target is too long", status: 414)
            }
            try HTTPTarget.check(request.target)
        } catch {
            return .text(error.reason + "\n", status: error.status)
        }
        let response = await server.handler.handle(request)
        allowMore()
        return response
    }

    /// Once it is known whose the connection is, it has as many streams as any.
    private func allowMore() {
        let maximum = server.configuration.maximumStreams
        guard allowed.load(ordering: .relaxed) < maximum, context.standing?.isProved == true,
            allowed.exchange(maximum, ordering: .relaxed) < maximum
        else { return }
        core.perform { $0.allow(streams: maximum) }
    }

    /// Sends the head, and a body that is there already. Returns a body that is still to come.
    private func start(_ id: Int32, _ response: HTTPResponse, to method: String) -> HTTPBodyStream? {
        let isHead = method == "HEAD"
        switch send(id, response, isHead: isHead, isOwed: HTTPRequest.isAnswerOwed(method)) {
        case .sent(let rest): return rest
        case .tooMuch:
            // Else the stream has ended, and nobody waits for it.
            guard case .sent(let rest) = send(id, .tooMuchUnread, isHead: isHead, isOwed: true) else { return nil }
            return rest
        }
    }

    private enum Sending: Sendable {
        case sent(HTTPBodyStream?)
        /// More than may wait unread.
        case tooMuch
    }

    private func send(_ id: Int32, _ response: HTTPResponse, isHead: Bool, isOwed: Bool) -> Sending {
        let mayHaveBody = !isHead && response.status >= 200 && response.status != 204 && response.status != 304
        var fields = [(":status", String(response.status))]
        for field in response.headers {
            let name = field.name.lowercasedASCII()
            guard !name.isEmpty, name.utf8.allSatisfy(\.isHTTPToken), !HTTP2.isConnectionField(name),
                name != "content-length" || !mayHaveBody
            else { continue }
            fields.append((name, field.value))
        }
        if !response.headers.contains("Date") { fields.append(("date", HTTPDate.now())) }
        var bytes: [UInt8] = []
        var stream: HTTPBodyStream?
        switch response.body {
        case .empty: if mayHaveBody { fields.append(("content-length", "0")) }
        case .bytes(let given):
            if mayHaveBody || isHead { fields.append(("content-length", String(given.count))) }
            if mayHaveBody { bytes = given }
        case .stream(let given):
            if mayHaveBody {
                stream = given
                if let length = given.expectedLength { fields.append(("content-length", String(length))) }
            }
        }
        let hasBody = !bytes.isEmpty || stream != nil
        return core.perform { [fields, bytes] state in
            guard let sending = state.streams[id] else { return .sent(nil) }
            guard state.append(bytes, to: sending, isOwed: isOwed) else { return .tooMuch }
            sending.isOutputOver = stream == nil
            // Nothing is left to be cancelled: a stream that waits for its client holds no task that has ended.
            if stream == nil { sending.task = nil }
            state.submitResponse(sending, fields, hasBody: hasBody)
            return .sent(stream)
        }
    }
}
