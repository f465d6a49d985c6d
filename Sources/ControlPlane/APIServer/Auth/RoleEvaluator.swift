// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization

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
        /// The name of the user that an account is; nil for one in no namespace, which is nobody.
        var user: String?
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
            let given = subject["namespace"]?.string ?? ""
            let namespace = given.isEmpty ? own : given
            return Member(
                kind: subject["kind"]?.string ?? "", name: name, namespace: namespace,
                user: namespace.isEmpty ? nil : "system:serviceaccount:\(namespace):\(name)")
        }
        roleKind = object["roleRef"]?["kind"]?.string ?? ""
        roleName = object["roleRef"]?["name"]?.string ?? ""
        name = object.name
        namespace = object.namespace
    }

    func names(_ user: RequestUser) -> Member? {
        members.first { member in
            switch member.kind {
            case "User": member.name.isExactly(user.name)
            case "Group": user.groups.containsExactly(member.name)
            case "ServiceAccount": member.user?.isExactly(user.name) == true
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
        do throws(APIError) {
            return try rules(kind: binding.roleKind, name: binding.roleName, namespace: namespace) ?? []
        } catch {
            // A role that cannot be read grants nothing, and takes from nobody what others grant.
            return []
        }
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
