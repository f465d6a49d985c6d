// SPDX-License-Identifier: Apache-2.0

/// Flags of mount(2).
public struct MountFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }

    public static let readOnly = MountFlags(rawValue: 1)
    public static let noSetuid = MountFlags(rawValue: 2)
    public static let noDevices = MountFlags(rawValue: 4)
    public static let noExecute = MountFlags(rawValue: 8)
    public static let synchronous = MountFlags(rawValue: 16)
    public static let remount = MountFlags(rawValue: 32)
    public static let mandatoryLocks = MountFlags(rawValue: 64)
    public static let synchronousDirectories = MountFlags(rawValue: 128)
    public static let noSymlinkFollow = MountFlags(rawValue: 256)
    public static let noAccessTime = MountFlags(rawValue: 1024)
    public static let noDirectoryAccessTime = MountFlags(rawValue: 2048)
    public static let bind = MountFlags(rawValue: 4096)
    public static let move = MountFlags(rawValue: 8192)
    public static let recursive = MountFlags(rawValue: 16384)
    public static let silent = MountFlags(rawValue: 32768)
    public static let relativeAccessTime = MountFlags(rawValue: 1 << 21)
    public static let versionedInodes = MountFlags(rawValue: 1 << 23)
    public static let strictAccessTime = MountFlags(rawValue: 1 << 24)
    public static let lazyTime = MountFlags(rawValue: 1 << 25)
}

/// How mount events travel between copies of a mount.
public enum Propagation: UInt64, Sendable, Hashable {
    case unbindable = 0x20000
    case `private` = 0x40000
    case slave = 0x80000
    case shared = 0x100000
}

/// Attributes of mount_setattr(2).
public struct MountAttributes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let readOnly = MountAttributes(rawValue: 0x01)
    public static let noSetuid = MountAttributes(rawValue: 0x02)
    public static let noDevices = MountAttributes(rawValue: 0x04)
    public static let noExecute = MountAttributes(rawValue: 0x08)
    public static let noAccessTime = MountAttributes(rawValue: 0x10)
    public static let strictAccessTime = MountAttributes(rawValue: 0x20)
    public static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    public static let idMapped = MountAttributes(rawValue: 0x0010_0000)
    public static let noSymlinkFollow = MountAttributes(rawValue: 0x0020_0000)
    /// The field of access time modes: to be cleared whole when one is set.
    public static let accessTimeMode = MountAttributes(rawValue: 0x70)
}
