// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// Who this machine is in the cluster.
struct NodeIdentity: Sendable {
    /// The Node object's name.
    var name: String
    /// The addresses others reach it under, IPv4 first.
    var addresses: [String]

    /// Finds what was not given: the host's name, and for each family the address the kernel would send from.
    static func detect(name: String?, addresses: [String]) throws -> NodeIdentity {
        var found = addresses
        if found.isEmpty {
            // Addresses of the documentation ranges: they lead over the default route, and nothing is sent to them.
            found = ["192.0.2.1", "2001:db8::1"].compactMap(sourceAddress)
        }
        // Without a route anywhere the machine still is a cluster of its own.
        if found.isEmpty { found = ["127.0.0.1"] }
        return NodeIdentity(name: try name ?? hostName(), addresses: found)
    }

    static func hostName() throws -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, 255) == 0 else { throw Errno(errno, "gethostname") }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.lowercased()
    }

    /// The address a datagram to `destination` would carry: connect(2) on a datagram socket asks the routing table.
    private static func sourceAddress(_ destination: String) -> String? {
        guard let target = SocketAddress(host: destination, port: 9) else { return nil }
        // No route in this family is the common case of one family, not a failure.
        guard let socket = try? Socket.connected(to: target, kind: .datagram), let local = try? socket.localAddress()
        else { return nil }
        let host = local.host
        return host.hasPrefix("fe80:") ? nil : host
    }
}
