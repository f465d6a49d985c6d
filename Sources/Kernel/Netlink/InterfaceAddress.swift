// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An address of an interface.
public struct InterfaceAddress: Sendable, Hashable {
    public var link: Int32
    /// The address with its prefix length.
    public var prefix: IPPrefix
    /// IFA_F_*.
    public var flags: UInt32
    /// RT_SCOPE_*: 0 global, 253 link, 254 host.
    public var scope: UInt8

    /// Duplicate detection has not finished: nothing can be sent from it yet.
    public var isTentative: Bool { flags & 0x40 != 0 }
    /// Not the first of its subnet.
    public var isSecondary: Bool { flags & 0x01 != 0 }

    init?(_ reply: NetlinkReply) {
        guard reply.type == RouteMessage.newAddress, reply.payload.count >= 8 else { return nil }
        let fixed = Array(reply.payload.prefix(4))
        flags = UInt32(fixed[2])
        scope = fixed[3]
        link = reply.payload.integer(at: 4)
        let attributes = reply.attributes(after: 8)
        // IFA_LOCAL is the interface's own end; IFA_ADDRESS differs from it on point-to-point links only.
        guard let bytes = attributes[2] ?? attributes[1], let address = IPAddress(bytes: bytes),
            let prefix = IPPrefix(address, said: fixed[1])
        else { return nil }
        self.prefix = prefix
        if let wide: UInt32 = attributes[8]?.integer() { flags = wide }
    }
}

extension NetlinkMessage {
    /// Adds an address, usable at once (`nodad`: IPv6 without duplicate detection). `routed` false adds no route to its
    /// prefix. An address that is there already is left.
    public static func addAddress(_ prefix: IPPrefix, link: Int32, routed: Bool = true) -> NetlinkMessage {
        address(
            prefix, link: link, type: RouteMessage.newAddress, flags: [.create, .replace],
            // IFA_F_NODAD, IFA_F_NOPREFIXROUTE
            addressFlags: (prefix.family == .v6 ? 0x02 : 0) | (routed ? 0 : 0x200), "add address \(prefix)")
    }

    public static func deleteAddress(_ prefix: IPPrefix, link: Int32) -> NetlinkMessage {
        address(
            prefix, link: link, type: RouteMessage.deleteAddress, flags: [], addressFlags: 0, "delete address \(prefix)"
        )
    }

    private static func address(
        _ prefix: IPPrefix, link: Int32, type: UInt16, flags: NetlinkFlags, addressFlags: UInt32, _ operation: String
    ) -> NetlinkMessage {
        var message = NetlinkMessage(type: type, flags: flags, operation: operation)
        message.append(raw: [prefix.family.rawValue, UInt8(prefix.length), 0, prefix.address.isLoopback ? 254 : 0])
        message.append(link)
        message.append(2, prefix.address)
        message.append(1, prefix.address)
        if addressFlags != 0 { message.append(8, addressFlags) }
        return message
    }
}

extension NetlinkSocket {
    /// Every address of the namespace, or of one link.
    public func addresses(link: Int32? = nil) throws(NetlinkError) -> [InterfaceAddress] {
        var message = NetlinkMessage(type: RouteMessage.getAddress, flags: .dump, operation: "list addresses")
        message.append(raw: [0, 0, 0, 0])
        message.append(Int32(0))
        let all = try query(message).compactMap(InterfaceAddress.init)
        guard let link else { return all }
        return all.filter { $0.link == link }
    }
}
