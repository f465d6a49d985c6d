// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux

/// A host name could not be resolved.
public struct ResolutionError: Error, CustomStringConvertible {
    public let host: String
    /// getaddrinfo's own words.
    public let reason: String

    public var description: String { "resolve \(host): \(reason)" }
}

/// Host names to addresses, as the machine is configured (`/etc/hosts`, DNS).
public enum Resolver {
    /// Who has chosen the names that this task resolves: a namespace, a host. Its names are resolved on few threads of its
    /// own, so that those which nobody answers for hold up no others. nil for those of the machine's configuration.
    @TaskLocal public static var asker: String?

    /// The stream addresses of `host` in the system's order of preference, at least one. Numeric ones never block; a name
    /// is `DeadlineExceeded` after `timeout`.
    public static func resolve(
        _ host: String, port: UInt16, timeout: Duration = .seconds(30)
    ) async throws -> [SocketAddress] {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        if let address = SocketAddress(host: bare, port: port) { return [address] }
        return try await withDeadline(timeout, "resolve \(bare)") {
            try await Blocking.run(.name(asker)) { try lookUp(bare, port: port) }
        }
    }

    private static func lookUp(_ host: String, port: UInt16) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = status == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(status))
            throw ResolutionError(host: host, reason: reason.prefix(1).lowercased() + reason.dropFirst())
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let address = address(entry.pointee, port: port), !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        if addresses.isEmpty { throw ResolutionError(host: host, reason: "no usable address") }
        return addresses
    }

    private static func address(_ entry: addrinfo, port: UInt16) -> SocketAddress? {
        let raw = UnsafeRawPointer(entry.ai_addr)
        switch entry.ai_family {
        case AF_INET:
            guard let four = raw?.loadUnaligned(as: sockaddr_in.self) else { return nil }
            return .ipv4(address: withUnsafeBytes(of: four.sin_addr) { Array($0) }, port: port)
        case AF_INET6:
            guard let six = raw?.loadUnaligned(as: sockaddr_in6.self) else { return nil }
            return .ipv6(
                address: withUnsafeBytes(of: six.sin6_addr) { Array($0) }, port: port, scope: six.sin6_scope_id)
        default: return nil
        }
    }
}
