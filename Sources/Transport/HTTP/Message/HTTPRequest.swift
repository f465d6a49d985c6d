// SPDX-License-Identifier: Apache-2.0

public import Linux

/// A request, as a server's handler receives it and as a client sends it.
public struct HTTPRequest: Sendable {
    /// The method, in capitals as usual: `GET`.
    public var method: String
    /// The path and query as they are on the wire: `/api/v1/pods?watch=1`.
    public var target: String
    public var headers: HTTPHeaders
    public var body: HTTPBody
    /// Who asks, and over what. Ignored by a client over the network.
    public var context: RequestContext
    /// Whether the answer goes on for as long as nobody ends it, as a watch's does. A client over HTTP/2 keeps room on every
    /// connection for requests that are none of these.
    public var isLasting = false

    /// Makes a request for `target`, which starts with `/` and is percent-encoded where needed.
    public init(
        method: String = "GET", target: String, headers: HTTPHeaders = [:], body: HTTPBody = .empty,
        context: RequestContext = RequestContext()
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.context = context
    }

    /// Whether a body comes, or is there, with the request.
    public var hasBody: Bool {
        switch body {
        case .empty: false
        case .bytes(let bytes): !bytes.isEmpty
        case .stream: true
        }
    }

    /// The path with percent-encoding resolved: `/api/v1/nodes/a:b`. An encoded slash is a slash here; `pathSegments`
    /// keeps it apart. (A server refuses a target whose percent-encoding is broken before a handler sees it.)
    public var path: String { PercentEncoding.decode(rawPath) ?? rawPath }

    private var queryMark: String.Index? {
        let offset = target.utf8.withContiguousStorageIfAvailable { $0.firstIndex(of: 0x3f) }
        guard let offset else { return target.utf8.firstIndex(of: 0x3f) }
        return offset.map { target.utf8.index(target.startIndex, offsetBy: $0) }
    }

    /// The path as it is on the wire, without the query.
    public var rawPath: String {
        guard let mark = queryMark else { return target }
        return String(target[..<mark])
    }

    /// The parts of the path between slashes, each percent-decoded; empty parts are left out.
    public var pathSegments: [String] {
        rawPath.utf8.split(separator: 0x2f).map { part in
            let text = String(Substring(part))
            return PercentEncoding.decode(text) ?? text
        }
    }

    /// The query as it is on the wire, without the `?`; empty when there is none.
    public var rawQuery: String {
        guard let mark = queryMark else { return "" }
        return String(target[target.utf8.index(after: mark)...])
    }

    /// The items of the query in order, decoded as a form is (`+` is a space).
    public var queryItems: [(name: String, value: String)] {
        let query = rawQuery
        return query.isEmpty ? [] : QueryString.parse(query)
    }

    /// The first value of the query item `name`; nil when there is none, empty when it has no value.
    public func query(_ name: String) -> String? { queryItems.first { $0.name == name }?.value }
}

/// What a request's handler may know of the connection it came over.
public struct RequestContext: Sendable {
    /// The peer's address; nil in-process.
    public var peer: SocketAddress?
    /// The address the peer connected to; nil in-process.
    public var local: SocketAddress?
    /// Whether the connection is TLS.
    public var isTLS: Bool
    /// What the client proved in the handshake; nil without TLS or without a certificate. Look at its `isVerified`.
    public var clientCertificate: PeerCertificate?
    /// The identity an in-process transport vouches for; always nil for requests from the network.
    public var user: RequestUser?
    /// `HTTP/1.1` or `HTTP/2.0`.
    public var version: String
    /// Where a handler says that it knows whose the connection is; nil in-process.
    public var standing: ConnectionStanding?

    public init(
        peer: SocketAddress? = nil, local: SocketAddress? = nil, isTLS: Bool = false,
        clientCertificate: PeerCertificate? = nil, user: RequestUser? = nil, version: String = "HTTP/1.1"
    ) {
        self.peer = peer
        self.local = local
        self.isTLS = isTLS
        self.clientCertificate = clientCertificate
        self.user = user
        self.version = version
    }
}

/// A user as Kubernetes knows one.
public struct RequestUser: Sendable, Hashable {
    public var name: String
    public var uid: String
    public var groups: [String]
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }
}
