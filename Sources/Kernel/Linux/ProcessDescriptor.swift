// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// How a process ended.
public enum ExitStatus: Sendable, Hashable {
    case exited(code: Int32)
    case signaled(signal: Int32, coreDumped: Bool)

    /// As a shell says it: the code, or 128 and the signal.
    public var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal, _): 128 + signal
        }
    }

    public var isSuccess: Bool { self == .exited(code: 0) }
}

/// What a process that ended had used.
public struct ResourceUsage: Sendable, Hashable {
    public var userMicroseconds: Int64
    public var systemMicroseconds: Int64
    public var maximumResidentKilobytes: Int64
}

/// A pidfd: a process that cannot be mistaken for another that got its number. Readable (epoll) once it ended.
public struct ProcessDescriptor: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    public init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// pidfd_open(2).
    public init(process: Int32) throws(Errno) {
        descriptor = FileDescriptor(
            owning: try kernelCall("pidfd_open \(process)") { clinux_pidfd_open(process, 0) })
    }

    public func signal(_ number: Int32) throws(Errno) {
        let own = descriptor.raw
        try kernelCall("pidfd_send_signal") { clinux_pidfd_signal(own, number) }
    }

    /// Whether it has not ended yet, as far as poll(2) says.
    public func isRunning() throws(Errno) -> Bool { try !descriptor.waitUntilReady(.readable, milliseconds: 0) }

    /// Waits until it ended; false when `milliseconds` passed first. For any process, not only children.
    public func waitUntilEnded(milliseconds: Int32? = nil) throws(Errno) -> Bool {
        try descriptor.waitUntilReady(.readable, milliseconds: milliseconds)
    }

    /// Reaps this child; nil when it runs and `block` is false.
    public func reap(block: Bool = true) throws(Errno) -> (status: ExitStatus, usage: ResourceUsage)? {
        var exit = clinux_exit()
        let own = descriptor.raw
        let ended = try kernelCall("waitid") { unsafe clinux_wait_pidfd(own, block ? 0 : 1, 0, &exit) }
        return ended == 0 ? nil : (ExitStatus(exit), ResourceUsage(exit))
    }

    /// A descriptor of that process, copied here (pidfd_getfd(2)).
    public func copyDescriptor(_ number: Int32) throws(Errno) -> FileDescriptor {
        let own = descriptor.raw
        return FileDescriptor(
            owning: try kernelCall("pidfd_getfd \(number)") { clinux_pidfd_descriptor(own, number) })
    }
}

/// For a reaper only (PID 1, or a subreaper): any child that ended, reaped; nil when none has. Throws ECHILD when there
/// is no child at all.
public func reapAnyChild(
    block: Bool = false
) throws(Errno) -> (process: Int32, status: ExitStatus, usage: ResourceUsage)? {
    var exit = clinux_exit()
    let ended = try kernelCall("waitid") { unsafe clinux_wait_any(block ? 0 : 1, &exit) }
    return ended == 0 ? nil : (exit.process, ExitStatus(exit), ResourceUsage(exit))
}

/// PR_SET_CHILD_SUBREAPER: orphans below this process become its children.
public func becomeSubreaper() throws(Errno) {
    try kernelCall("prctl PR_SET_CHILD_SUBREAPER") { clinux_prctl(36, 1, 0, 0, 0) }
}

extension ExitStatus {
    init(_ raw: clinux_exit) {
        self = raw.signal == 0 ? .exited(code: raw.code) : .signaled(signal: raw.signal, coreDumped: raw.dumped != 0)
    }
}

extension ResourceUsage {
    init(_ raw: clinux_exit) {
        userMicroseconds = raw.user_microseconds
        systemMicroseconds = raw.system_microseconds
        maximumResidentKilobytes = raw.max_resident_kilobytes
    }
}
