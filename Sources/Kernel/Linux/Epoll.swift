// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// An epoll(7) instance.
public struct Epoll: ~Copyable, Sendable {
    public struct Events: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: 0x001)
        public static let priority = Events(rawValue: 0x002)
        public static let writable = Events(rawValue: 0x004)
        /// Always reported.
        public static let error = Events(rawValue: 0x008)
        /// Always reported.
        public static let hangUp = Events(rawValue: 0x010)
        public static let peerClosed = Events(rawValue: 0x2000)
        public static let exclusive = Events(rawValue: 1 << 28)
        public static let oneShot = Events(rawValue: 1 << 30)
    }

    /// One ready descriptor: the token it was added with.
    public struct Ready: Sendable {
        public var token: UInt64
        public var events: Events
    }

    public let descriptor: FileDescriptor

    public init() throws(Errno) {
        descriptor = FileDescriptor(owning: try kernelCall("epoll_create1") { clinux_epoll_create() })
    }

    public func add(
        _ file: borrowing FileDescriptor, _ events: Events, edgeTriggered: Bool = false, token: UInt64
    ) throws(Errno) { try control(1, file.raw, events, edgeTriggered, token) }

    public func modify(
        _ file: borrowing FileDescriptor, _ events: Events, edgeTriggered: Bool = false, token: UInt64
    ) throws(Errno) { try control(3, file.raw, events, edgeTriggered, token) }

    public func remove(_ file: borrowing FileDescriptor) throws(Errno) { try control(2, file.raw, [], false, 0) }

    private func control(
        _ operation: Int32, _ number: Int32, _ events: Events, _ edge: Bool, _ token: UInt64
    ) throws(Errno) {
        let own = descriptor.raw
        try kernelCall("epoll_ctl") {
            clinux_epoll_control(own, operation, number, events.rawValue, edge ? 1 : 0, token)
        }
    }

    /// Waits until something is ready or `nanoseconds` have passed (nil: for ever) and appends what is to `ready`.
    /// Returns how many, at most `limit` (256 at the most). An interrupting signal counts as nothing ready.
    @discardableResult
    public func wait(
        into ready: inout [Ready], nanoseconds: Int64? = nil, limit: Int = 256
    ) throws(Errno) -> Int {
        let own = descriptor.raw
        return unsafe try withUnsafeTemporaryAllocation(of: clinux_event.self, capacity: limit) {
            (buffer) throws(Errno) -> Int in
            let count = unsafe clinux_epoll_wait(own, buffer.baseAddress, Int32(limit), nanoseconds ?? -1)
            if count == -EINTR { return 0 }
            if count < 0 { throw Errno(-count, "epoll_wait") }
            for index in 0..<Int(count) {
                let event = unsafe buffer[index]
                ready.append(Ready(token: event.token, events: Events(rawValue: event.events)))
            }
            return Int(count)
        }
    }
}

extension FileDescriptor {
    /// Waits for this one descriptor; false when `milliseconds` passed first (nil: for ever). Errors and hang-ups of
    /// the descriptor count as ready: the next call on it tells.
    public borrowing func waitUntilReady(_ events: Epoll.Events, milliseconds: Int32? = nil) throws(Errno) -> Bool {
        let number = raw
        let bits = Int16(truncatingIfNeeded: events.rawValue)
        return try kernelCall("poll") { clinux_poll(number, bits, milliseconds ?? -1) } != 0
    }
}
