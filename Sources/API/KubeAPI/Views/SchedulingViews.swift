// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct PriorityClass: KubeObject {
    public static let resource = ResourceID(
        group: "scheduling.k8s.io", version: "v1", plural: "priorityclasses", kind: "PriorityClass", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var value: Int? {
        get { json[integer: "value"] }
        set { json[integer: "value"] = newValue }
    }
    public var globalDefault: Bool? {
        get { json[bool: "globalDefault"] }
        set { json[bool: "globalDefault"] = newValue }
    }
    public var description: String? {
        get { json[string: "description"] }
        set { json[string: "description"] = newValue }
    }
    public var preemptionPolicy: String? {
        get { json[string: "preemptionPolicy"] }
        set { json[string: "preemptionPolicy"] = newValue }
    }
}
