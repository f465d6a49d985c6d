// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization

/// What a pull has brought.
final class PullMeter: Sendable {
    private let bytes = Atomic<Int64>(0)

    var count: Int64 { bytes.load(ordering: .relaxed) }
    func add(_ count: Int64) { bytes.wrappingAdd(count, ordering: .relaxed) }
}

/// A pull has had its place for long enough, and others wait.
struct PullGivenUp: Error, CustomStringConvertible {
    var bytes: Int64
    var seconds: Int64

    var description: String {
        "given up for the pulls of others: the registry brought \(bytes) bytes in \(seconds) s; "
            + "what has come whole is kept for the next try"
    }
}

/// Gives pulls their turns.
final class PullTurns: Sendable {
    private struct Running {
        var meter = PullMeter()
        var cancel: (@Sendable () -> Void)?
        var isGivenUp = false
    }

    private struct State {
        var queue: PullQueue
        var waiters: [UInt64: Waiter] = [:]
        var running: [UInt64: Running] = [:]
        var next: UInt64 = 0
        var isReviewing = false
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Int64

    /// - Parameter now: Nanoseconds of a clock that only goes forward.
    init(
        limit: Int?, spare: Int = 0,
        now: @escaping @Sendable () -> Int64 = { KernelClock.monotonic.now() }
    ) {
        state = Mutex(State(queue: PullQueue(limit: limit, spare: spare)))
        self.now = now
    }

    /// Runs `body` on `executor` when it is the turn of `namespace`. Throws `PullGivenUp` when it has been ended for others.
    func run<Result: Sendable>(
        for namespace: String, on executor: any TaskExecutor = EventLoop.here,
        _ body: @escaping @Sendable (PullMeter) async throws -> Result
    ) async throws -> Result {
        let waiter = Waiter()
        let (id, isFree) = state.withLock { state in
            state.next += 1
            let isFree = state.queue.ask(state.next, namespace, at: now())
            if !isFree { state.waiters[state.next] = waiter }
            return (state.next, isFree)
        }
        if !isFree {
            reviewWhileNeeded()
            await withTaskCancellationHandler {
                await waiter.wait()
            } onCancel: {
                waiter.wake()
            }
            let isWithdrawn = state.withLock { state in
                state.waiters[id] = nil
                return state.queue.withdraw(id)
            }
            // Cancelled before its turn.
            if isWithdrawn { throw CancellationError() }
        }
        defer { end(id) }
        try Task.checkCancellation()
        return try await work(id, executor, body)
    }

    private func work<Result: Sendable>(
        _ id: UInt64, _ executor: any TaskExecutor,
        _ body: @escaping @Sendable (PullMeter) async throws -> Result
    ) async throws -> Result {
        let running = Running()
        let meter = running.meter
        let began = now()
        let task = executor.begin { try await body(meter) }
        state.withLock { state in
            state.running[id] = running
            state.running[id]?.cancel = { task.cancel() }
        }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            guard state.withLock({ $0.running[id]?.isGivenUp == true }), !Task.isCancelled else { throw error }
            throw PullGivenUp(bytes: meter.count, seconds: (now() - began) / 1_000_000_000)
        }
    }

    private func end(_ id: UInt64) {
        let begun = state.withLock { state in
            state.running[id] = nil
            return state.queue.ended(id, at: now()).compactMap { state.waiters[$0] }
        }
        for waiter in begun { waiter.wake() }
    }

    /// Looks once a second, while somebody waits, whether there is room to be made.
    private func reviewWhileNeeded() {
        let begins = state.withLock { state in
            guard state.queue.spare > 0, !state.isReviewing else { return false }
            state.isReviewing = true
            return true
        }
        guard begins else { return }
        EventLoop.here.begin {
            while true {
                do { try await sleep(for: .seconds(1)) } catch { return }  // Of a task that nobody cancels.
                if !review() { return }
            }
        }
    }

    /// Makes room for who waits. False when nobody does.
    @discardableResult func review() -> Bool {
        let (woken, cancelled, isNeeded) = state.withLock { state in
            let running = state.running
            let (begun, givenUp) = state.queue.review(at: now()) { running[$0]?.meter.count ?? 0 }
            for id in givenUp { state.running[id]?.isGivenUp = true }
            state.isReviewing = state.queue.isAnyWaiting
            return (
                begun.compactMap { state.waiters[$0] }, givenUp.compactMap { running[$0]?.cancel }, state.isReviewing
            )
        }
        for cancel in cancelled { cancel() }
        for waiter in woken { waiter.wake() }
        return isNeeded
    }
}
