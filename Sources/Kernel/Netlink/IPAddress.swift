// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Text

/// An address family, with the kernel's number (`AF_INET`, `AF_INET6`; netfilter's NFPROTO_* are the same two).
public enum IPFamily: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case v4 = 2
    case v6 = 10

    /// Bytes in an address.
    public var length: Int { self == .v4 ? 4 : 16 }
    public static func < (a: IPFamily, b: IPFamily) -> Bool { a.rawValue < b.rawValue }
}

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address stays IPv6.
public struct IPAddress: Sendable, Hashable, Comparable {
    /// The address as a number: for IPv4 the low 32 bits of `low`.
    let high: UInt64
    let low: UInt64
    /// Last, so that what follows the address in a value of many is kept beside it.
    public let family: IPFamily

    init(family: IPFamily, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// An IPv4 address from its four parts.
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(
            family: .v4, high: 0, low: UInt64(a) << 24 | UInt64(b) << 16 | UInt64(c) << 8 | UInt64(d))
    }

    /// An address from its 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        func number(_ part: some Collection<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        switch bytes.count {
        case 4: self.init(family: .v4, high: 0, low: number(bytes))
        case 16: self.init(family: .v6, high: number(bytes.prefix(8)), low: number(bytes.dropFirst(8)))
        default: return nil
        }
    }

    /// The 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        func split(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
        }
        return family == .v4 ? split(low, 4) : split(high, 8) + split(low, 8)
    }

    public static func < (a: IPAddress, b: IPAddress) -> Bool {
        (a.family.rawValue, a.high, a.low) < (b.family.rawValue, b.high, b.low)
    }

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool { family == .v4 ? low >> 24 == 127 : high == 0 && low == 1 }
    /// 0.0.0.0 or ::.
    public var isUnspecified: Bool { high == 0 && low == 0 }
    /// 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool { family == .v4 ? low >> 16 == 0xa9fe : high >> 54 == 0x3fa }

    /// An IPv4 address written as an IPv6 one, ::ffff:0.0.0.0/96.
    public var isMapped: Bool { family == .v6 && high == 0 && low >> 32 == 0xffff }

    /// What makes the address none that a host has for others to reach it by, in words: "a loopback address"; nil when
    /// it may be one.
    public var specialty: String? {
        if isMapped { return "an IPv4 address written as an IPv6 one" }
        let socketAddress: SocketAddress =
            family == .v4 ? .ipv4(address: bytes, port: 0) : .ipv6(address: bytes, port: 0, scope: 0)
        switch socketAddress.reach {
        case .loopback: return "a loopback address"
        case .unspecified: return "an unspecified address"
        case .linkLocal: return "a link-local address"
        case .multicast: return "a multicast address"
        case .broadcast: return "a reserved address"
        // 240.0.0.0/4
        case .global, nil: return family == .v4 && low >> 28 == 0xf ? "a reserved address" : nil
        }
    }

    /// The address `distance` further on (wrapping inside the family's space).
    public func advanced(by distance: UInt64) -> IPAddress {
        guard family == .v6 else { return IPAddress(family: .v4, high: 0, low: (low &+ distance) & 0xffff_ffff) }
        let (sum, overflow) = low.addingReportingOverflow(distance)
        return IPAddress(family: .v6, high: overflow ? high &+ 1 : high, low: sum)
    }

    /// The address with only its first `length` bits kept.
    public func masked(to length: Int) -> IPAddress {
        let mask = IPAddress.mask(family, length)
        return IPAddress(family: family, high: high & mask.high, low: low & mask.low)
    }

    /// The netmask of `length` bits.
    public static func mask(_ family: IPFamily, _ length: Int) -> IPAddress {
        func ones(_ count: Int, of width: Int) -> UInt64 {
            count <= 0
                ? 0
                : count >= width ? ~0 >> UInt64(64 - width) : (~0 << UInt64(width - count)) & (~0 >> UInt64(64 - width))
        }
        return family == .v4
            ? IPAddress(family: .v4, high: 0, low: ones(length, of: 32))
            : IPAddress(family: .v6, high: ones(length, of: 64), low: ones(length - 64, of: 64))
    }
}

// MARK: - Text

extension IPAddress: CustomStringConvertible {
    /// Parses dotted IPv4 (no leading zeros, as Kubernetes' validation demands) or RFC 4291 IPv6.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bytes = IPAddress.parseV6(text) else { return nil }
            self.init(bytes: bytes)
        } else {
            guard let bytes = IPAddress.parseV4(text) else { return nil }
            self.init(bytes: bytes)
        }
    }

    private static func parseV4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var value = 0
            for digit in part {
                guard (48...57).contains(digit) else { return nil }
                value = value * 10 + Int(digit - 48)
            }
            guard value <= 255 else { return nil }
            bytes.append(UInt8(value))
        }
        return bytes
    }

    private static func parseV6(_ text: some StringProtocol) -> [UInt8]? {
        let string = String(text)
        var halves: [String] = [string]
        if let gap = string.firstRange(of: "::") {
            halves = [String(string[..<gap.lowerBound]), String(string[gap.upperBound...])]
            if halves[1].firstRange(of: "::") != nil { return nil }
        }
        var words: [[UInt8]] = []
        for (index, half) in halves.enumerated() {
            var bytes: [UInt8] = []
            if !half.isEmpty {
                let parts = half.split(separator: ":", omittingEmptySubsequences: false)
                for (position, part) in parts.enumerated() {
                    if part.utf8.contains(UInt8(ascii: ".")) {
                        guard index == halves.count - 1, position == parts.count - 1, let tail = parseV4(part) else {
                            return nil
                        }
                        bytes += tail
                    } else {
                        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit),
                            let word = UInt16(part, radix: 16)
                        else { return nil }
                        bytes += [UInt8(word >> 8), UInt8(word & 0xff)]
                    }
                }
            }
            words.append(bytes)
        }
        if words.count == 1 { return words[0].count == 16 ? words[0] : nil }
        let missing = 16 - words[0].count - words[1].count
        guard missing >= 2 else { return nil }
        return words[0] + [UInt8](repeating: 0, count: missing) + words[1]
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 0x20)
    }

    /// Dotted decimal, or the shortest RFC 5952 form.
    public var description: String {
        let bytes = bytes
        if family == .v4 { return bytes.map(String.init).joined(separator: ".") }
        if high == 0, low >> 32 == 0xffff {
            return "::ffff:" + bytes[12...].map(String.init).joined(separator: ".")
        }
        let words = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The longest run of two or more zero words becomes "::", the first of equals.
        var best = 0..<0
        var start = 0
        while start < 8 {
            guard words[start] == 0 else { start += 1; continue }
            var end = start
            while end < 8, words[end] == 0 { end += 1 }
            if end - start >= 2, end - start > best.count { best = start..<end }
            start = end
        }
        func join(_ range: Range<Int>) -> String {
            words[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? join(0..<8) : join(0..<best.lowerBound) + "::" + join(best.upperBound..<8)
    }
}

/// An address block in CIDR form; host bits are kept in `address` (as an interface address has them).
public struct IPPrefix: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var address: IPAddress
    public var length: Int

    public init(_ address: IPAddress, _ length: Int) {
        precondition((0...address.family.length * 8).contains(length), "prefix length \(length) out of range")
        self.address = address
        self.length = length
    }

    /// The block of a length that somebody else says; nil when the length does not fit the family.
    init?(_ address: IPAddress, said length: UInt8) {
        guard Int(length) <= address.family.length * 8 else { return nil }
        self.init(address, Int(length))
    }

    /// Parses `10.42.0.0/16`; nil when there is no length or it does not fit the family.
    public init?(_ text: some StringProtocol) {
        let parts = text.steps(keepingEmpty: true)
        guard parts.count == 2, let address = IPAddress(parts[0]), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            let length = Int(parts[1]), length <= address.family.length * 8
        else { return nil }
        self.init(address, length)
    }

    /// The prefix of exactly one address.
    public init(host address: IPAddress) { self.init(address, address.family.length * 8) }

    public var family: IPFamily { address.family }
    /// The first address of the block: host bits cleared.
    public var network: IPAddress { address.masked(to: length) }
    /// The block with its host bits cleared.
    public var canonical: IPPrefix { IPPrefix(network, length) }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && other.masked(to: length) == network
    }

    public static func < (a: IPPrefix, b: IPPrefix) -> Bool { (a.address, a.length) < (b.address, b.length) }
    public var description: String { "\(address)/\(length)" }
}
