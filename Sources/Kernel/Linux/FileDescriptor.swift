// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import Glibc

/// An open file descriptor, owned: it is closed exactly once, when the value ends or by `close()`.
///
/// Every descriptor made through this module is close-on-exec from birth; handing one to a child is an explicit map.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, to pass into one system call. Never stored: the owner may end before the copy.
    public let raw: Int32

    /// Takes ownership of `raw`, which must be open and owned by nobody else.
    public init(owning raw: Int32) {
        precondition(raw >= 0, "a file descriptor is never negative")
        self.raw = raw
    }

    deinit { _ = Glibc.close(raw) }

    /// Closes now and reports what the kernel says of it (a late write error, for instance). The number is free after
    /// it in any case.
    public consuming func close() throws(Errno) {
        let number = release()
        // Linux frees the number even when close(2) fails with EINTR: a retry could close somebody else's file.
        if Glibc.close(number) == -1, errno != EINTR { throw Errno(errno, "close") }
    }

    /// Gives the number away: the caller owns it now.
    public consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor of the same open file, close-on-exec.
    public borrowing func duplicate() throws(Errno) -> FileDescriptor {
        let number = raw
        return FileDescriptor(owning: try systemCall("fcntl F_DUPFD_CLOEXEC") { fcntl(number, F_DUPFD_CLOEXEC, 0) })
    }
}

// MARK: - Opening

extension FileDescriptor {
    /// Opens `path` as openat(2) does, from `directory` when given, else from the working directory.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o644, at directory: Int32 = AT_FDCWD
    ) throws(Errno) -> FileDescriptor {
        FileDescriptor(
            owning: try kernelCall("open \(path)") { unsafe clinux_openat(directory, path, flags, mode) })
    }
}

// MARK: - Reading and writing

extension FileDescriptor {
    /// Reads at most `buffer.count` bytes; 0 means the end of the file.
    public borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        let number = raw
        return try systemCall("read") { unsafe Glibc.read(number, buffer.baseAddress, buffer.count) }
    }

    /// Writes what the kernel takes of `buffer` and returns how much that was.
    public borrowing func write(_ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        let number = raw
        return try systemCall("write") { unsafe Glibc.write(number, buffer.baseAddress, buffer.count) }
    }

    /// Writes all of `bytes`, however many calls that takes.
    public borrowing func writeAll(_ bytes: [UInt8]) throws(Errno) {
        var offset = 0
        while offset < bytes.count {
            let number = raw
            let start = offset
            offset += try systemCall("write") {
                unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress! + start, $0.count - start) }
            }
        }
    }

    /// Reads to the end of the file.
    public borrowing func readAll() throws(Errno) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let number = raw
        while true {
            let count = try systemCall("read") {
                unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return result }
            result += chunk[..<count]
        }
    }
}
