// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// The claim of one process on a data directory, held while the value lives; the kernel drops it with the process.
struct DataDirectoryLock: ~Copyable, Sendable {
    private let file: FileDescriptor

    init(directory: String) throws(StoreError) {
        let path = "\(directory)/lock"
        let file = try Self.open(path)
        if !Self.acquire(file) {
            // Who holds it is only for the message: a file that cannot be read leaves it at "another process".
            let holder = (try? file.readAll()).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw .locked(path: directory, holder: holder.isEmpty ? "another process" : "process \(holder)")
        }
        ftruncate(file.raw, 0)
        // The number is a help for people; the lock is what counts.
        try? file.writeAll(Array("\(getpid())".utf8))
        self.file = file
    }

    /// Waits up to two seconds: a process that was killed keeps its lock until the kernel has taken it apart, and a child
    /// it was just making keeps it until that has become another program.
    private static func acquire(_ file: borrowing FileDescriptor) -> Bool {
        for _ in 0..<100 {
            if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(20_000)
        }
        return false
    }

    private static func open(_ path: String) throws(StoreError) -> FileDescriptor {
        do throws(Errno) {
            return try FileDescriptor.open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode: 0o600)
        } catch {
            throw .failed(attempt: "lock the data directory", detail: error.description)
        }
    }
}
