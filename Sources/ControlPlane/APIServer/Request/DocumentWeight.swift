// SPDX-License-Identifier: Apache-2.0

/// About how much memory a document takes once it has been read: a few bytes of it may be a value, which takes a hundred.
enum DocumentWeight {
    /// So few bytes count nothing: as many as are served at once take little.
    static let free = 16 * 1024
    /// What a value takes, with its place in what holds it.
    static let value = 64

    /// Counts what stands between values, so that text weighs no more than itself. Some hundred microseconds for the longest
    /// body, in any format.
    static func of(_ bytes: [UInt8]) -> Int {
        guard bytes.count > free else { return 0 }
        // In protobuf two bytes are a value, and nothing tells them from text.
        if bytes.starts(with: [0x6B, 0x38, 0x73, 0x00]) { return bytes.count / 2 * value }
        var marks = 0
        for byte in bytes {
            let isMark =
                byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") || byte == 0x0A
            marks &+= isMark ? 1 : 0
        }
        return bytes.count + marks * value
    }
}
