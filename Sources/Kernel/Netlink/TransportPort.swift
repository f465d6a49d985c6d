// SPDX-License-Identifier: Apache-2.0

/// A port of a transport protocol.
public struct TransportPort: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// IPPROTO_TCP 6, IPPROTO_UDP 17, IPPROTO_SCTP 132.
    public var protocolNumber: UInt8
    public var port: UInt16

    public init(_ protocolNumber: UInt8, _ port: UInt16) {
        self.protocolNumber = protocolNumber
        self.port = port
    }

    public static func tcp(_ port: UInt16) -> TransportPort { TransportPort(6, port) }
    public static func udp(_ port: UInt16) -> TransportPort { TransportPort(17, port) }

    public static func < (a: TransportPort, b: TransportPort) -> Bool {
        (a.port, a.protocolNumber) < (b.port, b.protocolNumber)
    }

    /// `10250/TCP`.
    public var description: String {
        let name =
            switch protocolNumber {
            case 6: "TCP"
            case 17: "UDP"
            case 132: "SCTP"
            default: String(protocolNumber)
            }
        return "\(port)/\(name)"
    }
}
