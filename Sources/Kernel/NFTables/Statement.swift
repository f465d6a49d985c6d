// SPDX-License-Identifier: Apache-2.0

public import Netlink

/// What a rule can read of a packet.
public enum Selector: Sendable, Hashable {
    case sourceAddress(IPFamily)
    case destinationAddress(IPFamily)
    /// The transport protocol, behind any IPv6 extension headers.
    case protocolNumber
    case sourcePort
    case destinationPort
    case mark
    case inputInterface
    case outputInterface
    /// The conntrack state bits.
    case connectionState
    /// The conntrack status bits.
    case connectionStatus
    /// The type of the destination by the routing table: local, unicast, broadcast…
    case destinationType
    /// The type of the source by the routing table.
    case sourceType
    /// A fresh random number in `offset ..< offset + modulus`.
    case random(modulus: UInt32, offset: UInt32)
    /// The type byte of an ICMP message.
    case icmpType
    /// The group number of the interface the packet came in by (`ip link … group`).
    case inputInterfaceGroup
    /// The sender's hardware address in the frame's header.
    case sourceHardware
    case destinationHardware
    /// What the frame says it holds; of a frame with a VLAN tag, the tag's type.
    case etherType
    /// The sender's hardware address inside an ARP packet of IPv4 over Ethernet.
    case arpSourceHardware
    /// The sender's IPv4 address inside an ARP packet.
    case arpSourceAddress
    /// What follows the IPv6 header at once, an extension header or the transport's.
    case nextHeader
    /// The address a neighbour solicitation or advertisement is about.
    case neighbourTarget

    /// The bytes it fills.
    var length: Int {
        switch self {
        case .sourceAddress(let family), .destinationAddress(let family): family.length
        case .protocolNumber, .icmpType, .nextHeader: 1
        case .sourcePort, .destinationPort, .etherType: 2
        case .mark, .connectionState, .connectionStatus, .destinationType, .sourceType, .random, .inputInterfaceGroup,
            .arpSourceAddress:
            4
        case .sourceHardware, .destinationHardware, .arpSourceHardware: 6
        case .neighbourTarget: 16
        case .inputInterface, .outputInterface: 16
        }
    }
}

/// The bits of `ct state`.
public enum ConnectionState {
    public static let invalid: UInt32 = 1
    public static let established: UInt32 = 2
    public static let related: UInt32 = 4
    public static let new: UInt32 = 8
}

/// The bits of `ct status` that rules here use.
public enum ConnectionStatus {
    public static let sourceRewritten: UInt32 = 0x10
    public static let destinationRewritten: UInt32 = 0x20
}

/// RTN_* as `fib … type` yields them.
public enum AddressType: UInt32, Sendable {
    case unicast = 1
    case local = 2
    case broadcast = 3
    case multicast = 5
}

/// Where a rule sends a packet.
public enum Verdict: Sendable, Hashable {
    case accept
    case drop
    case goOn
    case returnToCaller
    case jump(String)
    case goto(String)

    var code: Int32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .goOn: -1
        case .jump: -3
        case .goto: -4
        case .returnToCaller: -5
        }
    }

    /// The chain it names.
    public var chain: String? {
        switch self {
        case .jump(let name), .goto(let name): name
        default: nil
        }
    }

    init?(code: Int32, chain: String?) {
        switch (code, chain) {
        case (0, _): self = .drop
        case (1, _): self = .accept
        case (-1, _): self = .goOn
        case (-3, let name?): self = .jump(name)
        case (-4, let name?): self = .goto(name)
        case (-5, _): self = .returnToCaller
        default: return nil
        }
    }
}

/// How a rejected sender is told.
public enum Rejection: Sendable, Hashable {
    case tcpReset
    /// ICMP or ICMPv6 port unreachable.
    case portUnreachable
}

/// The new destination of a packet.
public enum NATTarget: Sendable, Hashable {
    case endpoint(IPAddress, UInt16)
    case address(IPAddress)
    /// A map whose data are an address and a port.
    case map([Selector], String)
}

/// One step of a rule: a condition that must hold for the next to be tried, or an action.
public enum Statement: Sendable, Hashable {
    case match(Selector, negated: Bool = false, FieldValue)
    /// The selected address lies (or does not lie) in the block.
    case matchPrefix(Selector, negated: Bool = false, IPPrefix)
    /// The packet came in by an interface whose name begins (or does not begin) so.
    case matchInputInterfacePrefix(negated: Bool = false, String)
    /// The selected hardware address begins with these bytes.
    case matchHardwarePrefix(Selector, [UInt8])
    /// Some (negated: none) of the bits are set.
    case matchBits(Selector, negated: Bool = false, UInt32)
    /// The routing table's type of an address.
    case matchType(Selector, negated: Bool = false, AddressType)
    case matchICMPType(IPFamily, UInt8)
    /// The fields, concatenated, are (or are not) in the set.
    case matchSet([Selector], negated: Bool = false, String)
    case verdict(Verdict)
    /// The verdict the map holds for the fields; without an entry the rule ends here.
    case verdictMap([Selector], String)
    /// Sets bits of the packet's mark, leaving the others.
    case setMarkBits(UInt32)
    /// Clears bits of the packet's mark, leaving the others.
    case clearMarkBits(UInt32)
    case destinationNAT(IPFamily, NATTarget)
    case masquerade(fullyRandom: Bool)
    case reject(Rejection)
    case counter
    /// Adds the fields to the set, or starts their timeout afresh.
    case updateSet([Selector], String, timeoutSeconds: UInt32)
}
