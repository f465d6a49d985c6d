// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import Synchronization
internal import TLS
internal import Text

/// Talks to one endpoint about one repository: carries the token it was given, answers challenges, follows redirects
/// (OCI distribution spec, "Pulling manifests" and "Pulling blobs").
final class RegistrySession: Sendable {
    private let endpoint: HTTPEndpoint
    private let repository: String
    private let credentials: RegistryCredentials?
    private let connections: RegistryConnections
    /// The Authorization field the endpoint accepts, once known.
    private let authorization = Mutex<String?>(nil)

    init(
        endpoint: HTTPEndpoint, repository: String, credentials: RegistryCredentials?, connections: RegistryConnections
    ) {
        self.endpoint = endpoint
        self.repository = repository
        self.credentials = credentials
        self.connections = connections
    }

    /// The host, for messages.
    var host: String { endpoint.authority }

    /// Fetches a manifest or index by tag or digest; the digest is of the bytes returned.
    func manifest(_ reference: String) async throws -> [UInt8] {
        try await inTime("manifest \(reference) of \(repository)") { try await self.wholeManifest(reference) }
    }

    /// A document, or the way to a blob, takes as long at the most as a registry may be silent four times: it may send little,
    /// but not little by little.
    private func inTime<Result: Sendable>(
        _ what: String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let time = connections.patience * 4
        do { return try await withDeadline(time, what, body) } catch is DeadlineExceeded {
            throw ImageError.tooSlow(host: host, what: what, seconds: time.components.seconds)
        }
    }

    private func wholeManifest(_ reference: String) async throws -> [UInt8] {
        var headers = HTTPHeaders()
        headers.add(name: "Accept", value: MediaType.manifests.joined(separator: ", "))
        let response = try await get("manifests/\(reference)", headers)
        let what = "manifest \(reference) of \(repository)"
        try await check(response, what, accepted: [200])
        do {
            return try await response.body.collect(limit: 4 << 20)
        } catch let error as CancellationError {
            throw error
        } catch let error as HTTPBodyTooLarge {
            throw ImageError.malformed(what: what, reason: "\(error)")
        } catch { throw ImageError.unreachable(host: host, reason: "\(what) could not be read: \(error)") }
    }

    /// Starts a blob's download at `offset`. Returns the response and where its body really starts: a server that knows
    /// no ranges starts over.
    func blob(_ digest: ImageDigest, from offset: Int64) async throws -> (response: HTTPResponse, start: Int64) {
        var headers = HTTPHeaders()
        if offset > 0 { headers.add(name: "Range", value: "bytes=\(offset)-") }
        let what = "blob \(digest) of \(repository)"
        let response = try await inTime(what) { [headers] in
            let response = try await self.get("blobs/\(digest)", headers)
            try await self.check(response, what, accepted: [200, 206])
            return response
        }
        return (response, response.status == 206 ? offset : 0)
    }

    private func get(_ path: String, _ headers: HTTPHeaders) async throws -> HTTPResponse {
        let target = "/v2/\(repository)/\(path)"
        let response = try await follow(target, headers)
        guard response.status == 401 else { return response }
        guard let challenge = AuthChallenge(response.headers) else { return response }
        let answer = try await self.answer(challenge)
        authorization.withLock { $0 = answer }
        return try await follow(target, headers)
    }

    /// Sends the request and follows where it is sent on. The registry's token goes to the registry alone: the storage
    /// it redirects to has its own signature in the URL and must not learn it.
    private func follow(_ target: String, _ headers: HTTPHeaders) async throws -> HTTPResponse {
        var place = endpoint
        var target = target
        for _ in 0..<6 {
            var request = HTTPRequest(target: target, headers: headers)
            if place == endpoint { request.headers["Authorization"] = authorization.withLock { $0 } }
            let response = try await connections.send(request, to: place, namedBy: endpoint)
            // A challenge of theirs would have the registry's credentials sent where they choose (CVE-2020-15157).
            if response.status == 401, place != endpoint {
                throw ImageError.unauthorized(host: place.authority, repository: repository)
            }
            guard [301, 302, 303, 307, 308].contains(response.status) else { return response }
            guard let location = response.headers["Location"] else { return response }
            if location.hasExactPrefix("/") {
                place.prefix = ""
                target = location
            } else if let next = RegistryURL(location) {
                guard next.endpoint.isTLS || !place.isTLS else {
                    throw ImageError.unreachable(host: host, reason: "it redirects from TLS to plain HTTP")
                }
                place = next.endpoint
                target = next.target
            } else {
                throw ImageError.unreachable(host: host, reason: "it redirects to \(location), which is no URL")
            }
        }
        throw ImageError.unreachable(host: host, reason: "it redirects in a circle")
    }

    private func answer(_ challenge: AuthChallenge) async throws -> String {
        switch challenge {
        case .basic:
            guard let credentials else {
                throw ImageError.unauthorized(host: host, repository: repository)
            }
            return Self.basic(credentials)
        case .bearer(let realm, let service, let scope):
            return "Bearer " + (try await token(realm, service, scope ?? "repository:\(repository):pull"))
        }
    }

    private func token(_ realm: String, _ service: String?, _ scope: String) async throws -> String {
        guard let place = RegistryURL(realm) else {
            throw ImageError.unreachable(host: host, reason: "its token service \"\(realm)\" is no URL")
        }
        guard place.endpoint.isTLS || !endpoint.isTLS || credentials == nil else {
            throw ImageError.unreachable(
                host: host, reason: "its token service \"\(realm)\" would get the credentials in the clear")
        }
        var fields = [("scope", scope)]
        if let service { fields.append(("service", service)) }
        var request = HTTPRequest(target: place.target)
        if let identity = credentials?.identityToken {
            fields += [("grant_type", "refresh_token"), ("refresh_token", identity), ("client_id", "swiftlet")]
            request.method = "POST"
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
            request.body = .bytes(Array(Self.form(fields).utf8))
        } else {
            request.target += (place.target.contains("?") ? "&" : "?") + Self.form(fields)
            if let credentials { request.headers["Authorization"] = Self.basic(credentials) }
        }
        let response = try await connections.send(request, to: place.endpoint, namedBy: endpoint)
        if response.status == 401 || response.status == 403 {
            throw ImageError.unauthorized(host: host, repository: repository)
        }
        try await check(response, "a token for \(repository)", accepted: [200])
        let json = try parseObject(try await response.body.collect(limit: 1 << 20), what: "the token of \(realm)")
        guard let token = json["token"]?.string ?? json["access_token"]?.string else {
            throw ImageError.malformed(what: "the token of \(realm)", reason: "it has no token field")
        }
        return token
    }

    /// Turns an unwelcome status into an error with the registry's own message.
    private func check(_ response: HTTPResponse, _ what: String, accepted: Set<Int>) async throws {
        if accepted.contains(response.status) { return }
        if response.status == 401 || response.status == 403 {
            throw ImageError.unauthorized(host: host, repository: repository)
        }
        // A body that is too long or broken costs only the message, and the status says enough.
        let body = (try? await response.body.collect(limit: 64 << 10)) ?? []
        let json = try? JSONValue.parse(body)
        let messages = json?["errors"]?.array?.compactMap { $0["message"]?.string } ?? []
        throw ImageError.registry(
            host: host, what: what, status: response.status, message: messages.joined(separator: "; "))
    }

    private static func basic(_ credentials: RegistryCredentials) -> String {
        "Basic " + Base64.encode(Array("\(credentials.username):\(credentials.password)".utf8))
    }

    /// `application/x-www-form-urlencoded`.
    static func form(_ fields: [(String, String)]) -> String {
        func escape(_ text: String) -> String {
            text.utf8.map { byte in
                let plain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                if plain || "-._~".utf8.contains(byte) { return String(UnicodeScalar(byte)) }
                return "%" + String(byte >> 4, radix: 16, uppercase: true)
                    + String(byte & 15, radix: 16, uppercase: true)
            }.joined()
        }
        return fields.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
    }
}
