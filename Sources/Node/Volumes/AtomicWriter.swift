// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import Text

/// One file of a volume whose content is an API object's.
public struct ProjectedFile: Sendable, Hashable {
    public var bytes: [UInt8]
    public var mode: UInt32
    /// The owner, where the volume says one (service account tokens for a non-root user).
    public var user: UInt32?

    public init(bytes: [UInt8], mode: UInt32, user: UInt32? = nil) {
        self.bytes = bytes
        self.mode = mode
        self.user = user
    }
}

/// Replaces all files of a volume at once: the files live in a directory named by its time, `..data` points at it, and
/// the names a user sees point through `..data`. Readers see the old set or the new one, never a mixture.
///
/// Every path is walked below the volume's descriptor, so that a container that can write to the volume cannot lead the
/// writer out of it (CVE-2017-1002102).
public struct AtomicWriter: Sendable {
    let directory: String

    public init(directory: String) { self.directory = directory }

    private static let dataName = "..data"

    /// Makes the volume hold exactly `files`, by relative path. Returns whether anything changed.
    @discardableResult
    public func write(_ files: [String: ProjectedFile], group: UInt32? = nil) throws(Errno) -> Bool {
        // Before anything is made: what cannot be written is told at every try, and costs nothing.
        try AtomicWriter.check(Set(files.keys))
        let root = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let old = try current(root)
        if let old, try isSame(root, old, files) { return false }
        let stamp = "..\(KernelClock.wall.now())"
        do throws(Errno) {
            try makeDirectory(stamp, root)
            for (path, file) in files { try place(root, "\(stamp)/\(path)", file, group) }
            try point(AtomicWriter.dataName, to: stamp, root)
            try linkNames(files.keys.map { $0.steps[0] }, root)
        } catch {
            // It is tried again and again, and must not leave something each time. The first error is the one to tell;
            // what cannot be removed now, the next write removes.
            try? removeStale(root)
            throw error
        }
        try removeStale(root)
        return true
    }

    /// A path must stay inside: no empty parts, no `..`, and none that looks like the writer's own. And it must be one that
    /// a file can have.
    public static func check(_ path: String) throws(Errno) {
        let parts = path.steps(keepingEmpty: true)
        guard !path.isEmpty, !path.hasExactPrefix("/"), !parts[0].hasExactPrefix(".."), !parts.contains(".."),
            !parts.contains(""), !path.utf8.contains(0)
        else { throw Errno(EINVAL, "project \(path)") }
        // The whole one stands below the directory of its time.
        guard path.utf8.count <= 4095 - 32, parts.allSatisfy({ $0.utf8.count <= 255 }) else {
            throw Errno(ENAMETOOLONG, "project \(path.prefix(300))")
        }
    }

    /// Each path for itself, and that none is below another, which is a file.
    static func check(_ paths: Set<String>) throws(Errno) {
        for path in paths {
            try check(path)
            var end = path.startIndex
            while let slash = path[end...].firstSlash {
                let above = String(path[..<slash])
                if paths.contains(above) { throw Errno(ENOTDIR, "project \(path) below the file \(above)") }
                end = path.utf8.index(after: slash)
            }
        }
    }

    /// Removes every set of files but the one in force: those of before, and of writes that failed or were killed.
    private func removeStale(_ root: borrowing FileDescriptor) throws(Errno) {
        let kept = try current(root)
        let listing = try root.open(below: ".", O_RDONLY | O_DIRECTORY, resolve: [.beneath])
        for entry in try listing.entries() where AtomicWriter.isStamp(entry.name) && entry.name != kept {
            try root.removeTree(entry.name)
        }
    }

    /// Whether a name is of the writer's own kind.
    private static func isStamp(_ name: String) -> Bool {
        name.hasPrefix("..") && !name.hasSlash && name.dropFirst(2).first?.isNumber == true
    }

    private func current(_ root: borrowing FileDescriptor) throws(Errno) -> String? {
        do {
            let target = try Files.readLink(AtomicWriter.dataName, at: root.raw)
            // Anything but the writer's own kind of name was put there by somebody else.
            return AtomicWriter.isStamp(target) ? target : nil
        } catch {
            if error.isNotFound || error.code == EINVAL { return nil }
            throw error
        }
    }

    private func isSame(
        _ root: borrowing FileDescriptor, _ name: String, _ files: [String: ProjectedFile]
    ) throws(Errno) -> Bool {
        var found = 0
        do {
            for (path, file) in files {
                let open = try root.openRegular(
                    below: "\(name)/\(path)", followLast: false, resolve: [.beneath, .noSymlinks])
                guard try open.readAll(limit: file.bytes.count, path) == file.bytes,
                    try open.status().permissions & 0o777 == file.mode & 0o777
                else { return false }
                found += 1
            }
            return try count(root, name) == found
        } catch {
            // A link, a FIFO or more where a file or directory was: somebody has been at it.
            if error.isNotFound || [ELOOP, EXDEV, ENOTDIR, EINVAL, EISDIR, EFBIG].contains(error.code) { return false }
            throw error
        }
    }

    /// How many files are below `name`.
    private func count(_ root: borrowing FileDescriptor, _ name: String) throws(Errno) -> Int {
        var total = 0
        let directory = try root.open(below: name, O_RDONLY | O_DIRECTORY, resolve: [.beneath, .noSymlinks])
        for entry in try directory.entries() {
            total += entry.kind == .directory ? try count(root, "\(name)/\(entry.name)") : 1
        }
        return total
    }

    private func place(
        _ root: borrowing FileDescriptor, _ path: String, _ file: ProjectedFile, _ group: UInt32?
    ) throws(Errno) {
        if let slash = path.lastSlash {
            _ = try root.makeDirectories(below: String(path[..<slash]), mode: 0o755)
        }
        let opened = try root.open(
            below: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: file.mode, resolve: [.beneath, .noSymlinks])
        try opened.writeAll(file.bytes)
        if file.user != nil || group != nil {
            try opened.setOwner(user: file.user ?? UInt32.max, group: group ?? UInt32.max)
        }
        // After the owner, whose change clears bits; and the process's umask is no part of the volume's mode.
        try opened.setPermissions(file.mode)
    }

    private func makeDirectory(_ name: String, _ root: borrowing FileDescriptor) throws(Errno) {
        let raw = root.raw
        try systemCall("mkdir \(name)") { mkdirat(raw, name, 0o755) }
        let made = try root.open(below: name, O_RDONLY | O_DIRECTORY, resolve: [.beneath, .noSymlinks])
        try made.setPermissions(0o755)
    }

    /// A symlink made aside and renamed into its place.
    private func point(_ name: String, to target: String, _ root: borrowing FileDescriptor) throws(Errno) {
        let raw = root.raw
        let temporary = "..data_tmp"
        if unlinkat(raw, temporary, 0) == -1, errno != ENOENT { throw Errno(errno, "unlink \(temporary)") }
        try systemCall("symlink \(name)") { symlinkat(target, raw, temporary) }
        try systemCall("rename \(name)") { renameat(raw, temporary, raw, name) }
    }

    /// The names a user sees: one link for each, none for what is gone.
    private func linkNames(_ names: [String], _ root: borrowing FileDescriptor) throws(Errno) {
        let wanted = Set(names)
        let raw = root.raw
        var present: Set<String> = []
        let listing = try root.open(below: ".", O_RDONLY | O_DIRECTORY, resolve: [.beneath])
        for entry in try listing.entries() where !entry.name.hasExactPrefix("..") {
            let name = entry.name
            if wanted.contains(name) {
                present.insert(name)
            } else {
                try systemCall("unlink \(name)") { unlinkat(raw, name, 0) }
            }
        }
        for name in wanted.subtracting(present) {
            try systemCall("symlink \(name)") { symlinkat("\(AtomicWriter.dataName)/\(name)", raw, name) }
        }
    }
}
