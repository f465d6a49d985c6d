// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// How to reach registries: mirrors to try first, hosts that speak plain HTTP, authorities to trust.
public struct RegistryConfiguration: Sendable {
    /// What to do about one registry.
    public struct Host: Sendable {
        /// Base URLs to ask before the registry itself, in order: `http://mirror:5000`.
        public var mirrors: [String] = []
        /// A PEM file of certificate authorities to trust besides the system's.
        public var authorityFile: String?
        /// Whether a certificate nobody vouches for will do.
        public var skipVerification = false
        /// Whether to speak plain HTTP.
        public var plainHTTP = false

        public init() {}
    }

    /// By registry host and port; `*` is for all others.
    public var hosts: [String: Host] = [:]
    /// How many blobs of one image are fetched at once.
    public var parallelBlobs = 3

    public init() {}

    func host(_ name: String) -> Host { hosts[name] ?? hosts["*"] ?? Host() }

    /// The places to ask for a registry's content, best first. Loopback speaks plain HTTP unless told otherwise, as in
    /// every container tool.
    func endpoints(for domain: String) -> [Endpoint] {
        let host = host(domain)
        var result = host.mirrors.compactMap { Endpoint(url: $0) }
        let address = domain == "docker.io" ? "registry-1.docker.io" : domain
        let plain = host.plainHTTP || (hosts[domain] == nil && Self.isLoopback(domain))
        if let own = Endpoint(url: (plain ? "http://" : "https://") + address) {
            result.append(own)
            // A registry on loopback may speak TLS too; which of both is found out by asking.
            if Self.isLoopback(domain), hosts[domain] == nil, let secure = Endpoint(url: "https://" + address) {
                result.append(secure)
            }
        }
        return result
    }

    private static func isLoopback(_ domain: String) -> Bool {
        let host =
            domain.hasPrefix("[")
            ? String(domain.dropFirst().prefix { $0 != "]" }) : String(domain.prefix { $0 != ":" })
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

/// A scheme, host and port, and the path prefix before `/v2/`.
struct Endpoint: Sendable, Hashable {
    var secure: Bool
    var host: String
    var port: UInt16
    /// Starts with `/` unless empty, and does not end with one.
    var prefix: String

    /// Reads `https://host:port/prefix`.
    init?(url: String) {
        guard let parts = URLParts(url) else { return nil }
        secure = parts.secure
        host = parts.host
        port = parts.port
        let path = parts.target.prefix { $0 != "?" }
        prefix = path == "/" ? "" : (path.hasSuffix("/") ? String(path.dropLast()) : String(path))
    }

    /// As the Host field has it.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (secure ? 443 : 80) ? name : "\(name):\(port)"
    }
}

/// A URL of the two schemes that matter here, taken apart.
struct URLParts: Sendable, Hashable {
    var secure: Bool
    var host: String
    var port: UInt16
    /// Path and query, `/` at least.
    var target: String

    init?(_ url: String) {
        var rest: Substring
        if url.hasPrefix("https://") {
            secure = true
            rest = url.dropFirst(8)
        } else if url.hasPrefix("http://") {
            secure = false
            rest = url.dropFirst(7)
        } else {
            return nil
        }
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        let path = rest[end...]
        target = path.hasPrefix("/") ? String(path) : "/" + path
        var name = authority
        var number: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<close]
            let after = authority[authority.index(after: close)...]
            if after.hasPrefix(":") { number = after.dropFirst() } else if !after.isEmpty { return nil }
        } else if let colon = authority.lastIndex(of: ":") {
            name = authority[..<colon]
            number = authority[authority.index(after: colon)...]
        }
        guard !name.isEmpty, !authority.contains("@") else { return nil }
        host = String(name)
        if let number {
            guard let value = UInt16(number) else { return nil }
            port = value
        } else {
            port = secure ? 443 : 80
        }
    }
}
