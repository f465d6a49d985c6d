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
        /// Whose turn each was taken in.
        var processing: [Key: String] = [:]
        var failures: [Key: Int] = [:]
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Taken?, Never>)] = []
        var nextWaiter: UInt64 = 0
        var isShutDown = false

        mutating func pop() -> Taken? {
            guard processing.count < WorkQueue.limit, let (key, turn) = lines.pop() else { return nil }
            dirty.remove(key)
            processing[key] = turn
            return (key, turn)
        }

        /// What waiters are to be woken with.
        mutating func deal() -> [(CheckedContinuation<Taken?, Never>, Taken)] {
            var dealt: [(CheckedContinuation<Taken?, Never>, Taken)] = []
            while !waiters.isEmpty, let next = pop() { dealt.append((waiters.removeFirst().continuation, next)) }
            return dealt
        }
    }

    private typealias Taken = (key: Key, turn: String)

    /// How many keys are worked on at a time, of all turns: so many tasks, and requests under way.
    private static var limit: Int { 256 }

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
        let dealt = state.withLock { state -> [(CheckedContinuation<Taken?, Never>, Taken)] in
            guard !state.isShutDown, state.dirty.insert(key).inserted, state.processing[key] == nil else { return [] }
            state.lines.push(key, turn)
            return state.deal()
        }
        for (waiter, next) in dealt { waiter.resume(returning: next) }
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
    public func next() async -> Key? { await take()?.key }

    private func take() async -> Taken? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Taken?, Never>) in
                let ready: Taken?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if let taken = state.pop() { return taken }
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
        let dealt = state.withLock { state -> [(CheckedContinuation<Taken?, Never>, Taken)] in
            guard let taken = state.processing.removeValue(forKey: key) else { return [] }
            state.lines.giveBack(taken)
            if state.dirty.contains(key) { state.lines.push(key, turn) }
            return state.deal()
        }
        for (waiter, next) in dealt { waiter.resume(returning: next) }
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

    /// Works on keys until cancelled, each in a task of its own: a key whose work throws is retried with back-off, `failed`
    /// being told.
    ///
    /// - Parameters:
    ///   - workers: How many keys of one turn are worked on at a time. So nobody's work, however long it lasts, keeps
    ///     another's waiting.
    ///   - place: Where the keys of a turn are worked on; by default where this runs.
    public func run(
        workers: Int = 1, on place: (@Sendable (_ turn: String) -> any TaskExecutor)? = nil,
        failed: @escaping @Sendable (Key, any Error) -> Void,
        _ work: @escaping @Sendable (Key) async throws -> Void
    ) async {
        state.withLock { $0.lines.limit = max(workers, 1) }
        await withDiscardingTaskGroup { group in
            while let (key, turn) = await take() {
                group.addTask(executorPreference: place?(turn)) {
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
                }
            }
        }
    }
}
