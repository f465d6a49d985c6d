// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Endpoints: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "endpoints", kind: "Endpoints", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var subsets: [EndpointSubset] {
        get { json[views: "subsets"] }
        set { json[views: "subsets"] = newValue }
    }
}

public struct Service: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "services", kind: "Service", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ServiceSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ServiceStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct ServiceAccount: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var secrets: [ObjectReference] {
        get { json[views: "secrets"] }
        set { json[views: "secrets"] = newValue }
    }
    public var imagePullSecrets: [LocalObjectReference] {
        get { json[views: "imagePullSecrets"] }
        set { json[views: "imagePullSecrets"] = newValue }
    }
    public var automountServiceAccountToken: Bool? {
        get { json[bool: "automountServiceAccountToken"] }
        set { json[bool: "automountServiceAccountToken"] = newValue }
    }
}

public struct ClientIPConfig: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var timeoutSeconds: Int? {
        get { json[integer: "timeoutSeconds"] }
        set { json[integer: "timeoutSeconds"] = newValue }
    }
}

public struct EndpointAddress: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ip: String {
        get { json[requiredString: "ip"] }
        set { json[requiredString: "ip"] = newValue }
    }
    public var hostname: String? {
        get { json[string: "hostname"] }
        set { json[string: "hostname"] = newValue }
    }
    public var nodeName: String? {
        get { json[string: "nodeName"] }
        set { json[string: "nodeName"] = newValue }
    }
    public var targetRef: ObjectReference? {
        get { json[view: "targetRef"] }
        set { json[view: "targetRef"] = newValue }
    }
}

public struct EndpointPort: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var port: Int {
        get { json[requiredInteger: "port"] }
        set { json[requiredInteger: "port"] = newValue }
    }
    public var `protocol`: String? {
        get { json[string: "protocol"] }
        set { json[string: "protocol"] = newValue }
    }
    public var appProtocol: String? {
        get { json[string: "appProtocol"] }
        set { json[string: "appProtocol"] = newValue }
    }
}

public struct EndpointSubset: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var addresses: [EndpointAddress] {
        get { json[views: "addresses"] }
        set { json[views: "addresses"] = newValue }
    }
    public var notReadyAddresses: [EndpointAddress] {
        get { json[views: "notReadyAddresses"] }
        set { json[views: "notReadyAddresses"] = newValue }
    }
    public var ports: [EndpointPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
}

public struct LoadBalancerIngress: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ip: String? {
        get { json[string: "ip"] }
        set { json[string: "ip"] = newValue }
    }
    public var hostname: String? {
        get { json[string: "hostname"] }
        set { json[string: "hostname"] = newValue }
    }
    public var ipMode: String? {
        get { json[string: "ipMode"] }
        set { json[string: "ipMode"] = newValue }
    }
    public var ports: [PortStatus] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
}

public struct LoadBalancerStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ingress: [LoadBalancerIngress] {
        get { json[views: "ingress"] }
        set { json[views: "ingress"] = newValue }
    }
}

public struct PortStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var port: Int {
        get { json[requiredInteger: "port"] }
        set { json[requiredInteger: "port"] = newValue }
    }
    public var `protocol`: String {
        get { json[requiredString: "protocol"] }
        set { json[requiredString: "protocol"] = newValue }
    }
    public var error: String? {
        get { json[string: "error"] }
        set { json[string: "error"] = newValue }
    }
}

public struct ServicePort: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var `protocol`: String? {
        get { json[string: "protocol"] }
        set { json[string: "protocol"] = newValue }
    }
    public var appProtocol: String? {
        get { json[string: "appProtocol"] }
        set { json[string: "appProtocol"] = newValue }
    }
    public var port: Int {
        get { json[requiredInteger: "port"] }
        set { json[requiredInteger: "port"] = newValue }
    }
    public var targetPort: IntOrString? {
        get { json[intOrString: "targetPort"] }
        set { json[intOrString: "targetPort"] = newValue }
    }
    public var nodePort: Int? {
        get { json[integer: "nodePort"] }
        set { json[integer: "nodePort"] = newValue }
    }
}

public struct ServiceSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ports: [ServicePort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
    public var selector: [String: String] {
        get { json[stringMap: "selector"] }
        set { json[stringMap: "selector"] = newValue }
    }
    public var clusterIP: String? {
        get { json[string: "clusterIP"] }
        set { json[string: "clusterIP"] = newValue }
    }
    public var clusterIPs: [String] {
        get { json[strings: "clusterIPs"] }
        set { json[strings: "clusterIPs"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var externalIPs: [String] {
        get { json[strings: "externalIPs"] }
        set { json[strings: "externalIPs"] = newValue }
    }
    public var sessionAffinity: String? {
        get { json[string: "sessionAffinity"] }
        set { json[string: "sessionAffinity"] = newValue }
    }
    public var loadBalancerIP: String? {
        get { json[string: "loadBalancerIP"] }
        set { json[string: "loadBalancerIP"] = newValue }
    }
    public var loadBalancerSourceRanges: [String] {
        get { json[strings: "loadBalancerSourceRanges"] }
        set { json[strings: "loadBalancerSourceRanges"] = newValue }
    }
    public var externalName: String? {
        get { json[string: "externalName"] }
        set { json[string: "externalName"] = newValue }
    }
    public var externalTrafficPolicy: String? {
        get { json[string: "externalTrafficPolicy"] }
        set { json[string: "externalTrafficPolicy"] = newValue }
    }
    public var healthCheckNodePort: Int? {
        get { json[integer: "healthCheckNodePort"] }
        set { json[integer: "healthCheckNodePort"] = newValue }
    }
    public var publishNotReadyAddresses: Bool? {
        get { json[bool: "publishNotReadyAddresses"] }
        set { json[bool: "publishNotReadyAddresses"] = newValue }
    }
    public var sessionAffinityConfig: SessionAffinityConfig? {
        get { json[view: "sessionAffinityConfig"] }
        set { json[view: "sessionAffinityConfig"] = newValue }
    }
    public var ipFamilies: [String] {
        get { json[strings: "ipFamilies"] }
        set { json[strings: "ipFamilies"] = newValue }
    }
    public var ipFamilyPolicy: String? {
        get { json[string: "ipFamilyPolicy"] }
        set { json[string: "ipFamilyPolicy"] = newValue }
    }
    public var allocateLoadBalancerNodePorts: Bool? {
        get { json[bool: "allocateLoadBalancerNodePorts"] }
        set { json[bool: "allocateLoadBalancerNodePorts"] = newValue }
    }
    public var loadBalancerClass: String? {
        get { json[string: "loadBalancerClass"] }
        set { json[string: "loadBalancerClass"] = newValue }
    }
    public var internalTrafficPolicy: String? {
        get { json[string: "internalTrafficPolicy"] }
        set { json[string: "internalTrafficPolicy"] = newValue }
    }
    public var trafficDistribution: String? {
        get { json[string: "trafficDistribution"] }
        set { json[string: "trafficDistribution"] = newValue }
    }
}

public struct ServiceStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var loadBalancer: LoadBalancerStatus? {
        get { json[view: "loadBalancer"] }
        set { json[view: "loadBalancer"] = newValue }
    }
    public var conditions: [Condition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}
