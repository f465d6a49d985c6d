// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization
internal import Text

/// Talks to one server over TCP, TLS or a unix socket; HTTP/2 where ALPN chooses it, else HTTP/1.1 with connections kept
/// for the next request. No proxy is ever used. Any number of tasks may send at the same time.
public final class HTTPClient: HTTPExchange {
    /// Connects in place of the client: to an address of the caller's choice while host name and certificate stay those
    /// of the endpoint.
    public typealias Dial = @Sendable (_ endpoint: HTTPEndpoint, _ loop: EventLoop) async throws -> AsyncSocket

    public enum HTTP2Use: Sendable {
        /// When the server chooses it in the TLS handshake.
        case negotiated
        /// Without being asked: for gRPC over unix sockets and the like.
        case always
        case never
    }

    public struct Configuration: Sendable {
        public var limits = HTTPLimits()
        public var connectTimeout: Duration = .seconds(30)
        public var handshakeTimeout: Duration = .seconds(10)
        /// How long the server may take to answer with a head; nil: for ever.
        public var responseTimeout: Duration?
        /// How long a server's kernel may say nothing, neither to what was sent nor to what asks whether it lives, before
        /// its connections are given up; nil: as long as the system has it, minutes. A server that does not read is not
        /// silent, but a request's body that waits for one counts as such.
        public var silenceTimeout: Duration?
        /// HTTP/1.1: how long the server may be silent within a body; nil: for ever, as watches need it.
        public var bodyTimeout: Duration?
        /// How long an unused connection is kept, and how many of them.
        public var idleTimeout: Duration = .seconds(90)
        public var maximumIdle = 16
        /// How many redirects of a GET or HEAD to the same server are followed; those elsewhere never are.
        public var maximumRedirects = 0
        public var http2: HTTP2Use = .negotiated
        public var dial: Dial?
        /// HTTP/2: how many connections there may be. Another is made for a request that lasts when the server takes no more
        /// of these on those there are; when it is one too many, such requests are refused. Others wait for each other.
        public var maximumConnections = 64
        /// HTTP/2: bytes of one response's body that may wait unread.
        public var streamWindow = 1024 * 1024

        public init() {
            limits.headBytes = 256 * 1024
        }
    }

    public let endpoint: HTTPEndpoint
    let configuration: Configuration
    private let loop: EventLoop
    private let state: Mutex<State>

    /// What connections are made with. Those of an older generation are not used again.
    private struct Credentials {
        var tls: TLSClient
        /// For upgrades, which HTTP/2 does not have.
        var withoutHTTP2: TLSClient

        init(_ configuration: TLSClientConfiguration, _ http2: HTTP2Use) throws {
            var settings = configuration
            switch http2 {
            case .negotiated: break
            case .always: settings.applicationProtocols = ["h2"]
            case .never: settings.applicationProtocols = ["http/1.1"]
            }
            tls = try TLSClient(settings)
            settings.applicationProtocols = ["http/1.1"]
            withoutHTTP2 = try TLSClient(settings)
        }
    }

    private struct State {
        var credentials: Credentials?
        var generation = 0
        var idle: [(connection: HTTP1ClientConnection, timer: TimerID)] = []
        /// Those that take requests, the oldest first.
        var http2: [HTTP2ClientConnection] = []
        var dialing: Task<Dialed, any Error>?
        /// What the server spoke last: whether waiting for one connection to be shared is worth it.
        var speaksHTTP2: Bool?
        var isClosed = false
    }

    enum Dialed: Sendable {
        case http1(HTTP1ClientConnection)
        /// `waits` has a request wait where the connection is full.
        case http2(HTTP2ClientConnection, waits: Bool)
    }

    /// `tls` is used with https only; nil: the system's authorities. Throws when `base` or `tls` is not usable.
    public convenience init(
        base: String, tls: TLSClientConfiguration? = nil, configuration: Configuration = Configuration(),
        loop: EventLoop? = nil
    ) throws {
        try self.init(endpoint: HTTPEndpoint(base), tls: tls, configuration: configuration, loop: loop)
    }

    public init(
        endpoint: HTTPEndpoint, tls: TLSClientConfiguration? = nil, configuration: Configuration = Configuration(),
        loop: EventLoop? = nil
    ) throws {
        self.endpoint = endpoint
        self.configuration = configuration
        self.loop = loop ?? EventLoop.here
        let credentials = try endpoint.isTLS ? Credentials(tls ?? TLSClientConfiguration(), configuration.http2) : nil
        state = Mutex(State(credentials: credentials))
    }

    /// Uses another certificate or other authorities from the next request on; requests under way go on over the
    /// connections they have. Throws, and changes nothing, when `tls` is not usable.
    public func reload(tls: TLSClientConfiguration) throws {
        guard endpoint.isTLS else { throw TLSError("reload the certificates", "the client does not speak TLS") }
        let credentials = try Credentials(tls, configuration.http2)
        closeUnused { state in
            state.credentials = credentials
            state.generation += 1
        }
    }

    deinit { close() }

    /// Closes what is idle and lets nothing new begin. Responses under way go on.
    public func close() { closeUnused { $0.isClosed = true } }

    private func closeUnused(_ change: (inout sending State) -> Void) {
        let (idle, http2) = state.withLock { state in
            change(&state)
            defer {
                state.idle = []
                state.http2 = []
            }
            return (state.idle, state.http2)
        }
        for entry in idle {
            loop.cancel(entry.timer)
            entry.connection.shut()
        }
        for connection in http2 { connection.close() }
    }

    // MARK: Sending

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var request = request
        var redirects = configuration.maximumRedirects
        while true {
            let response = try await sendOnce(request)
            guard redirects > 0, let target = redirectTarget(of: response, to: request) else { return response }
            redirects -= 1
            request.target = target
        }
    }

    private func redirectTarget(of response: HTTPResponse, to request: HTTPRequest) -> String? {
        guard [301, 302, 303, 307, 308].contains(response.status), ["GET", "HEAD"].contains(request.method),
            let location = response.headers["Location"]
        else { return nil }
        var path = location
        if !location.hasExactPrefix("/") || location.hasPrefix("//") {
            let origin = (endpoint.isTLS ? "https://" : "http://") + endpoint.authority
            guard location.hasPrefix(origin + "/") else { return nil }
            path = String(location.dropFirst(origin.count))
        }
        guard path.hasPrefix(endpoint.prefix + "/") else { return nil }
        return String(path.dropFirst(endpoint.prefix.count))
    }

    private func sendOnce(_ request: HTTPRequest) async throws -> HTTPResponse {
        let isUpgrade = request.headers.contains("Upgrade")
        var attempts = 0
        while true {
            try Task.checkCancellation()
            attempts += 1
            let connection = try await connection(withoutHTTP2: isUpgrade, isLasting: request.isLasting)
            do {
                switch connection {
                case .http1(let connection): return try await connection.send(request, endpoint, client: self)
                case .http2(let connection, let waits):
                    return try await connection.send(
                        request, endpoint, timeout: configuration.responseTimeout, waits: waits)
                }
            } catch is HTTP2ConnectionFull {
                // Others were quicker: each turn is on another connection, or on a new one.
                attempts -= 1
            } catch let error as UnansweredRequest {
                // The server closed a connection that had been idle, or went away before it looked at the request.
                guard attempts < 4, error.isSafeToRepeat(request), !Task.isCancelled else { throw error.cause }
            }
        }
    }

    // MARK: Connections

    private func connection(withoutHTTP2: Bool, isLasting: Bool) async throws -> Dialed {
        if withoutHTTP2 || (configuration.http2 == .negotiated && !endpoint.isTLS) || configuration.http2 == .never {
            if !withoutHTTP2 || !endpoint.isTLS || state.withLock({ $0.speaksHTTP2 == false }),
                let idle = takeIdle()
            {
                return .http1(idle)
            }
            return try await dial(withoutHTTP2: true)
        }
        enum Plan { case use(Dialed), wait(Task<Dialed, any Error>, isOwner: Bool), dial, closed }
        let plan = try state.withLock { state throws -> Plan in
            if state.isClosed { return .closed }
            if let http2 = try chooseHTTP2(&state, isLasting: isLasting) { return .use(http2) }
            if let last = state.idle.popLast() {
                loop.cancel(last.timer)
                return .use(.http1(last.connection))
            }
            if state.speaksHTTP2 == false { return .dial }
            if let dialing = state.dialing { return .wait(dialing, isOwner: false) }
            let dialing = Task(executorPreference: loop) { try await self.dial(withoutHTTP2: false) }
            state.dialing = dialing
            return .wait(dialing, isOwner: true)
        }
        switch plan {
        case .closed: throw HTTPClientClosed()
        case .use(let connection):
            if case .http1(let connection) = connection { connection.leaveIdle() }
            return connection
        case .dial: return try await dial(withoutHTTP2: false)
        case .wait(let dialing, let isOwner):
            let result = await dialing.result
            if isOwner { state.withLock { $0.dialing = nil } }
            let dialed = try result.get()
            if case .http1 = dialed, !isOwner {
                return try await connection(withoutHTTP2: withoutHTTP2, isLasting: isLasting)
            }
            return dialed
        }
    }

    /// A connection with room, the oldest first, so that those which were needed for a while end; nil when one is to be made.
    private func chooseHTTP2(_ state: inout State, isLasting: Bool) throws -> Dialed? {
        var ended = false
        defer { if ended { state.http2.removeAll { $0.room(isLasting: false) == .over } } }
        var usable = 0
        for connection in state.http2 {
            switch connection.room(isLasting: isLasting) {
            case .free: return .http2(connection, waits: false)
            case .full: usable += 1
            case .over: ended = true
            }
        }
        if isLasting {
            guard usable >= configuration.maximumConnections else { return nil }
            throw HTTPConnectionsFull(authority: endpoint.authority, connections: usable)
        }
        // It waits for others that end soon: those that last have left room.
        let full = ended ? state.http2.filter { $0.room(isLasting: false) != .over } : state.http2
        return full.randomElement().map { .http2($0, waits: true) }
    }

    private func takeIdle() -> HTTP1ClientConnection? {
        let entry = state.withLock { $0.idle.popLast() }
        guard let entry else { return nil }
        loop.cancel(entry.timer)
        entry.connection.leaveIdle()
        return entry.connection
    }

    private func dial(withoutHTTP2: Bool) async throws -> Dialed {
        if state.withLock({ $0.isClosed }) { throw HTTPClientClosed() }
        let socket = try await connectSocket()
        let (credentials, generation) = state.withLock { ($0.credentials, $0.generation) }
        guard let tls = withoutHTTP2 ? credentials?.withoutHTTP2 : credentials?.tls else {
            if configuration.http2 == .always, !withoutHTTP2 {
                return .http2(adopt(http2: socket, generation), waits: false)
            }
            state.withLock { $0.speaksHTTP2 = false }
            return .http1(HTTP1ClientConnection(socket, configuration.limits, generation: generation))
        }
        socket.setDeadline(KernelClock.deadline(after: configuration.handshakeTimeout))
        let session: TLSStream
        do {
            session = try await tls.connect(socket, host: endpoint.host)
        } catch is DeadlineExceeded {
            throw DeadlineExceeded("TLS handshake with \(endpoint.authority)")
        }
        session.setDeadline(nil)
        let isHTTP2 = session.applicationProtocol == "h2"
        if !withoutHTTP2 { state.withLock { $0.speaksHTTP2 = isHTTP2 } }
        if isHTTP2 { return .http2(adopt(http2: session, generation), waits: false) }
        if configuration.http2 == .always, !withoutHTTP2 {
            session.shut()
            throw HTTPProtocolError("\(endpoint.authority) does not speak HTTP/2")
        }
        return .http1(HTTP1ClientConnection(session, configuration.limits, generation: generation))
    }

    private func connectSocket() async throws -> AsyncSocket {
        if let dial = configuration.dial { return try await dial(endpoint, loop) }
        if let path = endpoint.socketPath {
            return try await AsyncSocket.connect(to: .unix(path), timeout: configuration.connectTimeout, loop: loop)
        }
        let socket = try await AsyncSocket.connect(
            host: endpoint.host, port: endpoint.port, timeout: configuration.connectTimeout, loop: loop)
        if let silence = configuration.silenceTimeout {
            _ = try socket.withSocket { (socket) throws(Errno) in try socket.setSilenceTimeout(silence) }
        }
        return socket
    }

    private func adopt(http2 connection: any Connection, _ generation: Int) -> HTTP2ClientConnection {
        let http2 = HTTP2ClientConnection(connection, configuration)
        let isClosed = state.withLock { state in
            // One of an older generation serves the request it was made for.
            if !state.isClosed, state.generation == generation { state.http2.append(http2) }
            return state.isClosed
        }
        http2.start()
        if isClosed { http2.close() }
        return http2
    }

    /// Keeps a connection whose response has been read to its end.
    func keep(_ connection: HTTP1ClientConnection) {
        let timer = loop.schedule(atNanoseconds: KernelClock.deadline(after: configuration.idleTimeout)) {
            [weak self, weak connection] in
            if let connection { self?.drop(connection) }
        }
        let isKept = state.withLock { state in
            guard !state.isClosed, state.generation == connection.generation,
                state.idle.count < configuration.maximumIdle
            else { return false }
            state.idle.append((connection, timer))
            return true
        }
        guard isKept else {
            loop.cancel(timer)
            connection.shut()
            return
        }
        connection.enterIdle { [weak self, weak connection] in
            if let connection { self?.drop(connection) }
        }
    }

    /// Closes an idle connection; one that is in use again is left alone.
    private func drop(_ connection: HTTP1ClientConnection) {
        let entry = state.withLock { state in
            state.idle.firstIndex { $0.connection === connection }.map { state.idle.remove(at: $0) }
        }
        guard let entry else { return }
        loop.cancel(entry.timer)
        entry.connection.shut()
    }
}

/// The client was closed.
public struct HTTPClientClosed: Error, CustomStringConvertible {
    public var description: String { "send a request: the client is closed" }
}

/// Every connection that there may be has all the lasting requests which the server takes.
public struct HTTPConnectionsFull: Error, CustomStringConvertible {
    public let authority: String
    public let connections: Int

    public var description: String {
        "send a request to \(authority): \(connections) connections have all the lasting requests that it takes"
    }
}

/// A connection broke before any part of a response came.
struct UnansweredRequest: Error {
    let cause: any Error
    /// The server said that it has not looked at the request.
    var isUntouched = false
    /// The connection had served before: then the server may just have ended an idle one.
    var isReused = false

    func isSafeToRepeat(_ request: HTTPRequest) -> Bool {
        if case .stream = request.body { return false }
        if isUntouched { return true }
        return isReused && ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].contains(request.method)
    }
}
