// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import TLS
internal import Text

/// Who to be at a registry. Never printed: its description says only that it is there.
public struct RegistryCredentials: Sendable, Hashable {
    public var username: String
    public var password: String
    /// An OAuth2 refresh token, given instead of a password.
    public var identityToken: String?

    public init(username: String, password: String, identityToken: String? = nil) {
        self.username = username
        self.password = password
        self.identityToken = identityToken
    }
}

extension RegistryCredentials: CustomStringConvertible {
    public var description: String { "credentials of \(username.isEmpty ? "a token" : username) (hidden)" }
}

extension RegistryCredentials: CustomReflectable {
    /// Keeps `dump` and string interpolation of a containing value from showing the password.
    public var customMirror: Mirror { Mirror(self, children: ["username": username]) }
}

/// A set of credentials by registry, as a docker `config.json` or an image pull secret holds it.
public struct RegistryKeyring: Sendable {
    private var entries: [(host: String, path: String, credentials: RegistryCredentials)] = []

    public init() {}

    /// Adds what is in `bytes`: the content of `.dockerconfigjson` (with `auths`) or of the older `.dockercfg`
    /// (without).
    public mutating func add(dockerConfig bytes: [UInt8], source: String) throws(ImageError) {
        let json = try parseObject(bytes, what: source)
        let auths = json["auths"]?.object ?? json.object ?? [:]
        for (key, value) in auths {
            guard let credentials = try Self.credentials(value, source: source) else { continue }
            add(credentials, for: key)
        }
    }

    /// Adds credentials for `server`: a host, with a port and a path prefix or without, or a URL.
    public mutating func add(_ credentials: RegistryCredentials, for server: String) {
        var rest = Substring(server)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        for suffix in ["/v1/", "/v2/", "/v1", "/v2"] where rest.hasSuffix(suffix) {
            rest = rest.dropLast(suffix.count)
            break
        }
        let parts = rest.steps
        guard let first = parts.first else { return }
        let host = ["index.docker.io", "registry-1.docker.io"].contains(first) ? "docker.io" : first
        entries.append((host, parts.dropFirst().joined(separator: "/"), credentials))
    }

    /// The credentials to try for `reference`, the most specific path first.
    public func credentials(for reference: ImageReference) -> [RegistryCredentials] {
        entries
            .filter { Self.matches($0.host, reference.domain) && Self.covers($0.path, reference.path) }
            .sorted { $0.path.utf8.count > $1.path.utf8.count }
            .map(\.credentials)
    }

    /// Host patterns may hold `*` for one label, as upstream's keyring allows: `*.example.com`.
    private static func matches(_ pattern: String, _ host: String) -> Bool {
        if pattern == host { return true }
        let want = pattern.split(separator: ".", omittingEmptySubsequences: false)
        let have = host.split(separator: ".", omittingEmptySubsequences: false)
        return want.count == have.count && zip(want, have).allSatisfy { $0 == "*" || $0 == $1 }
    }

    private static func covers(_ prefix: String, _ path: String) -> Bool {
        prefix.isEmpty || path == prefix || path.hasPrefix(prefix + "/")
    }

    private static func credentials(
        _ json: JSONValue, source: String
    ) throws(ImageError) -> RegistryCredentials? {
        let identity = json["identitytoken"]?.string
        if let username = json["username"]?.string, let password = json["password"]?.string {
            return RegistryCredentials(username: username, password: password, identityToken: identity)
        }
        guard let text = json["auth"]?.string, !text.isEmpty else {
            return identity.map { RegistryCredentials(username: "", password: "", identityToken: $0) }
        }
        guard let bytes = Base64.decode(text), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw .malformed(what: source, reason: "an auth entry is not the base64 form of user:password")
        }
        return RegistryCredentials(
            username: String(decoding: bytes[..<colon], as: UTF8.self),
            password: String(decoding: bytes[(colon + 1)...], as: UTF8.self), identityToken: identity)
    }
}
