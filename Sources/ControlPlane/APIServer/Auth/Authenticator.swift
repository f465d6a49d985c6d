// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import TLS

/// Finds out who asks.
struct Authenticator: Sendable {
    let core: ServerCore
    /// The name of the authority that issues the front proxy's certificate, where one is known. That it did issue the one
    /// shown is checked by the TLS layer's verified chain.
    let frontProxyName: String?

    static let authenticated = "system:authenticated"
    static let unauthenticated = "system:unauthenticated"
    static let anonymous = RequestUser(name: "system:anonymous", groups: [unauthenticated])

    /// Who asks, anonymous when no credentials were given. Throws 401 when those given are wrong: whoever shows what does
    /// not count is not let in as nobody instead.
    func authenticate(_ request: HTTPRequest) throws(APIError) -> Caller {
        guard let caller = try find(request, isMomentary: false) else {
            throw .internalError("nothing was too much to be found out, and was not")
        }
        return caller
    }

    /// The same, where it can be told at once; nil where a signature is to be checked, or an object to be read.
    func authenticateMomentary(_ request: HTTPRequest) throws(APIError) -> Caller? {
        try find(request, isMomentary: true)
    }

    private func find(_ request: HTTPRequest, isMomentary: Bool) throws(APIError) -> Caller? {
        if let user = request.context.user { return Caller(Self.withGroup(user)) }
        var refusal: APIError?
        if let certificate = request.context.clientCertificate {
            switch holder(certificate, request) {
            case .user(let user): return Caller(Self.withGroup(user))
            case .nobody: break
            case .refused(let error): refusal = error
            }
        }
        if let token = Self.bearer(request) { return try caller(token, isMomentary) }
        switch Self.socketToken(request) {
        case .none: break
        case .malformed: throw .unauthorized
        case .token(let token): return try caller(token, isMomentary)
        }
        if let refusal { throw refusal }
        return .anonymous
    }

    private func caller(_ token: String, _ isMomentary: Bool) throws(APIError) -> Caller? {
        let audiences = core.tokens.audiences
        if let known = core.tokens.remembered(token, audiences: audiences, core: core) { return known }
        if isMomentary, token.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 { return nil }
        guard let identity = try identity(of: token, audiences: audiences) else { throw .unauthorized }
        return identity.caller
    }

    /// Everybody who is known is one of those who are.
    private static func withGroup(_ user: RequestUser) -> RequestUser {
        if user.name == anonymous.name || user.groups.contains(authenticated) || user.groups.contains(unauthenticated) {
            return user
        }
        var user = user
        user.groups.append(authenticated)
        return user
    }

    // MARK: Certificates

    private enum Holder {
        case user(RequestUser), nobody
        case refused(APIError)
    }

    private func holder(_ certificate: PeerCertificate, _ request: HTTPRequest) -> Holder {
        guard certificate.isVerified, certificate.isValid(at: WallClock.seconds()) else {
            return .refused(.unauthorized)
        }
        // What the server shows to kubelets is no way back into the server.
        if certificate.commonName == ServerCredentials.kubeletClientName { return .refused(.unauthorized) }
        guard certificate.issuerCommonName == frontProxyName else {
            if certificate.commonName.isEmpty { return .nobody }
            do { try core.nodes.require(certificate) } catch { return .refused(error) }
            return .user(RequestUser(name: certificate.commonName, groups: certificate.organizations))
        }
        // Of that authority's certificates only the proxy's speaks for others, and none for itself.
        guard FrontProxy.allowedNames.contains(certificate.commonName), let user = FrontProxy.user(request.headers)
        else { return .refused(.unauthorized) }
        return .user(user)
    }

    // MARK: Bearer tokens

    private static func bearer(_ request: HTTPRequest) -> String? {
        guard var value = request.headers["Authorization"]?.trimmingHTTPSpace(), value.hasPrefixIgnoringCase("bearer ")
        else { return nil }
        // By bytes in one piece of memory, and copied once: a token has a kilobyte, and each request brings one.
        return value.withUTF8 { bytes in
            let rest = unsafe bytes["bearer ".utf8.count...]
            let word = unsafe rest[..<(rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.endIndex)]
            return unsafe word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
        }
    }

    private enum SocketToken {
        case none, malformed
        case token(String)
    }

    /// Browsers cannot set headers on WebSockets: they offer the token as a subprotocol, beside one that is spoken.
    private static func socketToken(_ request: HTTPRequest) -> SocketToken {
        guard WebSocketHandshake.isRequested(by: request) else { return .none }
        let prefix = "base64url.bearer.authorization.k8s.io."
        let offered = WebSocketHandshake.offered(by: request)
        let tokens = offered.filter { $0.hasPrefix(prefix) }
        guard let token = tokens.first else { return .none }
        guard tokens.count == 1, let bytes = Base64.decodeURL(token.dropFirst(prefix.count)) else { return .malformed }
        if bytes.isEmpty { return .none }
        guard offered.count > 1, let text = String(validating: bytes, as: UTF8.self) else { return .malformed }
        return .token(text)
    }

    /// Whom a token proves, and to which of the audiences asked for.
    struct Identity {
        let caller: Caller
        let audiences: [String]

        var user: RequestUser { caller.user }
    }

    /// Nil for a token of nobody, or for none of `wanted`. Requests, TokenReviews and kubelets all ask here.
    func identity(of token: String, audiences wanted: [String]) throws(APIError) -> Identity? {
        if let found = core.tokens.authenticate(token, audiences: wanted, core: core) {
            return Identity(caller: found.caller, audiences: found.audiences)
        }
        // Other tokens say of no audience: they are for this server.
        let audiences = wanted.filter(core.tokens.audiences.contains)
        guard !audiences.isEmpty, let user = try BootstrapTokens(core: core).user(token) ?? staticToken(token) else {
            return nil
        }
        return Identity(caller: Caller(Self.withGroup(user)), audiences: audiences)
    }

    private func staticToken(_ token: String) -> RequestUser? {
        core.configuration.staticTokens.first { constantTimeEquals($0.token, token) }?.user
    }
}

/// The headers by which an aggregating server in front says for whom it asks. The same names stand in the ConfigMap
/// `extension-apiserver-authentication`, for servers behind this one.
enum FrontProxy {
    /// The common names of certificates that are believed.
    static let allowedNames = ["system:auth-proxy"]
    static let nameHeader = "X-Remote-User"
    static let uidHeader = "X-Remote-Uid"
    static let groupHeader = "X-Remote-Group"
    static let extraPrefix = "X-Remote-Extra-"

    static func user(_ headers: HTTPHeaders) -> RequestUser? {
        guard let name = headers[nameHeader], !name.isEmpty else { return nil }
        return RequestUser(
            name: name, uid: headers[uidHeader] ?? "", groups: headers.all(groupHeader).filter { !$0.isEmpty },
            extra: headers.extra(extraPrefix))
    }
}

extension HTTPHeaders {
    /// The fields whose names begin with `prefix`, by what follows it: in lower case, then percent-decoded, because a key
    /// may have bytes that no header's name has.
    func extra(_ prefix: String) -> [String: [String]] {
        var extra: [String: [String]] = [:]
        for field in self where field.name.hasPrefixIgnoringCase(prefix) {
            let encoded = String(field.name.lowercasedASCII().dropFirst(prefix.utf8.count))
            extra[PercentEncoding.decode(encoded) ?? encoded, default: []].append(field.value)
        }
        return extra
    }
}
