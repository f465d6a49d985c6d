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

    /// Tokens are renewed all the time. When there are many, those are forgotten that nobody has shown since there were half
    /// as many: however many somebody has, those that are in use stay.
    private struct State {
        var recent: [Text: VerifiedToken] = [:]
        var earlier: [Text: VerifiedToken] = [:]

        mutating func find(_ key: Text, limit: Int) -> VerifiedToken? {
            if let token = recent[key] { return token }
            guard let token = earlier[key] else { return nil }
            add(key, token, limit: limit)
            return token
        }

        mutating func add(_ key: Text, _ token: VerifiedToken, limit: Int) {
            if recent.count >= limit / 2 { (earlier, recent) = (recent, [:]) }
            recent[key] = token
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: How many are kept at most.
    init(limit: Int = 8_192) { self.limit = limit }

    /// How many are kept.
    var count: Int { state.withLock { Set($0.recent.keys).union($0.earlier.keys).count } }

    /// A token that was found good before; nil for others.
    func known(_ text: String) -> VerifiedToken? { state.withLock { $0.find(Text(text: text), limit: limit) } }

    func token(_ text: String, keys: [PublicKey]) throws(TLSError) -> VerifiedToken {
        if let token = known(text) { return token }
        let token = VerifiedToken(try JWT(verifying: text, keys: keys))
        state.withLock { $0.add(Text(text: text), token, limit: limit) }
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
        let caller: Caller
        let grounds: [Ground]
        let end: Int64
    }

    init(_ jwt: JWT) {
        self.jwt = jwt
        issuer = jwt.claims["iss"]?.string
        audiences = jwt.claims["aud"]?.array?.compactMap(\.string) ?? []
    }

    /// Who was found before, while every object that vouched for the token is the one it was then.
    func caller(_ store: any KeyValueStore, now: Int64) -> Caller? {
        guard let finding = finding.withLock({ $0 }), now < finding.end else { return nil }
        for ground in finding.grounds where store.get(ground.key)?.revision != ground.revision { return nil }
        return finding.caller
    }

    /// - Parameter end: When what vouched for the token does so no longer, in seconds of the wall clock.
    func remember(_ caller: Caller, _ grounds: [Ground], until end: Int64) {
        finding.withLock { $0 = Finding(caller: caller, grounds: grounds, end: end) }
    }
}
