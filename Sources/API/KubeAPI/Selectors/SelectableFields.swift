// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// The fields objects of a resource can be selected by, and their values as field selectors compare them.
public struct SelectableFields: Sendable {
    /// Field names a selector may use, besides the object's name and namespace.
    private let fields: Set<String>
    private let isCustom: Bool

    public init(resource: ResourceKind) {
        fields =
            resource.custom.map { Set($0.selectableFields) } ?? Self.table["\(resource.group)/\(resource.kind)"] ?? []
        isCustom = resource.custom != nil
    }

    public init(group: String, kind: String) {
        fields = Self.table["\(group)/\(kind)"] ?? []
        isCustom = false
    }

    private static let table: [String: Set<String>] = [
        "/Pod": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ],
        "/Node": ["spec.unschedulable"],
        "/Namespace": ["status.phase"],
        "/Secret": ["type"],
        "/Service": ["spec.clusterIP", "spec.type"],
        "/ReplicationController": ["status.replicas"],
        "apps/ReplicaSet": ["status.replicas"],
        "batch/Job": ["status.successful"],
        "certificates.k8s.io/CertificateSigningRequest": ["spec.signerName"],
        "resource.k8s.io/ResourceSlice": ["spec.nodeName", "spec.driver"],
        "/Event": eventFields,
        "events.k8s.io/Event": Set(
            eventFields.map { $0.hasPrefix("involvedObject") ? "regarding" + $0.dropFirst(14) : $0 }
        ).union(["reportingController"]),
    ]

    private static let eventFields: Set<String> = [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type",
    ]

    /// Refuses a selector with a field the resource cannot be selected by.
    public func check(_ selector: FieldSelector) throws(FieldSelectorError) {
        for term in selector.terms where !["metadata.name", "metadata.namespace"].contains(term.field) {
            guard !fields.contains(term.field) else { continue }
            guard fields.isEmpty, !isCustom else {
                throw FieldSelectorError("field label not supported: \(term.field)")
            }
            throw FieldSelectorError(
                "\(term.field.quoted) is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    }

    /// Whether an object satisfies the selector.
    public func matches(_ selector: FieldSelector, _ object: JSONObject) -> Bool {
        selector.matches { Self.text(of: $0, in: .object(object)) }
    }

    /// Every field's value, for an object that is matched more than once.
    public func values(in object: JSONObject) -> [String: String] {
        let root = JSONValue.object(object)
        return fields.reduce(into: [:]) { values, field in
            values[field] = (isCustom ? Self.customText(of: field, in: root) : Self.text(of: field, in: root)) ?? ""
        }
    }

    /// A field's value as a text; absent is the text of its zero value.
    static func text(of field: String, in object: JSONValue) -> String? {
        switch field {
        case "spec.unschedulable", "spec.hostNetwork":
            return object[path: path(field)]?.bool == true ? "true" : "false"
        case "status.replicas": return "\(object[path: path(field)]?.integer ?? 0)"
        case "status.successful": return "\(object["status"]?["succeeded"]?.integer ?? 0)"
        case "status.podIPs":
            return (object["status"]?["podIPs"]?.array ?? []).compactMap { $0["ip"]?.string }.joined(separator: ",")
        case "source":
            let component = (object["source"] ?? object["deprecatedSource"])?["component"]?.string ?? ""
            return component.isEmpty ? text(of: "reportingComponent", in: object) : component
        case "reportingComponent", "reportingController":
            return (object["reportingComponent"] ?? object["reportingController"])?.string
        default: return object[path: path(field)]?.string
        }
    }

    /// Definitions may name fields that are strings, integers or booleans.
    private static func customText(of field: String, in object: JSONValue) -> String? {
        switch object[path: path(field)] {
        case .string(let text)?: text
        case .integer(let number)?: "\(number)"
        case .bool(let flag)?: "\(flag)"
        default: nil
        }
    }

    private static func path(_ field: String) -> [String] { field.split(separator: ".").map(String.init) }
}
