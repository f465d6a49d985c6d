// SPDX-License-Identifier: Apache-2.0

public import HTTP
public import JSON
public import Schema

/// A Kubernetes API client over one exchange: a connection pool to a server, or a server in the same process.
///
/// A value: copies share the exchange. Errors are `StatusError` when the server answered, the exchange's own otherwise.
public struct KubeClient: Sendable {
    public let exchange: any HTTPExchange
    public var userAgent: String
    /// Named in `fieldManager` of writes; nil leaves the server to take it from the user agent.
    public var fieldManager: String?
    /// The bearer token for each request: asked anew every time, so that rotated tokens are picked up.
    public var token: (@Sendable () async throws -> String?)?
    /// Called when a request was refused with 401, so that `token` gives another the next time.
    public var onUnauthorized: (@Sendable () async -> Void)?
    /// The largest answer read into memory, in bytes.
    public var answerLimit = 1 << 30

    public init(
        exchange: any HTTPExchange, userAgent: String = "swiftlet", fieldManager: String? = nil,
        token: (@Sendable () async throws -> String?)? = nil
    ) {
        self.exchange = exchange
        self.userAgent = userAgent
        self.fieldManager = fieldManager
        self.token = token
    }

    /// The same client under another name: what audit, managedFields and metrics show.
    public func named(_ userAgent: String, fieldManager: String? = nil) -> KubeClient {
        var copy = self
        copy.userAgent = userAgent
        copy.fieldManager = fieldManager ?? self.fieldManager
        return copy
    }

    // MARK: Raw requests

    /// Sends one request and returns the answer's body as JSON.
    public func request(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [], body: JSONObject? = nil,
        contentType: String = "application/json", accept: String = "application/json"
    ) async throws -> JSONValue {
        let response = try await send(
            method, path, query: query, body: body.map { JSONValue.object($0).encoded() }, contentType: contentType,
            accept: accept)
        let bytes = try await response.body.collect(limit: answerLimit)
        if bytes.isEmpty { return .null }
        return try JSONValue.parse(bytes, options: .answer)
    }

    /// Sends one request; answers with a status of 400 or more are thrown as StatusError.
    public func send(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        contentType: String = "application/json", accept: String = "application/json", isLasting: Bool = false
    ) async throws -> HTTPResponse {
        var headers = HTTPHeaders()
        headers["Accept"] = accept
        headers["User-Agent"] = userAgent
        if body != nil { headers["Content-Type"] = contentType }
        if let token, let bearer = try await token() { headers["Authorization"] = "Bearer \(bearer)" }
        let target = KubeClient.target(path: path, query: query)
        var request = HTTPRequest(
            method: method, target: target, headers: headers, body: body.map { .bytes($0) } ?? .empty)
        request.isLasting = isLasting
        let response = try await exchange.send(request)
        guard response.status < 400 else {
            if response.status == 401 { await onUnauthorized?() }
            let text = try await response.body.collect(limit: 1 << 20)
            var error = StatusError(code: response.status, body: text, request: "\(method) \(path)")
            if error.retryAfterSeconds == nil, let after = response.headers["Retry-After"] {
                error.retryAfterSeconds = Int(after)
            }
            throw error
        }
        return response
    }

    static func target(path: String, query: [(name: String, value: String)]) -> String {
        guard !query.isEmpty else { return path }
        var target = path
        var separator = "?"
        for item in query {
            target += separator
            target += percentEncoded(item.name)
            target += "="
            target += percentEncoded(item.value)
            separator = "&"
        }
        return target
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    static func percentEncoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hex[Int(byte >> 4)])
                bytes.append(hex[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The path of a collection, an object or a subresource.
    public static func path(
        _ resource: ResourceID, namespace: String? = nil, name: String? = nil, subresource: String? = nil
    ) -> String {
        var path = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
        if resource.namespaced, let namespace, !namespace.isEmpty { path += "/namespaces/\(percentEncoded(namespace))" }
        path += "/\(resource.plural)"
        if let name { path += "/\(percentEncoded(name))" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}
