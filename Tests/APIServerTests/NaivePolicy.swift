// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON

@testable import APIServer

/// Role-based access control said again, as plainly as it can be: every rule is taken apart into single permissions, and
/// a request is allowed when one of them is it. What the server decides is compared with this.
struct NaivePolicy {
    enum Permission: Hashable {
        case object(verb: String, group: String, resource: String, name: String?)
        case path(verb: String, path: String)
    }

    struct Role {
        var permissions: Set<Permission> = []
        /// The roles it is a part of, and those whose parts it is made of.
        var partOf: Set<String> = []
        var madeOf: Set<String> = []
    }

    struct Subject: Hashable {
        var kind, namespace, name: String
    }

    struct Binding: Equatable {
        var roleKind, roleName: String
        var subjects: Set<Subject> = []
    }

    /// `Role/namespace/name`; a cluster role's namespace is empty.
    var roles: [String: Role] = [:]
    /// `RoleBinding/namespace/name`, likewise.
    var bindings: [String: Binding] = [:]

    // MARK: Reading

    static let kinds = [
        "clusterrole": "ClusterRole", "role": "Role", "clusterbinding": "ClusterRoleBinding", "binding": "RoleBinding",
    ]

    init() {}

    /// Reads the table of `UpstreamPolicy.swift`.
    init(table: String) {
        var current = ""
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard line.hasPrefix("  ") else {
                current = begin(words)
                continue
            }
            if roles[current] != nil {
                roles[current]?.permissions.formUnion(Self.permissions(words))
            } else {
                let path = words[1].split(separator: "/").map(String.init)
                bindings[current]?.subjects.insert(
                    Subject(kind: words[0], namespace: path.count > 1 ? path[0] : "", name: path[path.count - 1]))
            }
        }
    }

    private mutating func begin(_ words: [String]) -> String {
        let kind = Self.kinds[words[0]] ?? ""
        let key = kind + "/" + (words[1].contains("/") ? words[1] : "/" + words[1])
        if kind.hasSuffix("Binding") {
            bindings[key] = Binding(roleKind: words[2], roleName: words[3])
        } else {
            var role = Role()
            for word in words.dropFirst(2) {
                let parts = word.split(separator: "=").map(String.init)
                let names = Set(parts[1].split(separator: ",").map(String.init))
                if parts[0] == "to" { role.partOf = names } else { role.madeOf = names }
            }
            roles[key] = role
        }
        return key
    }

    private static func permissions(_ words: [String]) -> Set<Permission> {
        func list(_ text: String) -> [String] {
            text.split(separator: ",").map { $0 == "core" ? "" : String($0) }
        }
        if words[1] == "path" { return permissions(list(words[0]), [], [], [], list(words[2])) }
        return permissions(
            list(words[0]), list(words[1]), list(words[2]), words.count > 3 ? list(words[3]) : [], [])
    }

    static func permissions(
        _ verbs: [String], _ groups: [String], _ resources: [String], _ names: [String], _ paths: [String]
    ) -> Set<Permission> {
        var result: Set<Permission> = []
        for verb in verbs {
            for path in paths { result.insert(.path(verb: verb, path: path)) }
            for group in groups {
                for resource in resources {
                    for name in names.isEmpty ? [nil] : names.map(Optional.some) {
                        result.insert(.object(verb: verb, group: group, resource: resource, name: name))
                    }
                }
            }
        }
        return result
    }

    static func permissions(_ rule: JSONValue) -> Set<Permission> {
        func list(_ field: String) -> [String] { (rule[field]?.array ?? []).compactMap(\.string) }
        return permissions(
            list("verbs"), list("apiGroups"), list("resources"), list("resourceNames"), list("nonResourceURLs"))
    }

    /// Adds an object as the server stores it.
    mutating func add(_ object: JSONValue) {
        let kind = object["kind"]?.string ?? ""
        let metadata = object["metadata"]
        let key = "\(kind)/\(metadata?["namespace"]?.string ?? "")/\(metadata?["name"]?.string ?? "")"
        if kind.hasSuffix("Binding") {
            var binding = Binding(
                roleKind: object["roleRef"]?["kind"]?.string ?? "", roleName: object["roleRef"]?["name"]?.string ?? "")
            for subject in object["subjects"]?.array ?? [] {
                binding.subjects.insert(
                    Subject(
                        kind: subject["kind"]?.string ?? "", namespace: subject["namespace"]?.string ?? "",
                        name: subject["name"]?.string ?? ""))
            }
            bindings[key] = binding
            return
        }
        var role = Role()
        let prefix = "rbac.authorization.k8s.io/aggregate-to-"
        for rule in object["rules"]?.array ?? [] { role.permissions.formUnion(Self.permissions(rule)) }
        for (label, _) in metadata?["labels"]?.object ?? [:] where label.hasPrefix(prefix) {
            role.partOf.insert(String(label.dropFirst(prefix.count)))
        }
        for selector in object["aggregationRule"]?["clusterRoleSelectors"]?.array ?? [] {
            for (label, _) in selector["matchLabels"]?.object ?? [:] where label.hasPrefix(prefix) {
                role.madeOf.insert(String(label.dropFirst(prefix.count)))
            }
        }
        roles[key] = role
    }

    // MARK: Deciding

    /// The permissions of a cluster role with those of its parts.
    func whole(_ key: String) -> Set<Permission> {
        guard let role = roles[key] else { return [] }
        var result = role.permissions
        for (other, part) in roles where other != key && !part.partOf.isDisjoint(with: role.madeOf) {
            result.formUnion(whole(other))
        }
        return result
    }

    /// All that a user has in a namespace, for many questions.
    struct Held {
        var permissions: Set<Permission> = []
        var paths: [Permission] = []

        func contains(_ request: AccessRequest) -> Bool {
            if request.path != nil { return paths.contains { NaivePolicy.isCovered(request, by: $0) } }
            let asked = request.subresource.isEmpty ? request.resource : request.resource + "/" + request.subresource
            var resources = [asked, "*"]
            if !request.subresource.isEmpty { resources.append("*/" + request.subresource) }
            for verb in [request.verb, "*"] {
                for group in [request.group, "*"] {
                    for resource in resources {
                        for name in [nil, request.name]
                        where permissions.contains(.object(verb: verb, group: group, resource: resource, name: name)) {
                            return true
                        }
                    }
                }
            }
            return false
        }
    }

    func held(by user: RequestUser, in namespace: String) -> Held {
        var held = Held()
        for (key, binding) in bindings {
            let parts = key.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            let isClusterWide = parts[0] == "ClusterRoleBinding"
            guard isClusterWide || namespace == parts[1],
                binding.subjects.contains(where: { Self.isMeant($0, user, parts[1]) })
            else { continue }
            let role =
                binding.roleKind == "ClusterRole"
                ? "ClusterRole//\(binding.roleName)" : "Role/\(parts[1])/\(binding.roleName)"
            for permission in whole(role) {
                if case .path = permission {
                    if isClusterWide { held.paths.append(permission) }
                } else {
                    held.permissions.insert(permission)
                }
            }
        }
        return held
    }

    func allows(_ request: AccessRequest) -> Bool {
        for (key, binding) in bindings {
            let parts = key.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            let isClusterWide = parts[0] == "ClusterRoleBinding"
            if !isClusterWide, request.path != nil || request.namespace != parts[1] { continue }
            guard binding.subjects.contains(where: { Self.isMeant($0, request.user, parts[1]) }) else { continue }
            let role =
                binding.roleKind == "ClusterRole"
                ? "ClusterRole//\(binding.roleName)" : "Role/\(parts[1])/\(binding.roleName)"
            if whole(role).contains(where: { Self.isCovered(request, by: $0) }) { return true }
        }
        return false
    }

    private static func isMeant(_ subject: Subject, _ user: RequestUser, _ namespace: String) -> Bool {
        switch subject.kind {
        case "User": return subject.name == user.name
        case "Group": return user.groups.contains(subject.name)
        default:
            let home = subject.namespace.isEmpty ? namespace : subject.namespace
            return !home.isEmpty && user.name == "system:serviceaccount:" + home + ":" + subject.name
        }
    }

    static func isCovered(_ request: AccessRequest, by permission: Permission) -> Bool {
        func fits(_ given: String, _ wanted: String) -> Bool { given == "*" || given == wanted }
        switch permission {
        case .path(let verb, let path):
            guard let asked = request.path, fits(verb, request.verb) else { return false }
            return path == asked || (path.last == "*" && asked.hasPrefix(String(path.dropLast())))
        case .object(let verb, let group, let resource, let name):
            guard request.path == nil, fits(verb, request.verb), fits(group, request.group) else { return false }
            let asked = request.subresource.isEmpty ? request.resource : request.resource + "/" + request.subresource
            let isResource =
                fits(resource, asked) || (!request.subresource.isEmpty && resource == "*/" + request.subresource)
            return isResource && (name == nil || name == request.name)
        }
    }
}
