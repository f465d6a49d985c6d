// SPDX-License-Identifier: Apache-2.0

import Testing

/// One entry of a tar made by hand (ustar), as hostile as a test wants it.
struct TarEntry: Sendable, CustomTestStringConvertible {
    var name: String
    var type: UInt8
    var mode = 0o644
    var linkTarget = ""
    var content: [UInt8] = []
    var user = 0
    var group = 0
    var modified = 1_700_000_000

    var testDescription: String { name }

    static func file(_ name: String, _ content: String, mode: Int = 0o644) -> TarEntry {
        TarEntry(name: name, type: UInt8(ascii: "0"), mode: mode, content: Array(content.utf8))
    }

    static func directory(_ name: String, mode: Int = 0o755) -> TarEntry {
        TarEntry(name: name, type: UInt8(ascii: "5"), mode: mode)
    }

    static func link(_ name: String, to target: String) -> TarEntry {
        TarEntry(name: name, type: UInt8(ascii: "2"), linkTarget: target)
    }

    static func hardLink(_ name: String, to target: String) -> TarEntry {
        TarEntry(name: name, type: UInt8(ascii: "1"), linkTarget: target)
    }

    static func node(_ name: String, type: UInt8) -> TarEntry { TarEntry(name: name, type: type) }

    private var encoded: [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        /// In octal digits, or in base 256 where those do not do (GNU tar).
        func number(_ value: Int, _ width: Int, at offset: Int) {
            if value >= 0, String(value, radix: 8).utf8.count <= width { return put(octal(value, width), at: offset) }
            var rest = value
            for place in stride(from: offset + width, through: offset, by: -1) {
                header[place] = UInt8(truncatingIfNeeded: rest)
                rest >>= 8
            }
            header[offset] |= 0x80
        }
        put(name, at: 0)
        put(octal(mode, 7), at: 100)
        number(user, 7, at: 108)
        number(group, 7, at: 116)
        put(octal(content.count, 11), at: 124)
        number(modified, 11, at: 136)
        put("        ", at: 148)
        header[156] = type
        put(linkTarget, at: 157)
        put("ustar\0" + "00", at: 257)
        put(octal(0, 7), at: 329)
        put(octal(0, 7), at: 337)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, 6) + "\0 ", at: 148)
        let padding = (512 - content.count % 512) % 512
        return header + content + [UInt8](repeating: 0, count: padding)
    }

    static func archive(_ entries: [TarEntry]) -> [UInt8] {
        entries.flatMap(\.encoded) + [UInt8](repeating: 0, count: 1024)
    }
}
