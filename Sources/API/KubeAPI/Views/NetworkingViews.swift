// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct IPAddress: KubeObject {
    public static let resource = ResourceID(
        group: "networking.k8s.io", version: "v1", plural: "ipaddresses", kind: "IPAddress", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: IPAddressSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct Ingress: KubeObject {
    public static let resource = ResourceID(
        group: "networking.k8s.io", version: "v1", plural: "ingresses", kind: "Ingress", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: IngressSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: IngressStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct IngressClass: KubeObject {
    public static let resource = ResourceID(
        group: "networking.k8s.io", version: "v1", plural: "ingressclasses", kind: "IngressClass", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: IngressClassSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct NetworkPolicy: KubeObject {
    public static let resource = ResourceID(
        group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: NetworkPolicySpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct ServiceCIDR: KubeObject {
    public static let resource = ResourceID(
        group: "networking.k8s.io", version: "v1", plural: "servicecidrs", kind: "ServiceCIDR", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ServiceCIDRSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ServiceCIDRStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct HTTPIngressPath: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var pathType: String? {
        get { json[string: "pathType"] }
        set { json[string: "pathType"] = newValue }
    }
    public var backend: IngressBackend {
        get { json[requiredView: "backend"] }
        set { json[requiredView: "backend"] = newValue }
    }
}

public struct HTTPIngressRuleValue: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var paths: [HTTPIngressPath] {
        get { json[views: "paths"] }
        set { json[views: "paths"] = newValue }
    }
}

public struct IPAddressSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var parentRef: ParentReference {
        get { json[requiredView: "parentRef"] }
        set { json[requiredView: "parentRef"] = newValue }
    }
}

public struct IPBlock: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var cidr: String {
        get { json[requiredString: "cidr"] }
        set { json[requiredString: "cidr"] = newValue }
    }
    public var except: [String] {
        get { json[strings: "except"] }
        set { json[strings: "except"] = newValue }
    }
}

public struct IngressBackend: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var service: IngressServiceBackend? {
        get { json[view: "service"] }
        set { json[view: "service"] = newValue }
    }
    public var resource: TypedLocalObjectReference? {
        get { json[view: "resource"] }
        set { json[view: "resource"] = newValue }
    }
}

public struct IngressClassParametersReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiGroup: String? {
        get { json[string: "apiGroup"] }
        set { json[string: "apiGroup"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var scope: String? {
        get { json[string: "scope"] }
        set { json[string: "scope"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
}

public struct IngressClassSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var controller: String? {
        get { json[string: "controller"] }
        set { json[string: "controller"] = newValue }
    }
    public var parameters: IngressClassParametersReference? {
        get { json[view: "parameters"] }
        set { json[view: "parameters"] = newValue }
    }
}

public struct IngressLoadBalancerIngress: KubeView {
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
    public var ports: [IngressPortStatus] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
}

public struct IngressLoadBalancerStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ingress: [IngressLoadBalancerIngress] {
        get { json[views: "ingress"] }
        set { json[views: "ingress"] = newValue }
    }
}

public struct IngressPortStatus: KubeView {
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

public struct IngressRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var host: String? {
        get { json[string: "host"] }
        set { json[string: "host"] = newValue }
    }
    public var http: HTTPIngressRuleValue? {
        get { json[view: "http"] }
        set { json[view: "http"] = newValue }
    }
}

public struct IngressServiceBackend: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var port: ServiceBackendPort? {
        get { json[view: "port"] }
        set { json[view: "port"] = newValue }
    }
}

public struct IngressSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ingressClassName: String? {
        get { json[string: "ingressClassName"] }
        set { json[string: "ingressClassName"] = newValue }
    }
    public var defaultBackend: IngressBackend? {
        get { json[view: "defaultBackend"] }
        set { json[view: "defaultBackend"] = newValue }
    }
    public var tls: [IngressTLS] {
        get { json[views: "tls"] }
        set { json[views: "tls"] = newValue }
    }
    public var rules: [IngressRule] {
        get { json[views: "rules"] }
        set { json[views: "rules"] = newValue }
    }
}

public struct IngressStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var loadBalancer: IngressLoadBalancerStatus? {
        get { json[view: "loadBalancer"] }
        set { json[view: "loadBalancer"] = newValue }
    }
}

public struct IngressTLS: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var hosts: [String] {
        get { json[strings: "hosts"] }
        set { json[strings: "hosts"] = newValue }
    }
    public var secretName: String? {
        get { json[string: "secretName"] }
        set { json[string: "secretName"] = newValue }
    }
}

public struct NetworkPolicyEgressRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ports: [NetworkPolicyPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
    public var to: [NetworkPolicyPeer] {
        get { json[views: "to"] }
        set { json[views: "to"] = newValue }
    }
}

public struct NetworkPolicyIngressRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ports: [NetworkPolicyPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
    public var from: [NetworkPolicyPeer] {
        get { json[views: "from"] }
        set { json[views: "from"] = newValue }
    }
}

public struct NetworkPolicyPeer: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var podSelector: LabelSelectorSpec? {
        get { json[view: "podSelector"] }
        set { json[view: "podSelector"] = newValue }
    }
    public var namespaceSelector: LabelSelectorSpec? {
        get { json[view: "namespaceSelector"] }
        set { json[view: "namespaceSelector"] = newValue }
    }
    public var ipBlock: IPBlock? {
        get { json[view: "ipBlock"] }
        set { json[view: "ipBlock"] = newValue }
    }
}

public struct NetworkPolicyPort: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var `protocol`: String? {
        get { json[string: "protocol"] }
        set { json[string: "protocol"] = newValue }
    }
    public var port: IntOrString? {
        get { json[intOrString: "port"] }
        set { json[intOrString: "port"] = newValue }
    }
    public var endPort: Int? {
        get { json[integer: "endPort"] }
        set { json[integer: "endPort"] = newValue }
    }
}

public struct NetworkPolicySpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var podSelector: LabelSelectorSpec? {
        get { json[view: "podSelector"] }
        set { json[view: "podSelector"] = newValue }
    }
    public var ingress: [NetworkPolicyIngressRule] {
        get { json[views: "ingress"] }
        set { json[views: "ingress"] = newValue }
    }
    public var egress: [NetworkPolicyEgressRule] {
        get { json[views: "egress"] }
        set { json[views: "egress"] = newValue }
    }
    public var policyTypes: [String] {
        get { json[strings: "policyTypes"] }
        set { json[strings: "policyTypes"] = newValue }
    }
}

public struct ParentReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var group: String? {
        get { json[string: "group"] }
        set { json[string: "group"] = newValue }
    }
    public var resource: String {
        get { json[requiredString: "resource"] }
        set { json[requiredString: "resource"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct ServiceBackendPort: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var number: Int? {
        get { json[integer: "number"] }
        set { json[integer: "number"] = newValue }
    }
}

public struct ServiceCIDRSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var cidrs: [String] {
        get { json[strings: "cidrs"] }
        set { json[strings: "cidrs"] = newValue }
    }
}

public struct ServiceCIDRStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditions: [Condition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}
