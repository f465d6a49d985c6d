// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

/// What upstream lets no update change where it decides over rights, addresses or data: by kind, path, before and after,
/// with upstream's complaint; nil where upstream allows the change.
@Suite struct `Fields that stay as they were made` {
    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var path: [String]
        var old: JSONValue?
        var new: JSONValue?
        var complaint: String?
        var subresource = ""
        var rest: JSONValue = [:]

        var testDescription: String { "\(kind) \(path.joined(separator: ".")) \(complaint ?? "may change")" }
    }

    private static func row(
        _ kind: String, _ path: String, _ old: JSONValue?, _ new: JSONValue?, _ complaint: String?,
        in subresource: String = "", with rest: JSONValue = [:]
    ) -> Row {
        Row(
            kind: kind, path: path.split(separator: ".").map(String.init), old: old, new: new, complaint: complaint,
            subresource: subresource, rest: rest)
    }

    private static let immutable = "field is immutable"

    // MARK: Devices

    private static let asked: JSONValue = [["name": "r", "exactly": ["deviceClassName": "c"]]]
    private static let askedAsAdmin: JSONValue = [
        ["name": "r", "exactly": ["deviceClassName": "c", "adminAccess": true]]
    ]
    private static let result: JSONValue = ["request": "r", "driver": "d.example", "pool": "p", "device": "a"]
    private static let allocation: JSONValue = ["devices": ["results": [result]]]
    private static let otherAllocation: JSONValue = [
        "devices": ["results": [["request": "r", "driver": "d.example", "pool": "p", "device": "b"]]]
    ]
    private static let claim: JSONValue = ["spec": ["devices": ["requests": asked]]]
    private static let allocated: JSONValue = [
        "spec": ["devices": ["requests": asked]], "status": ["allocation": allocation],
    ]
    private static let going: JSONValue = [
        "metadata": ["deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]],
        "spec": ["devices": ["requests": asked]], "status": ["allocation": allocation],
    ]
    private static func consumer(_ uid: String) -> JSONValue { ["resource": "pods", "name": "p", "uid": .string(uid)] }

    private static let devices: [Row] = [
        row(
            "resource.k8s.io/ResourceClaim", "spec.devices.requests", asked, askedAsAdmin, "spec: Invalid \(immutable)"),
        row(
            "resource.k8s.io/ResourceClaim", "spec.devices.requests", askedAsAdmin, asked, "spec: Invalid \(immutable)"),
        row("resource.k8s.io/ResourceClaim", "metadata.labels", nil, ["a": "b"], nil, with: claim),
        row(
            "resource.k8s.io/ResourceClaimTemplate", "spec.spec.devices.requests", asked, askedAsAdmin,
            "spec: Invalid \(immutable)"),
        row(
            "resource.k8s.io/ResourceClaimTemplate", "spec.metadata.labels", nil, ["a": "b"],
            "spec: Invalid \(immutable)"),
        row("resource.k8s.io/ResourceClaim", "status.allocation", nil, allocation, nil, in: "status", with: claim),
        row("resource.k8s.io/ResourceClaim", "status.allocation", allocation, nil, nil, in: "status", with: claim),
        row(
            "resource.k8s.io/ResourceClaim", "status.allocation", allocation, otherAllocation,
            "status.allocation: Invalid \(immutable)", in: "status", with: claim),
        row(
            "resource.k8s.io/ResourceClaim", "status.allocation", nil,
            ["devices": ["results": [["request": "x", "driver": "d.example", "pool": "p", "device": "a"]]]],
            "status.allocation.devices.results[0].request: Invalid must be the name of a request", in: "status",
            with: claim),
        row(
            "resource.k8s.io/ResourceClaim", "status.allocation", nil,
            ["devices": ["results": .array(Array(repeating: result, count: 33))]],
            "status.allocation.devices.results: Too many", in: "status", with: claim),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", nil, [consumer("1")],
            "status.reservedFor: Forbidden may not be specified when", in: "status", with: claim),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", nil, [consumer("1")], nil, in: "status",
            with: allocated),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", [consumer("1")], [consumer("1"), consumer("1")],
            "status.reservedFor[1]: Duplicate ", in: "status", with: allocated),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", nil, [["resource": "pods", "name": "p"]],
            "status.reservedFor[0].uid: Required ", in: "status", with: allocated),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", nil,
            .array((0...256).map { consumer("\($0)") }), "status.reservedFor: Too many", in: "status", with: allocated),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", [consumer("1")], [consumer("1"), consumer("2")],
            "status.reservedFor: Forbidden new entries may not be added", in: "status", with: going),
        row(
            "resource.k8s.io/ResourceClaim", "status.reservedFor", [consumer("1"), consumer("2")], [consumer("2")], nil,
            in: "status", with: going),
        row(
            "resource.k8s.io/ResourceClaim", "status.devices", nil,
            [["driver": "d.example", "pool": "p", "device": "z"]],
            "status.devices[0]: Invalid must be an allocated device", in: "status", with: allocated),
        row(
            "resource.k8s.io/ResourceClaim", "status.devices", nil,
            [["driver": "d.example", "pool": "p", "device": "a"]], nil, in: "status", with: allocated),
        row(
            "resource.k8s.io/ResourceSlice", "spec.nodeName", "a", "b", "spec.nodeName: Invalid \(immutable)",
            with: slice),
        row(
            "resource.k8s.io/ResourceSlice", "spec.driver", "d.example", "e.example",
            "spec.driver: Invalid \(immutable)", with: slice),
        row(
            "resource.k8s.io/ResourceSlice", "spec.pool.name", "p", "q", "spec.pool.name: Invalid \(immutable)",
            with: slice),
        row("resource.k8s.io/ResourceSlice", "spec.pool.generation", 1, 2, nil, with: slice),
        row("resource.k8s.io/ResourceSlice", "spec.allNodes", nil, true, "spec: Invalid exactly one of", with: slice),
    ]

    private static let slice: JSONValue = [
        "spec": ["driver": "d.example", "nodeName": "a", "pool": ["name": "p", "resourceSliceCount": 1]]
    ]

    // MARK: Storage

    private static let volume: JSONValue = [
        "spec": [
            "accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"],
            "persistentVolumeReclaimPolicy": "Retain", "csi": ["driver": "d.example", "volumeHandle": "h"],
        ]
    ]
    private static func affinity(_ key: String, _ value: String) -> JSONValue {
        let term: JSONValue = [
            "matchExpressions": [["key": .string(key), "operator": "In", "values": [.string(value)]]]
        ]
        return ["required": ["nodeSelectorTerms": [term]]]
    }
    private static let pending: JSONValue = [
        "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
        "status": ["phase": "Pending"],
    ]
    private static let bound: JSONValue = [
        "spec": [
            "accessModes": ["ReadWriteOnce"], "volumeName": "v", "storageClassName": "c",
            "resources": ["requests": ["storage": "2Gi"]],
        ],
        "status": ["phase": "Bound", "capacity": ["storage": "2Gi"]],
    ]
    private static let growing: JSONValue = [
        "spec": [
            "accessModes": ["ReadWriteOnce"], "volumeName": "v", "resources": ["requests": ["storage": "4Gi"]],
        ],
        "status": ["phase": "Bound", "capacity": ["storage": "2Gi"]],
    ]
    private static let claimSpec = "spec: Forbidden spec is immutable after creation"
    private static let classed: JSONValue = [
        "spec": [
            "accessModes": ["ReadWriteOnce"], "volumeName": "v", "resources": ["requests": ["storage": "2Gi"]],
        ],
        "status": ["phase": "Bound", "currentVolumeAttributesClassName": "gold"],
    ]

    private static let storage: [Row] = [
        row(
            "/PersistentVolume", "spec.csi.volumeHandle", "h", "i", "spec.persistentvolumesource: Forbidden",
            with: volume),
        row(
            "/PersistentVolume", "spec.csi.controllerExpandSecretRef", nil, ["name": "s", "namespace": "n"], nil,
            with: volume),
        row(
            "/PersistentVolume", "spec.nodeAffinity", affinity("kubernetes.io/hostname", "a"),
            affinity("kubernetes.io/hostname", "b"), "nodeAffinity: Invalid \(immutable)", with: volume),
        row(
            "/PersistentVolume", "spec.nodeAffinity", affinity("kubernetes.io/hostname", "a"), nil,
            "nodeAffinity: Invalid \(immutable)", with: volume),
        row("/PersistentVolume", "spec.nodeAffinity", nil, affinity("kubernetes.io/hostname", "b"), nil, with: volume),
        row(
            "/PersistentVolume", "spec.nodeAffinity", affinity("beta.kubernetes.io/arch", "arm64"),
            affinity("kubernetes.io/arch", "arm64"), nil, with: volume),
        row(
            "/PersistentVolume", "spec.volumeMode", "Block", "Filesystem", "volumeMode: Invalid \(immutable)",
            with: volume),
        row(
            "/PersistentVolume", "spec.volumeAttributesClassName", "a", nil,
            "spec.volumeAttributesClassName: Forbidden update from non-nil value to nil", with: volume),
        row("/PersistentVolume", "spec.claimRef", nil, ["name": "c", "namespace": "n"], nil, with: volume),
        row("/PersistentVolumeClaim", "spec.volumeName", nil, "v", nil, with: pending),
        row("/PersistentVolumeClaim", "spec.volumeName", "v", "w", claimSpec, with: bound),
        row("/PersistentVolumeClaim", "spec.storageClassName", "c", "d", claimSpec, with: bound),
        row("/PersistentVolumeClaim", "spec.storageClassName", nil, "d", nil, with: pending),
        row("/PersistentVolumeClaim", "spec.dataSource", nil, ["kind": "K", "name": "n"], claimSpec, with: bound),
        row("/PersistentVolumeClaim", "spec.resources.requests.storage", "1Gi", "2Gi", claimSpec, with: pending),
        row("/PersistentVolumeClaim", "spec.resources.requests.storage", "1Gi", "1024Mi", nil, with: pending),
        row("/PersistentVolumeClaim", "spec.resources.requests.storage", "2Gi", "3Gi", nil, with: bound),
        row(
            "/PersistentVolumeClaim", "spec.resources.requests.storage", "2Gi", "1Gi",
            "spec.resources.requests.storage: Forbidden field can not be less than status.capacity", with: bound),
        row("/PersistentVolumeClaim", "spec.resources.requests.storage", "4Gi", "3Gi", nil, with: growing),
        row("/PersistentVolumeClaim", "spec.resources.limits", nil, ["storage": "3Gi"], claimSpec, with: bound),
        row("/PersistentVolumeClaim", "spec.volumeAttributesClassName", "a", "b", claimSpec, with: pending),
        row("/PersistentVolumeClaim", "spec.volumeAttributesClassName", "a", "b", nil, with: bound),
        row(
            "/PersistentVolumeClaim", "spec.volumeAttributesClassName", "gold", nil,
            "spec.volumeAttributesClassName: Forbidden update to nil is forbidden", with: classed),
        row(
            "storage.k8s.io/StorageClass", "parameters", ["a": "b"], ["a": "c"], "parameters: Invalid \(immutable)",
            with: sc),
        row("storage.k8s.io/StorageClass", "provisioner", "p", "q", "provisioner: Invalid \(immutable)", with: sc),
        row(
            "storage.k8s.io/StorageClass", "reclaimPolicy", "Delete", "Retain", "reclaimPolicy: Invalid \(immutable)",
            with: sc),
        row("storage.k8s.io/StorageClass", "allowVolumeExpansion", nil, true, nil, with: sc),
        row(
            "storage.k8s.io/CSIDriver", "spec.attachRequired", true, false,
            "spec.attachedRequired: Invalid \(immutable)"),
        row(
            "storage.k8s.io/CSIDriver", "spec.volumeLifecycleModes", ["Persistent"], ["Ephemeral"],
            "spec.volumeLifecycleModes: Invalid \(immutable)"),
        row("storage.k8s.io/CSIDriver", "spec.podInfoOnMount", false, true, nil),
        row(
            "storage.k8s.io/CSINode", "spec.drivers", [["name": "d", "nodeID": "a"]],
            [["name": "d", "nodeID": "b"]], "spec.drivers: Invalid \(immutable)"),
        row(
            "storage.k8s.io/CSINode", "spec.drivers", [["name": "d", "nodeID": "a", "allocatable": ["count": 1]]],
            [["name": "d", "nodeID": "a", "allocatable": ["count": 2]], ["name": "e", "nodeID": "a"]], nil),
        row(
            "storage.k8s.io/CSIStorageCapacity", "storageClassName", "a", "b", "storageClassName: Invalid \(immutable)"),
        row(
            "storage.k8s.io/CSIStorageCapacity", "nodeTopology", ["matchLabels": ["a": "b"]],
            ["matchLabels": ["a": "c"]], "nodeTopology: Invalid \(immutable)", with: ["storageClassName": "a"]),
        row(
            "storage.k8s.io/VolumeAttachment", "spec.nodeName", "a", "b", "spec: Invalid \(immutable)", with: attachment
        ),
        row(
            "storage.k8s.io/VolumeAttachment", "spec.source.persistentVolumeName", "a", "b",
            "spec: Invalid \(immutable)", with: attachment),
        row(
            "storage.k8s.io/VolumeAttributesClass", "driverName", "d", "e",
            "driverName: Forbidden updates to driverName"),
        row(
            "storage.k8s.io/VolumeAttributesClass", "parameters", ["a": "b"], ["a": "c"],
            "parameters: Forbidden updates to parameters", with: ["driverName": "d"]),
    ]

    private static let sc: JSONValue = [
        "provisioner": "p", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
    ]
    private static let attachment: JSONValue = [
        "spec": ["attacher": "d.example", "nodeName": "a", "source": ["persistentVolumeName": "v"]]
    ]

    // MARK: The rest

    private static let service: JSONValue = [
        "spec": [
            "type": "ClusterIP", "clusterIP": "10.43.0.7", "clusterIPs": ["10.43.0.7"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
        ]
    ]
    private static let dual: JSONValue = [
        "spec": [
            "type": "ClusterIP", "clusterIP": "10.43.0.7", "ipFamilyPolicy": "PreferDualStack",
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
        ]
    ]
    private static let balanced: JSONValue = [
        "spec": [
            "type": "LoadBalancer", "clusterIP": "10.43.0.7", "clusterIPs": ["10.43.0.7"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "externalTrafficPolicy": "Local", "healthCheckNodePort": 30001,
            "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
        ]
    ]
    private static let role: JSONValue = ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"]
    private static let otherRole: JSONValue = ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "s"]
    private static let parent: JSONValue = ["resource": "services", "namespace": "n", "name": "a"]

    private static let others: [Row] = [
        row("/Secret", "type", "Opaque", "example.com/other", "type: Invalid \(immutable)"),
        row("/Secret", "data", ["a": "YQ=="], ["a": "Yg=="], "data: Forbidden \(immutable)", with: ["immutable": true]),
        row("/Secret", "immutable", true, nil, "immutable: Forbidden \(immutable)"),
        row("/ConfigMap", "data", ["a": "1"], ["a": "2"], "data: Forbidden \(immutable)", with: ["immutable": true]),
        row("/ConfigMap", "immutable", true, false, "immutable: Forbidden \(immutable)"),
        row(
            "/Node", "spec.podCIDRs", ["10.42.0.0/24"], ["10.42.1.0/24"],
            "spec.podCIDRs: Forbidden node updates may not"),
        row("/Node", "spec.providerID", "a", "b", "spec.providerID: Forbidden node updates may not change"),
        row("/Node", "spec.externalID", nil, "b", "spec.externalID: Forbidden may not be updated"),
        row("/Node", "spec.unschedulable", nil, true, nil),
        row(
            "/Namespace", "status.phase", "Active", "Terminating",
            "status.Phase: Invalid may only be 'Active' if", in: "status"),
        row(
            "/Namespace", "spec.finalizers", ["kubernetes"], ["x"], "spec.finalizers[0]: Invalid name is neither",
            in: "finalize"),
        row("/Namespace", "spec.finalizers", ["kubernetes"], nil, nil, in: "finalize"),
        row(
            "/Service", "spec.loadBalancerClass", "a.example/a", "a.example/b",
            "spec.loadBalancerClass: Invalid may not change once set", with: balanced),
        row(
            "/Service", "spec.healthCheckNodePort", 30001, 30002,
            "spec.healthCheckNodePort: Forbidden \(immutable)", with: balanced),
        row(
            "/Service", "spec.clusterIPs", ["10.43.0.7", "fd00::7"], ["10.43.0.7", "fd00::8"],
            "spec.clusterIPs[1]: Invalid may not change once set", with: dual),
        row(
            "/Service", "spec.clusterIPs", ["10.43.0.7", "fd00::7"], ["10.43.0.7"],
            "spec.ipFamilyPolicy: Invalid must be set to 'SingleStack'", with: dual),
        row("/Service", "spec.externalIPs", nil, ["192.0.2.1"], nil, with: service),
        row(
            "discovery.k8s.io/EndpointSlice", "addressType", "IPv4", "IPv6", "addressType: Invalid \(immutable)"),
        row(
            "networking.k8s.io/IPAddress", "spec.parentRef.name", "a", "b", "spec.parentRef: Invalid \(immutable)",
            with: ["metadata": ["name": "10.43.0.1"], "spec": ["parentRef": parent]]),
        row(
            "networking.k8s.io/ServiceCIDR", "spec.cidrs", ["10.43.0.0/16"], ["10.44.0.0/16"],
            "spec.cidrs: Invalid \(immutable)"),
        row(
            "networking.k8s.io/IngressClass", "spec.controller", "a.example/a", "a.example/b",
            "spec.controller: Invalid \(immutable)"),
        row(
            "rbac.authorization.k8s.io/RoleBinding", "roleRef", role, otherRole,
            "roleRef: Invalid cannot change roleRef"),
        row("scheduling.k8s.io/PriorityClass", "value", 1, 2, "value: Forbidden may not be changed in an update."),
        row("node.k8s.io/RuntimeClass", "handler", "a", "b", "handler: Invalid \(immutable)"),
        row("apps/ControllerRevision", "data", ["a": 1], ["a": 2], "data: Invalid \(immutable)", with: ["revision": 1]),
        row(
            "/ResourceQuota", "spec.scopes", ["Terminating"], ["NotTerminating"], "spec.scopes: Invalid \(immutable)"),
    ]

    @Test(arguments: devices + storage + others)
    func `as upstream says`(row: Row) throws {
        func object(_ value: JSONValue?) -> JSONValue {
            var object = row.rest
            func put(_ keys: ArraySlice<String>, _ node: inout JSONValue) {
                guard let key = keys.first else { return }
                if keys.count == 1 { return node[key] = value }
                var inner = node[key] ?? [:]
                put(keys.dropFirst(), &inner)
                node[key] = inner
            }
            put(row.path[...], &object)
            var metadata = object["metadata"] ?? [:]
            if metadata["name"] == nil { metadata["name"] = "a" }
            metadata["resourceVersion"] = "1"
            object["metadata"] = metadata
            return object
        }
        let parts = row.kind.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let resource = try #require(
            KubeAPI.resources.first {
                $0.group == parts[0] && $0.kind == parts[1]
            })
        var (old, new) = (object(row.old), object(row.new))
        if resource.namespaced {
            old["metadata"]?["namespace"] = "n"
            new["metadata"]?["namespace"] = "n"
        }
        func errors(_ new: JSONValue) -> [FieldError] {
            Validation.validate(resource: resource, new: new, old: old, subresource: row.subresource)
        }
        // What is there already is let be: the complaint is about the change.
        #expect(errors(old).isEmpty, "\(errors(old))")
        let found = errors(new)
        guard let complaint = row.complaint else {
            #expect(found.isEmpty, "\(found)")
            return
        }
        let shown = found.map { "\($0.path): \($0.type.title.replacing(" value", with: "")) \($0.detail)" }
        #expect(shown.contains { $0.hasPrefix(complaint) }, "\(shown)")
    }
}
