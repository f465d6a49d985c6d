// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

/// The roles and bindings that every cluster begins with.
///
/// The tables hold one role or binding a line. `clusterrole NAME to=A,B from=C`: `to` makes its rules part of the roles
/// A and B, `from` says which parts a role is made of. A rule is an indented line: verbs, API groups (`core` is the
/// empty one), resources and object names, or verbs, three dashes and paths. A binding names its role and its members.
struct DefaultPolicy {
    private(set) var objects: [APIObject] = []
    private static let group = "rbac.authorization.k8s.io"
    private static let labels: JSONObject = ["kubernetes.io/bootstrapping": "rbac-defaults"]

    /// What anybody may ask, with or without credentials: the rule of `system:public-info-viewer`.
    static let publicRule = PolicyRule(
        verbs: ["get"], paths: ["/healthz", "/livez", "/readyz", "/version", "/version/"])

    init() {
        for line in (Self.cluster + "\n" + Self.controllers).split(separator: "\n") {
            if line.hasPrefix("  ") { addRule(line.drop { $0 == " " }) } else { addObject(line) }
        }
        aggregate()
    }

    /// The rules of the cluster role `name`.
    func rules(ofRole name: String) -> [PolicyRule] {
        let role = objects.first { $0.kind == "ClusterRole" && $0.name == name }
        return (role?["rules"]?.array ?? []).map(PolicyRule.init)
    }

    private static func list(_ text: Substring) -> [String] {
        text == "-" ? [] : text.split(separator: ",").map { $0 == "core" ? "" : String($0) }
    }

    private mutating func addRule(_ line: Substring) {
        let words = line.split(separator: " ")
        let verbs = words[0].split(separator: ",").map(String.init)
        let rule: PolicyRule
        if words.count == 5 {
            rule = PolicyRule(verbs: verbs, paths: words[4].split(separator: ",").map(String.init))
        } else {
            rule = PolicyRule(
                verbs: verbs, groups: Self.list(words[1]), resources: Self.list(words[2]),
                names: words.count > 3 ? Self.list(words[3]) : [])
        }
        let last = objects.count - 1
        objects[last]["rules"] = .array((objects[last]["rules"]?.array ?? []) + [rule.json])
    }

    private mutating func addObject(_ line: Substring) {
        let words = line.split(separator: " ").map(String.init)
        let path = words[1].steps
        var metadata: JSONObject = [
            "name": .string(path[path.count - 1]), "labels": .object(Self.labels),
            "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "true"],
        ]
        if path.count > 1 { metadata["namespace"] = .string(path[0]) }
        let kinds = [
            "clusterrole": "ClusterRole", "role": "Role", "clusterbinding": "ClusterRoleBinding",
            "binding": "RoleBinding",
        ]
        let kind = kinds[words[0]] ?? ""
        var object = APIObject(["kind": .string(kind), "apiVersion": .string("\(Self.group)/v1")])
        if kind.hasSuffix("Role") {
            object["rules"] = []
            for word in words.dropFirst(2) {
                let parts = word.split(separator: "=")
                for role in parts[1].split(separator: ",") {
                    let label = "\(Self.group)/aggregate-to-\(role)"
                    if parts[0] == "to" {
                        metadata["labels"]?[label] = "true"
                    } else {
                        object["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": [label: "true"]]]]
                    }
                }
            }
            object.metadata = metadata
            objects.append(object)
            if path[path.count - 1].hasPrefix("system:controller:"), kind == "ClusterRole" {
                controllerRoles.append(path[path.count - 1])
            }
            return
        }
        object.metadata = metadata
        let role = words[2].steps
        object["subjects"] = .array(words.dropFirst(3).map(Self.member))
        object["roleRef"] = [
            "apiGroup": .string(Self.group), "kind": .string(String(role[0])), "name": .string(String(role[1])),
        ]
        objects.append(object)
    }

    private var controllerRoles: [String] = []

    private static func member(_ text: String) -> JSONValue {
        let parts = text.split(separator: ":", maxSplits: 1)
        let name = String(parts[1])
        switch parts[0] {
        case "account":
            let account = name.steps
            return [
                "kind": "ServiceAccount", "name": .string(String(account[1])), "namespace": .string(String(account[0])),
            ]
        case "group": return ["kind": "Group", "apiGroup": .string(group), "name": .string(name)]
        default: return ["kind": "User", "apiGroup": .string(group), "name": .string(name)]
        }
    }

    /// Fills the roles that are made of others, and binds each controller's role to its account.
    private mutating func aggregate() {
        // `edit` is a part of `admin` and `view` of `edit`: from the innermost outwards.
        for name in ["view", "edit", "admin"] {
            guard let index = objects.firstIndex(where: { $0.name == name && $0["aggregationRule"] != nil }) else {
                continue
            }
            let label = "\(Self.group)/aggregate-to-\(name)"
            let parts = objects.filter { $0.labels[label] != nil && $0.name != name }
            objects[index]["rules"] = .array(parts.flatMap { $0["rules"]?.array ?? [] })
        }
        for role in controllerRoles {
            let account = String(role.dropFirst("system:controller:".count))
            addObject("clusterbinding \(role) ClusterRole/\(role) account:kube-system/\(account)")
        }
    }
}
