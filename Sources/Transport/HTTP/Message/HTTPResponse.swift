// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization

/// A response, as a handler returns it and as a client receives it.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: HTTPBody
    /// Server: with status 101 (or 200 to CONNECT), takes over the connection once the head was sent. The connection
    /// is closed when it returns. Only HTTP/1.1 connections can be taken over.
    public var upgrade: (@Sendable (any ByteStream) async -> Void)?
    /// Client: the connection, after the server agreed to an upgrade (status 101). The caller owns and closes it.
    public var connection: (any ByteStream)?

    public init(
        status: Int, headers: HTTPHeaders = [:], body: HTTPBody = .empty,
        upgrade: (@Sendable (any ByteStream) async -> Void)? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.upgrade = upgrade
    }

    /// Keeps `object` as long as the response goes on: until its streamed body has been read or dropped, and the
    /// connection that it takes over has ended.
    public mutating func hold(_ object: any AnyObject & Sendable) {
        if case .stream(let stream) = body { body = .stream(stream.holding(object)) }
        guard let upgrade else { return }
        self.upgrade = { stream in
            await upgrade(stream)
            withExtendedLifetime(object) {}
        }
    }

    /// A response with a plain text body.
    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: .bytes(Array(text.utf8)))
    }

    /// A response with a JSON body, given encoded.
    public static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }
}

/// Sends a request and returns its response: a client over TCP, TLS or a unix socket, or a handler in this process.
public protocol HTTPExchange: Sendable {
    /// Returns as soon as the head of the response is there; its body may still be streaming. A status is never an
    /// error here: only a failure to exchange is.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
}

/// Answers requests.
public protocol HTTPHandler: Sendable {
    /// Called in a task that is cancelled when the peer goes away. Returns the response; a streaming body is written
    /// after the return. A handler that has nothing sensible to say returns status 500.
    func handle(_ request: HTTPRequest) async -> HTTPResponse
}

/// A handler made of a closure.
public struct HTTPClosureHandler: HTTPHandler {
    private let body: @Sendable (HTTPRequest) async -> HTTPResponse

    public init(_ body: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        self.body = body
    }

    public func handle(_ request: HTTPRequest) async -> HTTPResponse { await body(request) }
}

/// A handler of this process used as a client would use it over the network, with the identity given.
public struct InProcessExchange: HTTPExchange {
    private let handler: any HTTPHandler
    private let user: RequestUser?
    private let turns = Turns()

    /// Every request sent carries `user` in its context.
    public init(handler: any HTTPHandler, user: RequestUser?) {
        self.handler = handler
        self.user = user
    }

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try Task.checkCancellation()
        var request = request
        request.context = RequestContext(user: user)
        var response = await handler.handle(request)
        if let upgrade = response.upgrade {
            let (server, client) = MemoryStream.pair()
            // The handler's half lives as long as the stream: it ends when the client's half is closed.
            EventLoop.here.begin { await upgrade(server) }
            response.upgrade = nil
            response.connection = client
        }
        // Most answers wait for nothing: whoever asks for one after the other would never let others have his thread.
        if turns.isOver() { await Task.yield() }
        return response
    }

    /// When those who ask have last let others have the thread.
    private final class Turns: Sendable {
        private let last = Atomic<Int64>(0)

        func isOver() -> Bool {
            let now = KernelClock.monotonic.now()
            guard now - last.load(ordering: .relaxed) > InProcessExchange.turn else { return false }
            last.store(now, ordering: .relaxed)
            return true
        }
    }

    /// How long requests are answered without a pause, in nanoseconds.
    private static let turn: Int64 = 1_000_000
}
