// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct RuntimeClass: KubeObject {
    public static let resource = ResourceID(
        group: "node.k8s.io", version: "v1", plural: "runtimeclasses", kind: "RuntimeClass", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var handler: String {
        get { json[requiredString: "handler"] }
        set { json[requiredString: "handler"] = newValue }
    }
    public var overhead: Overhead? {
        get { json[view: "overhead"] }
        set { json[view: "overhead"] = newValue }
    }
    public var scheduling: Scheduling? {
        get { json[view: "scheduling"] }
        set { json[view: "scheduling"] = newValue }
    }
}

public struct Overhead: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var podFixed: [String: String] {
        get { json[quantityMap: "podFixed"] }
        set { json[quantityMap: "podFixed"] = newValue }
    }
}

public struct Scheduling: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var nodeSelector: [String: String] {
        get { json[stringMap: "nodeSelector"] }
        set { json[stringMap: "nodeSelector"] = newValue }
    }
    public var tolerations: [Toleration] {
        get { json[views: "tolerations"] }
        set { json[views: "tolerations"] = newValue }
    }
}
