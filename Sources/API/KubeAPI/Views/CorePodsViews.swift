// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Pod: KubeObject {
    public static let resource = ResourceID(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PodSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: PodStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct PodTemplate: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "podtemplates", kind: "PodTemplate", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var template: PodTemplateSpec? {
        get { json[view: "template"] }
        set { json[view: "template"] = newValue }
    }
}

public struct HostAlias: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ip: String {
        get { json[requiredString: "ip"] }
        set { json[requiredString: "ip"] = newValue }
    }
    public var hostnames: [String] {
        get { json[strings: "hostnames"] }
        set { json[strings: "hostnames"] = newValue }
    }
}

public struct HostIP: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ip: String {
        get { json[requiredString: "ip"] }
        set { json[requiredString: "ip"] = newValue }
    }
}

public struct PodCondition: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var status: String {
        get { json[requiredString: "status"] }
        set { json[requiredString: "status"] = newValue }
    }
    public var lastProbeTime: KubeTime? {
        get { json[time: "lastProbeTime"] }
        set { json[time: "lastProbeTime"] = newValue }
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

public struct PodDNSConfig: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var nameservers: [String] {
        get { json[strings: "nameservers"] }
        set { json[strings: "nameservers"] = newValue }
    }
    public var searches: [String] {
        get { json[strings: "searches"] }
        set { json[strings: "searches"] = newValue }
    }
    public var options: [PodDNSConfigOption] {
        get { json[views: "options"] }
        set { json[views: "options"] = newValue }
    }
}

public struct PodDNSConfigOption: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var value: String? {
        get { json[string: "value"] }
        set { json[string: "value"] = newValue }
    }
}

public struct PodExtendedResourceClaimStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var requestMappings: [ContainerExtendedResourceRequest] {
        get { json[views: "requestMappings"] }
        set { json[views: "requestMappings"] = newValue }
    }
    public var resourceClaimName: String {
        get { json[requiredString: "resourceClaimName"] }
        set { json[requiredString: "resourceClaimName"] = newValue }
    }
}

public struct PodIP: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ip: String {
        get { json[requiredString: "ip"] }
        set { json[requiredString: "ip"] = newValue }
    }
}

public struct PodOS: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct PodReadinessGate: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditionType: String {
        get { json[requiredString: "conditionType"] }
        set { json[requiredString: "conditionType"] = newValue }
    }
}

public struct PodResourceClaim: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var resourceClaimName: String? {
        get { json[string: "resourceClaimName"] }
        set { json[string: "resourceClaimName"] = newValue }
    }
    public var resourceClaimTemplateName: String? {
        get { json[string: "resourceClaimTemplateName"] }
        set { json[string: "resourceClaimTemplateName"] = newValue }
    }
}

public struct PodResourceClaimStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var resourceClaimName: String? {
        get { json[string: "resourceClaimName"] }
        set { json[string: "resourceClaimName"] = newValue }
    }
}

public struct PodSecurityContext: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var seLinuxOptions: SELinuxOptions? {
        get { json[view: "seLinuxOptions"] }
        set { json[view: "seLinuxOptions"] = newValue }
    }
    public var windowsOptions: WindowsSecurityContextOptions? {
        get { json[view: "windowsOptions"] }
        set { json[view: "windowsOptions"] = newValue }
    }
    public var runAsUser: Int? {
        get { json[integer: "runAsUser"] }
        set { json[integer: "runAsUser"] = newValue }
    }
    public var runAsGroup: Int? {
        get { json[integer: "runAsGroup"] }
        set { json[integer: "runAsGroup"] = newValue }
    }
    public var runAsNonRoot: Bool? {
        get { json[bool: "runAsNonRoot"] }
        set { json[bool: "runAsNonRoot"] = newValue }
    }
    public var supplementalGroups: [Int] {
        get { json[integers: "supplementalGroups"] }
        set { json[integers: "supplementalGroups"] = newValue }
    }
    public var supplementalGroupsPolicy: String? {
        get { json[string: "supplementalGroupsPolicy"] }
        set { json[string: "supplementalGroupsPolicy"] = newValue }
    }
    public var fsGroup: Int? {
        get { json[integer: "fsGroup"] }
        set { json[integer: "fsGroup"] = newValue }
    }
    public var sysctls: [Sysctl] {
        get { json[views: "sysctls"] }
        set { json[views: "sysctls"] = newValue }
    }
    public var fsGroupChangePolicy: String? {
        get { json[string: "fsGroupChangePolicy"] }
        set { json[string: "fsGroupChangePolicy"] = newValue }
    }
    public var seccompProfile: SeccompProfile? {
        get { json[view: "seccompProfile"] }
        set { json[view: "seccompProfile"] = newValue }
    }
    public var appArmorProfile: AppArmorProfile? {
        get { json[view: "appArmorProfile"] }
        set { json[view: "appArmorProfile"] = newValue }
    }
    public var seLinuxChangePolicy: String? {
        get { json[string: "seLinuxChangePolicy"] }
        set { json[string: "seLinuxChangePolicy"] = newValue }
    }
}

public struct PodSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumes: [Volume] {
        get { json[views: "volumes"] }
        set { json[views: "volumes"] = newValue }
    }
    public var initContainers: [Container] {
        get { json[views: "initContainers"] }
        set { json[views: "initContainers"] = newValue }
    }
    public var containers: [Container] {
        get { json[views: "containers"] }
        set { json[views: "containers"] = newValue }
    }
    public var ephemeralContainers: [EphemeralContainer] {
        get { json[views: "ephemeralContainers"] }
        set { json[views: "ephemeralContainers"] = newValue }
    }
    public var restartPolicy: String? {
        get { json[string: "restartPolicy"] }
        set { json[string: "restartPolicy"] = newValue }
    }
    public var terminationGracePeriodSeconds: Int? {
        get { json[integer: "terminationGracePeriodSeconds"] }
        set { json[integer: "terminationGracePeriodSeconds"] = newValue }
    }
    public var activeDeadlineSeconds: Int? {
        get { json[integer: "activeDeadlineSeconds"] }
        set { json[integer: "activeDeadlineSeconds"] = newValue }
    }
    public var dnsPolicy: String? {
        get { json[string: "dnsPolicy"] }
        set { json[string: "dnsPolicy"] = newValue }
    }
    public var nodeSelector: [String: String] {
        get { json[stringMap: "nodeSelector"] }
        set { json[stringMap: "nodeSelector"] = newValue }
    }
    public var serviceAccountName: String? {
        get { json[string: "serviceAccountName"] }
        set { json[string: "serviceAccountName"] = newValue }
    }
    public var serviceAccount: String? {
        get { json[string: "serviceAccount"] }
        set { json[string: "serviceAccount"] = newValue }
    }
    public var automountServiceAccountToken: Bool? {
        get { json[bool: "automountServiceAccountToken"] }
        set { json[bool: "automountServiceAccountToken"] = newValue }
    }
    public var nodeName: String? {
        get { json[string: "nodeName"] }
        set { json[string: "nodeName"] = newValue }
    }
    public var hostNetwork: Bool? {
        get { json[bool: "hostNetwork"] }
        set { json[bool: "hostNetwork"] = newValue }
    }
    public var hostPID: Bool? {
        get { json[bool: "hostPID"] }
        set { json[bool: "hostPID"] = newValue }
    }
    public var hostIPC: Bool? {
        get { json[bool: "hostIPC"] }
        set { json[bool: "hostIPC"] = newValue }
    }
    public var shareProcessNamespace: Bool? {
        get { json[bool: "shareProcessNamespace"] }
        set { json[bool: "shareProcessNamespace"] = newValue }
    }
    public var securityContext: PodSecurityContext? {
        get { json[view: "securityContext"] }
        set { json[view: "securityContext"] = newValue }
    }
    public var imagePullSecrets: [LocalObjectReference] {
        get { json[views: "imagePullSecrets"] }
        set { json[views: "imagePullSecrets"] = newValue }
    }
    public var hostname: String? {
        get { json[string: "hostname"] }
        set { json[string: "hostname"] = newValue }
    }
    public var subdomain: String? {
        get { json[string: "subdomain"] }
        set { json[string: "subdomain"] = newValue }
    }
    public var affinity: Affinity? {
        get { json[view: "affinity"] }
        set { json[view: "affinity"] = newValue }
    }
    public var schedulerName: String? {
        get { json[string: "schedulerName"] }
        set { json[string: "schedulerName"] = newValue }
    }
    public var tolerations: [Toleration] {
        get { json[views: "tolerations"] }
        set { json[views: "tolerations"] = newValue }
    }
    public var hostAliases: [HostAlias] {
        get { json[views: "hostAliases"] }
        set { json[views: "hostAliases"] = newValue }
    }
    public var priorityClassName: String? {
        get { json[string: "priorityClassName"] }
        set { json[string: "priorityClassName"] = newValue }
    }
    public var priority: Int? {
        get { json[integer: "priority"] }
        set { json[integer: "priority"] = newValue }
    }
    public var dnsConfig: PodDNSConfig? {
        get { json[view: "dnsConfig"] }
        set { json[view: "dnsConfig"] = newValue }
    }
    public var readinessGates: [PodReadinessGate] {
        get { json[views: "readinessGates"] }
        set { json[views: "readinessGates"] = newValue }
    }
    public var runtimeClassName: String? {
        get { json[string: "runtimeClassName"] }
        set { json[string: "runtimeClassName"] = newValue }
    }
    public var enableServiceLinks: Bool? {
        get { json[bool: "enableServiceLinks"] }
        set { json[bool: "enableServiceLinks"] = newValue }
    }
    public var preemptionPolicy: String? {
        get { json[string: "preemptionPolicy"] }
        set { json[string: "preemptionPolicy"] = newValue }
    }
    public var overhead: [String: String] {
        get { json[quantityMap: "overhead"] }
        set { json[quantityMap: "overhead"] = newValue }
    }
    public var topologySpreadConstraints: [TopologySpreadConstraint] {
        get { json[views: "topologySpreadConstraints"] }
        set { json[views: "topologySpreadConstraints"] = newValue }
    }
    public var setHostnameAsFQDN: Bool? {
        get { json[bool: "setHostnameAsFQDN"] }
        set { json[bool: "setHostnameAsFQDN"] = newValue }
    }
    public var os: PodOS? {
        get { json[view: "os"] }
        set { json[view: "os"] = newValue }
    }
    public var hostUsers: Bool? {
        get { json[bool: "hostUsers"] }
        set { json[bool: "hostUsers"] = newValue }
    }
    public var schedulingGates: [PodSchedulingGate] {
        get { json[views: "schedulingGates"] }
        set { json[views: "schedulingGates"] = newValue }
    }
    public var resourceClaims: [PodResourceClaim] {
        get { json[views: "resourceClaims"] }
        set { json[views: "resourceClaims"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var hostnameOverride: String? {
        get { json[string: "hostnameOverride"] }
        set { json[string: "hostnameOverride"] = newValue }
    }
    public var schedulingGroup: PodSchedulingGroup? {
        get { json[view: "schedulingGroup"] }
        set { json[view: "schedulingGroup"] = newValue }
    }
}

public struct PodStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var phase: String? {
        get { json[string: "phase"] }
        set { json[string: "phase"] = newValue }
    }
    public var conditions: [PodCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var nominatedNodeName: String? {
        get { json[string: "nominatedNodeName"] }
        set { json[string: "nominatedNodeName"] = newValue }
    }
    public var hostIP: String? {
        get { json[string: "hostIP"] }
        set { json[string: "hostIP"] = newValue }
    }
    public var hostIPs: [HostIP] {
        get { json[views: "hostIPs"] }
        set { json[views: "hostIPs"] = newValue }
    }
    public var podIP: String? {
        get { json[string: "podIP"] }
        set { json[string: "podIP"] = newValue }
    }
    public var podIPs: [PodIP] {
        get { json[views: "podIPs"] }
        set { json[views: "podIPs"] = newValue }
    }
    public var startTime: KubeTime? {
        get { json[time: "startTime"] }
        set { json[time: "startTime"] = newValue }
    }
    public var initContainerStatuses: [ContainerStatus] {
        get { json[views: "initContainerStatuses"] }
        set { json[views: "initContainerStatuses"] = newValue }
    }
    public var containerStatuses: [ContainerStatus] {
        get { json[views: "containerStatuses"] }
        set { json[views: "containerStatuses"] = newValue }
    }
    public var qosClass: String? {
        get { json[string: "qosClass"] }
        set { json[string: "qosClass"] = newValue }
    }
    public var ephemeralContainerStatuses: [ContainerStatus] {
        get { json[views: "ephemeralContainerStatuses"] }
        set { json[views: "ephemeralContainerStatuses"] = newValue }
    }
    public var resize: String? {
        get { json[string: "resize"] }
        set { json[string: "resize"] = newValue }
    }
    public var resourceClaimStatuses: [PodResourceClaimStatus] {
        get { json[views: "resourceClaimStatuses"] }
        set { json[views: "resourceClaimStatuses"] = newValue }
    }
    public var extendedResourceClaimStatus: PodExtendedResourceClaimStatus? {
        get { json[view: "extendedResourceClaimStatus"] }
        set { json[view: "extendedResourceClaimStatus"] = newValue }
    }
    public var allocatedResources: [String: String] {
        get { json[quantityMap: "allocatedResources"] }
        set { json[quantityMap: "allocatedResources"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var nodeAllocatableResourceClaimStatuses: [NodeAllocatableResourceClaimStatus] {
        get { json[views: "nodeAllocatableResourceClaimStatuses"] }
        set { json[views: "nodeAllocatableResourceClaimStatuses"] = newValue }
    }
}

public struct PodTemplateSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PodSpec? {
        get { json[view: "spec"] }
        set { json[view: "spec"] = newValue }
    }
}

public struct Sysctl: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var value: String {
        get { json[requiredString: "value"] }
        set { json[requiredString: "value"] = newValue }
    }
}
