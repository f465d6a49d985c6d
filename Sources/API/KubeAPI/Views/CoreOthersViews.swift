// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Binding: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "bindings", kind: "Binding", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var target: ObjectReference {
        get { json[requiredView: "target"] }
        set { json[requiredView: "target"] = newValue }
    }
}

public struct ConfigMap: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var immutable: Bool? {
        get { json[bool: "immutable"] }
        set { json[bool: "immutable"] = newValue }
    }
    public var data: [String: String] {
        get { json[stringMap: "data"] }
        set { json[stringMap: "data"] = newValue }
    }
    public var binaryData: [String: [UInt8]] {
        get { json[bytesMap: "binaryData"] }
        set { json[bytesMap: "binaryData"] = newValue }
    }
}

public struct Event: KubeObject {
    public static let resource = ResourceID(group: "", version: "v1", plural: "events", kind: "Event", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var involvedObject: ObjectReference {
        get { json[requiredView: "involvedObject"] }
        set { json[requiredView: "involvedObject"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var source: EventSource? {
        get { json[view: "source"] }
        set { json[view: "source"] = newValue }
    }
    public var firstTimestamp: KubeTime? {
        get { json[time: "firstTimestamp"] }
        set { json[time: "firstTimestamp"] = newValue }
    }
    public var lastTimestamp: KubeTime? {
        get { json[time: "lastTimestamp"] }
        set { json[time: "lastTimestamp"] = newValue }
    }
    public var count: Int? {
        get { json[integer: "count"] }
        set { json[integer: "count"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var eventTime: KubeTime? {
        get { json[microTime: "eventTime"] }
        set { json[microTime: "eventTime"] = newValue }
    }
    public var series: EventSeries? {
        get { json[view: "series"] }
        set { json[view: "series"] = newValue }
    }
    public var action: String? {
        get { json[string: "action"] }
        set { json[string: "action"] = newValue }
    }
    public var related: ObjectReference? {
        get { json[view: "related"] }
        set { json[view: "related"] = newValue }
    }
    public var reportingComponent: String? {
        get { json[string: "reportingComponent"] }
        set { json[string: "reportingComponent"] = newValue }
    }
    public var reportingInstance: String? {
        get { json[string: "reportingInstance"] }
        set { json[string: "reportingInstance"] = newValue }
    }
}

public struct LimitRange: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "limitranges", kind: "LimitRange", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: LimitRangeSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct Namespace: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: NamespaceSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: NamespaceStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct ReplicationController: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "replicationcontrollers", kind: "ReplicationController", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ReplicationControllerSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ReplicationControllerStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct ResourceQuota: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "resourcequotas", kind: "ResourceQuota", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ResourceQuotaSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ResourceQuotaStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct Secret: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var immutable: Bool? {
        get { json[bool: "immutable"] }
        set { json[bool: "immutable"] = newValue }
    }
    public var data: [String: [UInt8]] {
        get { json[bytesMap: "data"] }
        set { json[bytesMap: "data"] = newValue }
    }
    public var stringData: [String: String] {
        get { json[stringMap: "stringData"] }
        set { json[stringMap: "stringData"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
}

public struct ConfigMapNodeConfigSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var namespace: String {
        get { json[requiredString: "namespace"] }
        set { json[requiredString: "namespace"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var resourceVersion: String? {
        get { json[string: "resourceVersion"] }
        set { json[string: "resourceVersion"] = newValue }
    }
    public var kubeletConfigKey: String {
        get { json[requiredString: "kubeletConfigKey"] }
        set { json[requiredString: "kubeletConfigKey"] = newValue }
    }
}

public struct DownwardAPIVolumeFile: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var fieldRef: ObjectFieldSelector? {
        get { json[view: "fieldRef"] }
        set { json[view: "fieldRef"] = newValue }
    }
    public var resourceFieldRef: ResourceFieldSelector? {
        get { json[view: "resourceFieldRef"] }
        set { json[view: "resourceFieldRef"] = newValue }
    }
    public var mode: Int? {
        get { json[integer: "mode"] }
        set { json[integer: "mode"] = newValue }
    }
}

public struct EventSeries: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var count: Int? {
        get { json[integer: "count"] }
        set { json[integer: "count"] = newValue }
    }
    public var lastObservedTime: KubeTime? {
        get { json[microTime: "lastObservedTime"] }
        set { json[microTime: "lastObservedTime"] = newValue }
    }
}

public struct EventSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var component: String? {
        get { json[string: "component"] }
        set { json[string: "component"] = newValue }
    }
    public var host: String? {
        get { json[string: "host"] }
        set { json[string: "host"] = newValue }
    }
}

public struct ImageVolumeStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var imageRef: String {
        get { json[requiredString: "imageRef"] }
        set { json[requiredString: "imageRef"] = newValue }
    }
}

public struct LimitRangeItem: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var max: [String: String] {
        get { json[quantityMap: "max"] }
        set { json[quantityMap: "max"] = newValue }
    }
    public var min: [String: String] {
        get { json[quantityMap: "min"] }
        set { json[quantityMap: "min"] = newValue }
    }
    public var `default`: [String: String] {
        get { json[quantityMap: "default"] }
        set { json[quantityMap: "default"] = newValue }
    }
    public var defaultRequest: [String: String] {
        get { json[quantityMap: "defaultRequest"] }
        set { json[quantityMap: "defaultRequest"] = newValue }
    }
    public var maxLimitRequestRatio: [String: String] {
        get { json[quantityMap: "maxLimitRequestRatio"] }
        set { json[quantityMap: "maxLimitRequestRatio"] = newValue }
    }
}

public struct LimitRangeSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var limits: [LimitRangeItem] {
        get { json[views: "limits"] }
        set { json[views: "limits"] = newValue }
    }
}

public struct LocalObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
}

public struct NamespaceCondition: KubeView {
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

public struct NamespaceSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var finalizers: [String] {
        get { json[strings: "finalizers"] }
        set { json[strings: "finalizers"] = newValue }
    }
}

public struct NamespaceStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var phase: String? {
        get { json[string: "phase"] }
        set { json[string: "phase"] = newValue }
    }
    public var conditions: [NamespaceCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct ObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var resourceVersion: String? {
        get { json[string: "resourceVersion"] }
        set { json[string: "resourceVersion"] = newValue }
    }
    public var fieldPath: String? {
        get { json[string: "fieldPath"] }
        set { json[string: "fieldPath"] = newValue }
    }
}

public struct ReplicationControllerCondition: KubeView {
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

public struct ReplicationControllerSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
    public var minReadySeconds: Int? {
        get { json[integer: "minReadySeconds"] }
        set { json[integer: "minReadySeconds"] = newValue }
    }
    public var selector: [String: String] {
        get { json[stringMap: "selector"] }
        set { json[stringMap: "selector"] = newValue }
    }
    public var template: PodTemplateSpec? {
        get { json[view: "template"] }
        set { json[view: "template"] = newValue }
    }
}

public struct ReplicationControllerStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int {
        get { json[requiredInteger: "replicas"] }
        set { json[requiredInteger: "replicas"] = newValue }
    }
    public var fullyLabeledReplicas: Int? {
        get { json[integer: "fullyLabeledReplicas"] }
        set { json[integer: "fullyLabeledReplicas"] = newValue }
    }
    public var readyReplicas: Int? {
        get { json[integer: "readyReplicas"] }
        set { json[integer: "readyReplicas"] = newValue }
    }
    public var availableReplicas: Int? {
        get { json[integer: "availableReplicas"] }
        set { json[integer: "availableReplicas"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var conditions: [ReplicationControllerCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct ResourceQuotaSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var hard: [String: String] {
        get { json[quantityMap: "hard"] }
        set { json[quantityMap: "hard"] = newValue }
    }
    public var scopes: [String] {
        get { json[strings: "scopes"] }
        set { json[strings: "scopes"] = newValue }
    }
    public var scopeSelector: ScopeSelector? {
        get { json[view: "scopeSelector"] }
        set { json[view: "scopeSelector"] = newValue }
    }
}

public struct ResourceQuotaStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var hard: [String: String] {
        get { json[quantityMap: "hard"] }
        set { json[quantityMap: "hard"] = newValue }
    }
    public var used: [String: String] {
        get { json[quantityMap: "used"] }
        set { json[quantityMap: "used"] = newValue }
    }
}

public struct ScopedResourceSelectorRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var scopeName: String {
        get { json[requiredString: "scopeName"] }
        set { json[requiredString: "scopeName"] = newValue }
    }
    public var `operator`: String {
        get { json[requiredString: "operator"] }
        set { json[requiredString: "operator"] = newValue }
    }
    public var values: [String] {
        get { json[strings: "values"] }
        set { json[strings: "values"] = newValue }
    }
}

public struct SecretReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
}
