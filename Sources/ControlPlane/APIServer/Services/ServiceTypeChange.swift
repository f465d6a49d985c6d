// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// What a service loses when it changes its type: fields that the new type cannot have and that the author of the update
/// left as they were. A field they changed stays, for validation to refuse.
struct ServiceTypeChange {
    private let old: JSONObject
    private let new: JSONObject

    init(from old: JSONObject, to new: JSONObject) {
        self.old = old
        self.new = new
    }

    func apply(to service: inout APIObject) {
        var spec = new
        func drop(_ fields: [String], unless has: (JSONObject) -> Bool) {
            guard has(old), !has(new), fields.allSatisfy({ old[$0] == new[$0] }) else { return }
            for field in fields { spec[field] = nil }
        }
        drop(["clusterIP", "clusterIPs"]) { Self.type($0) != "ExternalName" }
        drop(["ipFamilies"]) { Self.type($0) != "ExternalName" }
        drop(["ipFamilyPolicy"]) { Self.type($0) != "ExternalName" }
        drop(["externalTrafficPolicy"], unless: Self.isReachedFromOutside)
        drop(["healthCheckNodePort"]) {
            Self.type($0) == "LoadBalancer" && $0["externalTrafficPolicy"]?.string == "Local"
        }
        drop(["allocateLoadBalancerNodePorts"]) { Self.type($0) == "LoadBalancer" }
        drop(["loadBalancerClass"]) { Self.type($0) == "LoadBalancer" }
        if Self.hasNodePorts(old), !Self.hasNodePorts(new), Self.nodePorts(old) == Self.nodePorts(new) {
            var ports = spec["ports"]?.array ?? []
            for index in ports.indices { ports[index]["nodePort"] = nil }
            if !ports.isEmpty { spec["ports"] = .array(ports) }
        }
        service.spec = spec
    }

    private static func type(_ spec: JSONObject) -> String { spec["type"]?.string ?? "ClusterIP" }

    private static func isReachedFromOutside(_ spec: JSONObject) -> Bool {
        hasNodePorts(spec) || type(spec) == "ClusterIP" && !(spec["externalIPs"]?.array ?? []).isEmpty
    }

    private static func hasNodePorts(_ spec: JSONObject) -> Bool { ["NodePort", "LoadBalancer"].contains(type(spec)) }

    private static func nodePorts(_ spec: JSONObject) -> [Int64] {
        (spec["ports"]?.array ?? []).map { $0["nodePort"]?.integer ?? 0 }
    }
}
