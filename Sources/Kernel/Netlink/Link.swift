// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// A network interface as the kernel reports it.
public struct Link: Sendable, Hashable {
    public var index: Int32
    public var name: String
    /// IFF_* flags.
    public var flags: UInt32
    public var mtu: UInt32
    /// The hardware address.
    public var address: [UInt8]
    /// The index of the bridge or bond it belongs to, 0 for none.
    public var master: Int32
    /// `bridge`, `veth`, …; empty for hardware.
    public var kind: String
    /// The peer's or lower link's index, 0 for none.
    public var peer: Int32
    /// IF_OPER_*: 6 is up. It follows the carrier a moment later, and until then what is sent is dropped.
    public var operationalState: UInt8

    /// Administratively up (IFF_UP).
    public var isUp: Bool { flags & 1 != 0 }
    /// A packet sent would leave (IFF_LOWER_UP).
    public var hasCarrier: Bool { flags & 0x10000 != 0 }
    public var isLoopback: Bool { flags & 0x8 != 0 }

    init?(_ reply: NetlinkReply) {
        guard reply.type == RouteMessage.newLink, reply.payload.count >= 16 else { return nil }
        index = reply.payload.integer(at: 4)
        flags = reply.payload.integer(at: 8)
        name = ""
        mtu = 0
        address = []
        master = 0
        kind = ""
        peer = 0
        operationalState = 0
        for attribute in reply.attributes(after: 16) {
            switch attribute.type {
            case LinkAttribute.name: name = attribute.payload.terminatedString
            case LinkAttribute.mtu: mtu = attribute.payload.integer() ?? 0
            case LinkAttribute.address: address = Array(attribute.payload)
            case LinkAttribute.master: master = attribute.payload.integer() ?? 0
            case LinkAttribute.link: peer = attribute.payload.integer() ?? 0
            case LinkAttribute.operationalState: operationalState = attribute.payload.integer() ?? 0
            case LinkAttribute.info: kind = attribute.nested[1]?.terminatedString ?? ""
            default: break
            }
        }
    }
}

/// Message types of rtnetlink(7).
enum RouteMessage {
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26
    static let newNeighbour: UInt16 = 28
    static let deleteNeighbour: UInt16 = 29
    static let getNeighbour: UInt16 = 30
    static let newRule: UInt16 = 32
    static let deleteRule: UInt16 = 33
    static let getRule: UInt16 = 34
}

/// IFLA_*.
enum LinkAttribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let link: UInt16 = 5
    static let master: UInt16 = 10
    static let operationalState: UInt16 = 16
    static let info: UInt16 = 18
    static let alias: UInt16 = 20
    static let group: UInt16 = 27
    static let namespace: UInt16 = 28
    // Inside `info`.
    static let infoKind: UInt16 = 1
    static let infoData: UInt16 = 2
    static let infoSlaveKind: UInt16 = 4
    static let infoSlaveData: UInt16 = 5
}

/// What a request changes of a link; nil leaves a property as it is.
public struct LinkChange: Sendable, Hashable {
    public var name: String?
    public var up: Bool?
    public var mtu: UInt32?
    public var address: [UInt8]?
    /// The index of the bridge to join; 0 leaves it.
    public var master: Int32?
    /// A number of the administrator's that rules can ask for (IFLA_GROUP); 0 is everybody's.
    public var group: UInt32?

    public init(
        name: String? = nil, up: Bool? = nil, mtu: UInt32? = nil, address: [UInt8]? = nil, master: Int32? = nil,
        group: UInt32? = nil
    ) {
        self.name = name
        self.up = up
        self.mtu = mtu
        self.address = address
        self.master = master
        self.group = group
    }

    /// Appends struct ifinfomsg and the attributes.
    func write(into message: inout NetlinkMessage, index: Int32) {
        message.append(UInt32(0))  // family, padding, device type
        message.append(index)
        message.append(up == true ? UInt32(1) : 0)
        message.append(up == nil ? UInt32(0) : 1)
        if let name { message.append(LinkAttribute.name, name) }
        if let mtu { message.append(LinkAttribute.mtu, mtu) }
        if let address { message.append(LinkAttribute.address, bytes: address) }
        if let master { message.append(LinkAttribute.master, master) }
        if let group { message.append(LinkAttribute.group, group) }
    }
}

/// The properties of a bridge's port that Kubernetes networks use.
public struct BridgePort: Sendable, Hashable {
    /// A frame may leave through the port it came in by.
    public var hairpin: Bool?
    /// No frame passes to or from another isolated port.
    public var isolated: Bool?
    /// Unknown destinations are sent to this port too.
    public var unicastFlood: Bool?
    /// What other ports send to groups nobody has joined is sent to this port too.
    public var multicastFlood: Bool?
    /// What other ports send to all is sent to this port too.
    public var broadcastFlood: Bool?
    /// The bridge believes senders' addresses to be behind the port they come in by.
    public var learning: Bool?
    /// Only senders of which an entry says that they are behind this port may send (Linux 5.18; left out before).
    public var locked: Bool?

    public init(
        hairpin: Bool? = nil, isolated: Bool? = nil, unicastFlood: Bool? = nil, multicastFlood: Bool? = nil,
        broadcastFlood: Bool? = nil, learning: Bool? = nil, locked: Bool? = nil
    ) {
        self.hairpin = hairpin
        self.isolated = isolated
        self.unicastFlood = unicastFlood
        self.multicastFlood = multicastFlood
        self.broadcastFlood = broadcastFlood
        self.learning = learning
        self.locked = locked
    }
}

extension NetlinkMessage {
    /// Makes a bridge: no forwarding delay (a new port works at once), no spanning tree, no multicast snooping.
    public static func addBridge(_ change: LinkChange) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newLink, flags: [.create, .exclusive], operation: "add bridge \(change.name ?? "")")
        change.write(into: &message, index: 0)
        message.nest(LinkAttribute.info) { message in
            message.append(LinkAttribute.infoKind, "bridge")
            message.nest(LinkAttribute.infoData) { message in
                message.append(1, UInt32(0))  // IFLA_BR_FORWARD_DELAY
                message.append(5, UInt32(0))  // IFLA_BR_STP_STATE
                message.append(23, UInt8(0))  // IFLA_BR_MCAST_SNOOPING
            }
        }
        return message
    }

    /// Makes a pair of veth ends, `peer` inside `peerNamespace` from the start. The kernel cannot bring the peer up in the
    /// same request (ENOTCONN): it has no other end yet at that moment.
    public static func addVeth(
        _ change: LinkChange, peer: LinkChange, peerNamespace: borrowing NetworkNamespace
    ) -> NetlinkMessage {
        addVeth(change, peer: peer, namespaceDescriptor: peerNamespace.descriptor.raw)
    }

    /// Makes a pair of veth ends, both in the namespace of the socket.
    public static func addVeth(_ change: LinkChange, peer: LinkChange) -> NetlinkMessage {
        addVeth(change, peer: peer, namespaceDescriptor: nil)
    }

    private static func addVeth(
        _ change: LinkChange, peer: LinkChange, namespaceDescriptor: Int32?
    ) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newLink, flags: [.create, .exclusive], operation: "add veth \(change.name ?? "")")
        change.write(into: &message, index: 0)
        message.nest(LinkAttribute.info) { message in
            message.append(LinkAttribute.infoKind, "veth")
            message.nest(LinkAttribute.infoData) { message in
                message.nest(1) { message in  // VETH_INFO_PEER
                    peer.write(into: &message, index: 0)
                    if let namespaceDescriptor { message.append(LinkAttribute.namespace, namespaceDescriptor) }
                }
            }
        }
        return message
    }

    /// Changes the link `index`, or the one called `name` when the index is 0.
    public static func setLink(index: Int32, named name: String = "", _ change: LinkChange) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newLink, operation: "set link \(name.isEmpty ? "\(index)" : name)")
        var change = change
        if index == 0 { change.name = name }
        change.write(into: &message, index: index)
        return message
    }

    /// Changes how the bridge treats its port `index`.
    public static func setBridgePort(index: Int32, named name: String = "", _ port: BridgePort) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: RouteMessage.newLink, operation: "set bridge port \(name.isEmpty ? "\(index)" : name)")
        LinkChange(name: index == 0 ? name : nil).write(into: &message, index: index)
        message.nest(LinkAttribute.info) { message in
            message.append(LinkAttribute.infoSlaveKind, "bridge")
            message.nest(LinkAttribute.infoSlaveData) { message in
                let flags: [(UInt16, Bool?)] = [
                    (4, port.hairpin), (8, port.learning), (9, port.unicastFlood), (27, port.multicastFlood),
                    (30, port.broadcastFlood), (33, port.isolated), (39, port.locked),
                ]
                for case (let attribute, let flag?) in flags { message.append(attribute, UInt8(flag ? 1 : 0)) }
            }
        }
        return message
    }

    /// Deletes a link; a veth takes its peer with it.
    public static func deleteLink(named name: String) -> NetlinkMessage {
        var message = NetlinkMessage(type: RouteMessage.deleteLink, operation: "delete link \(name)")
        LinkChange(name: name).write(into: &message, index: 0)
        return message
    }
}

extension NetlinkSocket {
    /// Every link of the namespace.
    public func links() throws(NetlinkError) -> [Link] {
        var message = NetlinkMessage(type: RouteMessage.getLink, flags: .dump, operation: "list links")
        LinkChange().write(into: &message, index: 0)
        return try query(message).compactMap(Link.init)
    }

    /// The link called `name`; nil when there is none.
    public func link(named name: String) throws(NetlinkError) -> Link? {
        var message = NetlinkMessage(type: RouteMessage.getLink, operation: "get link \(name)")
        LinkChange(name: name).write(into: &message, index: 0)
        do throws(NetlinkError) { return try query(message).compactMap(Link.init).first } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
