// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization

/// The rules of a role, read once from the stored object.
final class CompiledRole: Sendable {
    let rules: [PolicyRule]
    /// The same, to be asked.
    let held: [HeldRule]
    /// How many comparisons it takes to ask all of them.
    let effort: Int

    init(_ object: APIObject) {
        rules = (object["rules"]?.array ?? []).map(PolicyRule.init)
        held = rules.map(HeldRule.init)
        effort = held.reduce(0) { $0 + $1.effort }
    }
}

/// Who a binding names and which role it gives.
private final class CompiledBinding: Sendable {
    struct Member: Sendable {
        var kind: String
        var name: String
        var namespace: String
        /// Which of the subjects it is.
        var place: Int
    }
    /// By the names of users, those of accounts among them, and of groups. Of several the first counts.
    private let users: ExactDictionary<Member>
    private let groups: ExactDictionary<Member>
    let roleKind: String
    let roleName: String
    let name: String
    let namespace: String

    init(_ object: APIObject) {
        let own = object.namespace
        var users = ExactDictionary<Member>()
        var groups = ExactDictionary<Member>()
        for (place, subject) in (object["subjects"]?.array ?? []).enumerated() {
            let name = subject["name"]?.string ?? ""
            let given = subject["namespace"]?.string ?? ""
            let namespace = given.isEmpty ? own : given
            let member = Member(
                kind: subject["kind"]?.string ?? "", name: name, namespace: namespace, place: place)
            switch member.kind {
            case "User": if users[name] == nil { users[name] = member }
            case "Group": if groups[name] == nil { groups[name] = member }
            case "ServiceAccount":
                // One in no namespace is nobody.
                let user = "system:serviceaccount:\(namespace):\(name)"
                if !namespace.isEmpty, users[user] == nil { users[user] = member }
            default: break
            }
        }
        self.users = users
        self.groups = groups
        roleKind = object["roleRef"]?["kind"]?.string ?? ""
        roleName = object["roleRef"]?["name"]?.string ?? ""
        name = object.name
        namespace = object.namespace
    }

    /// As whom the user is one of those the binding is for.
    func names(_ user: RequestUser) -> Member? {
        var first = users[user.name]
        for group in user.groups {
            if let member = groups[group], member.place < first?.place ?? .max { first = member }
        }
        return first
    }
}

/// Role-based access control. Compiled roles and bindings are kept with the stored objects they come from, so there is
/// no cache to go stale.
struct RoleEvaluator: Sendable {
    let core: ServerCore
    static let group = "rbac.authorization.k8s.io"

    /// What was found out about a request.
    enum Finding {
        /// - reason: What allows it.
        /// - isForEveryName: Whether the same is allowed for any other object of the kind.
        case allowed(reason: String, isForEveryName: Bool)
        case nothing
        /// It takes more comparisons than were to be made.
        case tooMuch
    }

    /// What allows the request, by no more than `effort` comparisons.
    func grant(for request: AccessRequest, effort: Int) throws(APIError) -> Finding {
        try core.grants.grant(for: request) { () throws(APIError) in try find(request, effort) }
    }

    private func find(_ request: AccessRequest, _ effort: Int) throws(APIError) -> Finding {
        var found = Finding.nothing
        var left = effort
        let namespace = request.path == nil ? request.namespace : ""
        let isWhole = try forEachRole(of: request.user, namespace: namespace, effort: &left) { role, why in
            guard let rule = role.held.first(where: { $0.allows(request) }) else { return true }
            found = .allowed(reason: why(), isForEveryName: rule.isForEveryName)
            return false
        }
        return isWhole ? found : .tooMuch
    }

    /// Every rule that applies to the user in `namespace` (empty: the cluster).
    func rules(for user: RequestUser, namespace: String) throws(APIError) -> [PolicyRule] {
        var all: [PolicyRule] = []
        var left = Int.max
        _ = try forEachRole(of: user, namespace: namespace, effort: &left) { role, _ in
            all += role.rules
            return true
        }
        return all
    }

    /// Shows `body` the roles that the user has, with why, until it wants no more. False when `effort` was not enough.
    private func forEachRole(
        of user: RequestUser, namespace: String, effort: inout Int, _ body: (CompiledRole, () -> String) -> Bool
    ) throws(APIError) -> Bool {
        for isOfCluster in namespace.isEmpty ? [true] : [true, false] {
            let kind = try core.builtin(Self.group, isOfCluster ? "clusterrolebindings" : "rolebindings")
            let namespace = isOfCluster ? "" : namespace
            let prefix = ObjectStorage.prefix(kind, namespace: namespace)
            if effort < .max, core.store.count(prefix: prefix) > effort { return false }
            for stored in core.store.current(prefix: prefix) {
                effort -= 1 + Self.reading(stored, CompiledBinding.self)
                if effort < 0 { return false }
                guard stored.isReadable else { continue }
                let binding = try Self.binding(stored)
                guard let member = binding.names(user) else { continue }
                guard let source = try roleSource(binding.roleKind, binding.roleName, namespace) else { continue }
                effort -= Self.reading(source, CompiledRole.self)
                if effort < 0 { return false }
                guard let role = Self.role(source) else { continue }
                effort -= role.effort
                if effort < 0 { return false }
                let go = body(role) {
                    let scope = isOfCluster ? "" : "/\(namespace)"
                    return "RBAC: allowed by \(isOfCluster ? "ClusterRoleBinding" : "RoleBinding") "
                        + "\"\(binding.name)\(scope)\" of \(isOfCluster ? "ClusterRole" : binding.roleKind) "
                        + "\"\(binding.roleName)\" to \(Self.text(member))"
                }
                if !go { return true }
            }
        }
        return true
    }

    /// How many comparisons take as long as reading the object, where that is still to be done.
    private static func reading<Compiled: AnyObject & Sendable>(_ stored: StoredObject, _ type: Compiled.Type) -> Int {
        stored.remembered(type) == nil ? stored.bytes.count / 64 : 0
    }

    private static func text(_ member: CompiledBinding.Member) -> String {
        member.kind == "ServiceAccount"
            ? "ServiceAccount \"\(member.name)/\(member.namespace)\"" : "\(member.kind) \"\(member.name)\""
    }

    private static func binding(_ stored: StoredObject) throws(APIError) -> CompiledBinding {
        if let known = stored.remembered(CompiledBinding.self) { return known }
        let binding = CompiledBinding(try APIObject(stored))
        stored.remember(binding)
        return binding
    }

    private func roleSource(_ kind: String, _ name: String, _ namespace: String) throws(APIError) -> StoredObject? {
        let cluster = kind == "ClusterRole"
        let resource = try core.builtin(Self.group, cluster ? "clusterroles" : "roles")
        return core.storage.get(resource, namespace: cluster ? "" : namespace, name: name)
    }

    /// A role that cannot be read grants nothing, and takes from nobody what others grant.
    private static func role(_ stored: StoredObject) -> CompiledRole? { try? compiled(stored) }

    private static func compiled(_ stored: StoredObject) throws(APIError) -> CompiledRole {
        if let known = stored.remembered(CompiledRole.self) { return known }
        let role = CompiledRole(try APIObject(stored))
        stored.remember(role)
        return role
    }

    /// The rules of a role; nil when there is no such role.
    func rules(kind: String, name: String, namespace: String) throws(APIError) -> [PolicyRule]? {
        try roleSource(kind, name, namespace).map { (stored) throws(APIError) in try Self.compiled(stored).rules }
    }

    /// Reads a role or a binding that was just written, so that nobody else has to.
    static func prepare(_ stored: StoredObject, _ resource: ResourceKind) {
        guard resource.custom == nil, resource.group == group else { return }
        // What cannot be read is told to whoever asks for it.
        if resource.kind.hasSuffix("Binding") { _ = try? binding(stored) } else { _ = role(stored) }
    }
}
