// SPDX-License-Identifier: Apache-2.0

public import Linux

extension SocketAddress {
    /// The host of an internet address as a person writes it: an IPv4 address inside IPv6 (`::ffff:10.0.0.1`, what a
    /// dual-stack listener sees of IPv4 peers) is shown as the IPv4 address it is.
    public var plainHost: String { unmapped.host }

    /// The IPv4 address behind an IPv4-mapped IPv6 one; any other address as it is.
    public var unmapped: SocketAddress {
        guard case .ipv6(let bytes, let port, _) = self, bytes.count == 16,
            bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff
        else { return self }
        return .ipv4(address: Array(bytes[12...]), port: port)
    }

    /// The same address with another port; a unix address is returned as it is.
    public func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let bytes, _): .ipv4(address: bytes, port: port)
        case .ipv6(let bytes, _, let scope): .ipv6(address: bytes, port: port, scope: scope)
        case .unix: self
        }
    }
}
