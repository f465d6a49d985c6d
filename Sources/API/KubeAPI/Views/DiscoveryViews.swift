// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct EndpointSlice: KubeObject {
    public static let resource = ResourceID(
        group: "discovery.k8s.io", version: "v1", plural: "endpointslices", kind: "EndpointSlice", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var addressType: String {
        get { json[requiredString: "addressType"] }
        set { json[requiredString: "addressType"] = newValue }
    }
    public var endpoints: [Endpoint] {
        get { json[views: "endpoints"] }
        set { json[views: "endpoints"] = newValue }
    }
    public var ports: [DiscoveryEndpointPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
}

public struct DiscoveryEndpointPort: KubeView {
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
    public var port: Int? {
        get { json[integer: "port"] }
        set { json[integer: "port"] = newValue }
    }
    public var appProtocol: String? {
        get { json[string: "appProtocol"] }
        set { json[string: "appProtocol"] = newValue }
    }
}

public struct Endpoint: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var addresses: [String] {
        get { json[strings: "addresses"] }
        set { json[strings: "addresses"] = newValue }
    }
    public var conditions: EndpointConditions? {
        get { json[view: "conditions"] }
        set { json[view: "conditions"] = newValue }
    }
    public var hostname: String? {
        get { json[string: "hostname"] }
        set { json[string: "hostname"] = newValue }
    }
    public var targetRef: ObjectReference? {
        get { json[view: "targetRef"] }
        set { json[view: "targetRef"] = newValue }
    }
    public var deprecatedTopology: [String: String] {
        get { json[stringMap: "deprecatedTopology"] }
        set { json[stringMap: "deprecatedTopology"] = newValue }
    }
    public var nodeName: String? {
        get { json[string: "nodeName"] }
        set { json[string: "nodeName"] = newValue }
    }
    public var zone: String? {
        get { json[string: "zone"] }
        set { json[string: "zone"] = newValue }
    }
    public var hints: EndpointHints? {
        get { json[view: "hints"] }
        set { json[view: "hints"] = newValue }
    }
}

public struct EndpointConditions: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var ready: Bool? {
        get { json[bool: "ready"] }
        set { json[bool: "ready"] = newValue }
    }
    public var serving: Bool? {
        get { json[bool: "serving"] }
        set { json[bool: "serving"] = newValue }
    }
    public var terminating: Bool? {
        get { json[bool: "terminating"] }
        set { json[bool: "terminating"] = newValue }
    }
}

public struct EndpointHints: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var forZones: [ForZone] {
        get { json[views: "forZones"] }
        set { json[views: "forZones"] = newValue }
    }
    public var forNodes: [ForNode] {
        get { json[views: "forNodes"] }
        set { json[views: "forNodes"] = newValue }
    }
}

public struct ForNode: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct ForZone: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}
