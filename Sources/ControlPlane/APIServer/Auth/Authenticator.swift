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
    static let anonymous = RequestUser(name: "system:anonymous", groups: ["system:unauthenticated"])

    /// The user, anonymous when no credentials were given. Throws 401 when those given are wrong.
    func authenticate(_ request: HTTPRequest) throws(APIError) -> RequestUser {
        if let user = request.context.user { return Self.adding(Self.authenticated, to: user) }
        // Whoever shows what does not count is not let in as nobody instead.
        var isRefused = false
        if let certificate = request.context.clientCertificate {
            isRefused = !certificate.isVerified || !certificate.isValid(at: WallClock.seconds())
        }
        if let certificate = request.context.clientCertificate, !isRefused {
            if isFrontProxy(certificate) {
                if let name = request.headers["X-Remote-User"] {
                    return Self.adding(Self.authenticated, to: Self.remoteUser(name, request))
                }
            } else if !certificate.commonName.isEmpty {
                return Self.adding(
                    Self.authenticated, to: RequestUser(name: certificate.commonName, groups: certificate.organizations)
                )
            }
        }
        guard let token = Self.bearer(request) else {
            if isRefused { throw .unauthorized }
            return Self.anonymous
        }
        if let user = core.tokens.authenticate(token, audiences: nil, core: core) { return user }
        if let user = try bootstrapToken(token) { return user }
        if let user = staticToken(token) { return user }
        throw .unauthorized
    }

    /// Who a token belongs to, for a TokenReview.
    func authenticate(token: String, audiences: [String]) throws(APIError) -> RequestUser? {
        if let user = core.tokens.authenticate(
            token, audiences: audiences.isEmpty ? nil : audiences, core: core)
        {
            return user
        }
        return try bootstrapToken(token) ?? staticToken(token)
    }

    private static func bearer(_ request: HTTPRequest) -> String? {
        if let value = request.headers["Authorization"] {
            if let space = value.utf8.firstIndex(of: 0x20), String(value[..<space]).equalsIgnoringCase("bearer") {
                return value[space...].trimmingHTTPSpace()
            }
        }
        // Browsers cannot set headers on WebSockets: they offer the token as a subprotocol.
        for offered in request.headers.list("Sec-WebSocket-Protocol") {
            let prefix = "base64url.bearer.authorization.k8s.io."
            if offered.hasPrefix(prefix), let bytes = Base64.decodeURL(offered.dropFirst(prefix.count)) {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
        return nil
    }

    private static func adding(_ group: String, to user: RequestUser) -> RequestUser {
        if user.groups.contains(group) { return user }
        var user = user
        user.groups.append(group)
        return user
    }

    // MARK: Front proxy

    private func isFrontProxy(_ certificate: PeerCertificate) -> Bool {
        certificate.issuerCommonName == frontProxyName
    }

    private static func remoteUser(_ name: String, _ request: HTTPRequest) -> RequestUser {
        var extra: [String: [String]] = [:]
        for field in request.headers where field.name.lowercased().hasPrefix("x-remote-extra-") {
            extra[String(field.name.lowercased().dropFirst(15)), default: []].append(field.value)
        }
        return RequestUser(
            name: name, uid: request.headers["X-Remote-Uid"] ?? "", groups: request.headers.all("X-Remote-Group"),
            extra: extra)
    }

    // MARK: Tokens

    private func staticToken(_ token: String) -> RequestUser? {
        core.configuration.staticTokens.first { constantTimeEquals($0.token, token) }?.user
    }

    /// `id.secret` of a secret of type bootstrap.kubernetes.io/token in kube-system.
    private func bootstrapToken(_ token: String) throws(APIError) -> RequestUser? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 6, parts[1].utf8.count == 16 else { return nil }
        let name = "bootstrap-token-\(parts[0])"
        guard let secret = try core.object("", "secrets", namespace: "kube-system", name: name),
            secret["type"]?.string == "bootstrap.kubernetes.io/token", secret.deletionTimestamp == nil
        else { return nil }
        func text(_ key: String) -> String {
            secret["data"]?[key]?.string.flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        guard constantTimeEquals(text("token-secret"), String(parts[1])), text("token-id") == parts[0],
            text("usage-bootstrap-authentication") == "true"
        else { return nil }
        let expiration = text("expiration")
        if !expiration.isEmpty {
            guard let time = WallClock.parse(expiration), time > WallClock.seconds() else { return nil }
        }
        var groups = ["system:bootstrappers", Self.authenticated]
        for group in text("auth-extra-groups").split(separator: ",") where group.hasPrefix("system:bootstrappers:") {
            groups.append(String(group))
        }
        return RequestUser(name: "system:bootstrap:\(parts[0])", groups: groups)
    }
}
