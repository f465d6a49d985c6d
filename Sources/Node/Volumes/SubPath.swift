// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux
internal import Text

/// A part of a volume, opened so that nothing a container wrote into the volume leads out of it (CVE-2017-1002101,
/// CVE-2021-25741): the walk stays below the volume, and what is mounted is the very file that was opened.
public enum SubPath {
    /// Binds `subPath` of the volume at `volumePath` to `target` and returns `target`. A missing directory is made.
    public static func bind(volumePath: String, subPath: String, target: String) throws(Errno) -> String {
        guard !subPath.hasExactPrefix("/"), !subPath.steps.contains("..") else {
            throw Errno(EINVAL, "subPath \(subPath)")
        }
        let root = try FileDescriptor.open(volumePath, Int32(CLINUX_O_PATH) | O_DIRECTORY)
        let opened = try open(root, subPath)
        let isDirectory = try opened.status().kind == .directory
        if try Files.statusIfPresent(target)?.isMountRoot == true {
            try kernelCall("unmount \(target)") { clinux_unmount(target, Int32(MNT_DETACH)) }
        }
        // What the volume holds there may have become a file, or a directory, since the last time.
        if let left = try Files.statusIfPresent(target), (left.kind == .directory) != isDirectory {
            if isDirectory { try Files.remove(target) } else { try systemCall("rmdir \(target)") { rmdir(target) } }
        }
        if isDirectory {
            try Files.makeDirectories(target, mode: 0o750)
        } else {
            try Files.makeDirectories(Files.parent(of: target), mode: 0o750)
            try FileDescriptor.open(target, O_CREAT | O_WRONLY, mode: 0o640).close()
        }
        let source = "/proc/self/fd/\(opened.raw)"
        try kernelCall("bind subPath \(subPath) on \(target)") {
            clinux_mount(source, target, nil, UInt(MS_BIND | MS_REC), nil)
        }
        return target
    }

    private static let MS_BIND: UInt32 = 4096
    private static let MS_REC: UInt32 = 16384

    private static func open(_ root: borrowing FileDescriptor, _ subPath: String) throws(Errno) -> FileDescriptor {
        do {
            return try root.open(below: subPath, Int32(CLINUX_O_PATH), resolve: [.beneath, .noMagicLinks])
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        // As open as the volume itself: whoever may write there may write in a part of it.
        do { _ = try root.makeDirectories(below: subPath, mode: try root.status().permissions & 0o777) } catch {
            throw error.during("make subPath \(subPath)")
        }
        return try root.open(below: subPath, Int32(CLINUX_O_PATH), resolve: [.beneath, .noMagicLinks])
    }
}
