// SPDX-License-Identifier: Apache-2.0

/// Base 64 (RFC 4648 §4) and its URL-safe form (§5).
public enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardValues = values(standard)
    private static let urlValues = values(urlSafe)

    /// With padding.
    public static func encode(_ bytes: some Collection<UInt8>) -> String { encode(bytes, standard, padded: true) }

    /// URL-safe, without padding.
    public static func encodeURL(_ bytes: some Collection<UInt8>) -> String { encode(bytes, urlSafe, padded: false) }

    /// The bytes of a padded text; line ends are skipped, as Go's decoder does. Nil when it is not base 64.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 where byte != 0x0a && byte != 0x0d { bytes.append(byte) }
        guard bytes.count % 4 == 0 else { return nil }
        var count = bytes.count
        while count > 0, bytes.count - count < 2, bytes[count - 1] == 0x3d { count -= 1 }
        return decode(bytes[..<count], standardValues)
    }

    /// The bytes of a URL-safe text without padding.
    public static func decodeURL(_ text: some StringProtocol) -> [UInt8]? { decode(Array(text.utf8)[...], urlValues) }

    private static func values(_ alphabet: [UInt8]) -> [UInt8] {
        var table = [UInt8](repeating: 0xff, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }

    private static func encode(_ bytes: some Collection<UInt8>, _ alphabet: [UInt8], padded: Bool) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes.makeIterator()
        while let first = rest.next() {
            let second = rest.next()
            let third = second == nil ? nil : rest.next()
            let bits = UInt32(first) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
            result.append(alphabet[Int(bits >> 18)])
            result.append(alphabet[Int(bits >> 12 & 63)])
            if second != nil { result.append(alphabet[Int(bits >> 6 & 63)]) } else if padded { result.append(0x3d) }
            if third != nil { result.append(alphabet[Int(bits & 63)]) } else if padded { result.append(0x3d) }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func decode(_ text: ArraySlice<UInt8>, _ values: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var have = 0
        for character in text {
            let value = values[Int(character)]
            if value == 0xff { return nil }
            bits = bits << 6 | UInt32(value)
            have += 6
            if have >= 8 {
                have -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(have)))
            }
        }
        // Bits left over that are not zero would let one value have several texts.
        guard bits & ((1 << UInt32(have)) - 1) == 0 else { return nil }
        return result
    }
}

/// Hexadecimal text.
public enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    /// In lower case.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The bytes, or nil when `text` is not hexadecimal in pairs. Either case is taken.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let high = rest.next(), let low = rest.next() {
            guard let high = value(high), let low = value(low) else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
