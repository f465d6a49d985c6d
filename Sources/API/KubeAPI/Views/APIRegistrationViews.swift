// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct APIService: KubeObject {
    public static let resource = ResourceID(
        group: "apiregistration.k8s.io", version: "v1", plural: "apiservices", kind: "APIService", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: APIServiceSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: APIServiceStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct APIServiceCondition: KubeView {
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
    public var lastTransitionTime: KubeTime? {
        get { json[time: "lastTransitionTime"] }
        set { json[time: "lastTransitionTime"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
}

public struct APIServiceSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var service: ServiceReference? {
        get { json[view: "service"] }
        set { json[view: "service"] = newValue }
    }
    public var group: String? {
        get { json[string: "group"] }
        set { json[string: "group"] = newValue }
    }
    public var version: String? {
        get { json[string: "version"] }
        set { json[string: "version"] = newValue }
    }
    public var insecureSkipTLSVerify: Bool? {
        get { json[bool: "insecureSkipTLSVerify"] }
        set { json[bool: "insecureSkipTLSVerify"] = newValue }
    }
    public var caBundle: [UInt8]? {
        get { json[bytes: "caBundle"] }
        set { json[bytes: "caBundle"] = newValue }
    }
    public var groupPriorityMinimum: Int {
        get { json[requiredInteger: "groupPriorityMinimum"] }
        set { json[requiredInteger: "groupPriorityMinimum"] = newValue }
    }
    public var versionPriority: Int {
        get { json[requiredInteger: "versionPriority"] }
        set { json[requiredInteger: "versionPriority"] = newValue }
    }
}

public struct APIServiceStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditions: [APIServiceCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct ServiceReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var port: Int? {
        get { json[integer: "port"] }
        set { json[integer: "port"] = newValue }
    }
}
