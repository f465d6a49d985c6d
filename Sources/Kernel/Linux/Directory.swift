// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
    /// The name; bytes that are not UTF-8 are replaced.
    public var name: String
    public var kind: FileKind
    public var inode: UInt64
}

extension FileDescriptor {
    /// The entries of this directory (opened for reading), without `.` and `..`, in the filesystem's order.
    public borrowing func entries() throws(Errno) -> [DirectoryEntry] {
        let number = raw
        var result: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        try systemCall("lseek") { lseek(number, 0, SEEK_SET) }
        while true {
            let count = try kernelCall("getdents64") {
                unsafe buffer.withUnsafeMutableBytes { unsafe clinux_getdents(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return result }
            unsafe buffer.withUnsafeBytes { bytes in
                // struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name with its 0.
                var start = 0
                while start + 19 <= count {
                    let length = Int(unsafe bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt16.self))
                    let name = unsafe bytes[(start + 19)..<(start + length)].prefix { $0 != 0 }
                    let entry = unsafe DirectoryEntry(
                        name: String(decoding: name, as: UTF8.self), kind: FileKind(entryType: bytes[start + 18]),
                        inode: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
                    if entry.name != ".", entry.name != ".." { result.append(entry) }
                    start += length
                }
            }
        }
    }

    /// Removes the entry `name` of this directory and all below it, never following a link and never leaving the
    /// filesystem: a mount found on the way is an error (EBUSY), not its content's death.
    public borrowing func removeTree(_ name: String) throws(Errno) {
        let number = raw
        do {
            try systemCall("unlink \(name)") { unsafe unlinkat(number, name, 0) }
            return
        } catch {
            if error.code == ENOENT { return }
            guard error.code == EISDIR || error.code == EPERM else { throw error }
        }
        do {
            try systemCall("rmdir \(name)") { unsafe unlinkat(number, name, AT_REMOVEDIR) }
            return
        } catch {
            if error.code == ENOENT { return }
            guard error.code == ENOTEMPTY || error.code == EEXIST else { throw error }
        }
        let directory = try open(
            below: name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks, .noCrossingDevices])
        for entry in try directory.entries() {
            do { try directory.removeTree(entry.name) } catch { throw error.during("remove \(name)/\(entry.name)") }
        }
        try systemCall("rmdir \(name)") { unsafe unlinkat(number, name, AT_REMOVEDIR) }
    }
}

extension Files {
    /// The entries of a directory, without `.` and `..`, in the filesystem's order.
    public static func list(_ path: String) throws(Errno) -> [DirectoryEntry] {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        do { return try directory.entries() } catch { throw error.during("list \(path)") }
    }

    /// Removes `path` and all below it; nothing there is fine. See `FileDescriptor.removeTree`.
    public static func removeTree(_ path: String) throws(Errno) {
        let above: FileDescriptor
        do { above = try FileDescriptor.open(parent(of: path), O_RDONLY | O_DIRECTORY) } catch {
            if error.isNotFound { return }
            throw error
        }
        do { try above.removeTree(name(of: path)) } catch { throw error.during("\(error.call) (removing \(path))") }
    }

    /// The total of bytes allocated and inodes below `path`, staying on its filesystem.
    public static func usage(_ path: String) throws(Errno) -> (bytes: UInt64, inodes: UInt64) {
        let own = try status(path, followLast: false)
        var total: (bytes: UInt64, inodes: UInt64) = (own.allocated, 1)
        guard own.kind == .directory else { return total }
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try addUsage(of: directory, device: own.device, to: &total)
        return total
    }

    private static func addUsage(
        of directory: borrowing FileDescriptor, device: DeviceNumber, to total: inout (bytes: UInt64, inodes: UInt64)
    ) throws(Errno) {
        for entry in try directory.entries() {
            let status: FileStatus
            do { status = try Files.status(entry.name, followLast: false, at: directory.raw) } catch {
                if error.isNotFound { continue }  // removed meanwhile
                throw error
            }
            total.inodes += 1
            total.bytes += status.allocated
            guard status.kind == .directory, status.device == device else { continue }
            do {
                let below = try directory.open(
                    below: entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
                try addUsage(of: below, device: device, to: &total)
            } catch {
                if !error.isNotFound { throw error }
            }
        }
    }
}
