// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization

/// An HTTP/2 connection: a session over a byte connection. What server and client have in common; the rest is in
/// `receiver`, which hears of heads.
final class HTTP2Core: Sendable {
    /// Called under the connection's lock with the head of a request or response; must not call back into the core.
    typealias Receiver = @Sendable (HTTP2State, HTTP2Stream, HTTPHeaders, [String: String], _ isEnd: Bool) -> Void

    let connection: any Connection
    private let state: Mutex<HTTP2State>
    private let role: HTTP2State.Role
    /// How long the connection may be without a stream, and how long until its first one.
    private let idleTimeout: Duration
    private let firstTimeout: Duration
    /// How long a peer may take nothing of what waits for it.
    private let patience: Duration

    /// How much may wait in the socket before no more is produced, and how much is produced at a time.
    private static let highWater = 256 * 1024
    private static let slice = 32 * 1024
    /// How much goes out before others have the loop.
    private static let burst = 128 * 1024

    init(
        _ connection: any Connection, _ role: HTTP2State.Role, _ limits: HTTPLimits, window: Int,
        maximumStreams: Int = 0, idleTimeout: Duration, firstTimeout: Duration? = nil, patience: Duration,
        counted: (output: SharedBudget, streams: SharedBudget, standing: ConnectionStanding?)? = nil
    ) {
        self.connection = connection
        self.role = role
        self.idleTimeout = idleTimeout
        self.firstTimeout = firstTimeout ?? idleTimeout
        self.patience = patience
        state = Mutex(
            HTTP2State(
                role, limits, window: window, maximumStreams: maximumStreams,
                output: counted.map { OutputPart(of: $0.output, $0.standing) },
                room: counted.map { OutputPart(of: $0.streams, $0.standing) }))
    }

    // MARK: Reading

    /// Reads until the connection has ended; then every stream has, too.
    func run(firstBytes: [UInt8] = [], _ receiver: @escaping Receiver) async {
        connection.onDrained { [weak self] in self?.flush() }
        do {
            connection.setDeadline(KernelClock.deadline(after: firstTimeout))
            flush()
            if !firstBytes.isEmpty { try receive(firstBytes, receiver) }
            while true {
                let bytes = try await connection.read(max: 256 * 1024)
                if bytes.isEmpty { break }
                try receive(bytes, receiver)
                if state.withLock({ $0.isOver }) { break }
            }
        } catch is DeadlineExceeded {
            goAway()
        } catch {
            // The connection broke, or the peer broke the protocol: what the session says of that is on its way.
            flush()
        }
        end()
    }

    private func receive(_ bytes: [UInt8], _ receiver: @escaping Receiver) throws {
        try state.withLock { state in
            for event in try state.receive(bytes) { handle(event, state, receiver) }
            pump(state)
        }
    }

    private func handle(_ event: HTTP2State.Event, _ state: HTTP2State, _ receiver: Receiver?) {
        switch event {
        case .fields(let id, let headers, let pseudo, let isEnd):
            if let stream = state.streams[id], pseudo.isEmpty {
                // Trailers end a stream, always.
                stream.input?.finish(nil, trailers: headers)
                stream.isInputOver = true
                return
            }
            let stream = state.streams[id] ?? HTTP2Stream(id: id)
            if role == .server { state.streams[id] = stream }
            guard state.streams[id] != nil else { return }
            receiver?(state, stream, headers, pseudo, isEnd)
            if isEnd {
                stream.input?.finish(nil, trailers: [:])
                stream.isInputOver = true
            }
        case .data(let id, let bytes):
            guard let stream = state.streams[id], let input = stream.input, !input.isAbandoned else {
                state.giveWindowBack(id, bytes.count)
                return
            }
            stream.unreadWindow += bytes.count
            input.push(bytes)
        case .end(let id):
            guard let stream = state.streams[id] else { return }
            stream.input?.finish(nil, trailers: [:])
            stream.isInputOver = true
        case .closed(let id, let code):
            guard let stream = state.streams.removeValue(forKey: id) else { return }
            state.leave(stream)
            var error: any Error = HTTP2Error.reset(code)
            if stream.response != nil {
                error = UnansweredRequest(cause: error, isUntouched: code == HTTP2.refusedStream)
            }
            stream.fail(error)
            if code != HTTP2.noError || role == .client { stream.task?.cancel() }
        case .goAway: state.isGoingAway = true
        }
    }

    // MARK: Writing

    /// Gives the connection what the session has for it, as long as it takes it.
    func flush() { state.withLock { pump($0) } }

    private func pump(_ state: HTTP2State) {
        var sent = 0
        while !state.isClosed, connection.queuedBytes < Self.highWater {
            if sent >= Self.burst {
                goOn(state)
                break
            }
            guard let bytes = state.produce(Self.slice) else { break }
            sent += bytes.count
            do {
                try connection.send(bytes)
            } catch {
                // The reader finds the same and ends everything.
                return
            }
            // Streams that have ended with what was just sent.
            for event in state.takeEvents() { handle(event, state, nil) }
        }
        settle(state)
    }

    /// Goes on sending when others have had the loop: streams may have much to send, and a peer may take all of it.
    private func goOn(_ state: HTTP2State) {
        guard !state.isToGoOn else { return }
        state.isToGoOn = true
        Task(executorPreference: connection.loop) { [weak self, loop = connection.loop] in
            await loop.turn()
            self?.state.withLock { state in
                state.isToGoOn = false
                self?.pump(state)
            }
        }
    }

    /// With more streams than `few`, what is `small` is sent with what the others have at the same time: an event that
    /// thousands of watches wait for costs each connection one write, and not one for each watch.
    private static let few = 8
    private static let small = 4 << 10

    /// Sends once all who have the loop now have had it.
    private func pumpSoon(_ state: HTTP2State) {
        guard !state.isToPump else { return }
        state.isToPump = true
        Task(executorPreference: connection.loop) { [weak self] in
            self?.state.withLock { state in
                state.isToPump = false
                self?.pump(state)
            }
        }
    }

    /// Closes when going away and nothing is under way any more; limits how long the connection may be idle.
    private func settle(_ state: HTTP2State) {
        guard !state.isClosed else { return }
        let isIdle = state.streams.isEmpty
        if isIdle, state.isGoingAway, connection.queuedBytes == 0 { return connection.shut() }
        guard isIdle != state.isIdle else { return }
        state.isIdle = isIdle
        connection.setDeadline(isIdle ? KernelClock.deadline(after: idleTimeout) : nil)
        if !isIdle { watch(state) }
    }

    /// Looks every half of the time that is allowed for it whether the peer takes what waits for it. One timer for all
    /// streams, left alone while they come and go.
    private func watch(_ state: HTTP2State) {
        guard !state.isWatched else { return }
        state.isWatched = true
        connection.loop.schedule(atNanoseconds: KernelClock.deadline(after: patience / 2)) { [weak self] in
            self?.endStalled()
        }
    }

    /// Ends the streams whose peer keeps its window shut, and the connection when nothing leaves the socket.
    private func endStalled() {
        let isStuck = state.withLock { state in
            state.isWatched = false
            guard !state.isClosed else { return false }
            if state.noteStall(queued: connection.queuedBytes) { return true }
            for stream in state.streams.values where stream.noteStall() {
                stream.task?.cancel()
                state.reset(stream.id, HTTP2.cancel)
            }
            pump(state)
            if !state.streams.isEmpty || connection.queuedBytes > 0 { watch(state) }
            return false
        }
        if isStuck { connection.shut() }
    }

    /// Queues a part of a stream's body; suspends while much of it waits. Throws when the stream has ended.
    func write(_ id: Int32, _ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        let waiter = try state.withLock { state -> Waiter? in
            guard let stream = state.streams[id] else { throw HTTPBodyAbandoned() }
            guard state.append(bytes, to: stream) else { throw HTTPBodyAbandoned() }
            state.resume(stream)
            if state.streams.count > Self.few, bytes.count <= Self.small, stream.queued < HTTP2Stream.kept {
                pumpSoon(state)
                return nil
            }
            pump(state)
            guard stream.queued >= HTTP2Stream.kept else { return nil }
            let waiter = Waiter()
            stream.writer = waiter
            return waiter
        }
        guard let waiter else { return }
        await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.wake()
        }
        try Task.checkCancellation()
        guard state.withLock({ $0.streams[id] != nil }) else { throw HTTPBodyAbandoned() }
    }

    /// Ends a stream's body, with an error by a reset.
    func finish(_ id: Int32, trailers: HTTPHeaders = [:], error: Bool = false) {
        state.withLock { state in
            guard let stream = state.streams[id] else { return }
            if error {
                state.reset(id, HTTP2.internalError)
            } else {
                stream.trailers = trailers
                stream.isOutputOver = true
                stream.task = nil
                state.resume(stream)
            }
            pump(state)
        }
    }

    /// Changes a session under its lock, and sends what comes of it.
    func perform<Result>(_ body: (HTTP2State) throws -> sending Result) rethrows -> sending Result {
        try state.withLock { state in
            defer { pump(state) }
            return try body(state)
        }
    }

    // MARK: Bodies

    /// A reader has taken `count` bytes of a stream: the peer may send as many more.
    func consumed(_ id: Int32, _ count: Int) {
        state.withLock { state in
            guard let stream = state.streams[id] else { return }
            stream.unreadWindow -= count
            state.giveWindowBack(id, count)
            pump(state)
        }
    }

    /// Nobody will read the rest of a stream's body.
    func abandoned(_ id: Int32) {
        state.withLock { state in
            guard let stream = state.streams[id], !stream.isInputOver else { return }
            if role == .client {
                state.reset(id, HTTP2.cancel)
            } else {
                // The request may still be answered; what comes of its body is thrown away.
                state.giveWindowBack(id, stream.unreadWindow)
                stream.unreadWindow = 0
            }
            pump(state)
        }
    }

    // MARK: The end

    /// Whether no stream is open.
    var isIdle: Bool { state.withLock { $0.streams.isEmpty } }

    /// What a client may still ask of the connection.
    enum Room { case free, full, over }

    func room(isLasting: Bool) -> Room {
        state.withLock { state in
            if state.isClosed || state.isGoingAway { return .over }
            return state.hasRoom(isLasting: isLasting) ? .free : .full
        }
    }

    /// Takes no new streams; the connection ends with the last one.
    func goAway() {
        state.withLock { state in
            guard !state.isClosed else { return }
            if !state.isGoingAway { state.goAway() }
            state.isGoingAway = true
            pump(state)
        }
    }

    private func end() {
        connection.onDrained(nil)
        let tasks = state.withLock { state in
            state.isClosed = true
            let hasServed = state.hasServed
            let streams = state.streams
            state.streams = [:]
            for stream in streams.values {
                state.leave(stream)
                let lost = HTTP2Error.connectionLost
                stream.fail(stream.response == nil ? lost : UnansweredRequest(cause: lost, isReused: hasServed))
            }
            return streams.values.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        connection.shut()
    }
}

/// The body the peer sends on a stream.
final class HTTP2BodySource: HTTPBodySource {
    private let core: HTTP2Core
    private let id: Int32
    private let pipe: BodyPipe
    private let timer = Mutex(TimerID?.none)

    init(_ core: HTTP2Core, _ id: Int32, _ pipe: BodyPipe) {
        self.core = core
        self.id = id
        self.pipe = pipe
    }

    var trailers: HTTPHeaders { pipe.trailers }

    func next() async throws -> [UInt8]? {
        guard let bytes = try await pipe.next() else { return nil }
        core.consumed(id, bytes.count)
        return bytes
    }

    func setDeadline(_ deadline: Int64) {
        let timer = core.connection.loop.schedule(atNanoseconds: deadline) { [pipe] in
            // Without effect where the body has ended.
            pipe.finish(DeadlineExceeded("read a body"), trailers: [:])
        }
        let earlier = self.timer.withLock { known in
            defer { known = timer }
            return known
        }
        if let earlier { core.connection.loop.cancel(earlier) }
    }

    func abandon() {
        if let timer = timer.withLock({ $0.take() }) { core.connection.loop.cancel(timer) }
        pipe.abandon()
        // Later, not here: the stream may have been let go under the connection's lock.
        Task(executorPreference: core.connection.loop) { [core, id] in core.abandoned(id) }
    }
}
