// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct SelfSubjectReview: KubeObject {
    public static let resource = ResourceID(
        group: "authentication.k8s.io", version: "v1", plural: "selfsubjectreviews", kind: "SelfSubjectReview",
        namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var status: SelfSubjectReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct TokenRequest: KubeObject {
    public static let resource = ResourceID(
        group: "authentication.k8s.io", version: "v1", plural: "tokenrequests", kind: "TokenRequest", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: TokenRequestSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: TokenRequestStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct TokenReview: KubeObject {
    public static let resource = ResourceID(
        group: "authentication.k8s.io", version: "v1", plural: "tokenreviews", kind: "TokenReview", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: TokenReviewSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: TokenReviewStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct BoundObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
}

public struct SelfSubjectReviewStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var userInfo: UserInfo? {
        get { json[view: "userInfo"] }
        set { json[view: "userInfo"] = newValue }
    }
}

public struct TokenRequestSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var audiences: [String] {
        get { json[strings: "audiences"] }
        set { json[strings: "audiences"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { json[integer: "expirationSeconds"] }
        set { json[integer: "expirationSeconds"] = newValue }
    }
    public var boundObjectRef: BoundObjectReference? {
        get { json[view: "boundObjectRef"] }
        set { json[view: "boundObjectRef"] = newValue }
    }
}

public struct TokenRequestStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var token: String? {
        get { json[string: "token"] }
        set { json[string: "token"] = newValue }
    }
    public var expirationTimestamp: KubeTime? {
        get { json[time: "expirationTimestamp"] }
        set { json[time: "expirationTimestamp"] = newValue }
    }
}

public struct TokenReviewSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var token: String {
        get { json[requiredString: "token"] }
        set { json[requiredString: "token"] = newValue }
    }
    public var audiences: [String] {
        get { json[strings: "audiences"] }
        set { json[strings: "audiences"] = newValue }
    }
}

public struct TokenReviewStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var authenticated: Bool? {
        get { json[bool: "authenticated"] }
        set { json[bool: "authenticated"] = newValue }
    }
    public var user: UserInfo? {
        get { json[view: "user"] }
        set { json[view: "user"] = newValue }
    }
    public var audiences: [String] {
        get { json[strings: "audiences"] }
        set { json[strings: "audiences"] = newValue }
    }
    public var error: String? {
        get { json[string: "error"] }
        set { json[string: "error"] = newValue }
    }
}

public struct UserInfo: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var username: String? {
        get { json[string: "username"] }
        set { json[string: "username"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var groups: [String] {
        get { json[strings: "groups"] }
        set { json[strings: "groups"] = newValue }
    }
    public var extra: [String: [String]] {
        get { json[stringsMap: "extra"] }
        set { json[stringsMap: "extra"] = newValue }
    }
}
