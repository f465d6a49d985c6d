// SPDX-License-Identifier: Apache-2.0

internal import Schema
internal import Text

/// Texts of IP addresses and ranges, as far as validation has to look at them.
enum Addresses {
    /// The bytes of an address: 4 or 16; nil when the text is none. Leading zeros in IPv4 are tolerated, as upstream's
    /// older fields do.
    static func parse(_ text: String) -> [UInt8]? {
        text.utf8.contains(UInt8(ascii: ":")) ? parse6(text) : parse4(text)
    }

    static func parse4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.allSatisfy(Names.isDigit), part.count <= 8,
                let number = part.reduce(0, { $0 * 10 + Int($1 - 48) }) as Int?, number < 256
            else { return nil }
            bytes.append(UInt8(number))
        }
        return bytes
    }

    static func parse6(_ text: String) -> [UInt8]? {
        guard !text.contains("%") else { return nil }
        var head: [UInt8] = []
        var tail: [UInt8] = []
        let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count <= 2, append(halves[0], to: &head) else { return nil }
        if halves.count == 1 { return head.count == 16 ? head : nil }
        guard append(halves[1], to: &tail), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func append(_ part: Substring, to bytes: inout [UInt8]) -> Bool {
        if part.isEmpty { return true }
        let groups = part.split(separator: ":", omittingEmptySubsequences: false)
        for (index, group) in groups.enumerated() {
            if group.contains("."), index == groups.count - 1, let four = parse4(group) {
                bytes += four
                continue
            }
            guard (1...4).contains(group.utf8.count), let value = UInt16(group, radix: 16), group.first != "+" else {
                return false
            }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return true
    }

    /// Whether the text is an address as RFC 5952 writes it.
    static func isCanonical(_ text: String) -> Bool { parse(text).map { Self.text(of: $0) == text } ?? false }

    /// An address in the one form of RFC 5952, of four or sixteen bytes.
    static func text(of bytes: [UInt8]) -> String {
        guard bytes.count == 16 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            // One group alone is not shortened; of runs as long as another the first is.
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = end + 1
        }
        func hexadecimal(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return hexadecimal(0..<8) }
        return hexadecimal(0..<longest.lowerBound) + "::" + hexadecimal(longest.upperBound..<8)
    }

    /// The address bytes and prefix length of `10.0.0.0/8`.
    static func parseRange(_ text: String) -> (bytes: [UInt8], length: Int)? {
        let parts = text.steps(keepingEmpty: true)
        guard parts.count == 2, let bytes = parse(String(parts[0])), parts[1].utf8.allSatisfy(Names.isDigit),
            let length = Int(parts[1]), (0...bytes.count * 8).contains(length)
        else { return nil }
        return (bytes, length)
    }

    /// Whether the IPv4 part of an address has a number with a zero before it, which some read as octal.
    static func hasLeadingZeros(_ text: String) -> Bool {
        let four = text.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        return four.contains(".") && four.split(separator: ".").contains { $0.utf8.count > 1 && $0.first == "0" }
    }

    /// Whether the bytes are an IPv4 address written as an IPv6 one (`::ffff:10.0.0.1`), which some take for the former.
    static func isMapped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    }

    /// What an address of something reached over the network may not be, however it is written.
    static func specialty(of bytes: [UInt8], _ text: String) -> String? {
        let bytes = isMapped(bytes) ? Array(bytes[12...]) : bytes
        let isFour = bytes.count == 4
        if bytes.allSatisfy({ $0 == 0 }) { return "may not be unspecified (\(text))" }
        if isFour ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1] {
            return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        }
        if isFour ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 {
            return "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        }
        if isFour ? bytes[..<3] == [224, 0, 0] : bytes[0] == 0xff && bytes[1] & 0x0f == 2 {
            return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        }
        return nil
    }

    /// Whether every address of `inner` is one of `outer`, and `outer` has more.
    static func isStrictSubset(
        _ inner: (bytes: [UInt8], length: Int), of outer: (bytes: [UInt8], length: Int)
    ) -> Bool {
        guard inner.bytes.count == outer.bytes.count, inner.length > outer.length else { return false }
        return (0..<outer.length).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return inner.bytes[bit / 8] & mask == outer.bytes[bit / 8] & mask
        }
    }
}

extension Validator {
    mutating func address(_ text: String, _ path: FieldPath) {
        if Addresses.parse(text) == nil {
            add(.invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"))
        }
    }

    /// An address in one reading only. What the object had before stays good.
    /// - Returns: Whether it is one.
    @discardableResult
    mutating func strictAddress(_ text: String, _ path: FieldPath, known: Set<String> = []) -> Bool {
        if known.contains(text) { return true }
        let before = errors.count
        address(text, path)
        if let bytes = Addresses.parse(text) {
            if Addresses.hasLeadingZeros(text) {
                add(.invalid(path, text, "must not have leading 0s"))
            } else if Addresses.isMapped(bytes) {
                add(.invalid(path, text, "must not be an IPv4-mapped IPv6 address"))
            }
        }
        return errors.count == before
    }

    /// A range in one reading only. What the object had before stays good.
    mutating func strictRange(_ text: String, _ path: FieldPath, known: Set<String>) {
        if known.contains(text) { return }
        addressRange(text, path)
        guard let range = Addresses.parseRange(text), let slash = text.firstSlash else { return }
        let length = text[text.index(after: slash)...]
        if Addresses.hasLeadingZeros(String(text[..<slash])) || length.utf8.count > 1 && length.first == "0" {
            add(.invalid(path, text, "must not have leading 0s in IP or prefix length"))
        } else if Addresses.isMapped(range.bytes) {
            add(.invalid(path, text, "must not have an IPv4-mapped IPv6 address"))
        } else if (range.length..<range.bytes.count * 8).contains(where: {
            range.bytes[$0 / 8] & 0x80 >> UInt8($0 % 8) != 0
        }) {
            add(.invalid(path, text, "must not have bits set beyond the prefix length"))
        }
    }

    mutating func addressRange(_ text: String, _ path: FieldPath) {
        if Addresses.parseRange(text) == nil {
            add(.invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"))
        }
    }
}
