// SPDX-License-Identifier: Apache-2.0

public import Linux
internal import Synchronization

/// Any descriptor epoll takes (a pidfd, an inotify, a netlink socket, a timerfd, a listening socket) whose readiness
/// can be awaited. It owns the descriptor.
public final class AsyncDescriptor: EventSource {
    private struct State: ~Copyable {
        var file: FileDescriptor?
        var token: UInt64?
        var armed: Epoll.Events = []
        var waiters: [(id: UInt64, events: Epoll.Events, continuation: CheckedContinuation<Void, Never>)] = []
        var nextID: UInt64 = 0
    }

    private let loop: EventLoop
    private let state: Mutex<State>

    /// Takes `file` over; its readiness arrives through `loop` (one of the shared ones when nil).
    public init(owning file: consuming FileDescriptor, loop: EventLoop? = nil) {
        self.loop = loop ?? EventLoop.here
        state = Mutex(State(file: file))
    }

    deinit {
        state.withLock { state in
            guard let token = state.token else { return }
            state.token = nil
            if let file = state.file.take() { loop.deregister(file, token: token) }
        }
    }

    /// Waits until reading would not block (data, the end, or an error).
    public func readable() async throws { try await wait(.readable) }

    /// Waits until writing would not block.
    public func writable() async throws { try await wait(.writable) }

    /// Calls `body` with the descriptor; nil once it is closed. `body` must not block: the state is locked meanwhile.
    public func withDescriptor<Result, Failure: Error>(
        _ body: (borrowing FileDescriptor) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result? {
        try state.withLock { (state) throws(Failure) -> Result? in
            guard state.file != nil else { return nil }
            return try body(state.file!)
        }
    }

    /// Closes the descriptor. Who waits gets an error (EBADF).
    public func close() {
        let waiters = state.withLock { state in
            if let file = state.file.take(), let token = state.token { loop.deregister(file, token: token) }
            state.token = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    private func wait(_ events: Epoll.Events) async throws {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let failure = Mutex<Errno?>(nil)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    do throws(Errno) {
                        if Task.isCancelled || state.file == nil { return true }
                        state.waiters.append((id, events, continuation))
                        try arm(&state)
                        return false
                    } catch {
                        state.waiters.removeAll { $0.id == id }
                        failure.withLock { $0 = error }
                        return true
                    }
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiting?.continuation.resume()
        }
        try Task.checkCancellation()
        if let failure = failure.withLock({ $0 }) { throw failure }
        if state.withLock({ $0.file == nil }) { throw Errno(9, "wait for a descriptor") }  // EBADF
    }

    /// Asks epoll for one event of what the waiters want. One-shot and level-triggered: whoever waits is told of what is
    /// there already, and nobody waiting costs nothing.
    private func arm(_ state: inout State) throws(Errno) {
        let wanted = state.waiters.reduce(into: Epoll.Events()) { $0.formUnion($1.events) }
        guard state.file != nil, !wanted.isEmpty else { return }
        if let token = state.token {
            try loop.modify(state.file!, wanted.union(.oneShot), token: token)
        } else {
            state.token = try loop.register(
                state.file!, wanted.union(.oneShot), edgeTriggered: false, source: self)
        }
    }

    func ready(_ events: Epoll.Events) {
        let failed = !events.isDisjoint(with: [.error, .hangUp])
        let woken = state.withLock { state in
            let woken = state.waiters.filter { failed || !$0.events.isDisjoint(with: events) }
            state.waiters.removeAll { waiter in woken.contains { $0.id == waiter.id } }
            // Re-arming cannot fail for a descriptor that epoll holds; if it did, the waiters would look again.
            do throws(Errno) { try arm(&state) } catch {
                defer { state.waiters = [] }
                return woken + state.waiters
            }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
    }
}
