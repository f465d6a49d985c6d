// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct LocalSubjectAccessReview: KubeObject {
    public static let resource = ResourceID(
        group: "authorization.k8s.io", version: "v1", plural: "localsubjectaccessreviews",
        kind: "LocalSubjectAccessReview", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: SubjectAccessReviewSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct SelfSubjectAccessReview: KubeObject {
    public static let resource = ResourceID(
        group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: SelfSubjectAccessReviewSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct SelfSubjectRulesReview: KubeObject {
    public static let resource = ResourceID(
        group: "authorization.k8s.io", version: "v1", plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview",
        namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: SelfSubjectRulesReviewSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: SubjectRulesReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct SubjectAccessReview: KubeObject {
    public static let resource = ResourceID(
        group: "authorization.k8s.io", version: "v1", plural: "subjectaccessreviews", kind: "SubjectAccessReview",
        namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: SubjectAccessReviewSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: SubjectAccessReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct FieldSelectorAttributes: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var rawSelector: String? {
        get { json[string: "rawSelector"] }
        set { json[string: "rawSelector"] = newValue }
    }
    public var requirements: [FieldSelectorRequirement] {
        get { json[views: "requirements"] }
        set { json[views: "requirements"] = newValue }
    }
}

public struct LabelSelectorAttributes: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var rawSelector: String? {
        get { json[string: "rawSelector"] }
        set { json[string: "rawSelector"] = newValue }
    }
    public var requirements: [LabelSelectorRequirement] {
        get { json[views: "requirements"] }
        set { json[views: "requirements"] = newValue }
    }
}

public struct NonResourceAttributes: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var verb: String? {
        get { json[string: "verb"] }
        set { json[string: "verb"] = newValue }
    }
}

public struct NonResourceRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var verbs: [String] {
        get { json[strings: "verbs"] }
        set { json[strings: "verbs"] = newValue }
    }
    public var nonResourceURLs: [String] {
        get { json[strings: "nonResourceURLs"] }
        set { json[strings: "nonResourceURLs"] = newValue }
    }
}

public struct ResourceAttributes: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
    public var verb: String? {
        get { json[string: "verb"] }
        set { json[string: "verb"] = newValue }
    }
    public var group: String? {
        get { json[string: "group"] }
        set { json[string: "group"] = newValue }
    }
    public var version: String? {
        get { json[string: "version"] }
        set { json[string: "version"] = newValue }
    }
    public var resource: String? {
        get { json[string: "resource"] }
        set { json[string: "resource"] = newValue }
    }
    public var subresource: String? {
        get { json[string: "subresource"] }
        set { json[string: "subresource"] = newValue }
    }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var fieldSelector: FieldSelectorAttributes? {
        get { json[view: "fieldSelector"] }
        set { json[view: "fieldSelector"] = newValue }
    }
    public var labelSelector: LabelSelectorAttributes? {
        get { json[view: "labelSelector"] }
        set { json[view: "labelSelector"] = newValue }
    }
}

public struct ResourceRule: KubeView {
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
}

public struct SelfSubjectAccessReviewSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceAttributes: ResourceAttributes? {
        get { json[view: "resourceAttributes"] }
        set { json[view: "resourceAttributes"] = newValue }
    }
    public var nonResourceAttributes: NonResourceAttributes? {
        get { json[view: "nonResourceAttributes"] }
        set { json[view: "nonResourceAttributes"] = newValue }
    }
}

public struct SelfSubjectRulesReviewSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
}

public struct SubjectAccessReviewSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceAttributes: ResourceAttributes? {
        get { json[view: "resourceAttributes"] }
        set { json[view: "resourceAttributes"] = newValue }
    }
    public var nonResourceAttributes: NonResourceAttributes? {
        get { json[view: "nonResourceAttributes"] }
        set { json[view: "nonResourceAttributes"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var groups: [String] {
        get { json[strings: "groups"] }
        set { json[strings: "groups"] = newValue }
    }
    public var extra: [String: [String]] {
        get { json[stringsMap: "extra"] }
        set { json[stringsMap: "extra"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
}

public struct SubjectAccessReviewStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var allowed: Bool {
        get { json[requiredBool: "allowed"] }
        set { json[requiredBool: "allowed"] = newValue }
    }
    public var denied: Bool? {
        get { json[bool: "denied"] }
        set { json[bool: "denied"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var evaluationError: String? {
        get { json[string: "evaluationError"] }
        set { json[string: "evaluationError"] = newValue }
    }
}

public struct SubjectRulesReviewStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceRules: [ResourceRule] {
        get { json[views: "resourceRules"] }
        set { json[views: "resourceRules"] = newValue }
    }
    public var nonResourceRules: [NonResourceRule] {
        get { json[views: "nonResourceRules"] }
        set { json[views: "nonResourceRules"] = newValue }
    }
    public var incomplete: Bool {
        get { json[requiredBool: "incomplete"] }
        set { json[requiredBool: "incomplete"] = newValue }
    }
    public var evaluationError: String? {
        get { json[string: "evaluationError"] }
        set { json[string: "evaluationError"] = newValue }
    }
}
