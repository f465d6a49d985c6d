// SPDX-License-Identifier: Apache-2.0

internal import CLinux
public import Glibc

/// What kind of object an inode is.
public enum FileKind: Sendable, Hashable {
    case regular, directory, symlink, characterDevice, blockDevice, fifo, socket, unknown

    init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = .regular
        case 0o040000: self = .directory
        case 0o120000: self = .symlink
        case 0o020000: self = .characterDevice
        case 0o060000: self = .blockDevice
        case 0o010000: self = .fifo
        case 0o140000: self = .socket
        default: self = .unknown
        }
    }

    /// Of a directory entry's d_type.
    init(entryType: UInt8) { self.init(mode: UInt32(entryType) << 12) }
}

/// A device number.
public struct DeviceNumber: Sendable, Hashable {
    public var major: UInt32
    public var minor: UInt32
    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }
}

/// A moment of a file: seconds and nanoseconds since 1970.
public struct FileTime: Sendable, Hashable, Comparable {
    public var seconds: Int64
    public var nanoseconds: UInt32
    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
    public static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

/// What statx(2) tells of an inode.
public struct FileStatus: Sendable, Hashable {
    public var kind: FileKind
    /// Permission bits with setuid, setgid and sticky.
    public var permissions: UInt32
    public var user: UInt32
    public var group: UInt32
    public var size: UInt64
    /// Bytes allocated.
    public var allocated: UInt64
    public var links: UInt32
    public var inode: UInt64
    public var device: DeviceNumber
    /// Of a device node: which device it is.
    public var node: DeviceNumber
    public var mountID: UInt64
    /// Whether it is the root of a mount; nil when the kernel does not say.
    public var isMountRoot: Bool?
    public var accessed: FileTime
    public var modified: FileTime
    public var changed: FileTime

    init(_ raw: clinux_status) {
        kind = FileKind(mode: raw.mode)
        permissions = raw.mode & 0o7777
        user = raw.user
        group = raw.group
        size = raw.size
        allocated = raw.blocks * 512
        links = raw.links
        inode = raw.inode
        device = DeviceNumber(major: raw.device_major, minor: raw.device_minor)
        node = DeviceNumber(major: raw.node_major, minor: raw.node_minor)
        mountID = raw.mount_id
        isMountRoot = raw.is_mount_root == 2 ? nil : raw.is_mount_root == 1
        accessed = FileTime(seconds: raw.access_seconds, nanoseconds: raw.access_nanoseconds)
        modified = FileTime(seconds: raw.modify_seconds, nanoseconds: raw.modify_nanoseconds)
        changed = FileTime(seconds: raw.change_seconds, nanoseconds: raw.change_nanoseconds)
    }
}

/// Size and room of a filesystem, of statfs(2).
public struct FilesystemStatus: Sendable, Hashable {
    /// The magic number of linux/magic.h.
    public var magic: Int64
    public var capacityBytes: UInt64
    public var freeBytes: UInt64
    /// Free for the unprivileged.
    public var availableBytes: UInt64
    public var inodes: UInt64
    public var freeInodes: UInt64

    init(_ raw: clinux_filesystem) {
        magic = raw.magic
        capacityBytes = raw.blocks * raw.block_size
        freeBytes = raw.blocks_free * raw.block_size
        availableBytes = raw.blocks_available * raw.block_size
        inodes = raw.inodes
        freeInodes = raw.inodes_free
    }

    /// PROC_SUPER_MAGIC.
    public static let proc: Int64 = 0x9fa0
    /// CGROUP2_SUPER_MAGIC.
    public static let cgroup2: Int64 = 0x6367_7270
    /// NSFS_MAGIC.
    public static let nsfs: Int64 = 0x6e73_6673
    /// TMPFS_MAGIC.
    public static let tmpfs: Int64 = 0x0102_1994
    /// PIPEFS_MAGIC.
    public static let pipe: Int64 = 0x5049_5045
    /// OVERLAYFS_SUPER_MAGIC.
    public static let overlay: Int64 = 0x794c_7630
}

extension FileDescriptor {
    /// The status of the open file itself.
    public borrowing func status() throws(Errno) -> FileStatus {
        var result = clinux_status()
        let number = raw
        try kernelCall("statx") { unsafe clinux_statx(number, "", Int32(CLINUX_AT_EMPTY_PATH), &result) }
        return FileStatus(result)
    }

    /// The filesystem the open file is on.
    public borrowing func filesystem() throws(Errno) -> FilesystemStatus {
        var result = clinux_filesystem()
        let number = raw
        try kernelCall("fstatfs") { unsafe clinux_fstatfs(number, &result) }
        return FilesystemStatus(result)
    }
}

extension Files {
    /// The status of `path`; of the link itself when `followLast` is false.
    public static func status(
        _ path: String, followLast: Bool = true, at directory: Int32 = AT_FDCWD
    ) throws(Errno) -> FileStatus {
        var result = clinux_status()
        let flags = (followLast ? 0 : AT_SYMLINK_NOFOLLOW) | Int32(CLINUX_AT_NO_AUTOMOUNT)
        try kernelCall("statx \(path)") { unsafe clinux_statx(directory, path, flags, &result) }
        return FileStatus(result)
    }

    /// The status of `path`, or nil when nothing is there.
    public static func statusIfPresent(_ path: String, followLast: Bool = true) throws(Errno) -> FileStatus? {
        do { return try status(path, followLast: followLast) } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Whether something is at `path`, followed. An unreadable parent counts as nothing there.
    public static func exists(_ path: String) -> Bool {
        var result = clinux_status()
        return unsafe clinux_statx(AT_FDCWD, path, Int32(CLINUX_AT_NO_AUTOMOUNT), &result) == 0
    }

    /// The filesystem `path` is on.
    public static func filesystem(_ path: String) throws(Errno) -> FilesystemStatus {
        var result = clinux_filesystem()
        try kernelCall("statfs \(path)") { unsafe clinux_statfs(path, &result) }
        return FilesystemStatus(result)
    }
}
