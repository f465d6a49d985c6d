// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization
internal import Telemetry

/// Listens for questions at some addresses, over UDP and TCP.
struct DNSServer: Sendable {
    /// The longest query; real ones have some hundred bytes. Names in a message may point at one another in long chains, so
    /// that the time to read one grows with the square of its length.
    private static let queryLimit = 4096
    /// Datagrams taken in a row before others have their turn. They are taken as they come, however many of one client
    /// wait: in the kernel's queue one client's would keep those of all others out.
    private static let batch = 512
    /// TCP connections at a time, and how long an idle one is kept.
    private static let connectionLimit = 256
    private static let idleTime = Duration.seconds(10)

    /// Datagrams waiting for other servers' answers at a time; a pod that asks for more than its part is not heard. No more
    /// than questions may be under way, so that one pod cannot have all of those.
    private static let waitingLimit = 1000

    private let datagrams: [(socket: DatagramSocket, isIPv6: Bool)]
    private let listeners: [AsyncListener]
    private let desk: QuestionDesk
    private let loop: EventLoop
    private let logger: Logger

    /// Binds at once, so that what comes before `run` waits in the kernel instead of being refused.
    init(addresses: [SocketAddress], responder: DNSResponder, loop: EventLoop, logger: Logger) throws(Errno) {
        var datagrams: [(DatagramSocket, Bool)] = []
        var listeners: [AsyncListener] = []
        for address in addresses {
            let isIPv6 = if case .ipv6 = address { true } else { false }
            datagrams.append((try DatagramSocket(at: address, loop: loop), isIPv6))
            listeners.append(try AsyncListener.open(at: address, loop: loop))
        }
        self.datagrams = datagrams
        self.listeners = listeners
        desk = QuestionDesk(responder)
        self.loop = loop
        self.logger = logger
    }

    /// Answers until cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: loop) { await self.desk.run() }
            for (socket, isIPv6) in datagrams {
                group.addTask(executorPreference: loop) { try await self.serve(socket, isIPv6: isIPv6) }
            }
            for listener in listeners {
                group.addTask(executorPreference: loop) { try await self.serve(listener) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    // MARK: UDP

    private func serve(_ socket: DatagramSocket, isIPv6: Bool) async throws {
        let waiting = ClientCounts(limit: Self.waitingLimit)
        while true {
            try await socket.readable()
            for _ in 0..<Self.batch {
                let datagram: (bytes: [UInt8], from: SocketAddress?)?
                do throws(Errno) { datagram = try socket.receive(limit: Self.queryLimit) } catch {
                    // What the network reported of an earlier answer (a client that is gone); the socket goes on.
                    logger.debug("receive a DNS query", ["error": "\(error)"])
                    continue
                }
                guard let (bytes, from) = datagram else { break }
                guard let from, from.port != 0, let client = from.host else { continue }
                let question = QuestionDesk.Question(
                    bytes: bytes, isStream: false, isIPv6: isIPv6, arrived: KernelClock.monotonic.now()
                ) { response in
                    switch response {
                    case .none: return
                    case .now(let response): self.send(response, socket, from)
                    case .later(let body):
                        guard waiting.enter(client) else { return }
                        Task(executorPreference: self.loop) {
                            self.send(await body(), socket, from)
                            waiting.leave(client)
                        }
                    }
                }
                // As a lost datagram where the client has asked too much already.
                _ = desk.add(question, of: client)
            }
            // What has come is answered before more is taken.
            await Task.yield()
        }
    }

    private func send(_ response: [UInt8], _ socket: DatagramSocket, _ client: SocketAddress) {
        do { try socket.send(response, to: client) } catch {
            // As a lost datagram: the client asks again.
            logger.debug("send a DNS answer", ["client": "\(client)", "error": "\(error)"])
        }
    }

    // MARK: TCP

    private func serve(_ listener: AsyncListener) async throws {
        let isIPv6 = if case .ipv6 = listener.address { true } else { false }
        let open = ClientCounts(limit: Self.connectionLimit)
        while true {
            let stream = try await listener.accept(on: loop)
            let client = stream.peerAddress?.host
            guard open.enter(client) else {
                stream.shut()
                continue
            }
            Task(executorPreference: loop) {
                await serve(stream, of: client ?? [], isIPv6: isIPv6)
                stream.shut()
                open.leave(client)
            }
        }
    }

    /// What a question by TCP is answered with, when its client's turn has come.
    private func answer(_ message: [UInt8], of client: [UInt8], isIPv6: Bool) async -> DNSResponder.Response {
        await withCheckedContinuation { continuation in
            let question = QuestionDesk.Question(
                bytes: message, isStream: true, isIPv6: isIPv6, arrived: KernelClock.monotonic.now()
            ) { continuation.resume(returning: $0) }
            if !desk.add(question, of: client) { continuation.resume(returning: .none) }
        }
    }

    private func serve(_ stream: AsyncSocket, of client: [UInt8], isIPv6: Bool) async {
        do {
            while true {
                stream.setDeadline(KernelClock.deadline(after: Self.idleTime))
                let message = try await StreamFraming.read(stream, limit: Self.queryLimit)
                switch await answer(message, of: client, isIPv6: isIPv6) {
                case .none: return
                case .now(let response): try await stream.write(StreamFraming.framed(response))
                case .later(let body): try await stream.write(StreamFraming.framed(await body()))
                }
            }
        } catch {
            // The end of the stream, or of patience: the usual ends of a connection.
            logger.debug("DNS connection ended", ["reason": "\(error)"])
        }
    }
}

/// How many connections, or questions that wait, each client has, and all together. No client gets more than is left over, so that something always
/// is: for those who come next.
final class ClientCounts: Sendable {
    private struct State: Sendable {
        var total = 0
        var clients: [[UInt8]: Int] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Counts one more, unless that were more than the client may have. Clients without an address are counted together.
    func enter(_ client: [UInt8]?) -> Bool {
        state.withLock { state in
            let count = state.clients[client ?? [], default: 0]
            guard count < limit - state.total else { return false }
            state.clients[client ?? []] = count + 1
            state.total += 1
            return true
        }
    }

    func leave(_ client: [UInt8]?) {
        state.withLock { state in
            let left = state.clients[client ?? [], default: 0] - 1
            state.clients[client ?? []] = left > 0 ? left : nil
            state.total -= 1
        }
    }
}

extension SocketAddress {
    /// The address alone, as bytes.
    fileprivate var host: [UInt8]? {
        switch self {
        case .ipv4(let bytes, _): bytes
        case .ipv6(let bytes, _, _): bytes
        case .unix: nil
        }
    }
}
