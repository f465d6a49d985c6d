// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Where a socket listens or is connected to.
public enum SocketAddress: Sendable, Hashable {
    /// A path, or an abstract name when it starts with `@`; empty when the socket has no name.
    case unix(String)
    /// The four bytes in network order.
    case ipv4(address: [UInt8], port: UInt16)
    /// The sixteen bytes in network order.
    case ipv6(address: [UInt8], port: UInt16, scope: UInt32 = 0)

    /// From text: `127.0.0.1`, `::1`, `fe80::1%2`. Nil when it is neither.
    public init?(host: String, port: UInt16) {
        var four = [UInt8](repeating: 0, count: 4)
        if unsafe inet_pton(AF_INET, host, &four) == 1 {
            self = .ipv4(address: four, port: port)
            return
        }
        let parts = host.split(separator: "%", maxSplits: 1)
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard let address = parts.first, unsafe inet_pton(AF_INET6, String(address), &sixteen) == 1 else { return nil }
        var scope: UInt32 = 0
        if parts.count == 2 {
            scope = UInt32(parts[1]) ?? (unsafe if_nametoindex(String(parts[1])))
            if scope == 0 { return nil }
        }
        self = .ipv6(address: sixteen, port: port, scope: scope)
    }

    public var family: Int32 {
        switch self {
        case .unix: AF_UNIX
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    public var port: UInt16? {
        switch self {
        case .unix: nil
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        }
    }

    /// The host in text, without its port.
    public var host: String {
        switch self {
        case .unix(let path): return path
        case .ipv4(let address, _): return Self.text(AF_INET, address)
        case .ipv6(let address, _, let scope):
            return Self.text(AF_INET6, address) + (scope == 0 ? "" : "%\(scope)")
        }
    }

    private static func text(_ family: Int32, _ address: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard unsafe inet_ntop(family, address, &buffer, 64) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The kernel's bytes; ENAMETOOLONG for a unix path over 107 bytes.
    func kernelAddress() throws(Errno) -> clinux_address {
        var bytes: [UInt8]
        let familyBytes = [UInt8(family & 0xff), UInt8(family >> 8)]
        switch self {
        case .unix(let path):
            var name = Array(path.utf8)
            guard name.count <= 107 else { throw Errno(ENAMETOOLONG, "socket address \(path)") }
            if name.first == UInt8(ascii: "@") { name[0] = 0 } else { name.append(0) }
            bytes = familyBytes + name
        case .ipv4(let address, let port):
            bytes = familyBytes + [UInt8(port >> 8), UInt8(port & 0xff)] + address + [UInt8](repeating: 0, count: 8)
        case .ipv6(let address, let port, let scope):
            bytes = familyBytes + [UInt8(port >> 8), UInt8(port & 0xff), 0, 0, 0, 0] + address
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: scope >> (8 * $0)) }
        }
        var result = clinux_address()
        result.length = UInt32(bytes.count)
        unsafe withUnsafeMutableBytes(of: &result.bytes) { unsafe $0.copyBytes(from: bytes) }
        return result
    }

    /// Nil for a family other than these three.
    init?(_ raw: clinux_address) {
        var copy = raw
        let bytes = unsafe withUnsafeBytes(of: &copy.bytes) { unsafe Array($0.prefix(Int(raw.length))) }
        guard bytes.count >= 2 else {
            self = .unix("")
            return
        }
        switch Int32(bytes[0]) | Int32(bytes[1]) << 8 {
        case AF_UNIX:
            let name = bytes.dropFirst(2)
            if name.first == 0, name.count > 1 {
                self = .unix("@" + String(decoding: name.dropFirst(), as: UTF8.self))
            } else {
                self = .unix(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
            }
        case AF_INET where bytes.count >= 8:
            self = .ipv4(address: Array(bytes[4..<8]), port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        case AF_INET6 where bytes.count >= 28:
            let scope = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[24 + $1]) << (8 * UInt32($1)) }
            self = .ipv6(
                address: Array(bytes[8..<24]), port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]), scope: scope)
        default: return nil
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`, `/run/x.sock`.
    public var description: String {
        switch self {
        case .unix(let path): path
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, let port, _): "[\(host)]:\(port)"
        }
    }
}
