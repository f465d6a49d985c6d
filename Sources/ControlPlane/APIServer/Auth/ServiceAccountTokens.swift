// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import TLS

/// Issues and checks the tokens of service accounts.
struct ServiceAccountTokens: Sendable {
    let issuer: String
    let audiences: [String]
    let key: PrivateKey
    /// The keys whose tokens are accepted: the current one, and those it replaced.
    let publicKeys: [PublicKey]
    let verified = VerifiedTokens()

    init(issuer: String, audiences: [String], key: PrivateKey, publicKeys: [PublicKey]) {
        self.issuer = issuer
        self.audiences = audiences
        self.key = key
        self.publicKeys = publicKeys
    }

    static let group = "system:serviceaccounts"

    /// A pod, node or secret with which a token ends.
    struct Bound: Sendable {
        var kind: String
        var name: String
        /// Empty where there is no such object any more, which is so for a pod's node only.
        var uid: String
    }

    /// A token for `account`, bound to `bound` where given. One for a pod's own use of this server lasts longer than asked
    /// for where `extending`.
    func issue(
        account: APIObject, audiences: [String], seconds: Int64, bound: [Bound], extending: Bool
    ) throws(APIError) -> (token: String, expires: Int64) {
        let now = WallClock.seconds()
        let extended =
            extending && seconds == TokenLifetime.projected && bound.contains { $0.kind == "Pod" }
            && Set(audiences).isSubset(of: self.audiences)
        let expires = now + (extended ? TokenLifetime.extended : seconds)
        var kubernetes: JSONObject = [
            "namespace": .string(account.namespace),
            "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
        ]
        for reference in bound {
            var names: JSONObject = ["name": .string(reference.name)]
            if !reference.uid.isEmpty { names["uid"] = .string(reference.uid) }
            kubernetes[reference.kind.lowercasedASCII()] = .object(names)
        }
        if extended { kubernetes["warnafter"] = .integer(now + seconds) }
        let claims: JSONObject = [
            "aud": .array(audiences.map { .string($0) }), "exp": .integer(expires), "iat": .integer(now),
            "iss": .string(issuer), "jti": .string(Fresh.uid()), "kubernetes.io": .object(kubernetes),
            "nbf": .integer(now), "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
        ]
        do throws(TLSError) {
            return (try JWT.sign(claims, key: key), now + seconds)
        } catch {
            throw .internalError("\(error)")
        }
    }

    /// The user of a token and those of the audiences `wanted` that it is for; nil when it is for none of them, or not one
    /// of ours. What it is bound to must still be there.
    func authenticate(
        _ token: String, audiences wanted: [String], core: ServerCore
    ) -> (caller: Caller, audiences: [String])? {
        let known: VerifiedToken
        let now = WallClock.seconds()
        do throws(TLSError) {
            known = try verified.token(token, keys: publicKeys)
        } catch {
            return nil
        }
        guard let confirmed = confirmed(known, wanted, now) else { return nil }
        if let caller = known.caller(core.store, now: now) { return (caller, confirmed) }
        let jwt = known.jwt
        let claims = jwt.claims["kubernetes.io"]
        guard let namespace = claims?["namespace"]?.string, let name = claims?["serviceaccount"]?["name"]?.string,
            let uid = claims?["serviceaccount"]?["uid"]?.string
        else { return nil }
        // An object that cannot be read proves nothing: not authenticated.
        guard let stored = try? core.stored("", "serviceaccounts", namespace: namespace, name: name),
            let account = Vouching.of(stored), account.uid == uid
        else { return nil }
        var grounds = [VerifiedToken.Ground(key: stored.key, revision: stored.revision)]
        // One that is being deleted holds for a minute only, whatever its revision.
        var end = Self.end(account)
        var extra: [String: [String]] = [:]
        for (kind, plural) in [("pod", "pods"), ("node", "nodes"), ("secret", "secrets")] {
            guard let reference = claims?[kind], let boundName = reference["name"]?.string else { continue }
            let scope = kind == "node" ? "" : namespace
            // One that cannot be read cannot vouch for the token, which is then refused.
            let bound = try? core.stored("", plural, namespace: scope, name: boundName)
            // A token bound to a pod names its node too; the node may go before the pod does.
            if kind == "node", claims?["pod"] != nil {
                extra["authentication.kubernetes.io/node-name"] = [boundName]
                if let uid = reference["uid"]?.string { extra["authentication.kubernetes.io/node-uid"] = [uid] }
                continue
            }
            guard let bound, let object = Vouching.of(bound), object.uid == reference["uid"]?.string
            else { return nil }
            grounds.append(VerifiedToken.Ground(key: bound.key, revision: bound.revision))
            end = min(end, Self.end(object))
            extra["authentication.kubernetes.io/\(kind)-name"] = [boundName]
            extra["authentication.kubernetes.io/\(kind)-uid"] = [object.uid]
        }
        guard now < end else { return nil }
        if let id = jwt.claims["jti"]?.string { extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        let caller = Caller(Self.user(namespace: namespace, name: name, uid: uid, extra: extra))
        known.remember(caller, grounds, until: end)
        return (caller, confirmed)
    }

    /// The same of a token that was found good before, where all that vouches for it is as it was then; nil where there is
    /// more to be done to tell.
    func remembered(_ token: String, audiences wanted: [String], core: ServerCore) -> Caller? {
        let now = WallClock.seconds()
        guard let known = verified.known(token), confirmed(known, wanted, now) != nil else { return nil }
        return known.caller(core.store, now: now)
    }

    /// Those of `wanted` that a token is for; nil when it is for none, at this time.
    private func confirmed(_ token: VerifiedToken, _ wanted: [String], _ now: Int64) -> [String]? {
        guard token.issuer == issuer else { return nil }
        do throws(TLSError) { try token.jwt.checkTimes(now: now) } catch { return nil }
        let audiences = token.audiences
        if audiences.allSatisfy(wanted.containsExactly) { return audiences.isEmpty ? nil : audiences }
        let confirmed = audiences.filter(wanted.containsExactly)
        return confirmed.isEmpty ? nil : confirmed
    }

    /// What tokens want to know of an object that vouches for them: read once, however many there are, and kept with it.
    private final class Vouching: Sendable {
        let uid: String
        let deletionTimestamp: String?

        private init(_ object: APIObject) {
            uid = object.uid
            deletionTimestamp = object.deletionTimestamp
        }

        /// nil for an object that cannot be read.
        static func of(_ stored: StoredObject) -> Vouching? {
            if let known = stored.remembered(Vouching.self) { return known }
            guard let object = try? APIObject(stored) else { return nil }
            let vouching = Vouching(object)
            stored.remember(vouching)
            return vouching
        }
    }

    /// Until when an object vouches for a token. Being deleted is fine for a minute: the last acts of a pod need its token.
    private static func end(_ object: Vouching) -> Int64 {
        guard let deletion = object.deletionTimestamp, let time = WallClock.parse(deletion) else { return .max }
        return time + 60
    }

    static func user(namespace: String, name: String, uid: String, extra: [String: [String]]) -> RequestUser {
        RequestUser(
            name: "system:serviceaccount:\(namespace):\(name)", uid: uid,
            groups: [group, "\(group):\(namespace)", "system:authenticated"], extra: extra)
    }

    /// The key set by which others check the tokens.
    func keySet() throws(APIError) -> JSONObject {
        do throws(TLSError) { return try PublicKey.jsonWebKeySet(publicKeys) } catch {
            throw .internalError("\(error)")
        }
    }
}
