// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of RFC 3986 §2.1.
public enum PercentEncoding {
    /// The string with every `%xy` resolved; nil when an escape is broken or the result is not UTF-8.
    public static func decode(_ text: String) -> String? {
        guard text.utf8.contains(0x25) else { return text }
        return decode(bytes: text.utf8, plusIsSpace: false)
    }

    /// The string with everything but unreserved characters, and those of `allowed`, escaped.
    public static func encode(_ text: String, allowed: String = "") -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if byte.isUnreserved || allowed.utf8.contains(byte) {
                result.append(byte)
            } else {
                result += [0x25, upperDigits[Int(byte >> 4)], upperDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// One segment of a path, encoded so that it stays one.
    public static func encodeSegment(_ text: String) -> String { encode(text, allowed: ":@!$&'()*+,;=") }

    static func decode(bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            if byte == 0x25 {
                guard let high = rest.next()?.hexadecimalValue, let low = rest.next()?.hexadecimalValue else {
                    return nil
                }
                result.append(high << 4 | low)
            } else {
                result.append(plusIsSpace && byte == 0x2b ? 0x20 : byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }
}

private let upperDigits = Array("0123456789ABCDEF".utf8)

extension UInt8 {
    /// Unreserved in the sense of RFC 3986 §2.3.
    fileprivate var isUnreserved: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
        default: false
        }
    }
}

/// The query part of a target, in the form encoding: `a=1&b=two+words`.
public enum QueryString {
    /// The items in order. A name without `=` has an empty value. An item that holds a semicolon, or whose escapes are
    /// broken, is left out, as Go's net/url leaves it: what one server reads as a parameter no other may overlook.
    public static func parse(_ text: String) -> [(name: String, value: String)] {
        text.utf8.split(separator: 0x26).compactMap { item in
            if item.contains(0x3b) { return nil }
            let mark = item.firstIndex(of: 0x3d)
            guard let name = decoded(item[..<(mark ?? item.endIndex)]) else { return nil }
            guard let mark else { return (name, "") }
            return decoded(item[item.index(after: mark)...]).map { (name, $0) }
        }
    }

    /// The items joined and encoded; empty for none.
    public static func encode(_ items: [(name: String, value: String)]) -> String {
        items.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }.joined(separator: "&")
    }

    private static func decoded(_ part: Substring.UTF8View) -> String? {
        guard part.contains(where: { $0 == 0x25 || $0 == 0x2b }) else { return String(Substring(part)) }
        return PercentEncoding.decode(bytes: part, plusIsSpace: true)
    }
}
