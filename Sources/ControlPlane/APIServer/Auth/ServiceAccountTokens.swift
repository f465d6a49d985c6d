// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Synchronization
internal import TLS

/// Issues and checks the tokens of service accounts.
struct ServiceAccountTokens: Sendable {
    let issuer: String
    let audiences: [String]
    let key: PrivateKey
    /// The keys whose tokens are accepted: the current one, and those it replaced.
    let publicKeys: [PublicKey]
    private let verified = VerifiedTokens()

    init(issuer: String, audiences: [String], key: PrivateKey, publicKeys: [PublicKey]) {
        self.issuer = issuer
        self.audiences = audiences
        self.key = key
        self.publicKeys = publicKeys
    }

    static let group = "system:serviceaccounts"

    /// A token for `account`, bound to `bound` (kind, name and uid of a pod, node or secret) where given.
    func issue(
        account: APIObject, audiences: [String], seconds: Int64, bound: [(kind: String, name: String, uid: String)]
    ) throws(APIError) -> (token: String, expires: Int64) {
        let now = WallClock.seconds()
        // The kubelet asks for 3607 s: such tokens live a year for clients that never read them again, and say when
        // they would like to be replaced.
        let extended = seconds == 3607 && audiences == self.audiences
        let expires = now + (extended ? 365 * 86_400 : seconds)
        var kubernetes: JSONObject = [
            "namespace": .string(account.namespace),
            "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
        ]
        for reference in bound {
            kubernetes[reference.kind.lowercasedASCII()] = [
                "name": .string(reference.name), "uid": .string(reference.uid),
            ]
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

    /// The user of a token, or nil when it is not one of ours. What it is bound to must still be there.
    func authenticate(_ token: String, audiences wanted: [String]?, core: ServerCore) -> RequestUser? {
        let jwt: JWT
        do throws(TLSError) {
            jwt = try verified.token(token, keys: publicKeys)
            try jwt.checkTimes(now: WallClock.seconds())
        } catch {
            return nil
        }
        guard jwt.claims["iss"]?.string == issuer else { return nil }
        let given = jwt.claims["aud"]?.array?.compactMap(\.string) ?? []
        guard given.contains(where: (wanted ?? audiences).contains) else { return nil }
        let claims = jwt.claims["kubernetes.io"]
        guard let namespace = claims?["namespace"]?.string, let name = claims?["serviceaccount"]?["name"]?.string,
            let uid = claims?["serviceaccount"]?["uid"]?.string
        else { return nil }
        // A store that cannot be read proves nothing: not authenticated.
        guard let account = try? core.object("", "serviceaccounts", namespace: namespace, name: name),
            account.uid == uid, isAlive(account)
        else { return nil }
        var extra: [String: [String]] = [:]
        for (kind, plural) in [("pod", "pods"), ("node", "nodes"), ("secret", "secrets")] {
            guard let reference = claims?[kind], let boundName = reference["name"]?.string else { continue }
            let scope = kind == "node" ? "" : namespace
            // One that cannot be read cannot vouch for the token, which is then refused.
            let object = try? core.object("", plural, namespace: scope, name: boundName)
            // A token bound to a pod names its node too; the node may go before the pod does.
            if kind == "node", claims?["pod"] != nil {
                extra["authentication.kubernetes.io/node-name"] = [boundName]
                if let uid = reference["uid"]?.string { extra["authentication.kubernetes.io/node-uid"] = [uid] }
                continue
            }
            guard let object, object.uid == reference["uid"]?.string, isAlive(object) else { return nil }
            extra["authentication.kubernetes.io/\(kind)-name"] = [boundName]
            extra["authentication.kubernetes.io/\(kind)-uid"] = [object.uid]
        }
        if let id = jwt.claims["jti"]?.string { extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        return Self.user(namespace: namespace, name: name, uid: uid, extra: extra)
    }

    /// Being deleted is fine for a minute: the last acts of a pod need its token.
    private func isAlive(_ object: APIObject) -> Bool {
        guard let deletion = object.deletionTimestamp, let time = WallClock.parse(deletion) else { return true }
        return WallClock.seconds() < time + 60
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

/// Tokens whose signature was found good: a signature costs more to check than all the rest of a small request, and it
/// does not become bad. Times, and what the token is bound to, are looked at every time.
private final class VerifiedTokens: Sendable {
    private let known = Mutex<[String: JWT]>([:])
    private static let limit = 4_096

    func token(_ text: String, keys: [PublicKey]) throws(TLSError) -> JWT {
        if let jwt = known.withLock({ $0[text] }) { return jwt }
        let jwt = try JWT(verifying: text, keys: keys)
        known.withLock { known in
            // Tokens are renewed all the time: the old ones go all at once rather than be kept in order.
            if known.count >= Self.limit { known = [:] }
            known[text] = jwt
        }
        return jwt
    }
}
