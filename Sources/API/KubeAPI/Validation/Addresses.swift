// SPDX-License-Identifier: Apache-2.0

internal import Schema

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
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bytes = parse(String(parts[0])), let length = Int(parts[1]),
            (0...bytes.count * 8).contains(length)
        else { return nil }
        return (bytes, length)
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

    mutating func addressRange(_ text: String, _ path: FieldPath) {
        if Addresses.parseRange(text) == nil {
            add(.invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"))
        }
    }
}
