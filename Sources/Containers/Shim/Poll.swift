// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// The shim's only wait: epoll(7), and what to do when a descriptor is ready. One thread; nothing in it blocks.
final class Poll {
    private let epoll: FileDescriptor
    private var handlers: [UInt64: (UInt32) -> Void] = [:]
    private var nextToken: UInt64 = 1

    init() throws(Errno) {
        epoll = FileDescriptor(owning: try kernelCall("epoll_create") { clinux_epoll_create() })
    }

    /// Calls `handler` with the ready bits whenever `fd` is ready for `events`. Returns the token to change or end it.
    func add(_ fd: Int32, _ events: UInt32, _ handler: @escaping (UInt32) -> Void) throws(Errno) -> UInt64 {
        let token = nextToken
        nextToken += 1
        let raw = epoll.raw
        try kernelCall("epoll_ctl add") { clinux_epoll_control(raw, 1, fd, events, 0, token) }
        handlers[token] = handler
        return token
    }

    /// Waits for other events from now on; 0 only hears of hang-ups.
    func change(_ fd: Int32, _ token: UInt64, _ events: UInt32) {
        // It can only fail for a descriptor that is not ours: a bug.
        let result = clinux_epoll_control(epoll.raw, 3, fd, events, 0, token)
        precondition(result == 0, "epoll_ctl modify failed")
    }

    /// Before the descriptor closes.
    func remove(_ fd: Int32, _ token: UInt64) {
        handlers[token] = nil
        let result = clinux_epoll_control(epoll.raw, 2, fd, 0, 0, 0)
        precondition(result == 0, "epoll_ctl delete failed")
    }

    /// Waits once and calls what is ready.
    func run() throws(Errno) {
        let raw = epoll.raw
        var events = (clinux_event(), clinux_event(), clinux_event(), clinux_event())
        let count = try kernelCall("epoll_wait") {
            withUnsafeMutablePointer(to: &events) {
                $0.withMemoryRebound(to: clinux_event.self, capacity: 4) { clinux_epoll_wait(raw, $0, 4, -1) }
            }
        }
        withUnsafeBytes(of: &events) { bytes in
            for event in bytes.bindMemory(to: clinux_event.self).prefix(Int(count)) {
                // One handler may end another that was ready in the same wait.
                handlers[event.token]?(event.events)
            }
        }
    }
}

let readable = UInt32(CLINUX_EPOLLIN)
let writable = UInt32(CLINUX_EPOLLOUT)
let hungUp = UInt32(CLINUX_EPOLLHUP) | UInt32(CLINUX_EPOLLERR)

/// Non-blocking reads and writes: EAGAIN is nil, not an error.
enum NonBlocking {
    static func read(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int? {
        do {
            return try systemCall("read") { Glibc.read(fd, buffer.baseAddress, buffer.count) }
        } catch {
            if error.code == EAGAIN { return nil }
            throw error
        }
    }

    static func write(_ fd: Int32, _ bytes: ArraySlice<UInt8>) throws(Errno) -> Int? {
        do {
            return try systemCall("write") { bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) } }
        } catch {
            if error.code == EAGAIN { return nil }
            throw error
        }
    }

    static func set(_ fd: Int32) throws(Errno) {
        try systemCall("fcntl O_NONBLOCK") { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK) }
    }

    /// A pipe; the end named is non-blocking.
    static func pipe(nonBlockingRead: Bool, nonBlockingWrite: Bool) throws(Errno) -> ShimPipe {
        var numbers: (Int32, Int32) = (-1, -1)
        try kernelCall("pipe2") {
            withUnsafeMutablePointer(to: &numbers) {
                $0.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_pipe2($0, O_CLOEXEC) }
            }
        }
        let pipe = ShimPipe(read: FileDescriptor(owning: numbers.0), write: FileDescriptor(owning: numbers.1))
        if nonBlockingRead { try set(pipe.read.raw) }
        if nonBlockingWrite { try set(pipe.write.raw) }
        return pipe
    }
}

/// Both ends of a pipe.
struct ShimPipe: ~Copyable {
    var read: FileDescriptor
    var write: FileDescriptor
}
