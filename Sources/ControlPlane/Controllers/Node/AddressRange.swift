// SPDX-License-Identifier: Apache-2.0

internal import Text

/// An address block in CIDR notation, of either family.
struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// The first address, as a number of `width` bits.
    var base: UInt128
    var prefix: Int
    /// 32 or 128.
    var width: Int

    /// Nil unless the text is `address/prefix`; bits beyond the prefix are cleared.
    init?(_ text: String) {
        let parts = text.steps(keepingEmpty: true)
        guard parts.count == 2, let prefix = Int(parts[1]) else { return nil }
        guard let (value, width) = AddressRange.parse(String(parts[0])), (0...width).contains(prefix) else {
            return nil
        }
        self.init(base: value, prefix: prefix, width: width)
    }

    init(base: UInt128, prefix: Int, width: Int) {
        let host = width - prefix
        self.base = host >= 128 ? 0 : (base >> UInt128(host)) << UInt128(host)
        self.prefix = prefix
        self.width = width
    }

    /// How many blocks of a longer prefix fit; at most 2^16, upstream's limit.
    func count(of longer: Int) -> Int { 1 << min(max(longer - prefix, 0), 16) }

    func block(_ index: Int, prefix longer: Int) -> AddressRange {
        AddressRange(base: base + (UInt128(index) << UInt128(width - longer)), prefix: longer, width: width)
    }

    /// Whether all of another range is in this one.
    func contains(_ other: AddressRange) -> Bool {
        other.width == width && other.prefix >= prefix && other.masked(to: prefix) == base
    }

    private func masked(to prefix: Int) -> UInt128 { AddressRange(base: base, prefix: prefix, width: width).base }

    /// Which of this range's blocks of a longer prefix another range has addresses of; none for one that is outside, or
    /// that is more than this range.
    func indices(of longer: Int, in other: AddressRange) -> Range<Int> {
        guard contains(other), other.prefix > prefix || longer == prefix else { return 0..<0 }
        let bits = UInt128(width - longer)
        let count = UInt128(count(of: longer))
        let first = longer == 0 ? 0 : (other.base - base) >> bits
        let size = other.prefix >= longer ? 1 : UInt128(1) << UInt128(longer - other.prefix)
        guard first < count else { return 0..<0 }
        return Int(first)..<Int(min(first + size, count))
    }

    var description: String { "\(AddressRange.text(base, width))/\(prefix)" }

    static func parse(_ text: String) -> (UInt128, Int)? {
        if text.contains(":") { return parseV6(text).map { ($0, 128) } }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt128 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            value = value << 8 | UInt128(byte)
        }
        return (value, 32)
    }

    private static func parseV6(_ text: String) -> UInt128? {
        guard let gap = text.range(of: "::") else {
            let groups = groups(text)
            return groups?.count == 8 ? groups.map(join) : nil
        }
        guard let head = groups(String(text[..<gap.lowerBound])), let tail = groups(String(text[gap.upperBound...])),
            head.count + tail.count < 8
        else { return nil }
        return join(head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func groups(_ text: String) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard let group = UInt16(part, radix: 16) else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func join(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }

    static func text(_ value: UInt128, _ width: Int) -> String {
        if width == 32 {
            return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: value >> UInt128($0))) }.joined(separator: ".")
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end + 1
        }
        func hex(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? hex(0..<8) : "\(hex(0..<best.lowerBound))::\(hex(best.upperBound..<8))"
    }
}

extension String {
    /// The first place `text` stands at.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
