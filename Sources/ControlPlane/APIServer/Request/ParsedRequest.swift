// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Linux
internal import Schema
internal import TLS

/// A request, taken apart once at the door. Authorization, admission, handlers and metrics all decide by this value;
/// none of them has the bytes of the path, the query or the head to read in a way of its own.
struct ParsedRequest: Sendable {
    /// One place in memory, however many stages hold the request.
    private final class Parts: Sendable {
        let wire: HTTPRequest
        let path: RequestPath
        let query: RequestQuery
        let info: RequestInfo
        let resource: ResourceKind?

        init(_ wire: HTTPRequest, _ registry: ResourceRegistry?) {
            self.wire = wire
            path = RequestPath(raw: wire.rawPath)
            query = RequestQuery(wire.queryItems)
            info = RequestInfo(method: wire.method, path: path, query: query)
            resource = info.isResource ? registry?.resource(info.group, info.version, info.resource) : nil
        }
    }

    private let parts: Parts
    /// The body, where it has been read; nil: it is the wire's.
    private var read: [UInt8]?

    /// - Parameter registry: The resources that are served.
    init(_ wire: HTTPRequest, registry: ResourceRegistry? = nil) { parts = Parts(wire, registry) }

    private var wire: HTTPRequest { parts.wire }
    var path: RequestPath { parts.path }
    var query: RequestQuery { parts.query }
    /// What is asked for, and of what.
    var info: RequestInfo { parts.info }
    /// The resource that the path names, where one of that name is served.
    var resource: ResourceKind? { parts.resource }

    var method: String { wire.method }

    /// Whether the method only reads.
    var isRead: Bool { wire.method == "GET" || wire.method == "HEAD" }

    /// Where it comes from.
    var origin: RequestOrigin {
        if let peer = wire.context.peer { return .address(peer.host) }
        return wire.context.user == nil ? .unknown : .thisProcess
    }

    /// What the client has shown in its handshake.
    var certificate: PeerCertificate? { wire.context.clientCertificate }

    // MARK: Head

    // Of a field that repeats, the first line counts, as upstream has it.

    /// The media type of the body: lower case, without its parameters; empty when it is not given.
    var contentType: String {
        guard let value = wire.headers["Content-Type"] else { return "" }
        return value.prefix { $0 != ";" }.trimmingHTTPSpace().lowercasedASCII()
    }

    /// The elements of the first Accept line, in the client's order.
    var accepted: [String] {
        guard let value = wire.headers["Accept"] else { return [] }
        return value.split(separator: ",").map { $0.trimmingHTTPSpace() }.filter { !$0.isEmpty }
    }

    var acceptsGzip: Bool { wire.acceptsGzip }

    /// The entity tags the client has already.
    var knownTags: [String] { wire.headers.list("If-None-Match") }

    /// The first word of the client's name, without its version.
    var agent: String {
        let word = (wire.headers["User-Agent"] ?? "").prefix { $0 != "/" }
        return word.isEmpty ? "unknown" : String(word)
    }

    /// What the client calls this request in its own records, where it is something that a record of ours can take.
    var auditID: String? {
        guard let given = wire.headers["Audit-Id"], (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        return given
    }

    /// Whether the client asks for the connection itself, for another protocol.
    var asksForUpgrade: Bool { wire.headers.contains("Connection", token: "upgrade") }

    // MARK: Body

    static let bodyLimit = 3 * 1024 * 1024

    /// About how much memory the request itself takes.
    var headSize: Int {
        wire.headers.reduce(1024 + wire.target.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    /// The body where it is in memory.
    var present: [UInt8] {
        if let read { return read }
        if case .bytes(let bytes) = wire.body { return bytes }
        return []
    }

    /// The same request with its body read and in memory.
    func carrying(_ body: [UInt8]) -> ParsedRequest {
        var copy = self
        copy.read = body
        return copy
    }

    /// The body where it is still to be read from the network.
    var arriving: HTTPBodyStream? {
        if read == nil, case .stream(let stream) = wire.body { stream } else { nil }
    }

    /// How much of a body is in memory.
    var bodySize: Int {
        if let read { return read.count }
        if case .bytes(let bytes) = wire.body { return bytes.count }
        return 0
    }

    /// The body. Once: it comes from the network.
    func body() async throws(APIError) -> [UInt8] {
        do {
            return try await forwarded.body.collect(limit: Self.bodyLimit)
        } catch is HTTPBodyTooLarge {
            throw .tooLarge(Self.bodyLimit)
        } catch {
            throw .badRequest("read the body: \(error)")
        }
    }

    /// The request as it goes on to another server, which reads it for itself. Nothing here is decided by it.
    var forwarded: HTTPRequest {
        guard let read else { return wire }
        var copy = wire
        copy.body = .bytes(read)
        return copy
    }
}

/// Where a request comes from.
enum RequestOrigin: Sendable, Hashable {
    case thisProcess
    /// The other end of the connection.
    case address(String)
    case unknown
}
