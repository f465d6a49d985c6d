// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Removal of whole trees whose names are bytes rather than text, as a layer may have them; by descriptors, so that no
/// step can be led elsewhere by a link put in its way.
enum DirectoryTree {
    /// Removes a file or a directory with all it holds; links are removed, never followed.
    static func remove(_ path: String) throws(Errno) {
        try remove(path.utf8CString.map { $0 }, at: AT_FDCWD)
    }

    /// Removes `name` (NUL-terminated) of the directory `at` with all it holds.
    static func remove(_ name: [CChar], at directory: Int32) throws(Errno) {
        if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM || errno == ENOTEMPTY else { throw Errno(errno, "unlink") }
        let number = try kernelCall("open") {
            clinux_openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        }
        // fdopendir(3) owns the number from here on; closedir(3) closes it.
        guard let stream = fdopendir(number) else {
            let code = errno
            close(number)
            throw Errno(code, "fdopendir")
        }
        defer { closedir(stream) }
        for entry in entries(of: stream) { try remove(entry, at: dirfd(stream)) }
        guard unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw Errno(errno, "rmdir") }
    }

    private static func entries(of directory: OpaquePointer) -> [[CChar]] {
        var result: [[CChar]] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            if name == [0x2E, 0] || name == [0x2E, 0x2E, 0] { continue }
            result.append(name)
        }
        return result
    }
}
