// SPDX-License-Identifier: Apache-2.0

/// How far a packet to an internet address goes. Only what is `global` may lead away from the machine that sends it.
public enum AddressReach: String, Sendable {
    /// No address: the kernel connects to the machine itself instead.
    case unspecified
    case loopback
    /// This link alone; also where clouds tell a machine its secrets (169.254.169.254), at addresses of any range.
    case linkLocal
    case multicast
    case broadcast
    /// One host anywhere, private ranges included.
    case global
}

extension SocketAddress {
    /// How far the address reaches; nil for a unix socket. An IPv6 address that stands for an IPv4 one (mapped,
    /// compatible, translated, NAT64, 6to4, Teredo, ISATAP) reaches no further than that.
    public var reach: AddressReach? {
        switch self {
        case .unix: return nil
        case .ipv4(let bytes, _): return Self.reach(four: bytes)
        case .ipv6(let bytes, _, _):
            let own = Self.reach(six: bytes)
            guard own == .global else { return own }
            return Self.embedded(in: bytes).map(Self.reach(four:)).first { $0 != .global } ?? .global
        }
    }

    /// Whether clouds tell a machine its secrets there, to whoever asks from it.
    public var tellsMachineSecrets: Bool {
        switch self {
        case .unix: return false
        case .ipv4(let bytes, _): return Self.secrets.contains(bytes)
        case .ipv6(let bytes, _, _):
            return Self.secretsOverIPv6.contains(bytes)
                || Self.embedded(in: bytes).contains { Self.secrets.contains($0) }
        }
    }

    /// Most clouds, ECS' tasks and EKS' pods; Alibaba; Oracle; Azure's agent.
    private static let secrets: Set<[UInt8]> = [
        [169, 254, 169, 254], [169, 254, 170, 2], [169, 254, 170, 23], [100, 100, 100, 200], [192, 0, 0, 192],
        [168, 63, 129, 16],
    ]

    /// fd00:ec2::254 and fd00:ec2::23 (Amazon), fd20:ce::254 (Google).
    private static let secretsOverIPv6: Set<[UInt8]> = [
        [0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
        [0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23],
        [0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]

    private static func reach(four bytes: [UInt8]) -> AddressReach {
        switch (bytes[0], bytes[1]) {
        case (0, _): .unspecified
        case (127, _): .loopback
        case (169, 254): .linkLocal
        case (224...239, _): .multicast
        case (255, _) where bytes.allSatisfy { $0 == 255 }: .broadcast
        default: cloudFour.contains(bytes) ? .linkLocal : .global
        }
    }

    /// What clouds answer a machine at that looks like anybody's address: Azure's WireServer, Alibaba's metadata.
    private static let cloudFour: [[UInt8]] = [[168, 63, 129, 16], [100, 100, 100, 200]]

    /// The same in IPv6: all of AWS' services for its instances (fd00:ec2::/32), Google's fd20:ce::254 and Oracle's
    /// fd00:c1::a9fe:a9fe.
    private static func isCloud(six bytes: [UInt8]) -> Bool {
        if bytes.starts(with: [0xfd, 0x00, 0x0e, 0xc2]) { return true }
        if bytes.starts(with: [0xfd, 0x20, 0x00, 0xce]) { return bytes[4...].elementsEqual(cloudEnd(0x02, 0x54)) }
        return bytes.starts(with: [0xfd, 0x00, 0x00, 0xc1])
            && bytes[4...].elementsEqual(cloudEnd(0xa9, 0xfe, 0xa9, 0xfe))
    }

    /// Twelve bytes that end so.
    private static func cloudEnd(_ bytes: UInt8...) -> [UInt8] {
        [UInt8](repeating: 0, count: 12 - bytes.count) + bytes
    }

    private static func reach(six bytes: [UInt8]) -> AddressReach {
        if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] <= 1 { return bytes[15] == 0 ? .unspecified : .loopback }
        if bytes[0] == 0xff { return .multicast }
        return bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 || isCloud(six: bytes) ? .linkLocal : .global
    }

    /// The IPv4 addresses that an IPv6 address may stand for.
    private static func embedded(in bytes: [UInt8]) -> [[UInt8]] {
        func starts(_ prefix: UInt8...) -> Bool { bytes.starts(with: prefix) }
        let last = Array(bytes[12...])
        let zeros = bytes.prefix { $0 == 0 }.count
        // ::a.b.c.d (RFC 4291), ::ffff:a.b.c.d, ::ffff:0:a.b.c.d (RFC 2765)
        if zeros >= 12 || (zeros == 10 && bytes[10] == 0xff && bytes[11] == 0xff)
            || (zeros == 8 && bytes[8...11].elementsEqual([0xff, 0xff, 0, 0]))
        {
            return [last]
        }
        // 64:ff9b::/96 (RFC 6052), 64:ff9b:1::/48 (RFC 8215) in its two usual layouts
        if starts(0, 0x64, 0xff, 0x9b) {
            let middle = [bytes[6], bytes[7], bytes[9], bytes[10]]
            if middle == [0, 0, 0, 0] { return [last] }
            return last == [0, 0, 0, 0] ? [middle] : [middle, last]
        }
        // 6to4 (RFC 3056)
        if starts(0x20, 0x02) { return [Array(bytes[2..<6])] }
        // Teredo (RFC 4380): the server, and the client with its bits turned round
        if starts(0x20, 0x01, 0, 0) { return [Array(bytes[4..<8]), last.map { ~$0 }] }
        // ISATAP (RFC 5214)
        if bytes[8] & 0xfd == 0, bytes[9...11].elementsEqual([0, 0x5e, 0xfe]) { return [last] }
        return []
    }
}
