// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A semaphore between threads: sem_overview(7). (Glibc has the plain name for the pointer.)
@safe public final class CountingSemaphore: @unchecked Sendable {
    // Made for use by several threads at a time; the pointer never changes, and what it points at never moves, as
    // sem_init(3) demands.
    private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// A semaphore nobody has signalled.
    public init() { unsafe sem_init(pointer, 0, 0) }

    deinit {
        unsafe sem_destroy(pointer)
        unsafe pointer.deallocate()
    }

    /// Lets one waiter go on, now or later.
    public func signal() { unsafe sem_post(pointer) }

    /// Waits for a signal.
    public func wait() {
        while unsafe sem_wait(pointer) != 0, errno == EINTR {}
    }

    /// Waits for a signal until the monotonic clock reads `deadline` nanoseconds; false when that came first.
    public func wait(until deadline: Int64) -> Bool { unsafe clinux_semaphore_wait(pointer, deadline) == 0 }
}
