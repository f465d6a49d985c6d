// SPDX-License-Identifier: Apache-2.0

/// RFC 4648 base64 with padding, as JSON carries bytes.
public enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for index in 0..<64 { table[Int(alphabet.utf8Start[index])] = UInt8(index) }
        return table
    }()

    public static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { buffer in
            var at = 0
            var position = 0
            while position < bytes.count {
                let left = bytes.count - position
                let first = UInt32(bytes[position]) << 16
                let second = left > 1 ? UInt32(bytes[position + 1]) << 8 : 0
                let word = first | second | (left > 2 ? UInt32(bytes[position + 2]) : 0)
                buffer[at] = alphabet.utf8Start[Int(word >> 18)]
                buffer[at + 1] = alphabet.utf8Start[Int(word >> 12 & 63)]
                buffer[at + 2] = left > 1 ? alphabet.utf8Start[Int(word >> 6 & 63)] : 0x3D
                buffer[at + 3] = left > 2 ? alphabet.utf8Start[Int(word & 63)] : 0x3D
                at += 4
                position += 3
            }
            return at
        }
    }

    /// Nil when the text is not padded base64. Line ends are skipped, as Go's decoder does.
    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count / 4 * 3)
            var word: UInt32 = 0
            var count = 0
            var padding = 0
            for byte in bytes {
                if byte == 0x0A || byte == 0x0D { continue }
                if byte == 0x3D {
                    padding += 1
                    continue
                }
                let value = values[Int(byte)]
                guard value != 0xFF, padding == 0 else { return nil }
                word = word << 6 | UInt32(value)
                count += 1
                if count == 4 {
                    result.append(UInt8(truncatingIfNeeded: word >> 16))
                    result.append(UInt8(truncatingIfNeeded: word >> 8))
                    result.append(UInt8(truncatingIfNeeded: word))
                    count = 0
                    word = 0
                }
            }
            switch (count, padding) {
            case (0, 0): break
            case (2, 2): result.append(UInt8(truncatingIfNeeded: word >> 4))
            case (3, 1):
                result.append(UInt8(truncatingIfNeeded: word >> 10))
                result.append(UInt8(truncatingIfNeeded: word >> 2))
            default: return nil
            }
            return result
        }
    }
}
