// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Numbers
internal import Schema

/// Nobody may give away what they do not have: who writes a role holds all that it can come to grant, who writes a
/// binding holds all that its role grants, or has a right to do it nonetheless (`escalate`, `bind`).
struct RoleEscalation: Sendable {
    let core: ServerCore
    let user: RequestUser
    /// The name in the request's path; empty for a create by POST. A right to escalate one role by its name is one for
    /// requests that name it.
    let name: String

    func check(_ object: APIObject, old: APIObject?, resource: ResourceKind) throws(APIError) {
        if user.groups.contains(Authorizer.masters) { return }
        // Whatever else changes counts, for a label alone can carry a role's rules into another role.
        if let old, Self.onlyConcernsDeletion(object, old) { return }
        switch resource.kind {
        case "Role", "ClusterRole": try checkRole(object, old: old, resource)
        case "RoleBinding", "ClusterRoleBinding": try checkBinding(object, resource)
        default: break
        }
    }

    private func checkRole(_ object: APIObject, old: APIObject?, _ resource: ResourceKind) throws(APIError) {
        if try isAllowed("escalate", resource.plural, name: name, namespace: object.namespace) { return }
        let reach = Self.reach(of: object, replacing: old)
        try requireHeld(reach.rules, object, resource)
        guard reach.isUnlimited else { return }
        let held = try RoleEvaluator(core: core).rules(for: user, namespace: object.namespace)
        if HeldRights(held).missing(PolicyRule.everything)?.isEmpty == true { return }
        throw .forbidden(
            resource.subject(object.name), "must have cluster-admin privileges to use the aggregationRule")
    }

    private func checkBinding(_ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        let kind = object["roleRef"]?["kind"]?.string ?? ""
        let role = object["roleRef"]?["name"]?.string ?? ""
        let plural = kind == "ClusterRole" ? "clusterroles" : "roles"
        if try isAllowed("bind", plural, name: role, namespace: object.namespace) { return }
        guard let rules = try RoleEvaluator(core: core).rules(kind: kind, name: role, namespace: object.namespace)
        else {
            throw .notFound(Subject(group: RoleEvaluator.group, resource: plural, kind: kind, name: role))
        }
        try requireHeld(rules, object, resource)
    }

    /// What a role can come to grant: its rules; and anything, where labels that others choose add to them, which also
    /// goes for a role that has been such a one, whose rules are not its own.
    static func reach(of role: APIObject, replacing old: APIObject?) -> (rules: [PolicyRule], isUnlimited: Bool) {
        func aggregates(_ role: APIObject) -> Bool {
            role["aggregationRule"]?["clusterRoleSelectors"]?.array?.isEmpty == false
        }
        let rules = (role["rules"]?.array ?? []).map(PolicyRule.init)
        return (rules, aggregates(role) || old.map(aggregates) == true)
    }

    /// Whether an update changes nothing but what the garbage collector does to let an object go.
    static func onlyConcernsDeletion(_ new: APIObject, _ old: APIObject) -> Bool {
        func rest(_ object: APIObject) -> JSONValue? {
            var json = object.json
            for field in ["ownerReferences", "finalizers", "selfLink", "managedFields"] {
                json["metadata"]?[field] = nil
            }
            return withoutEmpty(.object(json))
        }
        return rest(new) == rest(old)
    }

    /// An empty list or object, and none, are the same.
    private static func withoutEmpty(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .null: return nil
        case .array(let values): return values.isEmpty ? nil : .array(values.map { withoutEmpty($0) ?? .null })
        case .object(let fields):
            var kept = JSONObject()
            for (key, value) in fields {
                if let value = withoutEmpty(value) { kept[key] = value }
            }
            return kept.isEmpty ? nil : .object(kept)
        default: return value
        }
    }

    // MARK: Rights

    private func isAllowed(_ verb: String, _ plural: String, name: String, namespace: String) throws(APIError) -> Bool {
        let request = AccessRequest(
            user: user, verb: verb, group: RoleEvaluator.group, resource: plural, namespace: namespace, name: name)
        return try Authorizer(core: core).decide(request).allowed
    }

    private func requireHeld(
        _ rules: [PolicyRule], _ object: APIObject, _ resource: ResourceKind
    ) throws(APIError) {
        let count = PolicyRule.count(of: rules)
        guard count <= PolicyRule.checkedLimit else {
            throw .forbidden(
                resource.subject(object.name),
                "the rules have \(count) permissions, and whether they are held is looked at for "
                    + "\(PolicyRule.checkedLimit) at most: \"escalate\" or \"bind\" is needed")
        }
        let held = try RoleEvaluator(core: core).rules(for: user, namespace: object.namespace)
        guard let missing = HeldRights(held).missing(rules) else {
            throw .forbidden(
                resource.subject(object.name),
                "to see whether \(count) permissions are held takes too long with roles as large as those of "
                    + "\"\(user.name)\": \"escalate\" or \"bind\" is needed")
        }
        if missing.isEmpty { return }
        let text = PolicyRule.joined(missing).map(\.text).sorted().joined(separator: "\n")
        throw .forbidden(
            resource.subject(object.name),
            "user \"\(user.name)\" (groups=\(PolicyRule.list(user.groups))) is attempting to grant RBAC permissions "
                + "not currently held:\n\(text)")
    }
}
