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
        /// How many connections there may be. One takes 60 KB before its handshake.
        public var maximumConnections = 8 * 1024
        /// How many of them may be strangers' (who have not shown yet whose they are), of all, and of one peer: an IPv4
        /// address, or 64 bits of an IPv6 one. Then the oldest makes room. The rest is for those who are known; see
        /// `ConnectionTable`.
        public var maximumStrangers = 3 * 1024
        public var maximumStrangersPerPeer = 1024
        /// How many more the machine itself may have that have not shown whose they are.
        public var reservedConnections = 1024
        /// How long a TLS handshake, and a request's head once it began, may take.
        public var handshakeTimeout: Duration = .seconds(10)
        public var headTimeout: Duration = .seconds(32)
        /// How long a connection may be without a request, and a peer be silent inside a request's body or not take a
        /// response's.
        public var idleTimeout: Duration = .seconds(180)
        public var bodyTimeout: Duration = .seconds(60)
        /// HTTP/2: requests at the same time on one connection, of one that has not shown whose it is, and bytes of one
        /// request's body that may wait unread.
        public var maximumStreams = 250
        public var maximumStreamsOfStrangers = 16
        public var streamWindow = 256 * 1024
        /// Bytes of answers that one holder's connections have not taken, apart from a little of each; all of a kind four times
        /// or once as much, of strangers all together an eighth. More is refused. The requests themselves that are under way
        /// over HTTP/2, or whose answers have not been taken, have a quarter as much, at 8 KB each.
        public var unreadBytesPerHolder = 128 << 20
        /// Whether an IPv6 address without a host part (`::`) takes IPv4 as well.
        public var isDualStack = true

        public init() {}
    }

    let configuration: Configuration
    let handler: any HTTPHandler
    let logger: Logger?
    private let tls: TLSServer?
    /// Bytes of answers that have not been taken.
    let output: SharedBudget
    /// What the streams of HTTP/2 take, whatever is sent on them.
    let streams: SharedBudget
    private let group: EventLoopGroup
    private let wanted: [SocketAddress]
    private let state: Mutex<State>

    private struct State {
        var listeners: [AsyncListener] = []
        var accepting: [Task<Void, Never>] = []
        var connections: [UInt64: SocketConnection] = [:]
        var table: ConnectionTable
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
        output = OutputPart.budget(each: configuration.unreadBytesPerHolder)
        streams = OutputPart.budget(each: configuration.unreadBytesPerHolder / 4)
        state = Mutex(
            State(
                table: ConnectionTable(
                    ConnectionTable.Limits(
                        strangers: configuration.maximumStrangers,
                        strangersPerPeer: configuration.maximumStrangersPerPeer,
                        local: configuration.reservedConnections,
                        known: max(0, configuration.maximumConnections - configuration.maximumStrangers)))))
        self.group = group ?? EventLoopGroup(EventLoop.here)
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

    /// Listens at one more address, as at those of `start`. Throws when it cannot be bound.
    public func listen(on address: SocketAddress) throws { serve([try listen(at: address)]) }

    /// Listens at a port no more; connections that came by it stay.
    public func ignore(port: UInt16) {
        let gone = state.withLock { state in
            let indices = state.listeners.indices.filter { state.listeners[$0].address.port == port }
            let gone = indices.map { (state.listeners[$0], state.accepting[$0]) }
            for index in indices.reversed() {
                state.listeners.remove(at: index)
                state.accepting.remove(at: index)
            }
            return gone
        }
        for (listener, task) in gone {
            task.cancel()
            listener.close()
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
        var taken = 0
        while !Task.isCancelled {
            // Who opens connections as fast as they are taken leaves the loop to those that have requests.
            taken += 1
            if taken % 16 == 0 { await Task.yield() }
            do {
                let socket = try await listener.accept(on: group.next())
                guard let server else { return }
                server.take(socket)
            } catch is CancellationError {
                return
            } catch {
                // A closed listener ends here as well: then the server is stopping and knows it.
                if Task.isCancelled || server?.state.withLock({ $0.isStopping }) != false { return }
                server?.logger?.error("accept failed", ["address": "\(listener.address)", "error": "\(error)"])
                // Nothing that a connection does ends the listening, and what stays wrong does not keep a loop busy.
                do { try await sleep(for: .milliseconds(100)) } catch { return }
            }
        }
    }

    private func take(_ socket: AsyncSocket) {
        let peer = socket.peerAddress?.countedPart
        let connection = SocketConnection(self, socket)
        let (id, victim) = state.withLock { state -> (UInt64?, SocketConnection?) in
            guard !state.isStopping else { return (nil, nil) }
            let (id, victim) = state.table.admit(from: peer)
            state.connections[id] = connection
            return (id, victim.flatMap { state.connections[$0] })
        }
        victim?.kill()
        guard let id else {
            socket.shut()
            return
        }
        connection.start(tls, id)
    }

    /// A connection's request has proved to be `holder`'s. False where he has too many for it to count as his.
    func vouch(for id: UInt64, _ holder: BudgetHolder) -> Bool {
        let (isKnown, victim) = state.withLock { state in
            // Taken out, so that the connections can be asked meanwhile.
            var table = ConnectionTable(
                ConnectionTable.Limits(strangers: 0, strangersPerPeer: 0, local: 0, known: 0))
            swap(&table, &state.table)
            defer { swap(&table, &state.table) }
            let (isKnown, victim) = table.vouch(for: id, holder) { state.connections[$0]?.isIdle ?? false }
            return (isKnown, victim.flatMap { state.connections[$0] })
        }
        victim?.kill()
        return isKnown
    }

    func ended(_ id: UInt64) {
        let waiting = state.withLock { state in
            state.connections[id] = nil
            state.table.end(id)
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
    /// Whether no request is under way.
    var isIdle: Bool { get }
    /// No new requests; close when the present ones have ended.
    func stop()
    /// Cancel everything and close.
    func kill()
}
