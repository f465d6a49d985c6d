// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

let roleGroup = "rbac.authorization.k8s.io"
let clusterRoles = "/apis/\(roleGroup)/v1/clusterroles"
let clusterBindings = "/apis/\(roleGroup)/v1/clusterrolebindings"

/// `rule("get,list", "pods,secrets")`, `rule("*", "*", "*")`
func rule(_ verbs: String, _ resources: String, _ groups: String = "", names: String? = nil) -> JSONValue {
    func list(_ text: String) -> JSONValue {
        .array(text.split(separator: ",", omittingEmptySubsequences: false).map { .string(String($0)) })
    }
    var rule: JSONObject = ["verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources)]
    if let names { rule["resourceNames"] = list(names) }
    return .object(rule)
}

func clusterRole(_ name: String, _ rules: [JSONValue], labels: JSONObject = [:]) -> JSONValue {
    [
        "kind": "ClusterRole", "apiVersion": .string("\(roleGroup)/v1"),
        "metadata": ["name": .string(name), "labels": .object(labels)], "rules": .array(rules),
    ]
}

func roleBinding(
    _ name: String, _ role: String, to user: String, kind: String = "ClusterRole", namespace: String? = nil
) -> JSONValue {
    var metadata: JSONObject = ["name": .string(name)]
    if let namespace { metadata["namespace"] = .string(namespace) }
    return [
        "kind": .string(namespace == nil ? "ClusterRoleBinding" : "RoleBinding"),
        "apiVersion": .string("\(roleGroup)/v1"), "metadata": .object(metadata),
        "subjects": [["kind": "User", "apiGroup": .string(roleGroup), "name": .string(user)]],
        "roleRef": ["apiGroup": .string(roleGroup), "kind": .string(kind), "name": .string(role)],
    ]
}

extension TestServer {
    /// Grants rules to a user: in one namespace, or in the whole cluster.
    func grant(_ name: String, to user: String, _ rules: [JSONValue], in namespace: String? = nil) async throws {
        let role = try await send("POST", clusterRoles, clusterRole(name, rules))
        try #require(role.status == 201, "\(role.json)")
        let path = namespace.map { "/apis/\(roleGroup)/v1/namespaces/\($0)/rolebindings" } ?? clusterBindings
        let bound = try await send("POST", path, roleBinding(name, name, to: user, namespace: namespace))
        try #require(bound.status == 201, "\(bound.json)")
    }
}
