// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Extended attributes of xattr(7), of the object itself: a link is never followed.
public enum ExtendedAttributes {
    /// The value of `name`, or nil when the object has none of that name.
    public static func get(_ path: String, _ name: String) throws(Errno) -> [UInt8]? {
        do throws(Errno) {
            while true {
                let size = try systemCall("lgetxattr \(name) of \(path)") { unsafe lgetxattr(path, name, nil, 0) }
                if size == 0 { return [] }
                var value = [UInt8](repeating: 0, count: size)
                do {
                    let count = try systemCall("lgetxattr \(name) of \(path)") {
                        unsafe lgetxattr(path, name, &value, size)
                    }
                    return Array(value[..<count])
                } catch {
                    if error.code != ERANGE { throw error }  // grown meanwhile
                }
            }
        } catch {
            if error.code == ENODATA { return nil }
            throw error
        }
    }

    public static func set(_ path: String, _ name: String, _ value: [UInt8]) throws(Errno) {
        try systemCall("lsetxattr \(name) of \(path)") { unsafe lsetxattr(path, name, value, value.count, 0) }
    }

    public static func remove(_ path: String, _ name: String) throws(Errno) {
        try systemCall("lremovexattr \(name) of \(path)") { unsafe lremovexattr(path, name) }
    }

    /// The names the object has.
    public static func list(_ path: String) throws(Errno) -> [String] {
        let size = try systemCall("llistxattr \(path)") { unsafe llistxattr(path, nil, 0) }
        if size == 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = try systemCall("llistxattr \(path)") {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe llistxattr(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }
        return bytes[..<count].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
