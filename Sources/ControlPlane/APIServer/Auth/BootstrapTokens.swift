// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Text

/// The tokens with which machines join: `id.secret`, each a Secret of type bootstrap.kubernetes.io/token in kube-system.
struct BootstrapTokens: Sendable {
    let core: ServerCore

    static let group = "system:bootstrappers"

    /// The user of a token that is good now; nil of any other.
    func user(_ token: String) throws(APIError) -> RequestUser? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isWord(parts[0], 6), Self.isWord(parts[1], 16),
            let secret = try core.object("", "secrets", namespace: "kube-system", name: "bootstrap-token-\(parts[0])"),
            secret["type"]?.string == "bootstrap.kubernetes.io/token", secret.deletionTimestamp == nil
        else { return nil }
        func text(_ key: String) -> String {
            secret["data"]?[key]?.string.flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        guard constantTimeEquals(text("token-secret"), parts[1]), text("token-id").isExactly(parts[0]),
            text("usage-bootstrap-authentication") == "true",
            Self.isCurrent(text("expiration"), at: WallClock.seconds()),
            let more = Self.groups(text("auth-extra-groups"))
        else { return nil }
        return RequestUser(name: "system:bootstrap:\(parts[0])", groups: [Self.group] + more)
    }

    /// What has an end that cannot be read has ended.
    private static func isCurrent(_ expiration: String, at now: Int64) -> Bool {
        if expiration.isEmpty { return true }
        guard let end = WallClock.parse(expiration) else { return false }
        return end > now
    }

    /// The groups a token may name are those of bootstrappers only. One that names another is no token at all: it would
    /// make `system:masters` of whoever may write Secrets of kube-system.
    static func groups(_ text: String) -> [String]? {
        if text.isEmpty { return [] }
        var groups: [String] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            guard isGroup(name) else { return nil }
            if name != group, !groups.contains(name) { groups.append(name) }
        }
        return groups.sorted()
    }

    /// `system:bootstrappers:` and up to 256 of `a-z 0-9 : -`, the last of them no sign.
    private static func isGroup(_ name: String) -> Bool {
        let prefix = "\(group):"
        guard name.utf8.starts(with: prefix.utf8) else { return false }
        let rest = name.utf8.dropFirst(prefix.utf8.count)
        guard (1...256).contains(rest.count), let last = rest.last, isWordByte(last) else { return false }
        return rest.allSatisfy { isWordByte($0) || $0 == 0x3a || $0 == 0x2d }
    }

    private static func isWord(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy(isWordByte)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }
}
