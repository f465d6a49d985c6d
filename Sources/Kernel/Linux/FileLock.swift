// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A lock of flock(2) on a file, held until it is released or its owner ends, however it ends.
public struct FileLock: ~Copyable, Sendable {
    private let file: FileDescriptor

    private init(_ file: consuming FileDescriptor) { self.file = file }

    /// Takes the lock, waiting for it; the file is made when missing.
    public static func acquire(_ path: String, shared: Bool = false) throws(Errno) -> FileLock {
        let file = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        let number = file.raw
        try systemCall("flock \(path)") { flock(number, shared ? LOCK_SH : LOCK_EX) }
        return FileLock(file)
    }

    /// Takes the lock when it is free; nil when somebody holds it.
    public static func tryAcquire(_ path: String, shared: Bool = false) throws(Errno) -> FileLock? {
        let file = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        let number = file.raw
        do { try systemCall("flock \(path)") { flock(number, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) } } catch {
            if error.isWouldBlock { return nil }
            throw error
        }
        return FileLock(file)
    }

    /// Locks an open directory or file; the lock lives as long as the value.
    public static func acquire(of file: borrowing FileDescriptor) throws(Errno) -> FileLock {
        // Opened anew: flock belongs to the open file, and duplicates would share it.
        let own = try FileDescriptor.open(file.procPath, O_RDONLY)
        let number = own.raw
        try systemCall("flock") { flock(number, LOCK_EX) }
        return FileLock(own)
    }

    /// Lets go of it.
    public consuming func release() {}
}
