// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Where a socket is bound or connected: an IPv4 or IPv6 address with a port, or the path of a unix socket.
public enum SocketAddress: Sendable, Hashable {
    /// Four bytes in network order, and a port.
    case ipv4([UInt8], port: UInt16)
    /// Sixteen bytes in network order, a port, and the scope (interface index) of a link-local address or 0.
    case ipv6([UInt8], port: UInt16, scope: UInt32)
    /// A path; empty for a unix socket without a name. A leading `@` is the abstract name space.
    case unix(String)
}

extension SocketAddress {
    /// Parses a numeric address, `127.0.0.1`, `::1` or `fe80::1%3` (the zone is an interface's index or name);
    /// nil when `text` is not one (a host name, for instance).
    public init?(numeric text: String, port: UInt16) {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .ipv4(withUnsafeBytes(of: &four) { Array($0) }, port: port)
            return
        }
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let address = parts.first else { return nil }
        var scope: UInt32 = 0
        if parts.count == 2 {
            scope = UInt32(parts[1]) ?? if_nametoindex(String(parts[1]))
            if scope == 0 { return nil }
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, String(address), &six) == 1 else { return nil }
        self = .ipv6(withUnsafeBytes(of: &six) { Array($0) }, port: port, scope: scope)
    }

    /// The port, or nil of a unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        case .unix: nil
        }
    }

    /// The address without its port: `127.0.0.1`, `fe80::1%3`, or the path of a unix socket. An IPv4 address inside
    /// IPv6 (`::ffff:10.0.0.1`, what a dual-stack listener sees) is shown as the IPv4 address it is.
    public var host: String {
        switch self {
        case .ipv4(let bytes, _): return bytes.map { String($0) }.joined(separator: ".")
        case .unix(let path): return path
        case .ipv6(let bytes, _, let scope):
            if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
                return bytes[12...].map { String($0) }.joined(separator: ".")
            }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            let rendered = bytes.withUnsafeBytes { inet_ntop(AF_INET6, $0.baseAddress!, &text, socklen_t(text.count)) }
            guard let rendered else { return "?" }
            return String(cString: rendered) + (scope == 0 ? "" : "%\(scope)")
        }
    }

    /// The same address with another port; a unix address is returned as it is.
    public func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let bytes, _): .ipv4(bytes, port: port)
        case .ipv6(let bytes, _, let scope): .ipv6(bytes, port: port, scope: scope)
        case .unix: self
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`, `unix:/run/x.sock`.
    public var description: String {
        switch self {
        case .ipv4(_, let port): return "\(host):\(port)"
        case .ipv6(_, let port, _): return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): return "unix:\(path)"
        }
    }
}
