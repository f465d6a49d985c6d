// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// Tables: what `kubectl get` shows, computed by the server.
public enum TableColumns {
    /// How much of each object goes with its row.
    public enum IncludedObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The columns of a resource; those with a priority above 0 are for `-o wide`.
    public static func columns(of resource: ResourceKind) -> [PrinterColumn] {
        if !resource.columns.isEmpty { return resource.columns }
        return table["\(resource.group)/\(resource.kind)"] ?? fallback
    }

    /// The cells of one object, one for each column. `now` is in seconds since 1970.
    public static func cells(of object: JSONObject, resource: ResourceKind, now: Int64) -> [JSONValue] {
        if resource.custom != nil { return CustomColumns(resource).cells(of: object, now: now) }
        return cells(of: object, group: resource.group, kind: resource.kind, now: now)
    }

    static func cells(of object: JSONObject, group: String, kind: String, now: Int64) -> [JSONValue] {
        CellWriter(object: .object(object), now: now).cells(group: group, kind: kind)
    }

    /// A `meta.k8s.io/v1 Table` of objects. `listMetadata` is the list's own, for a list.
    public static func render(
        resource: ResourceKind, objects: [JSONObject], now: Int64, include: IncludedObject = .metadata,
        listMetadata: JSONObject = [:], version: String = "v1"
    ) -> JSONValue {
        let rows = objects.map {
            row($0, resource: resource, now: now, include: include, version: version)
        }
        return [
            "kind": "Table", "apiVersion": .string("meta.k8s.io/" + version), "metadata": .object(listMetadata),
            "columnDefinitions": definitions(of: resource), "rows": .array(rows),
        ]
    }

    /// The `columnDefinitions` of a resource's tables.
    public static func definitions(of resource: ResourceKind) -> JSONValue {
        .array(
            columns(of: resource).map { column in
                [
                    "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
                    "description": .string(column.description), "priority": .integer(Int64(column.priority)),
                ]
            })
    }

    /// One row: the cells, and the object in the form asked for.
    public static func row(
        _ object: JSONObject, resource: ResourceKind, now: Int64, include: IncludedObject, version: String = "v1"
    ) -> JSONValue {
        var row: JSONObject = ["cells": .array(cells(of: object, resource: resource, now: now))]
        if resource.kind == "Pod", resource.custom == nil, let condition = podCondition(object) {
            row["conditions"] = [condition]
        }
        switch include {
        case .none: row["object"] = .null
        case .object: row["object"] = .object(object)
        case .metadata:
            row["object"] = [
                "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/" + version),
                "metadata": object["metadata"] ?? [:],
            ]
        }
        return .object(row)
    }

    /// Marks rows of pods that are over, so that clients may hide them.
    private static func podCondition(_ pod: JSONObject) -> JSONValue? {
        switch pod["status"]?["phase"]?.string {
        case let phase? where phase == "Succeeded" || phase == "Failed":
            [
                "type": "Completed", "status": "True", "reason": .string(phase),
                "message": .string(phase == "Failed" ? "The pod failed." : "The pod ended without an error."),
            ]
        default: nil
        }
    }

    // MARK: Definitions

    private static let fallback = [
        PrinterColumn(name: "Name", format: "name", description: "The name of the object"),
        PrinterColumn(name: "Created At", type: "date", description: "When the object was created"),
    ]

    /// Group and kind, then the columns: `#` for integers, `?` for booleans, `*` for wide ones.
    private static let text = """
        /Pod|Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*
        /PodTemplate|Name|Containers|Images|Pod Labels
        policy/PodDisruptionBudget|Name|Min Available|Max Unavailable|Allowed Disruptions#|Age
        /ReplicationController|Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*
        apps/ReplicaSet|Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*
        apps/DaemonSet|Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node Selector|Age|Containers*|Images*|Selector*
        apps/StatefulSet|Name|Ready|Age|Containers*|Images*
        apps/Deployment|Name|Ready|Up-to-date|Available|Age|Containers*|Images*|Selector*
        apps/ControllerRevision|Name|Controller|Revision|Age
        batch/Job|Name|Status|Completions|Duration|Age|Containers*|Images*|Selector*
        batch/CronJob|Name|Schedule|Timezone|Suspend?|Active#|Last Schedule|Age|Containers*|Images*|Selector*
        /Service|Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*
        /Endpoints|Name|Endpoints|Age
        discovery.k8s.io/EndpointSlice|Name|AddressType|Ports|Endpoints|Age
        networking.k8s.io/Ingress|Name|Class|Hosts|Address|Ports|Age
        networking.k8s.io/IngressClass|Name|Controller|Parameters|Age
        networking.k8s.io/NetworkPolicy|Name|Pod-Selector|Age
        networking.k8s.io/ServiceCIDR|Name|CIDRs|Age
        networking.k8s.io/IPAddress|Name|ParentRef
        /Node|Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*
        /Event|Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*
        events.k8s.io/Event|Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*
        /Namespace|Name|Status|Age
        /Secret|Name|Type|Data|Age
        /ConfigMap|Name|Data|Age
        /ServiceAccount|Name|Age
        /PersistentVolume|Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode*
        /PersistentVolumeClaim|Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*
        /ResourceQuota|Name|Request|Limit|Age
        autoscaling/HorizontalPodAutoscaler|Name|Reference|Targets|MinPods|MaxPods|Replicas|Age
        rbac.authorization.k8s.io/RoleBinding|Name|Role|Age|Users*|Groups*|ServiceAccounts*
        rbac.authorization.k8s.io/ClusterRoleBinding|Name|Role|Age|Users*|Groups*|ServiceAccounts*
        certificates.k8s.io/CertificateSigningRequest|Name|Age|SignerName|Requestor|RequestedDuration|Condition
        coordination.k8s.io/Lease|Name|Holder|Age
        storage.k8s.io/StorageClass|Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age
        storage.k8s.io/VolumeAttachment|Name|Attacher|PV|Node|Attached?|Age
        storage.k8s.io/CSINode|Name|Drivers#|Age
        storage.k8s.io/CSIDriver|Name|AttachRequired?|PodInfoOnMount?|StorageCapacity?|TokenRequests|RequiresRepublish?|Modes|Age
        scheduling.k8s.io/PriorityClass|Name|Value#|Global-Default?|Age|PreemptionPolicy
        node.k8s.io/RuntimeClass|Name|Handler|Age
        admissionregistration.k8s.io/MutatingWebhookConfiguration|Name|Webhooks#|Age
        admissionregistration.k8s.io/ValidatingWebhookConfiguration|Name|Webhooks#|Age
        apiregistration.k8s.io/APIService|Name|Service|Available|Age
        """

    private static let table: [String: [PrinterColumn]] = {
        var table: [String: [PrinterColumn]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "|")
            table[String(parts[0])] = parts.dropFirst().map(column)
        }
        return table
    }()

    private static func column(_ text: Substring) -> PrinterColumn {
        let marks = text.reversed().prefix { "#?*".contains($0) }
        let name = String(text.dropLast(marks.count))
        let type = marks.contains("#") ? "integer" : marks.contains("?") ? "boolean" : "string"
        return PrinterColumn(
            name: name, type: type, format: name == "Name" ? "name" : "", priority: marks.contains("*") ? 1 : 0)
    }
}
