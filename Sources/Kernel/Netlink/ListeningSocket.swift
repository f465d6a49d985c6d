// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A socket that waits for what others send: a TCP socket that listens, a UDP socket that is bound and not connected.
public struct ListeningSocket: Sendable, Hashable {
    public var port: TransportPort
    /// The unspecified address stands for all; of IPv6, for those of IPv4 as well.
    public var address: IPAddress

    public init(port: TransportPort, address: IPAddress) {
        self.port = port
        self.address = address
    }

    /// Of `struct inet_diag_msg`: family, state, timer, retransmissions, then both ports and addresses.
    init?(_ reply: NetlinkReply, _ protocolNumber: UInt8) {
        guard reply.type == NetlinkSocket.socketDiagnostics, reply.payload.count >= 40 else { return nil }
        let fixed = Array(reply.payload.prefix(40))
        let length = fixed[0] == UInt8(AF_INET) ? 4 : 16
        guard let address = IPAddress(bytes: fixed[8..<(8 + length)]) else { return nil }
        // What an IPv6 socket that is bound to an address of IPv4 has.
        self.address = address.isMapped ? IPAddress(bytes: fixed[20..<24])! : address
        port = TransportPort(protocolNumber, UInt16(fixed[4]) << 8 | UInt16(fixed[5]))
    }
}

extension NetlinkSocket {
    /// SOCK_DIAG_BY_FAMILY (sock_diag(7)).
    fileprivate static var socketDiagnostics: UInt16 { 20 }

    /// The listening sockets of TCP and UDP in the socket's namespace. The socket has to be one for diagnostics.
    public func listeners() throws(NetlinkError) -> Set<ListeningSocket> {
        var found: Set<ListeningSocket> = []
        for (protocolNumber, states) in [(UInt8(6), UInt32(1) << 10), (17, 1 << 7)] {
            for family in [AF_INET, AF_INET6] {
                var message = NetlinkMessage(
                    type: Self.socketDiagnostics, flags: .dump, operation: "list listening sockets")
                message.append(raw: [UInt8(family), protocolNumber, 0, 0])
                message.append(states)
                // The ports, addresses and interface of one socket, and no cookie: for a dump they say nothing.
                message.append(raw: [UInt8](repeating: 0, count: 40))
                message.append(UInt64.max)
                found.formUnion(try query(message).compactMap { ListeningSocket($0, protocolNumber) })
            }
        }
        return found
    }
}
