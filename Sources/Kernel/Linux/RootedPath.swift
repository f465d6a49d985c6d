// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Text

/// The rules of openat2(2) for walking a path; see its manual page for each.
public struct Resolve: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let noCrossingDevices = Resolve(rawValue: 0x01)
    public static let noMagicLinks = Resolve(rawValue: 0x02)
    public static let noSymlinks = Resolve(rawValue: 0x04)
    /// A path that would leave the directory is refused (EXDEV).
    public static let beneath = Resolve(rawValue: 0x08)
    /// The directory is "/" for the whole walk: `..` and absolute symlinks stop there.
    public static let inRoot = Resolve(rawValue: 0x10)
}

extension FileDescriptor {
    /// Opens `path` below this directory by openat2(2). Nothing a hostile tree holds can lead the walk outside it.
    /// EAGAIN, which a rename racing with `..` causes, is retried a bounded number of times.
    public borrowing func open(
        below path: String, _ flags: Int32, mode: UInt32 = 0, resolve: Resolve = [.inRoot, .noMagicLinks]
    ) throws(Errno) -> FileDescriptor {
        let number = raw
        // The kernel refuses a mode where nothing is created.
        let creates = flags & (O_CREAT | Int32(CLINUX_O_TMPFILE & ~0o200000)) != 0
        let given = creates ? UInt64(mode) : 0
        var attempts = 0
        while true {
            do {
                let result = try kernelCall("openat2 \(path)") {
                    unsafe clinux_openat2(number, path, UInt64(UInt32(bitPattern: flags)), given, resolve.rawValue)
                }
                return FileDescriptor(owning: result)
            } catch {
                attempts += 1
                if error.code != EAGAIN || attempts == 128 { throw error }
            }
        }
    }

    /// An O_PATH handle of `path` below this directory, followed inside it as in a root of its own.
    public borrowing func handle(below path: String, followLast: Bool = true) throws(Errno) -> FileDescriptor {
        try open(below: path, Int32(CLINUX_O_PATH) | (followLast ? 0 : O_NOFOLLOW))
    }

    /// An O_PATH handle of `path`.
    public static func handle(
        _ path: String, directory: Bool = false, followLast: Bool = true
    ) throws(Errno) -> FileDescriptor {
        try open(path, Int32(CLINUX_O_PATH) | (directory ? O_DIRECTORY : 0) | (followLast ? 0 : O_NOFOLLOW))
    }

    /// Makes every missing directory of `path` below this one, as mkdir -p in a root of its own, and returns a handle of
    /// the last. Each component is made relative to a handle of its parent: a symlink swapped in meanwhile is resolved
    /// inside this directory or refused, never followed out (the class of CVE-2024-45310).
    public borrowing func makeDirectories(below path: String, mode: UInt32 = 0o755) throws(Errno) -> FileDescriptor {
        do { return try open(below: path.isEmpty ? "." : path, Int32(CLINUX_O_PATH) | O_DIRECTORY) } catch {
            if error.code != ENOENT { throw error }
        }
        var walked = ""
        var links = 0
        var remaining = Array(path.steps.reversed())
        var current = try open(below: ".", Int32(CLINUX_O_PATH) | O_DIRECTORY)
        while let component = remaining.popLast() {
            if component == "." { continue }
            let next = walked + "/" + component
            let parent = current.raw
            var isMade = false
            if component != ".." {
                do {
                    try systemCall("mkdir \(next)") { unsafe mkdirat(parent, component, mode_t(mode)) }
                    isMade = true
                } catch {
                    if error.code != EEXIST { throw error }
                }
            }
            if isMade, mode & 0o077 != 0 {
                // What the umask took off. Nothing is followed: the name may be another thing by now.
                let made = try open(
                    below: next, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.inRoot, .noMagicLinks])
                try made.openUp(to: mode)
            }
            do {
                // Through the root again, so that links and `..` among the components mean what they mean in the root.
                current = try open(below: next, Int32(CLINUX_O_PATH) | O_DIRECTORY)
                walked = next
            } catch {
                // A link to something missing: what it names is made, inside the root.
                guard error.code == ENOENT else { throw error }
                links += 1
                if links > 40 { throw Errno(ELOOP, "mkdir \(next)") }
                let target = try Files.readLink(component, at: parent)
                if target.hasExactPrefix("/") {
                    walked = ""
                    current = try open(below: ".", Int32(CLINUX_O_PATH) | O_DIRECTORY)
                }
                remaining += target.steps.reversed()
            }
        }
        return current
    }

    /// `/proc/self/fd/N`: a path for calls that take no descriptor. Valid while this descriptor lives.
    public var procPath: String { "/proc/self/fd/\(raw)" }

    /// The path the kernel knows for this descriptor, of readlink(2) on its magic link.
    public borrowing func kernelPath() throws(Errno) -> String { try Files.readLink(procPath) }
}
