// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A handle of a namespace: it exists as long as the handle does.
public struct Namespace: ~Copyable, Sendable {
    public let kind: NamespaceKind
    public let descriptor: FileDescriptor

    /// Opens the namespace file at `path` (a bind mount, or below /proc/PID/ns) and checks that it is one of `kind`.
    public init(_ kind: NamespaceKind, path: String) throws(Errno) {
        let file = try FileDescriptor.open(path, O_RDONLY)
        let number = file.raw
        guard try file.filesystem().magic == FilesystemStatus.nsfs else {
            throw Errno(EINVAL, "open \(kind.procName) namespace \(path): not a namespace")
        }
        // NS_GET_NSTYPE
        let type = try systemCall("ioctl NS_GET_NSTYPE \(path)") { ioctl(number, 0xb703) }
        guard UInt64(UInt32(bitPattern: type)) == kind.rawValue else {
            throw Errno(EINVAL, "open \(path): not a \(kind.procName) namespace")
        }
        self.kind = kind
        descriptor = file
    }

    /// The namespace a process is in.
    public init(_ kind: NamespaceKind, process: Int32) throws(Errno) {
        try self.init(kind, path: "/proc/\(process)/ns/\(kind.procName)")
    }

    /// setns(2): the calling thread moves there (its future children, for the kinds `process` and `time`).
    public func enter() throws(Errno) {
        let number = descriptor.raw
        let kinds = Int32(truncatingIfNeeded: kind.rawValue)
        try kernelCall("setns \(kind.procName)") { clinux_setns(number, kinds) }
    }

    /// Which namespace it is, the same for all handles of it.
    public func identity() throws(Errno) -> UInt64 { try descriptor.status().inode }

    /// Keeps the namespace alive at `path` by a bind mount; the file is made. `release` undoes it.
    public func persist(at path: String) throws(Errno) {
        try FileDescriptor.open(path, O_RDONLY | O_CREAT, mode: 0o444).close()
        let source = descriptor.procPath
        try kernelCall("bind namespace on \(path)") { unsafe clinux_mount(source, path, nil, 4096, nil) }
    }

    /// Undoes `persist`: unmounts all that is at `path` and removes the file. Nothing there is fine.
    public static func release(at path: String) throws(Errno) {
        while true {
            let result = unsafe clinux_unmount(path, 2 | 8)
            if result == -EINVAL || result == -ENOENT { break }
            try kernelCall("unmount \(path)") { result }
        }
        try Files.removeIfPresent(path)
    }
}

/// unshare(2) by the calling thread.
public func unshare(_ kinds: [NamespaceKind]) throws(Errno) {
    let bits = Int32(truncatingIfNeeded: NamespaceKind.bits(kinds))
    try kernelCall("unshare \(kinds.map(\.procName).joined(separator: ","))") { clinux_unshare(bits) }
}

/// setns(2) into several namespaces of a process at once.
public func enter(
    _ kinds: [NamespaceKind], of process: borrowing ProcessDescriptor
) throws(Errno) {
    let number = process.descriptor.raw
    let bits = Int32(truncatingIfNeeded: NamespaceKind.bits(kinds))
    try kernelCall("setns \(kinds.map(\.procName).joined(separator: ","))") { clinux_setns(number, bits) }
}

extension Namespace {
    /// Gives the descriptor away.
    public consuming func intoDescriptor() -> FileDescriptor { descriptor }
}
