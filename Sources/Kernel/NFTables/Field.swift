// SPDX-License-Identifier: Apache-2.0

public import Netlink

/// The type of one field of a set's key or data, as nft(8) names it.
public enum FieldType: Sendable, Hashable {
    case address(IPFamily)
    case protocolNumber
    case port
    case mark
    case interfaceName
    case hardwareAddress
    case etherType

    /// Bytes of a value.
    public var length: Int {
        switch self {
        case .address(let family): family.length
        case .protocolNumber: 1
        case .port: 2
        case .mark: 4
        case .interfaceName: 16
        case .hardwareAddress: 6
        case .etherType: 2
        }
    }

    /// The number nft(8) gives the type; the kernel only stores it, for listings.
    var number: UInt32 {
        switch self {
        case .address(.v4): 7
        case .address(.v6): 8
        case .protocolNumber: 12
        case .port: 13
        case .mark: 19
        case .interfaceName: 41
        case .hardwareAddress: 9
        case .etherType: 10
        }
    }

    var name: String {
        switch self {
        case .address(.v4): "ipv4_addr"
        case .address(.v6): "ipv6_addr"
        case .protocolNumber: "inet_proto"
        case .port: "inet_service"
        case .mark: "mark"
        case .interfaceName: "ifname"
        case .hardwareAddress: "ether_addr"
        case .etherType: "ether_type"
        }
    }
}

extension [FieldType] {
    /// Bytes of a key of these fields: each of several fields fills whole 32-bit registers.
    var encodedLength: Int { count == 1 ? self[0].length : reduce(0) { $0 + ($1.length + 3) & ~3 } }
    /// The number of a concatenation: six bits a field.
    var number: UInt32 { reduce(0) { $0 << 6 | $1.number } }
    var text: String { map(\.name).joined(separator: " . ") }
}

/// One field's value.
public enum FieldValue: Sendable, Hashable {
    case address(IPAddress)
    case protocolNumber(UInt8)
    case port(UInt16)
    case mark(UInt32)
    case interfaceName(String)
    /// Six bytes.
    case hardwareAddress([UInt8])
    case etherType(UInt16)

    public var type: FieldType {
        switch self {
        case .address(let address): .address(address.family)
        case .protocolNumber: .protocolNumber
        case .port: .port
        case .mark: .mark
        case .interfaceName: .interfaceName
        case .hardwareAddress: .hardwareAddress
        case .etherType: .etherType
        }
    }

    /// The value as a register holds it: network order, except marks, which are the host's.
    var bytes: [UInt8] {
        switch self {
        case .address(let address): address.bytes
        case .protocolNumber(let number): [number]
        case .port(let number), .etherType(let number): [UInt8(number >> 8), UInt8(number & 0xff)]
        case .mark(let mark): hostBytes(mark)
        case .interfaceName(let name):
            Array(name.utf8.prefix(15)) + [UInt8](repeating: 0, count: 16 - min(15, name.utf8.count))
        case .hardwareAddress(let bytes): bytes
        }
    }

    var text: String {
        switch self {
        case .address(let address): address.description
        case .protocolNumber(let number): protocolName(number)
        case .port(let port): String(port)
        case .mark(let mark): hexadecimal(mark)
        case .interfaceName(let name): "\"\(name)\""
        case .hardwareAddress(let bytes): hardwareText(bytes)
        case .etherType(let number): etherTypeName(number)
        }
    }

    /// Reads a value of `type` back; nil when the bytes do not fit it.
    init?(_ bytes: ArraySlice<UInt8>, _ type: FieldType) {
        guard bytes.count >= type.length else { return nil }
        let bytes = bytes.prefix(type.length)
        switch type {
        case .address:
            guard let address = IPAddress(bytes: bytes) else { return nil }
            self = .address(address)
        case .protocolNumber: self = .protocolNumber(bytes[bytes.startIndex])
        case .port: self = .port(UInt16(bigEndian: bytes.integer(at: 0)))
        case .mark: self = .mark(bytes.integer(at: 0))
        case .interfaceName: self = .interfaceName(bytes.terminatedString)
        case .hardwareAddress: self = .hardwareAddress(Array(bytes))
        case .etherType: self = .etherType(UInt16(bigEndian: bytes.integer(at: 0)))
        }
    }
}

extension [FieldValue] {
    var types: [FieldType] { map(\.type) }

    /// The key as the kernel compares it.
    var encoded: [UInt8] {
        if count == 1 { return self[0].bytes }
        var result: [UInt8] = []
        for value in self {
            result += value.bytes
            while result.count % 4 != 0 { result.append(0) }
        }
        return result
    }

    var text: String { map(\.text).joined(separator: " . ") }

    /// Cuts an encoded key into the values of `types`.
    init?(_ bytes: ArraySlice<UInt8>, _ types: [FieldType]) {
        self = []
        var rest = bytes
        for type in types {
            guard let value = FieldValue(rest, type) else { return nil }
            append(value)
            rest = rest.dropFirst((type.length + 3) & ~3)
        }
    }
}

func hostBytes(_ value: UInt32) -> [UInt8] {
    let little = value.littleEndian
    return (0..<4).map { UInt8(truncatingIfNeeded: little >> UInt32(8 * $0)) }
}

func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}

/// `0a:58:0a:2a:00:02`; of fewer bytes the rest is zeros, as nft(8) wants it beside a mask.
func hardwareText(_ bytes: [UInt8]) -> String {
    (0..<6).map { index in
        let digits = String(index < bytes.count ? bytes[index] : 0, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: ":")
}

func etherTypeName(_ number: UInt16) -> String {
    switch number {
    case 0x0800: "ip"
    case 0x0806: "arp"
    case 0x86dd: "ip6"
    default: "0x" + String(number, radix: 16)
    }
}

func protocolName(_ number: UInt8) -> String {
    switch number {
    case 1: "icmp"
    case 6: "tcp"
    case 17: "udp"
    case 58: "ipv6-icmp"
    case 132: "sctp"
    default: String(number)
    }
}
