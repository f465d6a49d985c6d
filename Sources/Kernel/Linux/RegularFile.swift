// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Text

// Files whose names or content somebody else chose: an image, a container, a manifest. Opening alone can act (a watchdog
// starts, a tape rewinds) or wait for ever (a FIFO without a writer, a file under a lease), and a read may have no end.
// So the object is found first without opening it, and opened only when it is a regular file.

extension FileDescriptor {
    /// Opens the regular file `path` below this directory for reading. The walk stays inside by `resolve`; anything but a
    /// regular file is refused (EINVAL, EISDIR) without having been opened, and nothing waits. Needs /proc.
    public borrowing func openRegular(
        below path: String, followLast: Bool = true, resolve: Resolve = [.inRoot, .noMagicLinks]
    ) throws(Errno) -> FileDescriptor {
        let flags = Int32(CLINUX_O_PATH) | (followLast ? 0 : O_NOFOLLOW)
        return try open(below: path, flags, resolve: resolve).reopenRegular(path)
    }

    /// The content of the regular file `path` below this directory, see `openRegular`. More than `limit` bytes are
    /// refused (EFBIG).
    public borrowing func readRegular(
        below path: String, limit: Int, followLast: Bool = true, resolve: Resolve = [.inRoot, .noMagicLinks]
    ) throws(Errno) -> [UInt8] {
        try openRegular(below: path, followLast: followLast, resolve: resolve).readAll(limit: limit, path)
    }

    /// The file behind this O_PATH handle, open for reading, where it is a regular one.
    public borrowing func reopenRegular(_ path: String) throws(Errno) -> FileDescriptor {
        let kind = try status().kind
        guard kind == .regular else {
            throw Errno(kind == .directory ? EISDIR : EINVAL, "open \(path), which is \(kind.words)")
        }
        do { return try FileDescriptor.open(procPath, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
            throw error.during("open \(path)")
        }
    }

    /// Reads to the end of the file; more than `limit` bytes are refused (EFBIG). `path` names it in errors.
    public borrowing func readAll(limit: Int, _ path: String) throws(Errno) -> [UInt8] {
        do throws(Errno) {
            var result: [UInt8] = []
            while true {
                let bytes = try read(upTo: min(64 << 10, limit - result.count + 1))
                if bytes.isEmpty { return result }
                result += bytes
                if result.count > limit { throw Errno(EFBIG, "read more than \(limit) bytes") }
            }
        } catch { throw error.during("\(error.call) (\(path))") }
    }
}

extension Files {
    /// Opens the regular file at `path`, followed, for reading; see `FileDescriptor.openRegular`.
    public static func openRegular(_ path: String, followLast: Bool = true) throws(Errno) -> FileDescriptor {
        try FileDescriptor.handle(path, followLast: followLast).reopenRegular(path)
    }

    /// Opens the regular file `path`, whose last `depth` components are ours in a directory that others can write to as well:
    /// no link among them is followed, and anything but a regular file is refused. With O_CREAT it is made when missing.
    public static func open(
        _ path: String, plain depth: Int, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(Errno) -> FileDescriptor {
        let names = path.steps
        let root = (path.hasExactPrefix("/") ? "/" : "./") + names.dropLast(depth).joined(separator: "/")
        let below = names.suffix(depth).joined(separator: "/")
        let directory = try FileDescriptor.handle(root, directory: true)
        let resolve: Resolve = [.beneath, .noSymlinks, .noMagicLinks]
        do throws(Errno) {
            if flags & O_CREAT == 0 {
                return try directory.openRegular(below: below, followLast: false, resolve: resolve)
            }
            let file = try directory.open(
                below: below, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: mode, resolve: resolve)
            let kind = try file.status().kind
            guard kind == .regular else { throw Errno(EINVAL, "open \(path), which is \(kind.words)") }
            return file
        } catch { throw error.during("open \(path)") }
    }

    /// The content of the regular file at `path`, followed; more than `limit` bytes are refused (EFBIG).
    public static func readRegular(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
        try openRegular(path).readAll(limit: limit, path)
    }
}

extension FileKind {
    /// For messages: `a FIFO`.
    var words: String {
        switch self {
        case .regular: "a regular file"
        case .directory: "a directory"
        case .symlink: "a symbolic link"
        case .characterDevice: "a character device"
        case .blockDevice: "a block device"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .unknown: "of no known kind"
        }
    }
}
