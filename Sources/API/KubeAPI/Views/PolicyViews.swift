// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Eviction: KubeObject {
    public static let resource = ResourceID(
        group: "policy", version: "v1", plural: "evictions", kind: "Eviction", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var deleteOptions: DeleteOptions? {
        get { json[view: "deleteOptions"] }
        set { json[view: "deleteOptions"] = newValue }
    }
}

public struct PodDisruptionBudget: KubeObject {
    public static let resource = ResourceID(
        group: "policy", version: "v1", plural: "poddisruptionbudgets", kind: "PodDisruptionBudget", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PodDisruptionBudgetSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: PodDisruptionBudgetStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct PodDisruptionBudgetSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var minAvailable: IntOrString? {
        get { json[intOrString: "minAvailable"] }
        set { json[intOrString: "minAvailable"] = newValue }
    }
    public var selector: LabelSelectorSpec? {
        get { json[view: "selector"] }
        set { json[view: "selector"] = newValue }
    }
    public var maxUnavailable: IntOrString? {
        get { json[intOrString: "maxUnavailable"] }
        set { json[intOrString: "maxUnavailable"] = newValue }
    }
    public var unhealthyPodEvictionPolicy: String? {
        get { json[string: "unhealthyPodEvictionPolicy"] }
        set { json[string: "unhealthyPodEvictionPolicy"] = newValue }
    }
}

public struct PodDisruptionBudgetStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var disruptedPods: JSONObject {
        get { json[objectMap: "disruptedPods"] }
        set { json[objectMap: "disruptedPods"] = newValue }
    }
    public var disruptionsAllowed: Int? {
        get { json[integer: "disruptionsAllowed"] }
        set { json[integer: "disruptionsAllowed"] = newValue }
    }
    public var currentHealthy: Int? {
        get { json[integer: "currentHealthy"] }
        set { json[integer: "currentHealthy"] = newValue }
    }
    public var desiredHealthy: Int? {
        get { json[integer: "desiredHealthy"] }
        set { json[integer: "desiredHealthy"] = newValue }
    }
    public var expectedPods: Int? {
        get { json[integer: "expectedPods"] }
        set { json[integer: "expectedPods"] = newValue }
    }
    public var conditions: [Condition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}
