// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import Synchronization
public import Telemetry

/// Serves HTTP/1.1 and HTTP/2 (by ALPN, or by its preface on a connection without TLS) on any number of addresses.
public final class HTTPServer: Sendable {
    /// Limits and patience. The defaults suit a server that strangers can reach.
    public struct Configuration: Sendable {
        public var limits = HTTPLimits()
        /// Connections beyond these are closed at once, but for some more of the loopback's. One takes 60 KB before its
        /// handshake.
        public var maximumConnections = 8 * 1024
        /// The same for one peer: an IPv4 address, or 64 bits of an IPv6 one; at most as many as are free besides. The
        /// loopback's are not counted.
        public var maximumConnectionsPerPeer = 2 * 1024
        /// How long a TLS handshake, and a request's head once it began, may take.
        public var handshakeTimeout: Duration = .seconds(10)
        public var headTimeout: Duration = .seconds(32)
        /// How long a connection may be without a request, and a peer be silent inside a request's body or not take a
        /// response's.
        public var idleTimeout: Duration = .seconds(180)
        public var bodyTimeout: Duration = .seconds(60)
        /// HTTP/2: requests at the same time on one connection, and bytes of one request's body that may wait unread.
        public var maximumStreams = 250
        public var streamWindow = 256 * 1024
        /// Whether an IPv6 address without a host part (`::`) takes IPv4 as well.
        public var isDualStack = true

        public init() {}

        /// What is kept for the machine itself when others have taken all.
        static let ownConnections = 1024

        /// Whether one more is taken beside `count`.
        ///
        /// - Parameter ofPeer: How many the peer has; nil for the machine itself. Nobody gets more than is left over, so
        ///   that something always is, for those who come next.
        func admits(beside count: Int, ofPeer: Int?) -> Bool {
            guard let ofPeer else { return count < maximumConnections + Self.ownConnections }
            return ofPeer < min(maximumConnectionsPerPeer, maximumConnections - count)
        }
    }

    let configuration: Configuration
    let handler: any HTTPHandler
    let logger: Logger?
    private let tls: TLSServer?
    private let group: EventLoopGroup
    private let wanted: [SocketAddress]
    private let state = Mutex(State())

    private struct State {
        var listeners: [AsyncListener] = []
        var accepting: [Task<Void, Never>] = []
        var connections: [ObjectIdentifier: any ServedConnection] = [:]
        var perPeer: [[UInt8]: Int] = [:]
        var isStopping = false
        var emptied: [CheckedContinuation<Void, Never>] = []
    }

    /// Nothing is bound before `start`. Throws when the TLS configuration is not usable.
    public init(
        addresses: [SocketAddress], tls: TLSServerConfiguration? = nil, configuration: Configuration = Configuration(),
        group: EventLoopGroup? = nil, logger: Logger? = nil, handler: any HTTPHandler
    ) throws {
        wanted = addresses
        self.tls = try tls.map { try TLSServer($0) }
        self.configuration = configuration
        self.group = group ?? .shared
        self.logger = logger
        self.handler = handler
    }

    /// Where it listens, ports as the kernel chose them; empty before `start`.
    public var addresses: [SocketAddress] { state.withLock { $0.listeners.map(\.address) } }

    /// How many connections are open.
    public var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Uses other certificates or authorities from the next connection on.
    public func reload(tls configuration: TLSServerConfiguration) throws {
        guard let tls else { throw TLSError("reload the certificates", "the server does not speak TLS") }
        try tls.reload(configuration)
    }

    /// Binds every address and starts to accept. Throws, and listens nowhere, when one cannot be bound.
    public func start() throws {
        var listeners: [AsyncListener] = []
        do {
            for address in wanted {
                listeners.append(try listen(at: address))
            }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        serve(listeners)
    }

    /// Listens at one address. The unspecified address of either family stands for both, as Go's `net.Listen` has it,
    /// whose programs' configurations we read; a machine without IPv6 has the one.
    private func listen(at address: SocketAddress) throws -> AsyncListener {
        let isWildcard =
            switch address {
            case .ipv4(let bytes, _), .ipv6(let bytes, _, _): bytes.allSatisfy { $0 == 0 }
            case .unix: false
            }
        guard isWildcard, configuration.isDualStack, let port = address.port else {
            return try AsyncListener(at: address, loop: group.next())
        }
        do throws(Errno) {
            return try AsyncListener(
                at: .ipv6(address: [UInt8](repeating: 0, count: 16), port: port), family: .dual, loop: group.next())
        } catch {
            guard error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL else { throw error }
            return try AsyncListener(at: .ipv4(address: [0, 0, 0, 0], port: port), loop: group.next())
        }
    }

    /// Accepts from sockets that listen already, beside those of `start`.
    public func serve(_ listeners: [AsyncListener]) {
        let tasks = listeners.map { listener in
            Task(executorPreference: group.next()) { [weak self] in await Self.accept(from: listener, self) }
        }
        state.withLock {
            $0.listeners += listeners
            $0.accepting += tasks
        }
    }

    /// Stops accepting, ends idle connections and lets requests under way end for `grace`; then cancels them. Returns
    /// when every connection is closed.
    public func stop(grace: Duration = .seconds(10)) async {
        let (listeners, accepting, connections) = state.withLock { state in
            state.isStopping = true
            defer {
                state.listeners = []
                state.accepting = []
            }
            return (state.listeners, state.accepting, Array(state.connections.values))
        }
        for listener in listeners { listener.close() }
        for task in accepting { task.cancel() }
        for connection in connections { connection.stop() }
        let timer = group.next().schedule(atNanoseconds: KernelClock.deadline(after: grace)) { [weak self] in
            for connection in self?.openConnections ?? [] { connection.kill() }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.connections.isEmpty { return true }
                state.emptied.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
        _ = timer
    }

    private var openConnections: [any ServedConnection] { state.withLock { Array($0.connections.values) } }

    // MARK: Accepting

    private static func accept(from listener: AsyncListener, _ server: HTTPServer?) async {
        guard let group = server?.group else { return }
        while !Task.isCancelled {
            do {
                let socket = try await listener.accept(on: group.next())
                guard let server else { return }
                server.take(socket)
            } catch is CancellationError {
                return
            } catch {
                // A closed listener ends here as well: then the server is stopping and knows it.
                if server?.state.withLock({ $0.isStopping }) != false { return }
                server?.logger?.error("accept failed", ["address": "\(listener.address)", "error": "\(error)"])
                return
            }
        }
    }

    private func take(_ socket: AsyncSocket) {
        let peer = socket.peerAddress?.countedPart
        let connection = SocketConnection(self, socket, peer: peer)
        let isTaken = state.withLock { state in
            let ofPeer = peer.map { state.perPeer[$0, default: 0] }
            guard !state.isStopping, configuration.admits(beside: state.connections.count, ofPeer: ofPeer) else {
                return false
            }
            if let peer { state.perPeer[peer, default: 0] += 1 }
            state.connections[ObjectIdentifier(connection)] = connection
            return true
        }
        guard isTaken else {
            socket.shut()
            return
        }
        connection.start(tls)
    }

    func ended(_ connection: SocketConnection) {
        let waiting = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = nil
            if let peer = connection.peer, let count = state.perPeer[peer] {
                state.perPeer[peer] = count > 1 ? count - 1 : nil
            }
            guard state.isStopping, state.connections.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.emptied = [] }
            return state.emptied
        }
        for continuation in waiting { continuation.resume() }
    }
}

extension SocketAddress {
    /// What connections are counted by: whoever has one address of an IPv6 network of 64 bits has them all. nil for the
    /// machine itself.
    fileprivate var countedPart: [UInt8]? {
        switch unmapped {
        case .ipv4(let bytes, _): bytes.first == 127 ? nil : bytes
        case .ipv6(let bytes, _, _): bytes.dropLast().allSatisfy { $0 == 0 } ? nil : Array(bytes.prefix(8))
        case .unix: nil
        }
    }
}

/// A connection its server can end.
protocol ServedConnection: AnyObject, Sendable {
    /// No new requests; close when the present ones have ended.
    func stop()
    /// Cancel everything and close.
    func kill()
}
