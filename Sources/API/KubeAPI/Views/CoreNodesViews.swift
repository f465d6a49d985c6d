// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Node: KubeObject {
    public static let resource = ResourceID(group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: NodeSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: NodeStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct Affinity: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var nodeAffinity: NodeAffinity? {
        get { json[view: "nodeAffinity"] }
        set { json[view: "nodeAffinity"] = newValue }
    }
    public var podAffinity: PodAffinity? {
        get { json[view: "podAffinity"] }
        set { json[view: "podAffinity"] = newValue }
    }
    public var podAntiAffinity: PodAntiAffinity? {
        get { json[view: "podAntiAffinity"] }
        set { json[view: "podAntiAffinity"] = newValue }
    }
}

public struct AttachedVolume: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var devicePath: String {
        get { json[requiredString: "devicePath"] }
        set { json[requiredString: "devicePath"] = newValue }
    }
}

public struct DaemonEndpoint: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var Port: Int {
        get { json[requiredInteger: "Port"] }
        set { json[requiredInteger: "Port"] = newValue }
    }
}

public struct NodeAddress: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var address: String {
        get { json[requiredString: "address"] }
        set { json[requiredString: "address"] = newValue }
    }
}

public struct NodeAffinity: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var requiredDuringSchedulingIgnoredDuringExecution: NodeSelector? {
        get { json[view: "requiredDuringSchedulingIgnoredDuringExecution"] }
        set { json[view: "requiredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
    public var preferredDuringSchedulingIgnoredDuringExecution: [PreferredSchedulingTerm] {
        get { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] }
        set { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
}

public struct NodeAllocatableResourceClaimStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceClaimName: String {
        get { json[requiredString: "resourceClaimName"] }
        set { json[requiredString: "resourceClaimName"] = newValue }
    }
    public var containers: [String] {
        get { json[strings: "containers"] }
        set { json[strings: "containers"] = newValue }
    }
    public var resources: [String: String] {
        get { json[quantityMap: "resources"] }
        set { json[quantityMap: "resources"] = newValue }
    }
}

public struct NodeCondition: KubeView {
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
    public var lastHeartbeatTime: KubeTime? {
        get { json[time: "lastHeartbeatTime"] }
        set { json[time: "lastHeartbeatTime"] = newValue }
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

public struct NodeConfigSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var configMap: ConfigMapNodeConfigSource? {
        get { json[view: "configMap"] }
        set { json[view: "configMap"] = newValue }
    }
}

public struct NodeConfigStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var assigned: NodeConfigSource? {
        get { json[view: "assigned"] }
        set { json[view: "assigned"] = newValue }
    }
    public var active: NodeConfigSource? {
        get { json[view: "active"] }
        set { json[view: "active"] = newValue }
    }
    public var lastKnownGood: NodeConfigSource? {
        get { json[view: "lastKnownGood"] }
        set { json[view: "lastKnownGood"] = newValue }
    }
    public var error: String? {
        get { json[string: "error"] }
        set { json[string: "error"] = newValue }
    }
}

public struct NodeDaemonEndpoints: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kubeletEndpoint: DaemonEndpoint? {
        get { json[view: "kubeletEndpoint"] }
        set { json[view: "kubeletEndpoint"] = newValue }
    }
}

public struct NodeFeatures: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var supplementalGroupsPolicy: Bool? {
        get { json[bool: "supplementalGroupsPolicy"] }
        set { json[bool: "supplementalGroupsPolicy"] = newValue }
    }
}

public struct NodeRuntimeHandler: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var features: NodeRuntimeHandlerFeatures? {
        get { json[view: "features"] }
        set { json[view: "features"] = newValue }
    }
}

public struct NodeRuntimeHandlerFeatures: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var recursiveReadOnlyMounts: Bool? {
        get { json[bool: "recursiveReadOnlyMounts"] }
        set { json[bool: "recursiveReadOnlyMounts"] = newValue }
    }
    public var userNamespaces: Bool? {
        get { json[bool: "userNamespaces"] }
        set { json[bool: "userNamespaces"] = newValue }
    }
}

public struct NodeSelectorRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
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

public struct NodeSelectorTerm: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var matchExpressions: [NodeSelectorRequirement] {
        get { json[views: "matchExpressions"] }
        set { json[views: "matchExpressions"] = newValue }
    }
    public var matchFields: [NodeSelectorRequirement] {
        get { json[views: "matchFields"] }
        set { json[views: "matchFields"] = newValue }
    }
}

public struct NodeSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var podCIDR: String? {
        get { json[string: "podCIDR"] }
        set { json[string: "podCIDR"] = newValue }
    }
    public var podCIDRs: [String] {
        get { json[strings: "podCIDRs"] }
        set { json[strings: "podCIDRs"] = newValue }
    }
    public var providerID: String? {
        get { json[string: "providerID"] }
        set { json[string: "providerID"] = newValue }
    }
    public var unschedulable: Bool? {
        get { json[bool: "unschedulable"] }
        set { json[bool: "unschedulable"] = newValue }
    }
    public var taints: [Taint] {
        get { json[views: "taints"] }
        set { json[views: "taints"] = newValue }
    }
    public var configSource: NodeConfigSource? {
        get { json[view: "configSource"] }
        set { json[view: "configSource"] = newValue }
    }
    public var externalID: String? {
        get { json[string: "externalID"] }
        set { json[string: "externalID"] = newValue }
    }
}

public struct NodeStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var capacity: [String: String] {
        get { json[quantityMap: "capacity"] }
        set { json[quantityMap: "capacity"] = newValue }
    }
    public var allocatable: [String: String] {
        get { json[quantityMap: "allocatable"] }
        set { json[quantityMap: "allocatable"] = newValue }
    }
    public var phase: String? {
        get { json[string: "phase"] }
        set { json[string: "phase"] = newValue }
    }
    public var conditions: [NodeCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var addresses: [NodeAddress] {
        get { json[views: "addresses"] }
        set { json[views: "addresses"] = newValue }
    }
    public var daemonEndpoints: NodeDaemonEndpoints? {
        get { json[view: "daemonEndpoints"] }
        set { json[view: "daemonEndpoints"] = newValue }
    }
    public var nodeInfo: NodeSystemInfo? {
        get { json[view: "nodeInfo"] }
        set { json[view: "nodeInfo"] = newValue }
    }
    public var images: [ContainerImage] {
        get { json[views: "images"] }
        set { json[views: "images"] = newValue }
    }
    public var volumesInUse: [String] {
        get { json[strings: "volumesInUse"] }
        set { json[strings: "volumesInUse"] = newValue }
    }
    public var volumesAttached: [AttachedVolume] {
        get { json[views: "volumesAttached"] }
        set { json[views: "volumesAttached"] = newValue }
    }
    public var config: NodeConfigStatus? {
        get { json[view: "config"] }
        set { json[view: "config"] = newValue }
    }
    public var runtimeHandlers: [NodeRuntimeHandler] {
        get { json[views: "runtimeHandlers"] }
        set { json[views: "runtimeHandlers"] = newValue }
    }
    public var features: NodeFeatures? {
        get { json[view: "features"] }
        set { json[view: "features"] = newValue }
    }
    public var declaredFeatures: [String] {
        get { json[strings: "declaredFeatures"] }
        set { json[strings: "declaredFeatures"] = newValue }
    }
}

public struct NodeSwapStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var capacity: Int? {
        get { json[integer: "capacity"] }
        set { json[integer: "capacity"] = newValue }
    }
}

public struct NodeSystemInfo: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var machineID: String {
        get { json[requiredString: "machineID"] }
        set { json[requiredString: "machineID"] = newValue }
    }
    public var systemUUID: String {
        get { json[requiredString: "systemUUID"] }
        set { json[requiredString: "systemUUID"] = newValue }
    }
    public var bootID: String {
        get { json[requiredString: "bootID"] }
        set { json[requiredString: "bootID"] = newValue }
    }
    public var kernelVersion: String {
        get { json[requiredString: "kernelVersion"] }
        set { json[requiredString: "kernelVersion"] = newValue }
    }
    public var osImage: String {
        get { json[requiredString: "osImage"] }
        set { json[requiredString: "osImage"] = newValue }
    }
    public var containerRuntimeVersion: String {
        get { json[requiredString: "containerRuntimeVersion"] }
        set { json[requiredString: "containerRuntimeVersion"] = newValue }
    }
    public var kubeletVersion: String {
        get { json[requiredString: "kubeletVersion"] }
        set { json[requiredString: "kubeletVersion"] = newValue }
    }
    public var kubeProxyVersion: String {
        get { json[requiredString: "kubeProxyVersion"] }
        set { json[requiredString: "kubeProxyVersion"] = newValue }
    }
    public var operatingSystem: String {
        get { json[requiredString: "operatingSystem"] }
        set { json[requiredString: "operatingSystem"] = newValue }
    }
    public var architecture: String {
        get { json[requiredString: "architecture"] }
        set { json[requiredString: "architecture"] = newValue }
    }
    public var swap: NodeSwapStatus? {
        get { json[view: "swap"] }
        set { json[view: "swap"] = newValue }
    }
}

public struct PodAffinity: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] {
        get { json[views: "requiredDuringSchedulingIgnoredDuringExecution"] }
        set { json[views: "requiredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
    public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] {
        get { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] }
        set { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
}

public struct PodAffinityTerm: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var labelSelector: LabelSelectorSpec? {
        get { json[view: "labelSelector"] }
        set { json[view: "labelSelector"] = newValue }
    }
    public var namespaces: [String] {
        get { json[strings: "namespaces"] }
        set { json[strings: "namespaces"] = newValue }
    }
    public var topologyKey: String {
        get { json[requiredString: "topologyKey"] }
        set { json[requiredString: "topologyKey"] = newValue }
    }
    public var namespaceSelector: LabelSelectorSpec? {
        get { json[view: "namespaceSelector"] }
        set { json[view: "namespaceSelector"] = newValue }
    }
    public var matchLabelKeys: [String] {
        get { json[strings: "matchLabelKeys"] }
        set { json[strings: "matchLabelKeys"] = newValue }
    }
    public var mismatchLabelKeys: [String] {
        get { json[strings: "mismatchLabelKeys"] }
        set { json[strings: "mismatchLabelKeys"] = newValue }
    }
}

public struct PodAntiAffinity: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] {
        get { json[views: "requiredDuringSchedulingIgnoredDuringExecution"] }
        set { json[views: "requiredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
    public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] {
        get { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] }
        set { json[views: "preferredDuringSchedulingIgnoredDuringExecution"] = newValue }
    }
}

public struct PodSchedulingGate: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct PodSchedulingGroup: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var podGroupName: String? {
        get { json[string: "podGroupName"] }
        set { json[string: "podGroupName"] = newValue }
    }
}

public struct PreferredSchedulingTerm: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var weight: Int {
        get { json[requiredInteger: "weight"] }
        set { json[requiredInteger: "weight"] = newValue }
    }
    public var preference: NodeSelectorTerm {
        get { json[requiredView: "preference"] }
        set { json[requiredView: "preference"] = newValue }
    }
}

public struct SessionAffinityConfig: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var clientIP: ClientIPConfig? {
        get { json[view: "clientIP"] }
        set { json[view: "clientIP"] = newValue }
    }
}

public struct Taint: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var value: String? {
        get { json[string: "value"] }
        set { json[string: "value"] = newValue }
    }
    public var effect: String {
        get { json[requiredString: "effect"] }
        set { json[requiredString: "effect"] = newValue }
    }
    public var timeAdded: KubeTime? {
        get { json[time: "timeAdded"] }
        set { json[time: "timeAdded"] = newValue }
    }
}

public struct Toleration: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String? {
        get { json[string: "key"] }
        set { json[string: "key"] = newValue }
    }
    public var `operator`: String? {
        get { json[string: "operator"] }
        set { json[string: "operator"] = newValue }
    }
    public var value: String? {
        get { json[string: "value"] }
        set { json[string: "value"] = newValue }
    }
    public var effect: String? {
        get { json[string: "effect"] }
        set { json[string: "effect"] = newValue }
    }
    public var tolerationSeconds: Int? {
        get { json[integer: "tolerationSeconds"] }
        set { json[integer: "tolerationSeconds"] = newValue }
    }
}

public struct TopologySelectorLabelRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var values: [String] {
        get { json[strings: "values"] }
        set { json[strings: "values"] = newValue }
    }
}

public struct TopologySelectorTerm: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var matchLabelExpressions: [TopologySelectorLabelRequirement] {
        get { json[views: "matchLabelExpressions"] }
        set { json[views: "matchLabelExpressions"] = newValue }
    }
}

public struct TopologySpreadConstraint: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var maxSkew: Int {
        get { json[requiredInteger: "maxSkew"] }
        set { json[requiredInteger: "maxSkew"] = newValue }
    }
    public var topologyKey: String {
        get { json[requiredString: "topologyKey"] }
        set { json[requiredString: "topologyKey"] = newValue }
    }
    public var whenUnsatisfiable: String {
        get { json[requiredString: "whenUnsatisfiable"] }
        set { json[requiredString: "whenUnsatisfiable"] = newValue }
    }
    public var labelSelector: LabelSelectorSpec? {
        get { json[view: "labelSelector"] }
        set { json[view: "labelSelector"] = newValue }
    }
    public var minDomains: Int? {
        get { json[integer: "minDomains"] }
        set { json[integer: "minDomains"] = newValue }
    }
    public var nodeAffinityPolicy: String? {
        get { json[string: "nodeAffinityPolicy"] }
        set { json[string: "nodeAffinityPolicy"] = newValue }
    }
    public var nodeTaintsPolicy: String? {
        get { json[string: "nodeTaintsPolicy"] }
        set { json[string: "nodeTaintsPolicy"] = newValue }
    }
    public var matchLabelKeys: [String] {
        get { json[strings: "matchLabelKeys"] }
        set { json[strings: "matchLabelKeys"] = newValue }
    }
}

public struct WeightedPodAffinityTerm: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var weight: Int {
        get { json[requiredInteger: "weight"] }
        set { json[requiredInteger: "weight"] = newValue }
    }
    public var podAffinityTerm: PodAffinityTerm {
        get { json[requiredView: "podAffinityTerm"] }
        set { json[requiredView: "podAffinityTerm"] = newValue }
    }
}
