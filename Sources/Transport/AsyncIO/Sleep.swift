// SPDX-License-Identifier: Apache-2.0

public import Linux
internal import Synchronization

extension Duration {
    /// In nanoseconds, held within what a clock can count.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min / 4 : .max / 4 }
        return min(max(product, .min / 4), .max / 4) + attoseconds / 1_000_000_000
    }
}

extension KernelClock {
    /// The monotonic clock's reading `duration` from now, in nanoseconds.
    public static func deadline(after duration: Duration) -> Int64 {
        KernelClock.monotonic.now() + duration.nanoseconds
    }
}

/// Waits; throws `CancellationError` as soon as the task is cancelled. Costs one timer of the loop it is called on, no thread.
public func sleep(for duration: Duration) async throws {
    try await EventLoop.here.sleep(for: duration)
}

extension EventLoop {
    /// Waits on a timer of this loop; throws `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        let waiter = Waiter()
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            let timer = schedule(atNanoseconds: KernelClock.deadline(after: duration)) { waiter.wake() }
            await waiter.wait()
            if Task.isCancelled {
                cancel(timer)
                throw CancellationError()
            }
        } onCancel: {
            waiter.wake()
        }
    }
}

/// Something that happens once and is awaited once, in either order.
public final class Waiter: Sendable {
    private enum State { case idle, woken, waiting(CheckedContinuation<Void, Never>) }

    private let state = Mutex(State.idle)

    public init() {}

    /// Returns once `wake` was called. For one task.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let isWoken = state.withLock { state in
                if case .woken = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isWoken { continuation.resume() }
        }
    }

    /// Ends the wait, also one that has not begun. Further calls do nothing.
    public func wake() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .woken }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume()
    }
}

/// Something did not happen in time.
public struct DeadlineExceeded: Error, CustomStringConvertible {
    /// What was attempted.
    public let attempt: String

    public init(_ attempt: String) { self.attempt = attempt }

    public var description: String { "\(attempt): it took too long" }
}

/// Runs `body` for at most `duration`: then cancels it, leaves it behind and throws `DeadlineExceeded(attempt)`. It holds also
/// for a body that does not end when it is cancelled; what comes of that later is dropped. The same when this task is cancelled.
public func withDeadline<Result: Sendable>(
    _ duration: Duration, _ attempt: @autoclosure () -> String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try Task.checkCancellation()
    let outcome = FirstOutcome<Result>()
    let loop = EventLoop.here
    let work = Task(executorPreference: loop) {
        do { outcome.settle(.value(try await body())) } catch { outcome.settle(.failure(error)) }
    }
    let timer = loop.schedule(atNanoseconds: KernelClock.deadline(after: duration)) { outcome.settle(.late) }
    defer { loop.cancel(timer) }
    let first = await withTaskCancellationHandler {
        await outcome.value()
    } onCancel: {
        outcome.settle(.failure(CancellationError()))
    }
    switch first {
    case .value(let result): return result
    case .failure(let error):
        work.cancel()
        throw error
    case .late:
        work.cancel()
        throw DeadlineExceeded(attempt())
    }
}

/// What came first of several that may come; the rest is dropped.
private final class FirstOutcome<Result: Sendable>: Sendable {
    enum Outcome: Sendable { case value(Result), failure(any Error), late }

    private let known = Mutex<Outcome?>(nil)
    private let waiter = Waiter()

    func settle(_ outcome: Outcome) {
        known.withLock { if $0 == nil { $0 = outcome } }
        waiter.wake()
    }

    func value() async -> Outcome {
        await waiter.wait()
        guard let outcome = known.withLock({ $0 }) else { preconditionFailure("woken without an outcome") }
        return outcome
    }
}
