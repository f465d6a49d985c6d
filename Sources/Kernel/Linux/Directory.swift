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
        var result: [DirectoryEntry] = []
        unsafe try forEachEntry { name, kind, inode in
            unsafe result.append(
                DirectoryEntry(name: String(decoding: name, as: UTF8.self), kind: kind, inode: inode))
        }
        return result
    }

    /// Calls `body` with the name, kind and inode of every entry but `.` and `..`. The name is the kernel's bytes, and
    /// valid during the call.
    borrowing func forEachEntry(_ body: (Slice<UnsafeRawBufferPointer>, FileKind, UInt64) -> Void) throws(Errno) {
        let number = raw
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        try systemCall("lseek") { lseek(number, 0, SEEK_SET) }
        while true {
            let count = try kernelCall("getdents64") {
                unsafe buffer.withUnsafeMutableBytes { unsafe clinux_getdents(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return }
            unsafe buffer.withUnsafeBytes { bytes in
                unsafe FileDescriptor.forEachEntry(in: bytes, count) { name, kind, inode, _ in
                    unsafe body(name, kind, inode)
                }
            }
        }
    }

    /// Calls `body` with the name, kind and inode of each entry that getdents64 has written, but `.` and `..`, and with the
    /// place in the directory behind it.
    static func forEachEntry(
        in bytes: UnsafeRawBufferPointer, _ count: Int,
        _ body: (Slice<UnsafeRawBufferPointer>, FileKind, UInt64, Int64) -> Void
    ) {
        // struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name with its 0.
        var start = 0
        while start + 19 <= count {
            let length = Int(unsafe bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt16.self))
            let name = unsafe bytes[(start + 19)..<(start + length)].prefix { $0 != 0 }
            if unsafe !name.elementsEqual(".".utf8), unsafe !name.elementsEqual("..".utf8) {
                let inode = unsafe bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                let end = unsafe bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self)
                unsafe body(name, FileKind(entryType: bytes[start + 18]), inode, end)
            }
            start += length
        }
    }
}

extension Files {
    /// The entries of a directory, without `.` and `..`, in the filesystem's order.
    public static func list(_ path: String) throws(Errno) -> [DirectoryEntry] {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        do { return try directory.entries() } catch { throw error.during("list \(path)") }
    }
}
