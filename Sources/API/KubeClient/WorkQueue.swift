// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A queue of keys to work on: a key queued twice is worked once, never by two workers at a time, and a key added
/// while it is being worked on is worked again afterwards. Namespaces take turns, so that one with many objects keeps
/// no other waiting.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    /// The first wait after a failure, and the longest.
    private let baseDelay: Duration
    private let maximumDelay: Duration
    private let state = Mutex(State())
    private let delays: DelayQueue<Key>
    /// Whose turn a key is worked in.
    private let turn: @Sendable (Key) -> String

    private struct State {
        var lines = Turns<Key>()
        var dirty: Set<Key> = []
        var processing: Set<Key> = []
        var failures: [Key: Int] = [:]
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Key?, Never>)] = []
        var nextWaiter: UInt64 = 0
        var isShutDown = false

        mutating func pop() -> Key? {
            guard let key = lines.pop() else { return nil }
            dirty.remove(key)
            processing.insert(key)
            return key
        }
    }

    /// - Parameter turn: Whose turn a key is worked in.
    public init(
        baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000),
        turn: @escaping @Sendable (Key) -> String
    ) {
        self.turn = turn
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
        delays = DelayQueue()
        delays.deliver(to: { [weak self] key in self?.add(key) })
    }

    /// A queue in the order of arrival.
    public convenience init(baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000)) {
        self.init(baseDelay: baseDelay, maximumDelay: maximumDelay, turn: { _ in "" })
    }

    /// Queues a key unless it waits already.
    public func add(_ key: Key) {
        let turn = turn(key)
        let wake: (CheckedContinuation<Key?, Never>, Key)? = state.withLock { state in
            guard !state.isShutDown, state.dirty.insert(key).inserted else { return nil }
            guard !state.processing.contains(key) else { return nil }
            state.lines.push(key, turn)
            guard !state.waiters.isEmpty, let next = state.pop() else { return nil }
            return (state.waiters.removeFirst().continuation, next)
        }
        if let (continuation, next) = wake { continuation.resume(returning: next) }
    }

    /// Queues a key when `delay` has passed; an earlier pending delay of the same key wins.
    public func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        delays.add(key, after: delay)
    }

    /// Queues a key after its own back-off: 5 ms, doubled with each failure since `forget`, 1000 s at most.
    public func addRateLimited(_ key: Key) {
        let failures = state.withLock { state in
            let count = state.failures[key, default: 0]
            state.failures[key] = count + 1
            return count
        }
        var delay = maximumDelay
        if failures < 40 { delay = min(maximumDelay, baseDelay * (1 << failures)) }
        add(key, after: delay)
    }

    /// Ends a key's back-off.
    public func forget(_ key: Key) {
        state.withLock { _ = $0.failures.removeValue(forKey: key) }
    }

    /// How often a key failed since it was last forgotten.
    public func failures(of key: Key) -> Int { state.withLock { $0.failures[key] ?? 0 } }

    /// The next key, or nil after `shutDown` or when the task is cancelled. Call `done` when finished with it.
    public func next() async -> Key? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Key?, Never>) in
                let ready: Key?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if let key = state.pop() { return key }
                    if state.isShutDown { return .some(nil) }
                    state.waiters.append((id, continuation))
                    return .none
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            continuation?.resume(returning: nil)
        }
    }

    /// Ends the work on a key; queues it again when it was added meanwhile.
    public func done(_ key: Key) {
        let turn = turn(key)
        let wake: (CheckedContinuation<Key?, Never>, Key)? = state.withLock { state in
            state.processing.remove(key)
            guard state.dirty.contains(key) else { return nil }
            state.lines.push(key, turn)
            guard !state.waiters.isEmpty, let next = state.pop() else { return nil }
            return (state.waiters.removeFirst().continuation, next)
        }
        if let (continuation, next) = wake { continuation.resume(returning: next) }
    }

    /// Keys that wait, not counting delayed ones.
    public var count: Int { state.withLock { $0.lines.count } }

    /// Refuses further keys and lets every `next` return nil once the queue is empty.
    public func shutDown() {
        delays.cancel()
        let waiters = state.withLock { state in
            state.isShutDown = true
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    /// Works on keys with `workers` tasks until cancelled: a key whose work throws is retried with back-off, `failed`
    /// being told.
    public func run(
        workers: Int = 1, failed: @escaping @Sendable (Key, any Error) -> Void,
        _ work: @escaping @Sendable (Key) async throws -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<max(workers, 1) {
                group.addTask {
                    while let key = await self.next() {
                        do {
                            try await work(key)
                            self.forget(key)
                        } catch is CancellationError {
                            // Shutting down: nobody would work on the key again.
                        } catch {
                            failed(key, error)
                            self.addRateLimited(key)
                        }
                        self.done(key)
                        // Keys that need no waiting follow each other; others of the same thread have their turn too.
                        await Task.yield()
                    }
                }
            }
        }
    }
}
