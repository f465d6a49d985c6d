// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization

/// One rule of a role.
struct PolicyRule: Sendable, Hashable {
    var verbs: [String]
    var groups: [String]
    var resources: [String]
    var names: [String]
    var paths: [String]

    init(_ json: JSONValue) {
        func list(_ field: String) -> [String] { (json[field]?.array ?? []).compactMap(\.string) }
        verbs = list("verbs")
        groups = list("apiGroups")
        resources = list("resources")
        names = list("resourceNames")
        paths = list("nonResourceURLs")
    }

    init(verbs: [String], groups: [String] = [], resources: [String] = [], names: [String] = [], paths: [String] = []) {
        self.verbs = verbs
        self.groups = groups
        self.resources = resources
        self.names = names
        self.paths = paths
    }

    var json: JSONValue {
        var object: JSONObject = ["verbs": .array(verbs.map { .string($0) })]
        for (field, values) in [
            ("apiGroups", groups), ("resources", resources), ("resourceNames", names), ("nonResourceURLs", paths),
        ] where !values.isEmpty {
            object[field] = .array(values.map { .string($0) })
        }
        return .object(object)
    }

    func allows(_ request: AccessRequest) -> Bool {
        guard verbs.contains("*") || verbs.contains(request.verb) else { return false }
        if let path = request.path {
            return paths.contains { $0 == "*" || $0 == path || ($0.hasSuffix("*") && path.hasPrefix($0.dropLast())) }
        }
        guard groups.contains("*") || groups.contains(request.group) else { return false }
        guard
            resources.contains(where: {
                $0 == "*" || $0 == request.fullResource
                    || (!request.subresource.isEmpty && $0 == "*/\(request.subresource)")
            })
        else { return false }
        return names.isEmpty || names.contains(request.name)
    }
}

/// The rules of a role, read once from the stored object.
private final class CompiledRole: Sendable {
    let rules: [PolicyRule]
    init(_ object: APIObject) { rules = (object["rules"]?.array ?? []).map(PolicyRule.init) }
}

/// Who a binding names and which role it gives.
private final class CompiledBinding: Sendable {
    struct Member: Sendable {
        var kind: String
        var name: String
        var namespace: String
        /// The name of the user that an account is.
        var user: String
    }
    let members: [Member]
    let roleKind: String
    let roleName: String
    let name: String
    let namespace: String

    init(_ object: APIObject) {
        let own = object.namespace
        members = (object["subjects"]?.array ?? []).map { subject in
            let name = subject["name"]?.string ?? ""
            let namespace = subject["namespace"]?.string ?? ""
            return Member(
                kind: subject["kind"]?.string ?? "", name: name, namespace: namespace,
                user: "system:serviceaccount:\(namespace.isEmpty ? own : namespace):\(name)")
        }
        roleKind = object["roleRef"]?["kind"]?.string ?? ""
        roleName = object["roleRef"]?["name"]?.string ?? ""
        name = object.name
        namespace = object.namespace
    }

    func names(_ user: RequestUser) -> Member? {
        members.first { member in
            switch member.kind {
            case "User": member.name == user.name
            case "Group": user.groups.contains(member.name)
            case "ServiceAccount": member.user == user.name
            default: false
            }
        }
    }
}

/// Role-based access control. Compiled roles and bindings are kept with the stored objects they come from, so there is
/// no cache to go stale.
struct RoleEvaluator: Sendable {
    let core: ServerCore
    static let group = "rbac.authorization.k8s.io"

    /// What allows a request.
    struct Grant {
        var reason: String
        /// Whether the same is allowed for any other object of the kind.
        var isForEveryName: Bool
    }

    /// Why the request is allowed; nil when nothing allows it.
    func grant(for request: AccessRequest) throws(APIError) -> String? {
        try core.grants.grant(for: request) { () throws(APIError) in try find(request) }
    }

    private func find(_ request: AccessRequest) throws(APIError) -> Grant? {
        var found: Grant?
        try forEachRules(of: request.user, namespace: request.path == nil ? request.namespace : "") { rules, why in
            guard let rule = rules.first(where: { $0.allows(request) }) else { return true }
            found = Grant(reason: why(), isForEveryName: rule.names.isEmpty)
            return false
        }
        return found
    }

    /// Every rule that applies to the user in `namespace` (empty: the cluster).
    func rules(for user: RequestUser, namespace: String) throws(APIError) -> [PolicyRule] {
        var all: [PolicyRule] = []
        try forEachRules(of: user, namespace: namespace) { rules, _ in
            all += rules
            return true
        }
        return all
    }

    private func forEachRules(
        of user: RequestUser, namespace: String, _ body: ([PolicyRule], () -> String) -> Bool
    ) throws(APIError) {
        let clusterBindings = core.storage.all(try core.builtin(Self.group, "clusterrolebindings"))
        for stored in clusterBindings {
            guard let binding = try Self.binding(stored), let member = binding.names(user) else { continue }
            let rules = try roleRules(binding, namespace: "")
            let go = body(rules) {
                "RBAC: allowed by ClusterRoleBinding \"\(binding.name)\" of ClusterRole \"\(binding.roleName)\" to \(Self.text(member))"
            }
            if !go { return }
        }
        guard !namespace.isEmpty else { return }
        for stored in core.storage.all(try core.builtin(Self.group, "rolebindings"), namespace: namespace) {
            guard let binding = try Self.binding(stored), let member = binding.names(user) else { continue }
            let rules = try roleRules(binding, namespace: namespace)
            let go = body(rules) {
                "RBAC: allowed by RoleBinding \"\(binding.name)/\(namespace)\" of \(binding.roleKind) \"\(binding.roleName)\" to \(Self.text(member))"
            }
            if !go { return }
        }
    }

    private static func text(_ member: CompiledBinding.Member) -> String {
        member.kind == "ServiceAccount"
            ? "ServiceAccount \"\(member.name)/\(member.namespace)\"" : "\(member.kind) \"\(member.name)\""
    }

    private static func binding(_ stored: StoredObject) throws(APIError) -> CompiledBinding? {
        if let known = stored.memo.withLock({ $0 as? CompiledBinding }) { return known }
        let binding = CompiledBinding(try APIObject(stored))
        stored.memo.withLock { $0 = binding }
        return binding
    }

    private func roleRules(_ binding: CompiledBinding, namespace: String) throws(APIError) -> [PolicyRule] {
        try rules(kind: binding.roleKind, name: binding.roleName, namespace: namespace) ?? []
    }

    /// The rules of a role; nil when there is no such role.
    func rules(kind: String, name: String, namespace: String) throws(APIError) -> [PolicyRule]? {
        let cluster = kind == "ClusterRole"
        let resource = try core.builtin(Self.group, cluster ? "clusterroles" : "roles")
        guard let stored = core.storage.get(resource, namespace: cluster ? "" : namespace, name: name) else {
            return nil
        }
        if let known = stored.memo.withLock({ $0 as? CompiledRole }) { return known.rules }
        let role = CompiledRole(try APIObject(stored))
        stored.memo.withLock { $0 = role }
        return role.rules
    }
}

/// Nobody may give away what they do not have.
struct RoleEscalation: Sendable {
    let core: ServerCore
    let user: RequestUser

    func check(_ object: APIObject, old: APIObject?, resource: ResourceKind) throws(APIError) {
        if user.groups.contains("system:masters") { return }
        let authorizer = Authorizer(core: core)
        let evaluator = RoleEvaluator(core: core)
        let isRole = resource.kind == "Role" || resource.kind == "ClusterRole"
        if let old,
            isRole
                ? old["rules"] == object["rules"]
                : old["roleRef"] == object["roleRef"] && old["subjects"] == object["subjects"]
        {
            return
        }
        let verb = isRole ? "escalate" : "bind"
        let target =
            isRole ? resource.plural : (object["roleRef"]?["kind"]?.string == "ClusterRole" ? "clusterroles" : "roles")
        let name = isRole ? object.name : object["roleRef"]?["name"]?.string ?? ""
        let permission = AccessRequest(
            user: user, verb: verb, group: RoleEvaluator.group, resource: target, namespace: object.namespace,
            name: name)
        if try authorizer.decide(permission).allowed { return }
        let wanted: [PolicyRule]
        if isRole {
            wanted = (object["rules"]?.array ?? []).map(PolicyRule.init)
        } else {
            let kind = object["roleRef"]?["kind"]?.string ?? ""
            guard let rules = try evaluator.rules(kind: kind, name: name, namespace: object.namespace) else {
                throw .notFound(
                    Subject(group: RoleEvaluator.group, resource: target, kind: kind, name: name))
            }
            wanted = rules
        }
        let held = try evaluator.rules(for: user, namespace: object.namespace)
        let missing = wanted.filter { !Self.covered($0, by: held) }
        if missing.isEmpty { return }
        let text = missing.map { "{APIGroups:\($0.groups), Resources:\($0.resources), Verbs:\($0.verbs)}" }
        throw .forbidden(
            resource.subject(object.name),
            "user \"\(user.name)\" (groups=\(user.groups)) is attempting to grant RBAC permissions not currently held:\n"
                + text.joined(separator: "\n"))
    }

    /// Whether every single permission in `rule` is in one of `held`.
    static func covered(_ rule: PolicyRule, by held: [PolicyRule]) -> Bool {
        func has(_ list: [String], _ value: String) -> Bool { list.contains("*") || list.contains(value) }
        for verb in rule.verbs {
            for path in rule.paths
            where !held.contains(where: { other in
                has(other.verbs, verb)
                    && other.paths.contains {
                        $0 == "*" || $0 == path || ($0.hasSuffix("*") && path.hasPrefix($0.dropLast()))
                    }
            }) {
                return false
            }
            for group in rule.groups {
                for resource in rule.resources {
                    let names = rule.names.isEmpty ? [nil] : rule.names.map { Optional($0) }
                    for name in names
                    where !held.contains(where: { other in
                        has(other.verbs, verb) && has(other.groups, group)
                            && (has(other.resources, resource)
                                || other.resources.contains {
                                    resource.contains("/") && $0 == "*/" + (resource.split(separator: "/").last ?? "")
                                })
                            && (other.names.isEmpty || name.map(other.names.contains) == true)
                    }) {
                        return false
                    }
                }
            }
        }
        return true
    }
}
