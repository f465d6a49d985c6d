// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// An eventfd(2): a counter that wakes an epoll. Non-blocking.
public struct EventCounter: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    public init() throws(Errno) {
        descriptor = FileDescriptor(owning: try kernelCall("eventfd") { clinux_eventfd(0, 0, 0) })
    }

    /// Adds one; waiters wake. Cannot fail but by a full counter, which is awake already.
    public func signal() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor.raw, &one, 8)
    }

    /// Takes the count and sets it to 0; 0 when nothing was signalled.
    @discardableResult
    public func take() -> UInt64 {
        var count: UInt64 = 0
        return unsafe Glibc.read(descriptor.raw, &count, 8) == 8 ? count : 0
    }
}

/// A signalfd(2). Making one blocks its signals in the calling thread (and those it makes afterwards).
public struct SignalDescriptor: ~Copyable, Sendable {
    public struct Received: Sendable, Hashable {
        public var signal: Int32
        /// Who sent it, where somebody did.
        public var process: Int32
        public var user: UInt32
    }

    public let descriptor: FileDescriptor

    public init(_ signals: [Int32], blocking: Bool = false) throws(Errno) {
        try kernelCall("sigprocmask") { unsafe clinux_signal_mask(1, signals, signals.count) }
        descriptor = FileDescriptor(
            owning: try kernelCall("signalfd") {
                unsafe clinux_signalfd(-1, signals, signals.count, blocking ? 1 : 0)
            })
    }

    /// The next pending signal; nil when none is (non-blocking only).
    public func next() throws(Errno) -> Received? {
        var signal = clinux_signal()
        let own = descriptor.raw
        let count = try kernelCall("read signalfd") { unsafe clinux_signalfd_read(own, &signal) }
        return count == 0 ? nil : Received(signal: signal.number, process: signal.process, user: signal.user)
    }
}

/// A timerfd(2). Non-blocking.
public struct TimerDescriptor: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    public init(_ clock: KernelClock = .monotonic) throws(Errno) {
        descriptor = FileDescriptor(owning: try kernelCall("timerfd_create") { clinux_timerfd(clock.rawValue, 0) })
    }

    /// Fires once `nanoseconds` from now (at that time of the clock when `absolute`), then each `interval` when that is
    /// not 0. 0 disarms.
    public func set(nanoseconds: UInt64, interval: UInt64 = 0, absolute: Bool = false) throws(Errno) {
        let own = descriptor.raw
        try kernelCall("timerfd_settime") { clinux_timerfd_set(own, nanoseconds, interval, absolute ? 1 : 0, 0) }
    }

    /// Makes the timer readable (ECANCELED) whenever the wall clock is set; the clock must be `.wall`.
    public func notifyWhenClockIsSet() throws(Errno) {
        let own = descriptor.raw
        let far = UInt64(Int64.max)
        try kernelCall("timerfd_settime") { clinux_timerfd_set(own, far, 0, 1, 1) }
    }

    /// How often it fired since the last call.
    public func expirations() -> UInt64 {
        var count: UInt64 = 0
        return unsafe Glibc.read(descriptor.raw, &count, 8) == 8 ? count : 0
    }
}

/// The kernel's clocks of clock_gettime(2).
public enum KernelClock: Int32, Sendable {
    /// CLOCK_REALTIME: since 1970; jumps when set.
    case wall = 0
    /// CLOCK_MONOTONIC: never jumps; stops in suspend.
    case monotonic = 1
    /// CLOCK_PROCESS_CPUTIME_ID.
    case processCPU = 2
    /// CLOCK_BOOTTIME: as monotonic, and counts suspend.
    case boot = 7

    /// The clock's reading in nanoseconds.
    public func now() -> Int64 { clinux_clock(rawValue) }
}

/// Bytes from getrandom(2).
public func randomBytes(_ count: Int) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
        let start = filled
        filled += try kernelCall("getrandom") {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe clinux_getrandom($0.baseAddress! + start, count - start)
            }
        }
    }
    return bytes
}
