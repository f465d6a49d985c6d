// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A unicast route.
public struct Route: Sendable, Hashable {
    /// The destination; nil is the default route.
    public var destination: IPPrefix?
    public var family: IPFamily
    public var gateway: IPAddress?
    /// The link packets leave by, 0 when unset.
    public var link: Int32
    /// The source address chosen for local senders.
    public var source: IPAddress?
    public var table: UInt32
    public var metric: UInt32?
    /// RTPROT_*: who made it. 4 is static.
    public var origin: UInt8
    /// RTN_*: 1 unicast, 2 local, 3 broadcast, 7 unreachable…
    public var kind: UInt8
    /// The gateway is on the link although no route says so.
    public var onLink: Bool

    public init(
        to destination: IPPrefix?, family: IPFamily, via gateway: IPAddress? = nil, link: Int32,
        source: IPAddress? = nil, table: UInt32 = 254, metric: UInt32? = nil, onLink: Bool = false
    ) {
        self.destination = destination
        self.family = family
        self.gateway = gateway
        self.link = link
        self.source = source
        self.table = table
        self.metric = metric
        self.onLink = onLink
        origin = 4
        kind = 1
    }

    init?(_ reply: NetlinkReply) {
        guard reply.type == RouteMessage.newRoute, reply.payload.count >= 12 else { return nil }
        let fixed = Array(reply.payload.prefix(12))
        guard let family = IPFamily(rawValue: fixed[0]) else { return nil }
        let attributes = reply.attributes(after: 12)
        self.family = family
        if let address = attributes[1].flatMap({ IPAddress(bytes: $0) }) {
            guard let prefix = IPPrefix(address, said: fixed[1]) else { return nil }
            destination = prefix
        } else if fixed[1] == 0 {
            destination = nil
        } else {
            return nil
        }
        gateway = attributes[5].flatMap { IPAddress(bytes: $0) }
        link = attributes[4]?.integer() ?? 0
        source = attributes[7].flatMap { IPAddress(bytes: $0) }
        table = attributes[15]?.integer() ?? UInt32(fixed[4])
        metric = attributes[6]?.integer()
        origin = fixed[5]
        kind = fixed[7]
        onLink = (reply.payload.integer(at: 8) as UInt32) & 4 != 0
    }

    var text: String {
        "\(destination.map(\.description) ?? "default")\(gateway.map { " via \($0)" } ?? "")"
    }

    func message(_ type: UInt16, _ flags: NetlinkFlags, _ verb: String) -> NetlinkMessage {
        var message = NetlinkMessage(type: type, flags: flags, operation: "\(verb) route \(text)")
        // Scope: link for a destination on the wire, else the universe; IPv6 ignores it.
        let scope: UInt8 = gateway == nil && family == .v4 ? 253 : 0
        message.append(raw: [
            family.rawValue, UInt8(destination?.length ?? 0), 0, 0, UInt8(table < 256 ? table : 0), origin, scope, kind,
        ])
        message.append(onLink ? UInt32(4) : 0)
        if let destination { message.append(1, destination.network) }
        if let gateway { message.append(5, gateway) }
        if link != 0 { message.append(4, link) }
        if let source { message.append(7, source) }
        if let metric { message.append(6, metric) }
        message.append(15, table)
        return message
    }
}

extension NetlinkMessage {
    /// Adds a route. One to the same destination with the same metric, whoever made it, is replaced by it, or else keeps
    /// it out (EEXIST).
    public static func addRoute(_ route: Route, replacing: Bool = true) -> NetlinkMessage {
        route.message(RouteMessage.newRoute, [.create, replacing ? .replace : .exclusive], "add")
    }

    public static func deleteRoute(_ route: Route) -> NetlinkMessage {
        route.message(RouteMessage.deleteRoute, [], "delete")
    }

    /// Adds or replaces the hardware address of a neighbour, for good (NUD_PERMANENT).
    public static func addNeighbour(_ address: IPAddress, hardware: [UInt8], link: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newNeighbour, flags: [.create, .replace], operation: "add neighbour \(address)")
        message.append(raw: [address.family.rawValue, 0, 0, 0])
        message.append(link)
        message.append(raw: [0x80, 0, 0, 1])  // ndm_state NUD_PERMANENT (little-endian 16 bits), flags, type unicast
        message.append(1, address)
        message.append(2, bytes: hardware)
        return message
    }

    /// Says for good which port of a bridge a hardware address is behind. It goes with the port.
    public static func addForwarding(hardware: [UInt8], port: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newNeighbour, flags: [.create, .replace], operation: "add forwarding entry")
        message.append(raw: [7, 0, 0, 0])  // AF_BRIDGE
        message.append(port)
        message.append(raw: [0x40, 0, 0x04, 0])  // ndm_state NUD_NOARP: never forgotten; ndm_flags NTF_MASTER
        message.append(2, bytes: hardware)
        return message
    }

    public static func deleteNeighbour(_ address: IPAddress, link: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RouteMessage.deleteNeighbour, operation: "delete neighbour \(address)")
        message.append(raw: [address.family.rawValue, 0, 0, 0])
        message.append(link)
        message.append(raw: [0, 0, 0, 0])
        message.append(1, address)
        return message
    }
}

/// An entry of the neighbour table.
public struct Neighbour: Sendable, Hashable {
    public var address: IPAddress
    public var hardware: [UInt8]
    public var link: Int32
    /// NUD_*: 0x80 permanent, 0x02 reachable.
    public var state: UInt16

    init?(_ reply: NetlinkReply) {
        guard reply.type == RouteMessage.newNeighbour, reply.payload.count >= 12 else { return nil }
        let attributes = reply.attributes(after: 12)
        guard let bytes = attributes[1], let address = IPAddress(bytes: bytes) else { return nil }
        self.address = address
        hardware = Array(attributes[2] ?? [])
        link = reply.payload.integer(at: 4)
        state = reply.payload.integer(at: 8)
    }
}

/// A rule that picks a routing table.
public struct RoutingRule: Sendable, Hashable {
    public var family: IPFamily
    public var priority: UInt32
    public var table: UInt32
    public var source: IPPrefix?
    public var destination: IPPrefix?
    public var mark: UInt32?
    public var markMask: UInt32?

    public init(
        family: IPFamily, priority: UInt32, table: UInt32, source: IPPrefix? = nil, destination: IPPrefix? = nil,
        mark: UInt32? = nil, markMask: UInt32? = nil
    ) {
        self.family = family
        self.priority = priority
        self.table = table
        self.source = source
        self.destination = destination
        self.mark = mark
        self.markMask = markMask
    }

    init?(_ reply: NetlinkReply) {
        guard reply.type == RouteMessage.newRule, reply.payload.count >= 12 else { return nil }
        let fixed = Array(reply.payload.prefix(12))
        guard let family = IPFamily(rawValue: fixed[0]) else { return nil }
        let attributes = reply.attributes(after: 12)
        func prefix(_ attribute: UInt16, _ length: UInt8) -> IPPrefix? {
            attributes[attribute].flatMap { IPAddress(bytes: $0) }.flatMap { IPPrefix($0, said: length) }
        }
        self.init(
            family: family, priority: attributes[6]?.integer() ?? 0,
            table: attributes[15]?.integer() ?? UInt32(fixed[4]), source: prefix(2, fixed[2]),
            destination: prefix(1, fixed[1]), mark: attributes[10]?.integer(), markMask: attributes[16]?.integer())
    }

    func message(_ type: UInt16, _ flags: NetlinkFlags, _ verb: String) -> NetlinkMessage {
        var message = NetlinkMessage(type: type, flags: flags, operation: "\(verb) routing rule \(priority)")
        message.append(raw: [
            family.rawValue, UInt8(destination?.length ?? 0), UInt8(source?.length ?? 0), 0,
            UInt8(table < 256 ? table : 0), 0, 0, 1,  // FR_ACT_TO_TBL
        ])
        message.append(UInt32(0))
        if let destination { message.append(1, destination.network) }
        if let source { message.append(2, source.network) }
        message.append(6, priority)
        if let mark { message.append(10, mark) }
        if let markMask { message.append(16, markMask) }
        message.append(15, table)
        return message
    }
}

extension NetlinkMessage {
    public static func addRule(_ rule: RoutingRule) -> NetlinkMessage {
        rule.message(RouteMessage.newRule, [.create, .exclusive], "add")
    }

    public static func deleteRule(_ rule: RoutingRule) -> NetlinkMessage {
        rule.message(RouteMessage.deleteRule, [], "delete")
    }
}

extension NetlinkSocket {
    /// The routes of one family, of every table.
    public func routes(_ family: IPFamily) throws(NetlinkError) -> [Route] {
        var message = NetlinkMessage(type: RouteMessage.getRoute, flags: .dump, operation: "list routes")
        message.append(raw: [family.rawValue] + [UInt8](repeating: 0, count: 11))
        return try query(message).compactMap(Route.init)
    }

    /// The neighbours of one family.
    public func neighbours(_ family: IPFamily) throws(NetlinkError) -> [Neighbour] {
        var message = NetlinkMessage(type: RouteMessage.getNeighbour, flags: .dump, operation: "list neighbours")
        message.append(raw: [family.rawValue] + [UInt8](repeating: 0, count: 11))
        return try query(message).compactMap(Neighbour.init)
    }

    /// The routing rules of one family.
    public func rules(_ family: IPFamily) throws(NetlinkError) -> [RoutingRule] {
        var message = NetlinkMessage(type: RouteMessage.getRule, flags: .dump, operation: "list routing rules")
        message.append(raw: [family.rawValue] + [UInt8](repeating: 0, count: 11))
        return try query(message).compactMap(RoutingRule.init)
    }
}
