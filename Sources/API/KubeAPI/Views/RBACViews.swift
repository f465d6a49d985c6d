// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct ClusterRole: KubeObject {
    public static let resource = ResourceID(
        group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterroles", kind: "ClusterRole",
        namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var rules: [PolicyRule] {
        get { json[views: "rules"] }
        set { json[views: "rules"] = newValue }
    }
    public var aggregationRule: AggregationRule? {
        get { json[view: "aggregationRule"] }
        set { json[view: "aggregationRule"] = newValue }
    }
}

public struct ClusterRoleBinding: KubeObject {
    public static let resource = ResourceID(
        group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterrolebindings", kind: "ClusterRoleBinding",
        namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var subjects: [Subject] {
        get { json[views: "subjects"] }
        set { json[views: "subjects"] = newValue }
    }
    public var roleRef: RoleRef {
        get { json[requiredView: "roleRef"] }
        set { json[requiredView: "roleRef"] = newValue }
    }
}

public struct Role: KubeObject {
    public static let resource = ResourceID(
        group: "rbac.authorization.k8s.io", version: "v1", plural: "roles", kind: "Role", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var rules: [PolicyRule] {
        get { json[views: "rules"] }
        set { json[views: "rules"] = newValue }
    }
}

public struct RoleBinding: KubeObject {
    public static let resource = ResourceID(
        group: "rbac.authorization.k8s.io", version: "v1", plural: "rolebindings", kind: "RoleBinding", namespaced: true
    )
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var subjects: [Subject] {
        get { json[views: "subjects"] }
        set { json[views: "subjects"] = newValue }
    }
    public var roleRef: RoleRef {
        get { json[requiredView: "roleRef"] }
        set { json[requiredView: "roleRef"] = newValue }
    }
}

public struct AggregationRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var clusterRoleSelectors: [LabelSelectorSpec] {
        get { json[views: "clusterRoleSelectors"] }
        set { json[views: "clusterRoleSelectors"] = newValue }
    }
}

public struct PolicyRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var verbs: [String] {
        get { json[strings: "verbs"] }
        set { json[strings: "verbs"] = newValue }
    }
    public var apiGroups: [String] {
        get { json[strings: "apiGroups"] }
        set { json[strings: "apiGroups"] = newValue }
    }
    public var resources: [String] {
        get { json[strings: "resources"] }
        set { json[strings: "resources"] = newValue }
    }
    public var resourceNames: [String] {
        get { json[strings: "resourceNames"] }
        set { json[strings: "resourceNames"] = newValue }
    }
    public var nonResourceURLs: [String] {
        get { json[strings: "nonResourceURLs"] }
        set { json[strings: "nonResourceURLs"] = newValue }
    }
}

public struct RoleRef: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiGroup: String? {
        get { json[string: "apiGroup"] }
        set { json[string: "apiGroup"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct Subject: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var apiGroup: String? {
        get { json[string: "apiGroup"] }
        set { json[string: "apiGroup"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
}
