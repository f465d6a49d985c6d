// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Store
internal import Synchronization
internal import TLS
internal import Text

/// Tokens whose signature was found good: a signature costs more to check than all the rest of a small request, and it
/// does not become bad. Times, and what the token is bound to, are looked at every time.
final class VerifiedTokens: Sendable {
    /// A token's text. Its end alone, which is of the signature, says where it is kept: nobody without the key can make
    /// many that end alike, and there is a kilobyte of it.
    private struct Text: Hashable {
        let text: String

        static func == (one: Self, other: Self) -> Bool { one.text.isExactly(other.text) }

        func hash(into hasher: inout Hasher) {
            for byte in text.utf8.suffix(16) { hasher.combine(byte) }
        }
    }

    private let known = Mutex<[Text: VerifiedToken]>([:])
    private static let limit = 4_096

    func token(_ text: String, keys: [PublicKey]) throws(TLSError) -> VerifiedToken {
        let key = Text(text: text)
        if let token = known.withLock({ $0[key] }) { return token }
        let token = VerifiedToken(try JWT(verifying: text, keys: keys))
        known.withLock { known in
            // Tokens are renewed all the time: the old ones go all at once rather than be kept in order.
            if known.count >= Self.limit { known = [:] }
            known[key] = token
        }
        return token
    }
}

/// One token, and the user it was found to stand for.
final class VerifiedToken: Sendable {
    /// One object that vouched for the token, as it was then. Its revision is enough to know it by, and the object itself,
    /// which may be long gone, is not kept.
    struct Ground: Sendable {
        let key: String
        let revision: Int64
    }

    let jwt: JWT
    let issuer: String?
    let audiences: [String]
    private let finding = Mutex<Finding?>(nil)

    private struct Finding {
        let user: RequestUser
        let grounds: [Ground]
        let end: Int64
    }

    init(_ jwt: JWT) {
        self.jwt = jwt
        issuer = jwt.claims["iss"]?.string
        audiences = jwt.claims["aud"]?.array?.compactMap(\.string) ?? []
    }

    /// The user found before, while every object that vouched for the token is the one it was then.
    func user(_ store: any KeyValueStore, now: Int64) -> RequestUser? {
        guard let finding = finding.withLock({ $0 }), now < finding.end else { return nil }
        for ground in finding.grounds where store.get(ground.key)?.revision != ground.revision { return nil }
        return finding.user
    }

    /// - Parameter end: When what vouched for the token does so no longer, in seconds of the wall clock.
    func remember(_ user: RequestUser, _ grounds: [Ground], until end: Int64) {
        finding.withLock { $0 = Finding(user: user, grounds: grounds, end: end) }
    }
}
