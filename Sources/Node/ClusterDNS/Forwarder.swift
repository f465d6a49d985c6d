// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization
internal import Telemetry

/// Asks the machine's resolvers what is not the cluster's business, and remembers their answers.
///
/// A question that is being asked already is not asked again: all who wait get the one answer. That also ends circles: a
/// question that comes back through somebody else's resolver waits for itself, and both end in time.
final class Forwarder: Sendable {
    private struct State {
        var cache = AnswerCache()
        var upstreams = Upstreams()
        var lastRead = Int64.min / 2
        var running: [ForwardKey: Task<ForeignAnswer?, Never>] = [:]
    }

    /// How long one server is waited for, and all of them together: clients wait five seconds.
    private static let serverTime = Duration.seconds(2)
    private static let wholeTime = Duration.milliseconds(4500)
    /// Questions under way at a time; one more is refused at once.
    private static let limit = 1000

    private let path: String
    private let excluded: Set<String>
    private let loop: EventLoop
    private let logger: Logger
    private let metrics: DNSMetrics
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: The machine's resolv.conf; it is read again when it is some seconds old.
    ///   - excluded: Addresses under which this very server is reached.
    init(path: String, excluded: Set<String>, loop: EventLoop, logger: Logger, metrics: DNSMetrics) {
        self.path = path
        self.excluded = excluded
        self.loop = loop
        self.logger = logger
        self.metrics = metrics
    }

    private static var now: Int64 { KernelClock.monotonic.now() / 1_000_000_000 }

    /// What is remembered, as bytes for the client.
    func remembered(_ query: DNSQuery, isStream: Bool) -> [UInt8]? {
        let now = Self.now
        let found = state.withLock { $0.cache.find(ForwardKey(query, isStream: isStream), now: now) }
        (found == nil ? metrics.cacheMisses : metrics.cacheHits).increment([])
        return found.map { $0.answer.encoded(for: query, age: $0.age) }
    }

    /// What is remembered, else what the resolvers say.
    func find(_ query: DNSQuery, isStream: Bool) async -> ForeignAnswer? {
        let now = Self.now
        let known = state.withLock { $0.cache.find(ForwardKey(query, isStream: isStream), now: now)?.answer }
        if let known { return known }
        return await ask(query, isStream: isStream)
    }

    /// What the resolvers say; nil when none of them answers in time.
    func ask(_ query: DNSQuery, isStream: Bool) async -> ForeignAnswer? {
        let key = ForwardKey(query, isStream: isStream)
        let task = state.withLock { state -> Task<ForeignAnswer?, Never>? in
            if let running = state.running[key] { return running }
            guard state.running.count < Self.limit else { return nil }
            let task = Task(executorPreference: loop) { await self.settle(key, query) }
            state.running[key] = task
            return task
        }
        return await task?.value
    }

    private func settle(_ key: ForwardKey, _ query: DNSQuery) async -> ForeignAnswer? {
        let answer = await askInTurn(query, isStream: key.isStream)
        state.withLock { state in
            state.running[key] = nil
            if let answer { state.cache.store(key, answer, now: Self.now) }
        }
        return answer
    }

    private func askInTurn(_ query: DNSQuery, isStream: Bool) async -> ForeignAnswer? {
        readServers()
        let servers = state.withLock { $0.upstreams.order(now: Self.now) }
        let deadline = KernelClock.deadline(after: Self.wholeTime)
        var refusal: ForeignAnswer?
        // A datagram may be lost: each server is asked twice.
        for server in servers + (isStream ? [] : servers) {
            let left = Duration.nanoseconds(deadline - KernelClock.monotonic.now())
            guard left > .zero else { break }
            do {
                let answer = try await exchange(query, server, isStream: isStream, time: min(left, Self.serverTime))
                state.withLock { $0.upstreams.answered(server) }
                // A server that cannot or will not say leaves it to the next.
                if answer.code != ResponseCode.serverFailure.rawValue, answer.code != ResponseCode.refused.rawValue {
                    return answer
                }
                refusal = refusal ?? answer
                if servers.count == 1 { break }
            } catch {
                logger.debug("ask a resolver", ["server": "\(server)", "error": "\(error)"])
                state.withLock { $0.upstreams.failed(server, now: Self.now) }
            }
        }
        return refusal
    }

    /// Reads resolv.conf again where that was long ago: networks come and go.
    private func readServers() {
        let isDue = state.withLock { state in
            guard Self.now - state.lastRead >= 5 else { return false }
            state.lastRead = Self.now
            return true
        }
        guard isDue else { return }
        do {
            let text = try Files.readText(path)
            state.withLock { $0.upstreams.read(text, excluding: excluded) }
        } catch {
            // Those known so far stay; a machine without the file has none, and clients are told SERVFAIL.
            logger.debug("read the machine's resolvers", ["error": "\(error)"])
        }
    }

    // MARK: One server

    private func exchange(
        _ query: DNSQuery, _ server: SocketAddress, isStream: Bool, time: Duration
    ) async throws -> ForeignAnswer {
        // An id nobody can guess; the port is the kernel's choice, another for each question.
        let id = UInt16.random(in: 0...UInt16.max)
        let bytes = query.encoded(id: id)
        let question = query.question
        if isStream {
            let socket = try await AsyncSocket.connect(to: server, timeout: time, loop: loop)
            defer { socket.shut() }
            socket.setDeadline(KernelClock.deadline(after: time))
            try await socket.write(StreamFraming.framed(bytes))
            guard let answer = ForeignAnswer(try await StreamFraming.read(socket), to: question, id: id) else {
                throw ForeignAnswerError(server: server)
            }
            return answer
        }
        let socket = try DatagramSocket(connectedTo: server, loop: loop)
        try socket.send(bytes)
        let limit = query.datagramLimit
        return try await withDeadline(time, "ask \(server)") {
            // Anything else is late or forged: the answer may still come.
            while true {
                let bytes = try await socket.next(limit: limit)
                if let answer = ForeignAnswer(bytes, to: question, id: id) { return answer }
            }
        }
    }
}

/// A resolver's answer that is none to the question.
struct ForeignAnswerError: Error, CustomStringConvertible {
    var server: SocketAddress
    var description: String { "ask \(server): what came is no answer to the question" }
}
