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
    private let signal = Signal()

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
        signal.post()
    }

    private func run() {
        while true {
            while let body = state.withLock({ $0.take() }) { body() }
            state.withLock { $0.idle += 1 }
            let woken = signal.wait(seconds: 10)
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

/// A counting semaphore.
private final class Signal: @unchecked Sendable {
    // A semaphore is made for concurrent use; the pointer never changes.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    /// False when nothing was posted for that long.
    func wait(seconds: Int) -> Bool {
        let until = KernelClock.wall.now() + Int64(seconds) * 1_000_000_000
        var time = timespec(tv_sec: Int(until / 1_000_000_000), tv_nsec: Int(until % 1_000_000_000))
        while sem_timedwait(semaphore, &time) == -1 {
            if errno != EINTR { return false }
        }
        return true
    }
}
