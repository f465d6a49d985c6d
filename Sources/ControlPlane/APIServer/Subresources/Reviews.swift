// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

/// Kinds that are questions: a POST is answered and nothing is stored.
extension RequestScope {
    func review() async throws(APIError) -> HTTPResponse {
        var body = try await decodeBody(resource.schema, apiVersion: resource.apiVersion, kind: resource.kind).object
        var metadata = body.metadata
        metadata["creationTimestamp"] = .null
        body.metadata = metadata
        switch resource.kind {
        case "TokenReview": body.status = try tokenReview(body)
        case "SelfSubjectReview": body.status = ["userInfo": .object(Self.userInfo(user))]
        case "SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview":
            body.status = try await accessReview(body)
        case "SelfSubjectRulesReview": body.status = try rulesStatus(body.spec["namespace"]?.string ?? "")
        default: throw .methodNotAllowed(subject())
        }
        return try respond(json: body.json, schema: resource.schema, status: 201)
    }

    static func userInfo(_ user: RequestUser) -> JSONObject {
        var info: JSONObject = ["username": .string(user.name)]
        if !user.uid.isEmpty { info["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { info["groups"] = .array(user.groups.map { .string($0) }) }
        if !user.extra.isEmpty {
            let sorted = user.extra.sorted { $0.key < $1.key }
            info["extra"] = .object(JSONObject(sorted.map { ($0.key, .array($0.value.map { .string($0) })) }))
        }
        return info
    }

    private func tokenReview(_ body: APIObject) throws(APIError) -> JSONObject {
        let token = body.spec["token"]?.string ?? ""
        if token.isEmpty { throw .badRequest("token is required for TokenReview in authentication") }
        let wanted = (body.spec["audiences"]?.array ?? []).compactMap(\.string)
        // The same that lets requests in, so that nothing is confirmed that would not be believed here.
        let identity = try Authenticator(core: core, frontProxyName: nil).identity(
            of: token, audiences: wanted.isEmpty ? core.tokens.audiences : wanted)
        guard let identity else { return ["user": [:], "error": "invalid bearer token"] }
        return [
            "authenticated": true, "user": .object(Self.userInfo(identity.user)),
            "audiences": .array(identity.audiences.map { .string($0) }),
        ]
    }

    private func rulesStatus(_ namespace: String) throws(APIError) -> JSONObject {
        if namespace.isEmpty { throw .badRequest("no namespace on request") }
        let known = try Authorizer(core: core).rules(for: user, namespace: namespace)
        var seen: Set<PolicyRule> = []
        let unique = known.rules.filter { seen.insert($0).inserted }
        var status: JSONObject = [
            "resourceRules": .array(unique.filter { !$0.resources.isEmpty }.map(\.json)),
            "nonResourceRules": .array(unique.filter { !$0.paths.isEmpty }.map(\.json)),
            "incomplete": .bool(known.missing != nil),
        ]
        if let missing = known.missing { status["evaluationError"] = .string(missing) }
        return status
    }
}
