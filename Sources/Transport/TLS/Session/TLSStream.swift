// SPDX-License-Identifier: Apache-2.0

public import AsyncIO
public import Linux
internal import Synchronization

/// A TLS session over a socket, after its handshake.
public final class TLSStream: Connection {
    private let socket: AsyncSocket
    private let engine: Mutex<TLSEngine>
    /// The protocol chosen by ALPN.
    public let applicationProtocol: String?
    /// `TLSv1.3` or `TLSv1.2`.
    public let version: String
    /// What the peer showed; nil when it showed none.
    public let peerCertificate: PeerCertificate?

    /// How much is encrypted at a time: it keeps the loop for some ten microseconds, and is all that waits in memory, a
    /// second time, for a peer that does not read.
    private static let slice = 32 * 1024

    /// Shakes hands over `socket`, of which `first` has been read already.
    init(_ socket: AsyncSocket, _ engine: consuming sending TLSEngine, first: [UInt8] = []) async throws {
        self.socket = socket
        if !first.isEmpty { engine.receive(first) }
        let engine = Mutex(engine)
        do {
            while true {
                let isDone = try engine.withLock { engine in
                    let result = Result { try engine.handshake() }
                    // Also after a failure: the alert tells the peer why.
                    if let output = engine.takeOutput() { try socket.send(output) }
                    return try result.get()
                }
                if isDone { break }
                let bytes = try await socket.read(max: 32 * 1024)
                engine.withLock { if bytes.isEmpty { $0.receivedEnd() } else { $0.receive(bytes) } }
            }
        } catch {
            // The alert may still be on its way; a broken connection has nothing more to say.
            try? await socket.drained()
            socket.shut()
            throw error
        }
        (applicationProtocol, version, peerCertificate) = engine.withLock {
            ($0.applicationProtocol, $0.version, $0.peerCertificate)
        }
        self.engine = engine
    }

    public var loop: EventLoop { socket.loop }
    public var peerAddress: SocketAddress? { socket.peerAddress }
    public var localAddress: SocketAddress? { socket.localAddress }
    public var queuedBytes: Int { socket.queuedBytes }

    public func read(max: Int) async throws -> [UInt8] {
        while true {
            let step = try engine.withLock { engine in
                let step = try engine.decrypt(max: max)
                // Reading can make the session answer: a key update, an alert.
                if let output = engine.takeOutput() { try socket.send(output) }
                return step
            }
            switch step {
            case .bytes(let bytes): return bytes
            case .end: return []
            case .needsInput:
                let bytes = try await socket.read(max: 256 * 1024)
                engine.withLock { if bytes.isEmpty { $0.receivedEnd() } else { $0.receive(bytes) } }
            }
        }
    }

    public func write(_ bytes: [UInt8]) async throws {
        var start = 0
        while start < bytes.count {
            let end = min(start + Self.slice, bytes.count)
            if bytes.count > Self.slice { await socket.loop.turn() }
            try send(bytes, start..<end)
            start = end
            if socket.queuedBytes > 0 { try await socket.drained() }
        }
    }

    @discardableResult
    public func send(_ bytes: [UInt8]) throws -> Int { try send(bytes, 0..<bytes.count) }

    @discardableResult
    private func send(_ bytes: [UInt8], _ range: Range<Int>) throws -> Int {
        // Under one lock: records must reach the socket in the order they were numbered in.
        try engine.withLock { engine in
            try bytes.withUnsafeBytes { try engine.encrypt(UnsafeRawBufferPointer(rebasing: $0[range])) }
            guard let output = engine.takeOutput() else { return socket.queuedBytes }
            return try socket.send(output)
        }
    }

    public func drained() async throws { try await socket.drained() }
    public func onDrained(_ body: (@Sendable () -> Void)?) { socket.onDrained(body) }
    public func onPeerClosed(_ body: (@Sendable () -> Void)?) { socket.onPeerClosed(body) }
    public func holdReading(_ isHeld: Bool) { socket.holdReading(isHeld) }
    public func setDeadline(_ deadline: Int64?) { socket.setDeadline(deadline) }

    public func closeWrite() async {
        sayGoodbye()
        await socket.closeWrite()
    }

    public func close() async { shut() }

    public func shut() {
        sayGoodbye()
        socket.shut()
    }

    private func sayGoodbye() {
        engine.withLock { engine in
            engine.shutdown()
            // A peer that is gone needs no good-bye.
            if let output = engine.takeOutput() { _ = try? socket.send(output) }
        }
    }
}

/// Makes sessions for the connections a server accepts.
public final class TLSServer: Sendable {
    private let context: Mutex<TLSContext>

    public init(_ configuration: TLSServerConfiguration) throws(TLSError) {
        context = Mutex(try TLSContext.server(configuration))
    }

    /// Uses another configuration from the next connection on. Throws, and changes nothing, when it is not usable.
    public func reload(_ configuration: TLSServerConfiguration) throws(TLSError) {
        let next = try TLSContext.server(configuration)
        context.withLock { $0 = next }
    }

    /// Shakes hands with the client at the other end of `socket`; closes it on failure.
    public func accept(_ socket: AsyncSocket) async throws -> TLSStream {
        // Nothing is made for a client that says nothing.
        let first = try await socket.read(max: 32 * 1024)
        let name = socket.peerAddress?.description ?? "a client"
        if first.isEmpty {
            socket.shut()
            throw TLSError("TLS handshake with \(name)", "it closed the connection")
        }
        let engine = try TLSEngine(
            context.withLock { $0 }, isServer: true, serverName: nil, verifiesName: false, name: name)
        return try await TLSStream(socket, engine, first: first)
    }
}

/// Makes sessions with servers.
public final class TLSClient: Sendable {
    private let context: TLSContext
    private let configuration: TLSClientConfiguration

    public init(_ configuration: TLSClientConfiguration = TLSClientConfiguration()) throws(TLSError) {
        self.configuration = configuration
        context = try TLSContext(configuration)
    }

    /// Shakes hands with `host` at the other end of `socket`; closes it on failure.
    public func connect(_ socket: AsyncSocket, host: String) async throws -> TLSStream {
        let name = configuration.serverName ?? host
        let engine = try TLSEngine(
            context, isServer: false, serverName: name,
            verifiesName: configuration.verifiesPeer && configuration.judge == nil, name: name)
        let session = try await TLSStream(socket, engine)
        guard configuration.verifiesPeer, let judge = configuration.judge else { return session }
        let refusal = session.peerCertificate.map(judge) ?? "it shows no certificate"
        if let refusal {
            session.shut()
            throw TLSError("TLS handshake with \(name)", "verify the certificate: \(refusal)")
        }
        return session
    }
}
