// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// Mount calls by path, and on detached mounts by descriptor.
public enum Mounts {
    /// mount(2).
    public static func mount(
        source: String?, target: String, type: String?, flags: MountFlags = [], data: String = ""
    ) throws(Errno) {
        try kernelCall("mount \(type ?? source ?? "") on \(target)") {
            unsafe clinux_mount(source, target, type, flags.rawValue, data.isEmpty ? nil : data)
        }
    }

    /// mount(2) of `what`, on the object behind a handle. Errors name `what` and `name`.
    public static func mount(
        source: String?, on handle: borrowing FileDescriptor, named name: String, type: String?,
        flags: MountFlags = [], data: String = ""
    ) throws(Errno) {
        do {
            try mount(source: source, target: handle.procPath, type: type, flags: flags, data: data)
        } catch { throw error.during("mount \(type ?? source ?? "") on \(name)") }
    }

    /// Binds `source` on `target`; read-only without a moment in which it is writable.
    public static func bind(
        _ source: String, on target: String, recursive: Bool = true, readOnly: Bool = false,
        attributes: MountAttributes = []
    ) throws(Errno) {
        let tree = try DetachedMount.clone(of: source, recursive: recursive)
        var set = attributes
        if readOnly { set.insert(.readOnly) }
        do {
            if !set.isEmpty { try tree.setAttributes(set: set, recursive: recursive) }
            try tree.attach(at: target)
        } catch { throw error.during("bind \(source) on \(target) (\(error.call))") }
    }

    public static func setPropagation(
        _ target: String, _ propagation: Propagation, recursive: Bool = true
    ) throws(Errno) {
        let flags = MountFlags(rawValue: UInt(propagation.rawValue)).union(recursive ? .recursive : [])
        do { try mount(source: nil, target: target, type: nil, flags: flags) } catch {
            throw error.during("make \(target) \(propagation)")
        }
    }

    /// umount2(2). `detach` lets go of it now and frees it when nobody uses it any more; links are never followed.
    public static func unmount(_ target: String, detach: Bool = false, followLast: Bool = false) throws(Errno) {
        let flags = (detach ? 2 : 0) | (followLast ? 0 : 8)
        try kernelCall("unmount \(target)") { unsafe clinux_unmount(target, Int32(flags)) }
    }

    /// Unmounts all that is mounted on `target`, however often; not mounted or not there is fine.
    public static func unmountAll(_ target: String, detach: Bool = true) throws(Errno) {
        while true {
            do { try unmount(target, detach: detach) } catch {
                if error.code == EINVAL || error.code == ENOENT { return }
                throw error
            }
        }
    }

    /// Makes the directory `newRoot`, a mount, this process's "/" and lets go of the old root. The caller's working
    /// directory is "/" afterwards.
    public static func pivotRoot(to newRoot: String) throws(Errno) {
        let old = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
        try systemCall("chdir \(newRoot)") { unsafe chdir(newRoot) }
        // The same directory as new and old root stacks the old one on top of the new, where it can be unmounted:
        // no directory for it is needed in the image. See pivot_root(2), NOTES.
        try kernelCall("pivot_root \(newRoot)") { unsafe clinux_pivot_root(".", ".") }
        let number = old.raw
        try systemCall("fchdir the old root") { fchdir(number) }
        // Not shared, or the unmount would reach the host.
        try setPropagation(".", .slave)
        try unmount(".", detach: true)
        try systemCall("chdir /") { unsafe chdir("/") }
    }

    /// In a mount namespace of the caller's own: an empty, read-only filesystem becomes "/", and all else goes away.
    public static func enterEmptyRoot() throws(Errno) {
        // Before anything is mounted: nothing of it may reach the namespace this one was copied from.
        try setPropagation("/", .slave)
        // Any directory will do: it is covered in this namespace only, and gone with the old root.
        try mount(
            source: "empty", target: "/proc", type: "tmpfs", flags: [.readOnly, .noSetuid, .noDevices, .noExecute],
            data: "size=4k,nr_inodes=1,mode=0555")
        try pivotRoot(to: "/proc")
    }

    public static func changeRoot(to path: String) throws(Errno) {
        try kernelCall("chroot \(path)") { unsafe clinux_chroot(path) }
        try systemCall("chdir /") { unsafe chdir("/") }
    }
}

/// A mount (or a tree of mounts) that is at no place yet. It goes with its last descriptor unless attached.
public struct DetachedMount: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    /// - Parameter descriptor: Of a mount that is at no place.
    public init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A copy of the mount at `path`, as a bind mount has it.
    public static func clone(
        of path: String, recursive: Bool, followLast: Bool = true
    ) throws(Errno) -> DetachedMount {
        let flags = openTreeFlags(recursive) | UInt32(followLast ? 0 : AT_SYMLINK_NOFOLLOW)
        return DetachedMount(
            FileDescriptor(
                owning: try kernelCall("open_tree \(path)") { unsafe clinux_open_tree(AT_FDCWD, path, flags) }))
    }

    /// A copy of the mount at the object behind a handle.
    public static func clone(
        of handle: borrowing FileDescriptor, recursive: Bool
    ) throws(Errno) -> DetachedMount {
        let number = handle.raw
        let flags = openTreeFlags(recursive) | UInt32(CLINUX_AT_EMPTY_PATH)
        return DetachedMount(
            FileDescriptor(owning: try kernelCall("open_tree") { unsafe clinux_open_tree(number, "", flags) }))
    }

    private static func openTreeFlags(_ recursive: Bool) -> UInt32 {
        UInt32(CLINUX_OPEN_TREE_CLONE) | (recursive ? UInt32(CLINUX_AT_RECURSIVE) : 0)
    }

    /// A new filesystem. `options` are given one by one, so that a value may hold a comma; those without `=` are flags.
    public static func make(
        _ type: String, source: String? = nil, options: [String] = [], attributes: MountAttributes = []
    ) throws(Errno) -> DetachedMount {
        try FilesystemContext(type).mount(source: source, options: options, attributes: attributes)
    }

    /// mount_setattr(2).
    public func setAttributes(
        set: MountAttributes = [], clear: MountAttributes = [], propagation: Propagation? = nil,
        recursive: Bool = false
    ) throws(Errno) {
        try Mounts.setAttributes(
            of: descriptor, set: set, clear: clear, propagation: propagation, recursive: recursive)
    }

    /// Maps the owners of its files through a user namespace (MOUNT_ATTR_IDMAP).
    public func mapOwners(through namespace: borrowing FileDescriptor, recursive: Bool) throws(Errno) {
        let (number, map) = (descriptor.raw, namespace.raw)
        let flags = UInt32(CLINUX_AT_EMPTY_PATH) | (recursive ? UInt32(CLINUX_AT_RECURSIVE) : 0)
        try kernelCall("mount_setattr MOUNT_ATTR_IDMAP") {
            unsafe clinux_mount_setattr(number, "", flags, MountAttributes.idMapped.rawValue, 0, 0, map)
        }
    }

    /// Mounts it on `path`.
    public func attach(at path: String) throws(Errno) {
        let number = descriptor.raw
        let flags = UInt32(CLINUX_MOVE_MOUNT_F_EMPTY_PATH | CLINUX_MOVE_MOUNT_T_SYMLINKS)
        try kernelCall("move_mount to \(path)") {
            unsafe clinux_move_mount(number, "", AT_FDCWD, path, flags)
        }
    }

    /// Mounts it on the object behind a handle.
    public func attach(at handle: borrowing FileDescriptor) throws(Errno) {
        let (number, target) = (descriptor.raw, handle.raw)
        let flags = UInt32(CLINUX_MOVE_MOUNT_F_EMPTY_PATH | CLINUX_MOVE_MOUNT_T_EMPTY_PATH)
        try kernelCall("move_mount") { unsafe clinux_move_mount(number, "", target, "", flags) }
    }
}

extension Mounts {
    /// mount_setattr(2) of the mount that `handle` is the root of.
    public static func setAttributes(
        of handle: borrowing FileDescriptor, set: MountAttributes = [], clear: MountAttributes = [],
        propagation: Propagation? = nil, recursive: Bool = false
    ) throws(Errno) {
        let number = handle.raw
        let flags = UInt32(CLINUX_AT_EMPTY_PATH) | (recursive ? UInt32(CLINUX_AT_RECURSIVE) : 0)
        // A mode of access time can only be set with the whole field cleared.
        let cleared = set.isDisjoint(with: .accessTimeMode) ? clear : clear.union(.accessTimeMode)
        try kernelCall("mount_setattr") {
            unsafe clinux_mount_setattr(
                number, "", flags, set.rawValue, cleared.rawValue, propagation?.rawValue ?? 0, -1)
        }
    }
}
