// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import Synchronization

/// A connected stream socket on an event loop. Calls may come from any task; the waiting happens in the loop's epoll.
///
/// Writing is queueing: `send` hands bytes to the kernel as far as it takes them and keeps the rest, in order, until it
/// does; `drained` waits for that. `write` is both, and is what most callers want.
public final class AsyncSocket: EventSource, ByteStream {
    /// The loop whose thread the socket's events arrive on: where the task of this connection runs best.
    public let loop: EventLoop
    private let state: Mutex<SocketState>

    /// Takes over a connected (or connecting) non-blocking socket.
    init(_ socket: consuming Socket, loop: EventLoop) throws(Errno) {
        self.loop = loop
        state = Mutex(SocketState(socket: socket))
        let result = state.withLock { state -> Errno? in
            do throws(Errno) {
                state.token = try loop.register(
                    state.socket!, [.readable, .writable, .peerClosed], edgeTriggered: true, source: self)
                return nil
            } catch { return error }
        }
        if let result { throw result }
    }

    deinit {
        state.withLock { state in
            if let timer = state.timer { loop.cancel(timer.id) }
            if let socket = state.socket.take(), let token = state.token {
                loop.deregister(socket.descriptor, token: token)
            }
        }
    }

    /// Takes over a connected socket made elsewhere (one end of a pair, an inherited descriptor).
    public convenience init(owning socket: consuming Socket, loop: EventLoop? = nil) throws(Errno) {
        let number = socket.descriptor.raw
        try systemCall("fcntl O_NONBLOCK") { fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
        try self.init(socket, loop: loop ?? EventLoop.here)
    }

    // MARK: Facts

    /// The addresses of both ends; nil once closed.
    public var peerAddress: SocketAddress? { address { socket throws(Errno) in try socket.peerAddress() } }
    public var localAddress: SocketAddress? { address { socket throws(Errno) in try socket.localAddress() } }

    private func address(_ get: (borrowing Socket) throws(Errno) -> SocketAddress?) -> SocketAddress? {
        state.withLock { state in
            guard state.socket != nil else { return nil }
            // A peer that is gone already has no address any more.
            return try? get(state.socket!)
        }
    }

    /// Calls `body` with the socket, for options; nil once it is closed.
    public func withSocket<Result>(
        _ body: (borrowing Socket) throws(Errno) -> sending Result
    ) throws(Errno) -> sending Result? {
        try state.withLock { (state) throws(Errno) -> Result? in
            guard state.socket != nil else { return nil }
            return try body(state.socket!)
        }
    }

    // MARK: Reading

    public func read(max: Int) async throws -> [UInt8] {
        while true {
            if let bytes = try receive(max: max) { return bytes }
            await waitUntilReadable()
            try Task.checkCancellation()
        }
    }

    /// What the kernel holds, at most `max` bytes; nil when there is nothing yet, empty at the end of the stream.
    public func receive(max: Int) throws -> [UInt8]? {
        try state.withLock { try $0.receive(max: max) }
    }

    /// Holds reading back, or lets it go on: meanwhile reads throw `ReadingHeldBack`, also those that wait already. For
    /// who takes the socket over from another reader.
    public func holdReading(_ isHeld: Bool) {
        let reader = state.withLock { state in
            state.isReadingHeld = isHeld
            return isHeld ? state.reader.take() : nil
        }
        reader?.resume()
    }

    /// Waits until `receive` has something to say, or the task is cancelled. Two tasks that wait are a bug of ours, and
    /// one that a peer may have found: nobody knows whose the next bytes are, so that this socket is broken for both, and
    /// nothing else is.
    private func waitUntilReadable() async {
        await withTaskCancellationHandler {
            // Unsafe only in that nobody checks that it is resumed exactly once: it is taken out of the state under the
            // lock by whoever resumes it, and every end of the socket takes it.
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let (isReady, other) = state.withLock { state -> (Bool, UnsafeContinuation<Void, Never>?) in
                    if state.isReadable || state.socket == nil || state.readFailure != nil || state.isLate
                        || state.isReadingHeld || Task.isCancelled
                    {
                        return (true, nil)
                    }
                    if let other = state.reader.take() {
                        state.readFailure = Errno(EBUSY, "read: the socket has a reader already")
                        return (true, other)
                    }
                    state.reader = continuation
                    return (false, nil)
                }
                other?.resume()
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume()
        }
    }

    // MARK: Writing

    public func write(_ bytes: [UInt8]) async throws {
        try send(bytes)
        try await drained()
    }

    /// Queues `bytes` behind what is queued already, without waiting. Returns how many bytes are queued now.
    @discardableResult
    public func send(_ bytes: [UInt8]) throws -> Int {
        try state.withLock { try $0.send(bytes) }
    }

    /// How many bytes the kernel has not taken yet.
    public var queuedBytes: Int { state.withLock { $0.queued } }

    /// Waits until the kernel has taken everything queued.
    public func drained() async throws {
        let isDrained = try state.withLock { state in
            if let failure = state.writeFailure { throw failure }
            return state.queued == 0
        }
        if isDrained { return }
        try Task.checkCancellation()
        let id = state.withLock { $0.newWaiterID() }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if state.queued == 0 || state.writeFailure != nil || state.isLate || state.socket == nil
                        || Task.isCancelled
                    {
                        return true
                    }
                    state.writers.append((id, continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let writer = state.withLock { state in
                state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0) }
            }
            writer?.continuation.resume()
        }
        try Task.checkCancellation()
        try state.withLock { state in
            if let failure = state.writeFailure { throw failure }
            if state.queued > 0 {
                throw state.isLate ? DeadlineExceeded("wait for the peer") : SocketState.closed("write")
            }
        }
    }

    /// Called on the loop's thread whenever the queue has become empty after it was not.
    public func onDrained(_ body: (@Sendable () -> Void)?) {
        state.withLock { $0.drainHandler = body }
    }

    /// Called once on the loop's thread when the peer has closed its writing direction or the connection broke; at once
    /// when that is known already. Nil takes it back.
    public func onPeerClosed(_ body: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            guard state.isPeerClosed else {
                state.hangUpHandler = body
                return false
            }
            return true
        }
        if isClosed { body?() }
    }

    // MARK: Time

    /// From `deadline` (nanoseconds of the monotonic clock) on, reading and waiting for the drain throw
    /// `DeadlineExceeded`, until the deadline is moved or (by nil) taken away. Moving one is a store; timers are armed
    /// lazily.
    public func setDeadline(_ deadline: Int64?) {
        state.withLock { state in
            state.deadline = deadline
            state.isLate = false
            guard let deadline, state.socket != nil else { return }
            if let timer = state.timer {
                if timer.fires <= deadline { return }  // it will look at the new deadline then
                loop.cancel(timer.id)
            }
            state.timer = (deadline, armTimer(deadline))
        }
    }

    private func armTimer(_ deadline: Int64) -> TimerID {
        loop.schedule(atNanoseconds: deadline) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        let wake = state.withLock { state -> SocketState.Wake in
            state.timer = nil
            guard let deadline = state.deadline, state.socket != nil else { return SocketState.Wake() }
            if KernelClock.monotonic.now() < deadline {
                state.timer = (deadline, armTimer(deadline))
                return SocketState.Wake()
            }
            state.isLate = true
            return state.takeWaiters()
        }
        wake.resume()
    }

    // MARK: The end

    public func closeWrite() async {
        state.withLock { $0.closeWrite() }
    }

    public func close() async { shut() }

    /// `close`, for who cannot wait; nothing is waited for in either.
    public func shut() {
        let wake = state.withLock { state in
            if let timer = state.timer.take() { loop.cancel(timer.id) }
            if let socket = state.socket.take(), let token = state.token.take() {
                loop.deregister(socket.descriptor, token: token)
            }
            state.queue = OutputQueue()
            state.drainHandler = nil
            state.hangUpHandler = nil
            return state.takeWaiters()
        }
        wake.resume()
    }

    // MARK: Events

    func ready(_ events: Epoll.Events) {
        var drain: (@Sendable () -> Void)?
        var hangUp: (@Sendable () -> Void)?
        let wake = state.withLock { state -> SocketState.Wake in
            var wake = SocketState.Wake()
            let isBroken = !events.isDisjoint(with: [.error, .hangUp])
            if isBroken || events.contains(.peerClosed) {
                state.isPeerClosed = true
                hangUp = state.hangUpHandler.take()
            }
            if isBroken || !events.isDisjoint(with: [.readable, .peerClosed]) {
                state.isReadable = true
                wake.reader = state.reader.take()
            }
            if isBroken || events.contains(.writable) {
                state.isWritable = true
                if state.queued > 0 {
                    state.flush()
                    if state.queued == 0 { drain = state.drainHandler }
                }
                if state.queued == 0 || state.writeFailure != nil {
                    wake.writers = state.writers.map(\.continuation)
                    state.writers = []
                }
            }
            return wake
        }
        wake.resume()
        drain?()
        hangUp?()
    }

    // MARK: Connecting

    /// Waits until a connect(2) in progress has ended.
    func waitUntilConnected(to address: SocketAddress) async throws {
        let id = state.withLock { $0.newWaiterID() }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if state.isWritable || state.isLate || state.socket == nil || Task.isCancelled {
                        return true
                    }
                    state.writers.append((id, continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let writer = state.withLock { state in
                state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0) }
            }
            writer?.continuation.resume()
        }
        try Task.checkCancellation()
        try state.withLock { state in
            if state.isLate, !state.isWritable { throw DeadlineExceeded("connect \(address)") }
            guard state.socket != nil else { throw SocketState.closed("connect \(address)") }
            if let error = try state.socket!.takeError() { throw error.during("connect \(address)") }
        }
    }

    /// For a socket whose connect(2) has not ended: nothing can be written before.
    func markConnecting() {
        state.withLock { $0.isWritable = false }
    }
}
