// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import Glibc
internal import Text

/// Calls on files by path. Each follows symlinks as the kernel does; use the descriptor forms below a directory that
/// somebody else may write.
public enum Files {
    /// All of a file.
    public static func read(_ path: String) throws(Errno) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        do { return try file.readAll() } catch { throw error.during("read \(path)") }
    }

    /// All of a file as text; bytes that are not UTF-8 are replaced.
    public static func readText(_ path: String) throws(Errno) -> String {
        String(decoding: try read(path), as: UTF8.self)
    }

    /// Writes into an existing or new file in place, for kernel interfaces (procfs, cgroupfs) in ONE write(2).
    public static func write(
        _ path: String, _ bytes: [UInt8], flags: Int32 = O_WRONLY, mode: UInt32 = 0o644
    ) throws(Errno) {
        let file = try FileDescriptor.open(path, flags, mode: mode)
        do { try file.writeAll(bytes) } catch { throw error.during("write \(path)") }
    }

    /// Writes `text` to a kernel interface file.
    public static func write(_ path: String, _ text: String) throws(Errno) { try write(path, Array(text.utf8)) }

    /// Replaces the file at `path` as a whole: readers see the old or the new, also after a crash. With `durable`, it is
    /// on the disk when this returns (the file and its directory synced).
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o644, durable: Bool = true
    ) throws(Errno) {
        let temporary = "\(path).tmp-\(getpid())-\(clinux_gettid())"
        do {
            let file = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
            // The mode is what was asked for, whatever the umask, and whatever a file left over from a crash had.
            try file.setPermissions(mode)
            try file.writeAll(bytes)
            if durable { try file.sync(dataOnly: true) }
            try file.close()
            try rename(temporary, to: path)
        } catch {
            // The first error is the one to tell; the leftover is overwritten by the next attempt in any case.
            _ = unsafe Glibc.unlink(temporary)
            throw error.during("replace \(path) (\(error.call))")
        }
        if durable { try syncDirectory(of: path) }
    }

    /// Syncs the directory that holds `path`: a name made, changed or removed in it is then on the disk.
    public static func syncDirectory(of path: String) throws(Errno) {
        try FileDescriptor.open(parent(of: path), O_RDONLY | O_DIRECTORY).sync()
    }

    /// The directory part of `path`: `/a` for `/a/b`, `.` for `b`.
    public static func parent(of path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.utf8.count > 1, trimmed.hasExactSuffix("/") { trimmed = Substring(trimmed.utf8.dropLast()) }
        guard let slash = trimmed.lastSlash else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// The last component of `path`.
    public static func name(of path: String) -> String {
        path.steps.last ?? "/"
    }

    /// Makes a directory of exactly this mode: the process's umask, which closes what nobody thought of, takes nothing off.
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
        try systemCall("mkdir \(path)") { unsafe mkdir(path, mode_t(mode)) }
        guard mode & 0o077 != 0 else { return }
        // By descriptor: somebody who may write the directory above could have put a link here meanwhile.
        let made = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        do { try made.openUp(to: mode) } catch { throw error.during("chmod \(path)") }
    }

    /// mkdir -p; what is made has exactly this mode, the directories above as well.
    public static func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
        do { try makeDirectory(path, mode: mode) } catch {
            switch error.code {
            case EEXIST:
                if try status(path).kind == .directory { return }
                throw error
            case ENOENT:
                let above = parent(of: path)
                if above == path { throw error }
                try makeDirectories(above, mode: mode)
                do { try makeDirectory(path, mode: mode) } catch {
                    // Somebody else may have made it in between.
                    if error.code != EEXIST { throw error }
                }
            default: throw error
            }
        }
    }

    public static func rename(_ from: String, to: String) throws(Errno) {
        try systemCall("rename \(from) to \(to)") { unsafe Glibc.rename(from, to) }
    }

    /// Exchanges two names atomically (RENAME_EXCHANGE).
    public static func exchange(_ one: String, _ other: String) throws(Errno) {
        try kernelCall("exchange \(one) and \(other)") {
            unsafe clinux_renameat2(AT_FDCWD, one, AT_FDCWD, other, UInt32(CLINUX_RENAME_EXCHANGE))
        }
    }

    /// Renames, refusing to replace what is at `to` (EEXIST).
    public static func renameNew(_ from: String, to: String) throws(Errno) {
        try kernelCall("rename \(from) to \(to)") {
            unsafe clinux_renameat2(AT_FDCWD, from, AT_FDCWD, to, UInt32(CLINUX_RENAME_NOREPLACE))
        }
    }

    public static func symlink(_ target: String, at path: String) throws(Errno) {
        try systemCall("symlink \(path)") { unsafe Glibc.symlink(target, path) }
    }

    public static func link(_ existing: String, at path: String) throws(Errno) {
        try systemCall("link \(path)") { unsafe Glibc.link(existing, path) }
    }

    public static func readLink(_ path: String, at directory: Int32 = AT_FDCWD) throws(Errno) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try systemCall("readlink \(path)") {
            unsafe buffer.withUnsafeMutableBytes {
                unsafe readlinkat(directory, path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    public static func setPermissions(_ path: String, _ mode: UInt32) throws(Errno) {
        try systemCall("chmod \(path)") { unsafe chmod(path, mode_t(mode)) }
    }

    /// lchown(2): of the link itself when `path` is one. UInt32.max leaves an id.
    public static func setOwner(_ path: String, user: UInt32, group: UInt32) throws(Errno) {
        try systemCall("chown \(path)") { unsafe lchown(path, user, group) }
    }

    public static func setTimes(_ path: String, accessed: FileTime, modified: FileTime) throws(Errno) {
        try kernelCall("utimensat \(path)") {
            unsafe clinux_utimensat(
                AT_FDCWD, path, accessed.seconds, accessed.nanoseconds, modified.seconds, modified.nanoseconds,
                AT_SYMLINK_NOFOLLOW)
        }
    }

    /// mkfifo(3).
    public static func makeFifo(_ path: String, mode: UInt32) throws(Errno) {
        try systemCall("mkfifo \(path)") { unsafe mkfifo(path, mode_t(mode)) }
    }

    /// Removes a file or an empty directory.
    public static func remove(_ path: String) throws(Errno) {
        do { try systemCall("unlink \(path)") { unsafe Glibc.unlink(path) } } catch {
            // EISDIR on Linux; EPERM is what POSIX says.
            guard error.code == EISDIR || error.code == EPERM else { throw error }
            try systemCall("rmdir \(path)") { unsafe rmdir(path) }
        }
    }

    /// Removes a file or an empty directory; nothing there is fine.
    public static func removeIfPresent(_ path: String) throws(Errno) {
        do { try remove(path) } catch { if error.code != ENOENT { throw error } }
    }
}

extension FileDescriptor {
    /// fsync(2), or fdatasync(2).
    public borrowing func sync(dataOnly: Bool = false) throws(Errno) {
        let number = raw
        try systemCall(dataOnly ? "fdatasync" : "fsync") { dataOnly ? fdatasync(number) : fsync(number) }
    }

    /// Gives a directory just made the mode it was made with, before the umask. The set-group-ID bit that it has from the
    /// directory above stays.
    borrowing func openUp(to mode: UInt32) throws(Errno) {
        try setPermissions(mode | (try status().permissions & 0o2000))
    }

    public borrowing func truncate(to size: Int) throws(Errno) {
        let number = raw
        try systemCall("ftruncate") { ftruncate(number, size) }
    }

    /// lseek(2) from the start.
    public borrowing func seek(to offset: Int) throws(Errno) {
        let number = raw
        try systemCall("lseek") { lseek(number, offset, SEEK_SET) }
    }

    public borrowing func setPermissions(_ mode: UInt32) throws(Errno) {
        let number = raw
        try systemCall("fchmod") { fchmod(number, mode_t(mode)) }
    }

    public borrowing func setOwner(user: UInt32, group: UInt32) throws(Errno) {
        let number = raw
        try systemCall("fchown") { fchown(number, user, group) }
    }

    /// fchownat(2) of the object itself, which may be an O_PATH handle; `UInt32.max` leaves an id.
    public borrowing func setHandleOwner(user: UInt32, group: UInt32) throws(Errno) {
        let number = raw
        try systemCall("fchownat") { unsafe fchownat(number, "", user, group, Int32(CLINUX_AT_EMPTY_PATH)) }
    }

    /// Reads at `offset` without moving the file's position.
    public borrowing func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) -> Int {
        let number = raw
        return try systemCall("pread") { unsafe pread(number, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Reads at most `count` bytes, in one call; empty at the end of the file.
    public borrowing func read(upTo count: Int) throws(Errno) -> [UInt8] {
        let number = raw
        var failure: Errno?
        let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(Errno) {
                filled = try systemCall("read") { unsafe Glibc.read(number, buffer.baseAddress, buffer.count) }
            } catch { failure = error }
        }
        if let failure { throw failure }
        return result
    }

    /// O_NONBLOCK on or off, for the open file (every descriptor of it).
    public borrowing func setNonBlocking(_ on: Bool) throws(Errno) {
        let number = raw
        let flags = try systemCall("fcntl F_GETFL") { fcntl(number, F_GETFL) }
        try systemCall("fcntl F_SETFL") { fcntl(number, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) }
    }

    /// A pipe, both ends close-on-exec.
    public static func pipe(nonBlocking: Bool = false) throws(Errno) -> Pipe {
        var ends: (Int32, Int32) = (-1, -1)
        try kernelCall("pipe2") {
            unsafe withUnsafeMutableBytes(of: &ends) {
                unsafe clinux_pipe2(
                    $0.baseAddress!.assumingMemoryBound(to: Int32.self), nonBlocking ? O_NONBLOCK : 0)
            }
        }
        return Pipe(reader: FileDescriptor(owning: ends.0), writer: FileDescriptor(owning: ends.1))
    }

    /// An anonymous file in memory, which `seal()` makes unchangeable for ever.
    public static func memoryFile(_ name: String, executable: Bool = false) throws(Errno) -> FileDescriptor {
        do {
            return FileDescriptor(
                owning: try kernelCall("memfd_create \(name)") {
                    unsafe clinux_memfd_create(name, executable ? UInt32(CLINUX_MFD_EXEC) : 0)
                })
        } catch {
            // Kernels before 6.3 know no MFD_EXEC and make every such file executable.
            guard executable, error.code == EINVAL else { throw error }
            return FileDescriptor(
                owning: try kernelCall("memfd_create \(name)") { unsafe clinux_memfd_create(name, 0) })
        }
    }

    /// Forbids every further change of a memory file.
    public borrowing func seal() throws(Errno) {
        let number = raw
        do { try kernelCall("fcntl F_ADD_SEALS") { clinux_seal(number, Int32(CLINUX_SEAL_ALL)) } } catch {
            // F_SEAL_FUTURE_WRITE came with Linux 5.1; the other four say as much once nothing is mapped.
            guard error.code == EINVAL else { throw error }
            try kernelCall("fcntl F_ADD_SEALS") { clinux_seal(number, 0xf) }
        }
    }

    /// Whether O_CLOEXEC is set; false only for what was inherited.
    public borrowing func setCloseOnExec(_ on: Bool) throws(Errno) {
        let number = raw
        try systemCall("fcntl F_SETFD") { fcntl(number, F_SETFD, on ? FD_CLOEXEC : 0) }
    }
}

/// The two ends of a pipe.
public struct Pipe: ~Copyable {
    public var reader: FileDescriptor
    public var writer: FileDescriptor

    init(reader: consuming FileDescriptor, writer: consuming FileDescriptor) {
        self.reader = reader
        self.writer = writer
    }

    /// Takes the two ends apart.
    public consuming func split<Result: ~Copyable>(
        _ body: (consuming FileDescriptor, consuming FileDescriptor) throws -> Result
    ) rethrows -> Result { try body(reader, writer) }
}
