// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux

/// The streams that a container's process gets from whoever runs the runtime.
enum StandardStreams {
    private static let null = DeviceNumber(major: 1, minor: 3)

    /// Puts the container's own null device where the host's is. A descriptor of the host's leads to the host's file: root
    /// in the container may change its mode and its owner, for the whole machine. Called when "/" is the container's root.
    static func replaceNull(_ host: borrowing HostProcess) throws {
        for stream: Int32 in 0...2 {
            guard let flags = try nullFlags(stream) else { continue }
            let own = try open(host, flags, isInput: stream == 0)
            let number = own.raw
            try systemCall("dup2") { dup2(number, stream) }
        }
    }

    /// How a stream that is a null device was opened; nil for anything else, and for one that is closed.
    private static func nullFlags(_ stream: Int32) throws -> Int32? {
        let flags = fcntl(stream, F_GETFL)
        if flags < 0 { return nil }
        // Borrowed: the number stays open.
        let file = FileDescriptor(owning: stream)
        let status = Result { try file.status() }
        _ = file.release()
        let found = try status.get()
        return found.kind == .characterDevice && found.node == null ? flags & O_ACCMODE : nil
    }

    /// The null device that the container has, whatever its processes may have put there. Where they have none, the end
    /// of a pipe whose other end is closed does for reading: it is at its end.
    private static func open(_ host: borrowing HostProcess, _ flags: Int32, isInput: Bool) throws -> FileDescriptor {
        do {
            let handle = try FileDescriptor.handle("/", directory: true).handle(below: "/dev/null")
            let status = try handle.status()
            guard status.kind == .characterDevice, status.node == null else {
                throw RuntimeError("/dev/null", "is not the null device")
            }
            return try host.reopen(handle, flags)
        } catch {
            guard isInput else { throw error }
            let ends = try FileDescriptor.pipe().release()
            close(ends.writer)
            return FileDescriptor(owning: ends.reader)
        }
    }
}
