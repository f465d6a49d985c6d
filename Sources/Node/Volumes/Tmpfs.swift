// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// File systems in memory, for secrets and `medium: Memory`.
enum Tmpfs {
    /// Mounts one at `path`, unless there is one already.
    static func mount(_ path: String, size: Int64?) throws(Errno) {
        if try Files.status(path).isMountRoot == true, try Files.filesystem(path).magic == FilesystemStatus.tmpfs {
            return
        }
        // `noswap` needs Linux 6.4: secrets must not be paged out where the kernel can promise it.
        let options = size.map { "mode=0777,size=\($0)" } ?? "mode=0777"
        let flags = UInt(MS_NOSUID | MS_NODEV)
        if clinux_mount("tmpfs", path, "tmpfs", flags, options + ",noswap") >= 0 { return }
        try kernelCall("mount tmpfs on \(path)") { clinux_mount("tmpfs", path, "tmpfs", flags, options) }
    }

    private static let MS_NOSUID: UInt32 = 2
    private static let MS_NODEV: UInt32 = 4

    /// The mount points below `directory`, parents first.
    static func mounts(below directory: String) throws(Errno) -> [String] {
        try Files.readText("/proc/self/mountinfo").split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4 else { return nil }
            let path = unescaped(fields[4])
            return path.hasPrefix(directory + "/") ? path : nil
        }
    }

    /// mountinfo writes blanks and backslashes as octal escapes.
    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x5c, rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
