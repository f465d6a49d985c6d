// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// What the API server fills in before it validates and stores an object.
///
/// Constants stand in the tables; here is what depends on other fields. Applying twice changes nothing more.
public enum Defaults {
    public static func apply(_ object: inout JSONObject, _ resource: ResourceKind) {
        apply(&object, schema: resource.schema)
    }

    /// For types that are no resource of their own (`TokenRequest`), or objects inside others.
    public static func apply(_ object: inout JSONObject, schema: TypeSchema) {
        SchemaDefaults.fill(&object, schema: schema, hooks: hooks)
        // What looks at the defaulted fields comes last.
        if schema.name == "io.k8s.api.core.v1.Pod" { PodDefaults.finish(&object) }
    }

    private static let hooks: [String: SchemaDefaults.Hook] = {
        var hooks: [String: SchemaDefaults.Hook] = [:]
        func add(_ prefix: String, _ entries: [String: SchemaDefaults.Hook]) {
            for (name, hook) in entries { hooks[prefix + "." + name] = hook }
        }
        add(
            "io.k8s.api.core.v1",
            [
                "Container": PodDefaults.container, "EphemeralContainer": PodDefaults.container,
                "Volume": PodDefaults.volume, "Service": ServiceDefaults.service, "Namespace": CoreDefaults.namespace,
                "NodeSpec": CoreDefaults.nodeSpec, "NodeStatus": CoreDefaults.nodeStatus,
                "LimitRangeItem": CoreDefaults.limitRangeItem,
                "ReplicationController": CoreDefaults.replicationController,
            ])
        add(
            "io.k8s.api.apps.v1",
            [
                "Deployment": WorkloadDefaults.deployment, "DaemonSet": WorkloadDefaults.daemonSet,
                "StatefulSet": WorkloadDefaults.statefulSet,
            ])
        add("io.k8s.api.batch.v1", ["Job": WorkloadDefaults.job])
        add("io.k8s.api.autoscaling.v2", ["HorizontalPodAutoscaler": WorkloadDefaults.autoscaler])
        add("io.k8s.api.rbac.v1", ["Subject": CoreDefaults.subject])
        add(
            "io.k8s.api.networking.v1",
            ["NetworkPolicySpec": CoreDefaults.networkPolicy, "IngressClassSpec": CoreDefaults.ingressClass])
        add(
            "io.k8s.api.resource.v1",
            ["ExactDeviceRequest": CoreDefaults.deviceRequest, "DeviceSubRequest": CoreDefaults.deviceRequest])
        add(
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
            ["CustomResourceDefinition": CoreDefaults.customResourceDefinition])
        return hooks
    }()
}

extension JSONObject {
    /// Sets a field that is absent, null or an empty string.
    mutating func fill(_ key: String, _ value: @autoclosure () -> JSONValue) {
        switch self[key] {
        case nil, .null?: self[key] = value()
        case .string(let text)? where text.isEmpty: self[key] = value()
        default: break
        }
    }

    /// Changes the object in a field; an absent one is left alone unless `creating`.
    mutating func change(_ key: String, creating: Bool = false, _ change: (inout JSONObject) -> Void) {
        guard creating || self[key]?.object != nil else { return }
        var inner = self[key]?.object ?? JSONObject()
        self[key] = .null
        change(&inner)
        self[key] = .object(inner)
    }

    /// Changes every object of a list.
    mutating func changeEach(_ key: String, _ change: (inout JSONObject) -> Void) {
        guard case .array(var items)? = self[key] else { return }
        self[key] = .null
        for index in items.indices {
            guard case .object(var object) = items[index] else { continue }
            items[index] = .null
            change(&object)
            items[index] = .object(object)
        }
        self[key] = .array(items)
    }

    func isEmptyOrAbsent(_ key: String) -> Bool {
        switch self[key] {
        case nil, .null?: true
        case .string(let text)?: text.isEmpty
        case .array(let items)?: items.isEmpty
        case .object(let object)?: object.isEmpty
        default: false
        }
    }
}
