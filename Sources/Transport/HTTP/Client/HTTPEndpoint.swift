// SPDX-License-Identifier: Apache-2.0

internal import Text

/// A server, taken from a URL: `https://host:port/prefix`, `http://…`, or `unix:///path/to/socket`.
public struct HTTPEndpoint: Sendable, Hashable {
    /// Whether the connection is TLS.
    public var isTLS: Bool
    /// The host's name or address, without brackets; `localhost` for a unix socket.
    public var host: String
    public var port: UInt16
    /// The path of a unix socket, when it is one.
    public var socketPath: String?
    /// What every target is put behind, without a slash at its end: often empty.
    public var prefix: String

    /// Throws when `url` is not one of the three forms.
    public init(_ url: String) throws(HTTPEndpointError) {
        func fail(_ reason: String) -> HTTPEndpointError { HTTPEndpointError(url: url, reason: reason) }
        guard let mark = url.range(of: "://") else { throw fail("it has no scheme") }
        let scheme = url[..<mark.lowerBound].lowercased()
        let rest = url[mark.upperBound...]
        if scheme == "unix" {
            guard rest.hasExactPrefix("/") || rest.hasPrefix("@") else {
                throw fail("the socket's path is not absolute")
            }
            self.init(isTLS: false, host: "localhost", port: 0, socketPath: String(rest))
            return
        }
        guard scheme == "http" || scheme == "https" else { throw fail("the scheme is not http, https or unix") }
        let slash = rest.firstSlash ?? rest.endIndex
        var authority = rest[..<slash]
        if let at = authority.lastIndex(of: "@") {
            authority = authority[authority.index(after: at)...]
            throw fail("it carries credentials for \(authority)")
        }
        guard !authority.contains("?"), !rest[slash...].contains("?") else { throw fail("it has a query") }
        let isTLS = scheme == "https"
        var port: UInt16 = isTLS ? 443 : 80
        var host = authority
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[afterBracket...].lastIndex(of: ":") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw fail("the port is not a number from 1 to 65535")
            }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw fail("it names no host") }
        var prefix = rest[slash...]
        while prefix.hasExactSuffix("/") { prefix = prefix.dropLast() }
        self.init(isTLS: isTLS, host: String(host), port: port, prefix: String(prefix))
    }

    public init(isTLS: Bool, host: String, port: UInt16, socketPath: String? = nil, prefix: String = "") {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.socketPath = socketPath
        self.prefix = prefix
    }

    /// What the Host field says: the port only when it is not the scheme's own.
    public var authority: String {
        if socketPath != nil { return host }
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
    }
}

/// A URL that names no server this client can talk to.
public struct HTTPEndpointError: Error, Hashable, Sendable, CustomStringConvertible {
    public let url: String
    public let reason: String

    public var description: String { "use the URL \(url): \(reason)" }
}

extension String {
    /// The first place of `part`.
    fileprivate func range(of part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
