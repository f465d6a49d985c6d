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
        case "SelfSubjectAccessReview": body.status = try accessStatus(body.spec, user)
        case "SubjectAccessReview", "LocalSubjectAccessReview":
            body.status = try accessStatus(body.spec, try subjectUser(body.spec))
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
        let audiences = (body.spec["audiences"]?.array ?? []).compactMap(\.string)
        let authenticator = Authenticator(core: core, frontProxyName: nil)
        guard let found = try authenticator.authenticate(token: token, audiences: audiences) else {
            return ["user": [:], "error": "invalid bearer token"]
        }
        let accepted = audiences.isEmpty ? core.tokens.audiences : audiences
        return [
            "authenticated": true, "user": .object(Self.userInfo(found)),
            "audiences": .array(accepted.map { .string($0) }),
        ]
    }

    private func subjectUser(_ spec: JSONObject) throws(APIError) -> RequestUser {
        let name = spec["user"]?.string ?? ""
        let groups = (spec["groups"]?.array ?? []).compactMap(\.string)
        if name.isEmpty, groups.isEmpty {
            throw .invalid(
                subject(""),
                [
                    FieldError(
                        .invalid, path: "spec.user", value: "\"\"",
                        detail: "at least one of user or group must be specified")
                ])
        }
        var extra: [String: [String]] = [:]
        for (key, values) in spec["extra"]?.object ?? [:] { extra[key] = (values.array ?? []).compactMap(\.string) }
        return RequestUser(name: name, uid: spec["uid"]?.string ?? "", groups: groups, extra: extra)
    }

    private func accessStatus(_ spec: JSONObject, _ subject: RequestUser) throws(APIError) -> JSONObject {
        let request: AccessRequest
        if let attributes = spec["resourceAttributes"] {
            func text(_ field: String) -> String { attributes[field]?.string ?? "" }
            if resource.kind == "LocalSubjectAccessReview", text("namespace") != namespace {
                throw .badRequest(
                    "spec.resourceAttributes.namespace must match metadata.namespace: \(text("namespace"))")
            }
            request = AccessRequest(
                user: subject, verb: text("verb"), group: text("group"), resource: text("resource"),
                subresource: text("subresource"), namespace: text("namespace"), name: text("name"))
        } else if let attributes = spec["nonResourceAttributes"] {
            request = AccessRequest(
                user: subject, verb: attributes["verb"]?.string ?? "", path: attributes["path"]?.string ?? "")
        } else {
            throw .invalid(
                self.subject(""),
                [
                    FieldError(
                        .invalid, path: "spec.resourceAttributes", value: "null",
                        detail: "exactly one of nonResourceAttributes or resourceAttributes must be specified")
                ])
        }
        let (allowed, reason) = try Authorizer(core: core).decide(request)
        var status: JSONObject = ["allowed": .bool(allowed)]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        return status
    }

    private func rulesStatus(_ namespace: String) throws(APIError) -> JSONObject {
        if namespace.isEmpty { throw .badRequest("no namespace on request") }
        var rules = try RoleEvaluator(core: core).rules(for: user, namespace: namespace)
        if user.groups.contains("system:masters") {
            rules.insert(PolicyRule(verbs: ["*"], paths: ["*"]), at: 0)
            rules.insert(PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"]), at: 0)
        }
        var seen: Set<PolicyRule> = []
        let unique = rules.filter { seen.insert($0).inserted }
        return [
            "resourceRules": .array(unique.filter { $0.paths.isEmpty }.map(\.json)),
            "nonResourceRules": .array(unique.filter { !$0.paths.isEmpty }.map(\.json)),
            "incomplete": .bool(user.nodeName != nil),
        ]
    }
}
