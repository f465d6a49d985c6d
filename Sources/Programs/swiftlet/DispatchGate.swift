// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Where the main thread of a command waits for the result of its task.
final class DispatchGate<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let semaphore: Semaphore

    init() { semaphore = Semaphore() }

    func finish(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        semaphore.signal()
    }

    func wait() -> Result<Value, any Error> {
        while true {
            semaphore.wait()
            if let value = result.withLock({ $0 }) { return value }
        }
    }
}

/// A POSIX semaphore. Its memory is its own for life, as sem_init(3) demands.
final class Semaphore: @unchecked Sendable {  // sem_post and sem_wait are what makes it safe to share
    private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(pointer, 0, 0) }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    func signal() { sem_post(pointer) }

    /// Returns after a `signal`, or early by a signal handler: the caller looks again.
    func wait() { sem_wait(pointer) }

    /// As `wait`, for a time; false when it passed.
    func wait(milliseconds: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_nsec += milliseconds % 1000 * 1_000_000
        deadline.tv_sec += milliseconds / 1000 + deadline.tv_nsec / 1_000_000_000
        deadline.tv_nsec %= 1_000_000_000
        return sem_timedwait(pointer, &deadline) == 0
    }
}
