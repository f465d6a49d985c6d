// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct CertificateSigningRequest: KubeObject {
    public static let resource = ResourceID(
        group: "certificates.k8s.io", version: "v1", plural: "certificatesigningrequests",
        kind: "CertificateSigningRequest", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: CertificateSigningRequestSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: CertificateSigningRequestStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct CertificateSigningRequestCondition: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var status: String {
        get { json[requiredString: "status"] }
        set { json[requiredString: "status"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var lastUpdateTime: KubeTime? {
        get { json[time: "lastUpdateTime"] }
        set { json[time: "lastUpdateTime"] = newValue }
    }
    public var lastTransitionTime: KubeTime? {
        get { json[time: "lastTransitionTime"] }
        set { json[time: "lastTransitionTime"] = newValue }
    }
}

public struct CertificateSigningRequestSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var request: [UInt8]? {
        get { json[bytes: "request"] }
        set { json[bytes: "request"] = newValue }
    }
    public var signerName: String {
        get { json[requiredString: "signerName"] }
        set { json[requiredString: "signerName"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { json[integer: "expirationSeconds"] }
        set { json[integer: "expirationSeconds"] = newValue }
    }
    public var usages: [String] {
        get { json[strings: "usages"] }
        set { json[strings: "usages"] = newValue }
    }
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

public struct CertificateSigningRequestStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditions: [CertificateSigningRequestCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var certificate: [UInt8]? {
        get { json[bytes: "certificate"] }
        set { json[bytes: "certificate"] = newValue }
    }
}
