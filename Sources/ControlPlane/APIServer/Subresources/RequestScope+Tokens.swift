// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Text

extension RequestScope {
    /// A token for a service account, bound to what the request names.
    func createToken() async throws(APIError) -> HTTPResponse {
        guard let schema = Machinery.schema("io.k8s.api.authentication.v1.TokenRequest") else {
            throw .internalError("the type TokenRequest is unknown")
        }
        let body = try await decodeBody(schema, apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest").object
        let stored = try storage.require(resource, namespace: namespace, name: info.name)
        let reference = try boundReference(body)
        let bound = reference.flatMap { storage.get($0.resource, namespace: $0.namespace, name: $0.name) }
        // A node's is read once more, for the pod that it is bound to.
        return try await apart(stored.bytes.count + 2 * (bound?.bytes.count ?? 0)) { () throws(APIError) in
            try token(for: body, of: APIObject(stored), schema)
        }
    }

    private func token(
        for asked: APIObject, of account: APIObject, _ schema: TypeSchema
    ) throws(APIError) -> HTTPResponse {
        var body = asked
        try checkIdentity(of: body, account)
        var seconds = body.spec["expirationSeconds"]?.integer ?? 3600
        if let error = TokenLifetime.complaint(seconds) { throw .invalid(Self.tokenRequest(""), [error]) }
        try NodeRestriction(core: core, user: user, origin: request.origin)?.admitToken(
            body, account: account, resource)
        let bound = try boundObjects(body)
        var audiences = (body.spec["audiences"]?.array ?? []).compactMap(\.string)
        if audiences.isEmpty { audiences = core.tokens.audiences }
        var warnings: [String] = []
        let limit = core.configuration.maxTokenLifetime.components.seconds
        if seconds > limit {
            warnings.append("requested expiration of \(seconds) seconds shortened to \(limit) seconds")
            seconds = limit
        }
        let issued = try core.tokens.issue(
            account: account, audiences: audiences, seconds: seconds, bound: bound,
            extending: core.configuration.extendsTokenLifetime)
        var spec = body.spec
        spec["audiences"] = .array(audiences.map { .string($0) })
        spec["expirationSeconds"] = .integer(seconds)
        body.spec = spec
        body.status = ["token": .string(issued.token), "expirationTimestamp": .string(WallClock.text(issued.expires))]
        body.metadata = [
            "name": .string(account.name), "namespace": .string(account.namespace), "uid": .string(account.uid),
            "creationTimestamp": .string(WallClock.text()),
        ]
        return try respond(json: body.json, schema: schema, status: 201, warnings: warnings)
    }

    private static func tokenRequest(_ name: String) -> Subject {
        Subject(group: "authentication.k8s.io", resource: "TokenRequest", kind: "TokenRequest", name: name)
    }

    /// What the request says of the account has to be so of the account that the path names.
    private func checkIdentity(of body: APIObject, _ account: APIObject) throws(APIError) {
        for (field, given, wanted) in [
            ("name", body.name, account.name), ("namespace", body.namespace, account.namespace),
        ] where !given.isEmpty && given != wanted {
            throw .invalid(
                Self.tokenRequest(info.name),
                [
                    .invalid(
                        FieldPath("metadata")[field], given, "must match the service account \(field) if specified")
                ])
        }
        if !body.uid.isEmpty, body.uid != account.uid {
            throw .conflict(
                Self.tokenRequest(info.name),
                "the UID in the token request (\(body.uid)) does not match the UID of the service account (\(account.uid))"
            )
        }
    }

    /// What a token is to be bound to.
    private struct Reference {
        var kind: String
        var resource: ResourceKind
        var namespace: String
        var name: String
    }

    private func boundReference(_ body: APIObject) throws(APIError) -> Reference? {
        guard let reference = body.spec["boundObjectRef"]?.object else { return nil }
        let version = reference["apiVersion"]?.string ?? ""
        let kind = reference["kind"]?.string ?? ""
        let plurals = ["Pod": "pods", "Secret": "secrets", "Node": "nodes"]
        guard !version.hasSlash, let plural = plurals[kind] else {
            throw .badRequest("cannot bind token to object of type \(version), Kind=\(kind)")
        }
        return Reference(
            kind: kind, resource: try core.builtin("", plural), namespace: kind == "Node" ? "" : namespace,
            name: reference["name"]?.string ?? "")
    }

    private func boundObjects(_ body: APIObject) throws(APIError) -> [ServiceAccountTokens.Bound] {
        guard let reference = try boundReference(body) else { return [] }
        let (kind, name) = (reference.kind, reference.name)
        let uid = body.spec["boundObjectRef"]?["uid"]?.string ?? ""
        let subject = reference.resource.subject(name)
        guard let stored = storage.get(reference.resource, namespace: reference.namespace, name: name) else {
            throw .notFound(subject)
        }
        let object = try APIObject(stored)
        if kind == "Pod", object.spec["serviceAccountName"]?.string != info.name {
            throw .badRequest(
                "cannot bind token for serviceaccount \"\(info.name)\" to pod running with different serviceaccount name."
            )
        }
        if !uid.isEmpty, uid != object.uid {
            throw .conflict(
                subject,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        var result = [ServiceAccountTokens.Bound(kind: kind, name: name, uid: object.uid)]
        if kind == "Pod", let node = object.spec["nodeName"]?.string, !node.isEmpty {
            // Its name is worth telling even where the Node is gone.
            let uid = try core.object("", "nodes", name: node)?.uid ?? ""
            result.append(ServiceAccountTokens.Bound(kind: "Node", name: node, uid: uid))
        }
        return result
    }
}

/// How long tokens of service accounts last.
enum TokenLifetime {
    /// The kubelet asks for that where a pod says nothing: clients that never read their token again are borne for
    /// `extended`, and the token says when it would like to be replaced.
    static let projected: Int64 = 3607
    static let extended: Int64 = 365 * 86_400

    /// What is wrong with a request for so many seconds.
    static func complaint(_ seconds: Int64) -> FieldError? {
        let path = FieldPath("spec")["expirationSeconds"]
        if seconds < 600 { return .invalid(path, seconds, "may not specify a duration less than 10 minutes") }
        if seconds > 1 << 32 { return .invalid(path, seconds, "may not specify a duration larger than 2^32 seconds") }
        return nil
    }
}
