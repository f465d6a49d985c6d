// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The changes under one prefix, as batches. The store's writer pushes; a reader that lets too much pile up is cut off
/// with `tooSlow`. Letting go of the watch ends it. One reader at a time.
public final class StoreWatch: Sendable {
    /// The prefix watched.
    public let prefix: String
    /// Events that may wait before the watcher is cut off.
    public static let limit = 16_384
    /// The same in bytes of the values that they hold: each may be the last to hold them.
    static let byteLimit = 64 << 20

    let queue: WatchQueue
    private let current: @Sendable () -> Int64
    private let onEnd: @Sendable (WatchQueue) -> Void

    init(
        queue: WatchQueue, current: @escaping @Sendable () -> Int64, onEnd: @escaping @Sendable (WatchQueue) -> Void
    ) {
        prefix = queue.prefix
        self.queue = queue
        self.current = current
        self.onEnd = onEnd
    }

    deinit { onEnd(queue) }

    /// The next changes in order, at least one; nil after `cancel()` or when the calling task is cancelled.
    public func next() async throws(StoreError) -> [StoreEvent]? {
        while true {
            switch queue.take() {
            case .events(let events): return events
            case .failed(let error): throw error
            case .ended: return nil
            case .nothing:
                if Task.isCancelled { return nil }
                await withTaskCancellationHandler {
                    await queue.wait()
                } onCancel: {
                    queue.end()
                }
            }
        }
    }

    /// The revision up to which every change has been read, or nil when some wait. What a bookmark may promise.
    public func progress() -> Int64? {
        // The order matters: the store shows a revision only after the change is in the queue.
        let revision = current()
        return queue.isDrained ? revision : nil
    }

    /// Ends the watch; `next()` returns nil from now on.
    public func cancel() {
        queue.end()
        onEnd(queue)
    }
}

/// What waits for one watcher. Held by the store and by the watch.
final class WatchQueue: Sendable {
    enum Next {
        case events([StoreEvent])
        case failed(StoreError)
        case ended
        case nothing
    }

    private struct State {
        var waiting: [StoreEvent] = []
        var bytes = 0
        var failure: StoreError?
        var ended = false
        /// Set while older history is being read from disk: live events wait behind it.
        var replaying: Bool
        var reader: CheckedContinuation<Void, Never>?

        var isReady: Bool { ended || failure != nil || (!replaying && !waiting.isEmpty) }
    }

    let prefix: String
    private let state: Mutex<State>

    init(prefix: String, replaying: Bool) {
        self.prefix = prefix
        state = Mutex(State(replaying: replaying))
    }

    var isDrained: Bool {
        state.withLock { $0.waiting.isEmpty && !$0.replaying && $0.failure == nil }
    }

    func take() -> Next {
        state.withLock { state in
            if state.ended { return .ended }
            if !state.replaying, !state.waiting.isEmpty {
                defer {
                    state.waiting = []
                    state.bytes = 0
                }
                return .events(state.waiting)
            }
            if let failure = state.failure { return .failed(failure) }
            return .nothing
        }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                if state.isReady { return true }
                state.reader = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }

    func end() { change { $0.ended = true } }

    func push(_ event: StoreEvent) {
        change { state in
            guard !state.ended, state.failure == nil else { return }
            state.waiting.append(event)
            state.bytes += (event.object ?? event.previous)?.bytes.count ?? 0
            if state.waiting.count > StoreWatch.limit || state.bytes > StoreWatch.byteLimit {
                state.waiting = []
                state.failure = .tooSlow(prefix: prefix)
            }
        }
    }

    /// Puts the history read from disk before what has arrived since.
    func replayed(_ history: [StoreEvent]) {
        change { state in
            state.waiting = history + state.waiting
            state.replaying = false
        }
    }

    func fail(_ error: StoreError) {
        change { state in
            state.waiting = []
            state.failure = error
            state.replaying = false
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            body(&state)
            guard state.isReady else { return nil }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }
}
