// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct HorizontalPodAutoscaler: KubeObject {
    public static let resource = ResourceID(
        group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler",
        namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: HorizontalPodAutoscalerSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: HorizontalPodAutoscalerStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct Scale: KubeObject {
    public static let resource = ResourceID(
        group: "autoscaling", version: "v1", plural: "scales", kind: "Scale", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ScaleSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ScaleStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct ContainerResourceMetricSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var target: MetricTarget {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
    public var container: String {
        get { json[requiredString: "container"] }
        set { json[requiredString: "container"] = newValue }
    }
}

public struct ContainerResourceMetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var current: MetricValueStatus {
        get { json[requiredView: "current"] }
        set { json[requiredView: "current"] = newValue }
    }
    public var container: String {
        get { json[requiredString: "container"] }
        set { json[requiredString: "container"] = newValue }
    }
}

public struct CrossVersionObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
}

public struct ExternalMetricSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
    public var target: MetricTarget {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
}

public struct ExternalMetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
    public var current: MetricValueStatus {
        get { json[requiredView: "current"] }
        set { json[requiredView: "current"] = newValue }
    }
}

public struct HPAScalingPolicy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var value: Int {
        get { json[requiredInteger: "value"] }
        set { json[requiredInteger: "value"] = newValue }
    }
    public var periodSeconds: Int {
        get { json[requiredInteger: "periodSeconds"] }
        set { json[requiredInteger: "periodSeconds"] = newValue }
    }
}

public struct HPAScalingRules: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var stabilizationWindowSeconds: Int? {
        get { json[integer: "stabilizationWindowSeconds"] }
        set { json[integer: "stabilizationWindowSeconds"] = newValue }
    }
    public var selectPolicy: String? {
        get { json[string: "selectPolicy"] }
        set { json[string: "selectPolicy"] = newValue }
    }
    public var policies: [HPAScalingPolicy] {
        get { json[views: "policies"] }
        set { json[views: "policies"] = newValue }
    }
    public var tolerance: String? {
        get { json[quantity: "tolerance"] }
        set { json[quantity: "tolerance"] = newValue }
    }
}

public struct HorizontalPodAutoscalerBehavior: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var scaleUp: HPAScalingRules? {
        get { json[view: "scaleUp"] }
        set { json[view: "scaleUp"] = newValue }
    }
    public var scaleDown: HPAScalingRules? {
        get { json[view: "scaleDown"] }
        set { json[view: "scaleDown"] = newValue }
    }
}

public struct HorizontalPodAutoscalerCondition: KubeView {
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

public struct HorizontalPodAutoscalerSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var scaleTargetRef: CrossVersionObjectReference {
        get { json[requiredView: "scaleTargetRef"] }
        set { json[requiredView: "scaleTargetRef"] = newValue }
    }
    public var minReplicas: Int? {
        get { json[integer: "minReplicas"] }
        set { json[integer: "minReplicas"] = newValue }
    }
    public var maxReplicas: Int {
        get { json[requiredInteger: "maxReplicas"] }
        set { json[requiredInteger: "maxReplicas"] = newValue }
    }
    public var metrics: [MetricSpec] {
        get { json[views: "metrics"] }
        set { json[views: "metrics"] = newValue }
    }
    public var behavior: HorizontalPodAutoscalerBehavior? {
        get { json[view: "behavior"] }
        set { json[view: "behavior"] = newValue }
    }
}

public struct HorizontalPodAutoscalerStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var lastScaleTime: KubeTime? {
        get { json[time: "lastScaleTime"] }
        set { json[time: "lastScaleTime"] = newValue }
    }
    public var currentReplicas: Int? {
        get { json[integer: "currentReplicas"] }
        set { json[integer: "currentReplicas"] = newValue }
    }
    public var desiredReplicas: Int {
        get { json[requiredInteger: "desiredReplicas"] }
        set { json[requiredInteger: "desiredReplicas"] = newValue }
    }
    public var currentMetrics: [MetricStatus] {
        get { json[views: "currentMetrics"] }
        set { json[views: "currentMetrics"] = newValue }
    }
    public var conditions: [HorizontalPodAutoscalerCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct MetricIdentifier: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var selector: LabelSelectorSpec? {
        get { json[view: "selector"] }
        set { json[view: "selector"] = newValue }
    }
}

public struct MetricSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var object: ObjectMetricSource? {
        get { json[view: "object"] }
        set { json[view: "object"] = newValue }
    }
    public var pods: PodsMetricSource? {
        get { json[view: "pods"] }
        set { json[view: "pods"] = newValue }
    }
    public var resource: ResourceMetricSource? {
        get { json[view: "resource"] }
        set { json[view: "resource"] = newValue }
    }
    public var containerResource: ContainerResourceMetricSource? {
        get { json[view: "containerResource"] }
        set { json[view: "containerResource"] = newValue }
    }
    public var external: ExternalMetricSource? {
        get { json[view: "external"] }
        set { json[view: "external"] = newValue }
    }
}

public struct MetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var object: ObjectMetricStatus? {
        get { json[view: "object"] }
        set { json[view: "object"] = newValue }
    }
    public var pods: PodsMetricStatus? {
        get { json[view: "pods"] }
        set { json[view: "pods"] = newValue }
    }
    public var resource: ResourceMetricStatus? {
        get { json[view: "resource"] }
        set { json[view: "resource"] = newValue }
    }
    public var containerResource: ContainerResourceMetricStatus? {
        get { json[view: "containerResource"] }
        set { json[view: "containerResource"] = newValue }
    }
    public var external: ExternalMetricStatus? {
        get { json[view: "external"] }
        set { json[view: "external"] = newValue }
    }
}

public struct MetricTarget: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var value: String? {
        get { json[quantity: "value"] }
        set { json[quantity: "value"] = newValue }
    }
    public var averageValue: String? {
        get { json[quantity: "averageValue"] }
        set { json[quantity: "averageValue"] = newValue }
    }
    public var averageUtilization: Int? {
        get { json[integer: "averageUtilization"] }
        set { json[integer: "averageUtilization"] = newValue }
    }
}

public struct MetricValueStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var value: String? {
        get { json[quantity: "value"] }
        set { json[quantity: "value"] = newValue }
    }
    public var averageValue: String? {
        get { json[quantity: "averageValue"] }
        set { json[quantity: "averageValue"] = newValue }
    }
    public var averageUtilization: Int? {
        get { json[integer: "averageUtilization"] }
        set { json[integer: "averageUtilization"] = newValue }
    }
}

public struct ObjectMetricSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var describedObject: CrossVersionObjectReference {
        get { json[requiredView: "describedObject"] }
        set { json[requiredView: "describedObject"] = newValue }
    }
    public var target: MetricTarget {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
}

public struct ObjectMetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
    public var current: MetricValueStatus {
        get { json[requiredView: "current"] }
        set { json[requiredView: "current"] = newValue }
    }
    public var describedObject: CrossVersionObjectReference {
        get { json[requiredView: "describedObject"] }
        set { json[requiredView: "describedObject"] = newValue }
    }
}

public struct PodsMetricSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
    public var target: MetricTarget {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
}

public struct PodsMetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metric: MetricIdentifier {
        get { json[requiredView: "metric"] }
        set { json[requiredView: "metric"] = newValue }
    }
    public var current: MetricValueStatus {
        get { json[requiredView: "current"] }
        set { json[requiredView: "current"] = newValue }
    }
}

public struct ResourceMetricSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var target: MetricTarget {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
}

public struct ResourceMetricStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var current: MetricValueStatus {
        get { json[requiredView: "current"] }
        set { json[requiredView: "current"] = newValue }
    }
}

public struct ScaleSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
}

public struct ScaleStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int {
        get { json[requiredInteger: "replicas"] }
        set { json[requiredInteger: "replicas"] = newValue }
    }
    public var selector: String? {
        get { json[string: "selector"] }
        set { json[string: "selector"] = newValue }
    }
}
