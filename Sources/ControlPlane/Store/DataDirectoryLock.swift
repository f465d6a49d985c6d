// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// The claim of one process on a data directory, held while the value lives; the kernel drops it with the process.
struct DataDirectoryLock: ~Copyable, Sendable {
    private let file: FileDescriptor

    init(directory: String) throws(StoreError) {
        let path = "\(directory)/lock"
        let file = try Self.open(path)
        if flock(file.raw, LOCK_EX | LOCK_NB) != 0 {
            // Who holds it is only for the message: a file that cannot be read leaves it at "another process".
            let holder = (try? file.readAll()).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw .locked(path: directory, holder: holder.isEmpty ? "another process" : "process \(holder)")
        }
        ftruncate(file.raw, 0)
        // The number is a help for people; the lock is what counts.
        try? file.writeAll(Array("\(getpid())".utf8))
        self.file = file
    }

    private static func open(_ path: String) throws(StoreError) -> FileDescriptor {
        do throws(Errno) {
            return try FileDescriptor.open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode: 0o600)
        } catch {
            throw .failed(attempt: "lock the data directory", detail: error.description)
        }
    }
}
