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
    /// The same of all watches. Who lets wait more than is left over of it is cut off: a watch that is not read costs
    /// memory as long as objects change, and somebody may have thousands of them.
    static let totalLimit = 512 << 20
    /// What may wait for anybody who reads, whatever others do.
    static let floor = 64 << 10

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
        // The order matters: it is of changes that are in the queue.
        let revision = current()
        return queue.drainedRevision.map { max($0, revision) }
    }

    /// Calls `body` when the watch is cut off because too much has piled up: its reader may be at work on what came before.
    public func onCutOff(_ body: @escaping @Sendable () -> Void) { queue.onCutOff(body) }

    /// Ends the watch; `next()` returns nil from now on.
    public func cancel() {
        queue.end()
        onEnd(queue)
    }
}

/// How many bytes wait for all watchers.
final class WatchLoad: Sendable {
    private let bytes = Atomic<Int>(0)
    let limit: Int

    init(limit: Int = StoreWatch.totalLimit) { self.limit = limit }

    /// How much is left over.
    func add(_ count: Int) -> Int { limit - bytes.add(count, ordering: .relaxed).newValue }

    func remove(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }

    /// Large values wait for many watches at once and are there once: the first that holds one counts it.
    private let shared = Mutex<[ObjectIdentifier: Int]>([:])
    private static let large = 16 << 10

    /// What is there, with its size; nil for a small one, which counts for each.
    private static func large(_ event: StoreEvent) -> (id: ObjectIdentifier, size: Int)? {
        guard let object = event.object ?? event.previous, object.bytes.count >= large else { return nil }
        return (ObjectIdentifier(object), object.bytes.count)
    }

    /// An event waits for one more watch. Returns how much is left over.
    func hold(_ event: StoreEvent) -> Int {
        guard let value = Self.large(event) else { return add((event.object ?? event.previous)?.bytes.count ?? 0) }
        let isNew = shared.withLock { shared in
            shared[value.id, default: 0] += 1
            return shared[value.id] == 1
        }
        return add(isNew ? value.size : 0)
    }

    /// They wait for one watch less.
    func release(_ events: [StoreEvent]) {
        var count = 0
        for event in events {
            guard let value = Self.large(event) else {
                count += (event.object ?? event.previous)?.bytes.count ?? 0
                continue
            }
            let isLast = shared.withLock { shared in
                let left = (shared[value.id] ?? 1) - 1
                shared[value.id] = left > 0 ? left : nil
                return left == 0
            }
            if isLast { count += value.size }
        }
        if count > 0 { remove(count) }
    }

    var inUse: Int { bytes.load(ordering: .relaxed) }
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
        var newest: Int64 = 0
        var failure: StoreError?
        var cutOff: (@Sendable () -> Void)?
        var ended = false
        /// Set while older history is being read from disk: live events wait behind it.
        var replaying: Bool
        var reader: CheckedContinuation<Void, Never>?

        var isReady: Bool { ended || failure != nil || (!replaying && !waiting.isEmpty) }
    }

    let prefix: String
    private let state: Mutex<State>
    private let load: WatchLoad

    init(prefix: String, replaying: Bool, load: WatchLoad) {
        self.prefix = prefix
        self.load = load
        state = Mutex(State(replaying: replaying))
    }

    deinit { load.release(state.withLock { $0.waiting }) }

    /// The newest revision there was in it, where nothing waits any more; nil while something does.
    var drainedRevision: Int64? {
        state.withLock { $0.waiting.isEmpty && !$0.replaying && $0.failure == nil ? $0.newest : nil }
    }

    func take() -> Next {
        state.withLock { state in
            if state.ended { return .ended }
            if !state.replaying, !state.waiting.isEmpty {
                defer { drop(&state) }
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

    private func drop(_ state: inout State) {
        load.release(state.waiting)
        state.waiting = []
        state.bytes = 0
    }

    func end() {
        change { state in
            state.ended = true
            state.cutOff = nil
            drop(&state)
        }
    }

    func onCutOff(_ body: @escaping @Sendable () -> Void) {
        let isCutOff = state.withLock { state in
            if state.failure != nil { return true }
            if !state.ended { state.cutOff = body }
            return false
        }
        if isCutOff { body() }
    }

    func push(_ event: StoreEvent) { push([event]) }

    func push(_ events: [StoreEvent]) {
        var cutOff: (@Sendable () -> Void)?
        defer { cutOff?() }
        change { state in
            for event in events {
                guard !state.ended, state.failure == nil else { return }
                state.waiting.append(event)
                state.newest = event.revision
                let size = (event.object ?? event.previous)?.bytes.count ?? 0
                state.bytes += size
                let left = load.hold(event)
                // One event is mostly of an object that is there anyway.
                let isTooMuch = state.waiting.count > 1 && state.bytes > max(StoreWatch.floor, left)
                if isTooMuch || state.waiting.count > StoreWatch.limit || state.bytes > StoreWatch.byteLimit {
                    drop(&state)
                    state.failure = .tooSlow(prefix: prefix)
                    cutOff = state.cutOff.take()
                }
            }
        }
    }

    /// Puts the history read from disk before what has arrived since.
    func replayed(_ history: [StoreEvent]) {
        let size = history.reduce(0) { $0 + ($1.object?.bytes.count ?? 0) + ($1.previous?.bytes.count ?? 0) }
        change { state in
            guard !state.ended, state.failure == nil else { return }
            state.waiting = history + state.waiting
            state.bytes += size
            for event in history { _ = load.hold(event) }
            state.replaying = false
        }
    }

    func fail(_ error: StoreError) {
        change { state in
            drop(&state)
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
