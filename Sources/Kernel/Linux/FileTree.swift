// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// One entry of a directory as the kernel has it.
public struct TreeEntry: Sendable {
    /// The name and its terminating 0: bytes, which need not be text.
    public let name: [CChar]
    /// As the directory tells it; `unknown` where the filesystem does not.
    public let kind: FileKind

    /// The name for messages; bytes that are not UTF-8 are replaced.
    public var text: String { String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

// Trees that containers and images made. They choose the names, and they choose the depth, which neither a thread's stack
// nor the table of descriptors must have to hold.
extension FileDescriptor {
    /// Visits all that is below this directory (opened for reading), never following a link: `enter` is called with each
    /// entry and the directory it is in, and says whether to go into it; `leave` once all below such an entry was visited.
    /// Takes two descriptors and no recursion. What vanishes meanwhile and what is mounted there are passed over; a
    /// directory that is moved elsewhere while the walk is in it ends the walk (ESTALE).
    ///
    /// A directory is read a piece at a time: names cost whoever made them nothing (hard links), and are never all in
    /// memory. With `removing`, what is visited goes, and the places of what is left may change with it.
    public borrowing func walkTree(
        removing: Bool = false,
        enter: (borrowing FileDescriptor, TreeEntry) throws(Errno) -> Bool,
        leave: (borrowing FileDescriptor, TreeEntry) throws(Errno) -> Void = { _, _ in }
    ) throws(Errno) {
        var current = try open(below: ".", O_RDONLY | O_DIRECTORY)
        var levels = [WalkedLevel(inode: try current.inode())]
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        // How many entries all levels hold, and the first of those that hold any.
        var held = 0
        var outermost = 0
        while let depth = levels.indices.last {
            if let next = levels[depth].rest.popLast() {
                held -= 1
                levels[depth].position = next.end
                guard try enter(current, next.entry), let child = try current.openDirectory(next.entry) else {
                    continue
                }
                levels[depth].isLeft = true
                while held > WalkedLevel.limit, outermost < levels.count {
                    // Read again from where it stands when the walk comes back.
                    held -= levels[outermost].rest.count
                    levels[outermost].rest = []
                    outermost += 1
                }
                levels.append(WalkedLevel(inode: try child.inode(), entry: next.entry))
                current = child
                continue
            }
            if !levels[depth].isAtEnd {
                let read = try current.treeEntries(from: levels[depth].position, &buffer)
                levels[depth].rest = read
                levels[depth].isAtEnd = read.isEmpty
                held += read.count
                outermost = min(outermost, depth)
                continue
            }
            if removing, levels[depth].isLeft {
                // Opened anew after a directory in it had gone: file systems that count places have passed some over.
                levels[depth].isLeft = false
                levels[depth].isAtEnd = false
                levels[depth].position = 0
                continue
            }
            if let entry = levels.removeLast().entry, let above = levels.last {
                let parent = try current.open(below: "..", O_RDONLY | O_DIRECTORY, resolve: [])
                // Whoever moves directories about while they are walked must not lead the walk out of the tree.
                guard try parent.inode() == above.inode else { throw Errno(ESTALE, "leave \(entry.text)") }
                current = parent
                try leave(current, entry)
            }
        }
    }

    /// An O_PATH handle of an entry of this directory, of itself and no link; nil when it is no more, or another mount's.
    public borrowing func handle(_ entry: TreeEntry) throws(Errno) -> FileDescriptor? {
        let directory = raw
        do {
            return FileDescriptor(
                owning: try kernelCall("open \(entry.text)") {
                    unsafe clinux_openat2(
                        directory, entry.name, UInt64(UInt32(bitPattern: Int32(CLINUX_O_PATH) | O_NOFOLLOW)), 0,
                        Resolve.noCrossingDevices.rawValue)
                })
        } catch {
            if error.isNotFound || error.code == EXDEV { return nil }
            throw error
        }
    }

    /// Opens a directory found in this one; nil when it is no more, or something else by now, or another mount's.
    private borrowing func openDirectory(_ entry: TreeEntry) throws(Errno) -> FileDescriptor? {
        let directory = raw
        do {
            return FileDescriptor(
                owning: try kernelCall("open \(entry.text)") {
                    unsafe clinux_openat2(
                        directory, entry.name, UInt64(UInt32(bitPattern: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)), 0,
                        Resolve.noCrossingDevices.rawValue)
                })
        } catch {
            if [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(error.code) { return nil }
            throw error
        }
    }

    private borrowing func inode() throws(Errno) -> WalkedInode {
        let status = try status()
        return WalkedInode(device: status.device, number: status.inode)
    }

    /// Some entries of this directory from `position` on, the last first, with their names as they are, without `.` and
    /// `..`; none at its end.
    private borrowing func treeEntries(
        from position: Int64, _ buffer: inout [UInt8]
    ) throws(Errno) -> [WalkedEntry] {
        let number = raw
        try systemCall("lseek") { lseek(number, off_t(position), SEEK_SET) }
        var result: [WalkedEntry] = []
        while result.isEmpty {
            let count = try kernelCall("getdents64") {
                unsafe buffer.withUnsafeMutableBytes { unsafe clinux_getdents(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return [] }
            unsafe buffer.withUnsafeBytes { bytes in
                unsafe FileDescriptor.forEachEntry(in: bytes, count) { name, kind, _, end in
                    let name = unsafe name.map { CChar(bitPattern: $0) } + [0]
                    result.append(WalkedEntry(entry: TreeEntry(name: name, kind: kind), end: end))
                }
            }
        }
        result.reverse()
        return result
    }
}

/// An entry, and the place in its directory behind it.
private struct WalkedEntry {
    var entry: TreeEntry
    var end: Int64
}

private struct WalkedInode: Equatable {
    var device: DeviceNumber
    var number: UInt64
}

/// A directory the walk is in: how to know it again, under which name it was entered (none: the top), what was read of it
/// and not visited yet, and how far it has been visited.
private struct WalkedLevel {
    /// How many entries all levels may hold together: no depth makes it more.
    static let limit = 16_384

    var inode: WalkedInode
    var entry: TreeEntry?
    var rest: [WalkedEntry] = []
    var position: Int64 = 0
    var isAtEnd = false
    /// A directory in it has been visited since it was read from its beginning.
    var isLeft = false

    init(inode: WalkedInode, entry: TreeEntry? = nil) {
        self.inode = inode
        self.entry = entry
    }
}

extension Files {
    /// Removes `path` and all below it; nothing there is fine. See `removeTree(_:at:)`.
    public static func removeTree(_ path: String) throws(Errno) {
        let above: FileDescriptor
        do { above = try FileDescriptor.open(parent(of: path), O_RDONLY | O_DIRECTORY) } catch {
            if error.isNotFound { return }
            throw error
        }
        do { try above.removeTree(name(of: path)) } catch { throw error.during("\(error.call) (removing \(path))") }
    }

    /// Removes the entry `name` (terminated by 0) of `directory`, and all below it, never following a link and never
    /// leaving the filesystem: a mount found on the way is an error (rmdir(2) says EBUSY), not its content's death.
    public static func removeTree(_ name: [CChar], at directory: Int32) throws(Errno) {
        let top = TreeEntry(name: name, kind: .unknown)
        guard try !removeAlone(top, at: directory) else { return }
        let tree = FileDescriptor(
            owning: try kernelCall("open \(top.text)") {
                unsafe clinux_openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
            })
        try tree.walkTree(
            removing: true,
            enter: { (parent, entry) throws(Errno) in try !removeAlone(entry, at: parent.raw) },
            leave: { (parent, entry) throws(Errno) in try removeEmpty(entry, at: parent.raw) })
        try removeEmpty(top, at: directory)
    }

    /// Removes what is no directory, or an empty one; false when there is more below it.
    private static func removeAlone(_ entry: TreeEntry, at directory: Int32) throws(Errno) -> Bool {
        if entry.kind != .directory {
            do {
                try systemCall("unlink \(entry.text)") { unsafe unlinkat(directory, entry.name, 0) }
                return true
            } catch {
                if error.code == ENOENT { return true }
                guard error.code == EISDIR || error.code == EPERM else { throw error }
            }
        }
        do {
            try removeEmpty(entry, at: directory)
            return true
        } catch {
            guard error.code == ENOTEMPTY || error.code == EEXIST else { throw error }
            return false
        }
    }

    private static func removeEmpty(_ entry: TreeEntry, at directory: Int32) throws(Errno) {
        do {
            try systemCall("rmdir \(entry.text)") { unsafe unlinkat(directory, entry.name, AT_REMOVEDIR) }
        } catch {
            if error.code != ENOENT { throw error }
        }
    }

    /// The total of bytes allocated and inodes below `path`, staying on its filesystem.
    public static func usage(_ path: String) throws(Errno) -> (bytes: UInt64, inodes: UInt64) {
        let own = try status(path, followLast: false)
        var total: (bytes: UInt64, inodes: UInt64) = (own.allocated, 1)
        guard own.kind == .directory else { return total }
        let top = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try top.walkTree(enter: { (parent, entry) throws(Errno) in
            guard let status = try parent.statusIfPresent(entry) else { return false }
            total.inodes += 1
            total.bytes += status.allocated
            return status.kind == .directory
        })
        return total
    }
}

extension FileDescriptor {
    /// Removes the entry `name` of this directory and all below it; see `Files.removeTree(_:at:)`.
    public borrowing func removeTree(_ name: String) throws(Errno) {
        try Files.removeTree(name.utf8CString.map { $0 }, at: raw)
    }

    /// The status of an entry, not of what it may link to; nil when it is no more.
    fileprivate borrowing func statusIfPresent(_ entry: TreeEntry) throws(Errno) -> FileStatus? {
        let directory = raw
        var result = clinux_status()
        do {
            try kernelCall("stat \(entry.text)") {
                unsafe clinux_statx(
                    directory, entry.name, AT_SYMLINK_NOFOLLOW | Int32(CLINUX_AT_NO_AUTOMOUNT), &result)
            }
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        return FileStatus(result)
    }
}
