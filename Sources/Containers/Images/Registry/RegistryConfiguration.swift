// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Text

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
    /// How long a registry may be silent, before its answer and within it.
    public var patience: Duration = .seconds(60)

    public init() {}

    func host(_ name: String) -> Host { hosts[name] ?? hosts["*"] ?? Host() }

    /// The places to ask for a registry's content, best first. Loopback speaks plain HTTP unless told otherwise, as in
    /// every container tool.
    func endpoints(for domain: String) throws(HTTPEndpointError) -> [HTTPEndpoint] {
        let host = host(domain)
        var result = try host.mirrors.map { (mirror) throws(HTTPEndpointError) in try HTTPEndpoint(mirror) }
        let address = domain == "docker.io" ? "registry-1.docker.io" : domain
        let plain = host.plainHTTP || (hosts[domain] == nil && Self.isLoopback(domain))
        result.append(try HTTPEndpoint((plain ? "http://" : "https://") + address))
        // A registry on loopback may speak TLS too; which of both is found out by asking.
        if Self.isLoopback(domain), hosts[domain] == nil { result.append(try HTTPEndpoint("https://" + address)) }
        return result
    }

    private static func isLoopback(_ domain: String) -> Bool {
        let host =
            domain.hasPrefix("[")
            ? String(domain.dropFirst().prefix { $0 != "]" }) : String(domain.prefix { $0 != ":" })
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

/// A URL as an HTTP request needs it: the server, and the path with its query.
struct RegistryURL: Sendable, Hashable {
    var endpoint: HTTPEndpoint
    var target: String

    /// Nil when `url` is no absolute http or https URL.
    init?(_ url: String) {
        let afterScheme = url.utf8.starts(with: "https://".utf8) ? 8 : 7
        let authority = url.utf8.dropFirst(afterScheme).firstIndex {
            $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?")
        }
        let end = authority ?? url.endIndex
        // What is not a URL has no endpoint, and that is all the caller wants to know.
        guard let endpoint = try? HTTPEndpoint(String(url[..<end])), endpoint.socketPath == nil else { return nil }
        self.endpoint = endpoint
        let rest = url[end...].prefix { $0 != "#" }
        target = rest.hasExactPrefix("/") ? String(rest) : "/" + rest
    }
}
