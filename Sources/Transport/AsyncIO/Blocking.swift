// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Synchronization

/// Runs work that blocks its thread (kernel calls without a readiness, file systems, name resolution) on threads kept
/// apart from the loops: as many as are busy, at most 32, gone after 10 idle seconds.
public enum Blocking {
    /// Runs `body` on a thread where it may block, and returns what it returns. Started work always runs to its end;
    /// when the task is cancelled before the work starts, `CancellationError` is thrown instead.
    public static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            BlockingPool.shared.submit { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}

/// The threads. A thread takes the oldest work; one that finds none for 10 seconds ends.
private final class BlockingPool: Sendable {
    static let shared = BlockingPool(limit: 32)

    private struct State {
        var work: [@Sendable () -> Void] = []
        var head = 0
        var threads = 0
        var idle = 0

        mutating func take() -> (@Sendable () -> Void)? {
            guard head < work.count else { return nil }
            let first = work[head]
            head += 1
            if head == work.count || head > 1024 {
                work.removeFirst(head)
                head = 0
            }
            return first
        }
    }

    private let limit: Int
    private let state = Mutex(State())
    private let signal = CountingSemaphore()

    private init(limit: Int) { self.limit = limit }

    func submit(_ body: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            state.work.append(body)
            // Idle threads are enough only when there are as many as pieces of work that wait.
            guard state.idle < state.work.count - state.head, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if mustStart {
            do {
                try Thread.start { self.run() }
            } catch {
                // No thread to be had. Others will do it when there are any; else here, rather than never.
                let mine = state.withLock { state in
                    state.threads -= 1
                    return state.threads == 0 ? state.take() : nil
                }
                mine?()
            }
        }
        signal.signal()
    }

    private func run() {
        while true {
            while let body = state.withLock({ $0.take() }) { body() }
            state.withLock { $0.idle += 1 }
            let woken = signal.wait(until: KernelClock.deadline(after: .seconds(10)))
            let mustEnd = state.withLock { state in
                state.idle -= 1
                guard !woken, state.head == state.work.count else { return false }
                state.threads -= 1
                return true
            }
            if mustEnd { return }
        }
    }
}
