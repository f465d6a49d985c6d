// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Store
internal import Synchronization
internal import TLS

/// Tokens whose signature was found good: a signature costs more to check than all the rest of a small request, and it
/// does not become bad. Times, and what the token is bound to, are looked at every time.
final class VerifiedTokens: Sendable {
    private let known = Mutex<[String: VerifiedToken]>([:])
    private static let limit = 4_096

    func token(_ text: String, keys: [PublicKey]) throws(TLSError) -> VerifiedToken {
        if let token = known.withLock({ $0[text] }) { return token }
        let token = VerifiedToken(try JWT(verifying: text, keys: keys))
        known.withLock { known in
            // Tokens are renewed all the time: the old ones go all at once rather than be kept in order.
            if known.count >= Self.limit { known = [:] }
            known[text] = token
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
    private let finding = Mutex<(user: RequestUser, grounds: [Ground])?>(nil)

    init(_ jwt: JWT) { self.jwt = jwt }

    /// The user found before, while every object that vouched for the token is the one it was then.
    func user(_ store: any KeyValueStore) -> RequestUser? {
        guard let finding = finding.withLock({ $0 }) else { return nil }
        for ground in finding.grounds where store.get(ground.key)?.revision != ground.revision { return nil }
        return finding.user
    }

    func remember(_ user: RequestUser, _ grounds: [Ground]) { finding.withLock { $0 = (user, grounds) } }
}
