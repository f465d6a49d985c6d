// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization

/// What selectors look at, read once from an object and kept with it.
final class ObjectFacts: Sendable {
    let labels: [String: String]
    let fields: [String: String]

    init(_ object: APIObject, kind: String) {
        var labels: [String: String] = [:]
        for (key, value) in object.labels { labels[key] = value.string ?? "" }
        self.labels = labels
        var fields = ["metadata.name": object.name]
        if !object.namespace.isEmpty { fields["metadata.namespace"] = object.namespace }
        let root = JSONValue.object(object.json)
        for path in Self.selectable[kind] ?? [] {
            fields[path] = Self.text(root[path: path.split(separator: ".").map(String.init)])
        }
        if kind == "Event" {
            fields["source"] = root[path: ["source", "component"]]?.string ?? root["reportingComponent"]?.string ?? ""
        }
        self.fields = fields
    }

    /// The facts of a stored object. An object that cannot be read has none and is selected by nothing.
    static func of(_ stored: StoredObject, _ resource: ResourceKind) -> ObjectFacts {
        if let known = stored.memo.withLock({ $0 as? ObjectFacts }) { return known }
        let facts: ObjectFacts
        do throws(APIError) {
            facts = ObjectFacts(try APIObject(stored), kind: resource.kind)
        } catch {
            facts = ObjectFacts(APIObject(), kind: "")
        }
        stored.memo.withLock { $0 = facts }
        return facts
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        default: ""
        }
    }

    private static let involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]

    /// The field selectors of each kind besides the name and the namespace.
    static let selectable: [String: [String]] = [
        "Pod": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.nominatedNodeName",
        ],
        "Node": ["spec.unschedulable"],
        "Event": involved.map { "involvedObject.\($0)" } + ["reason", "reportingComponent", "type"],
        "Secret": ["type"],
        "Namespace": ["status.phase"],
        "ReplicaSet": ["status.replicas"],
        "ReplicationController": ["status.replicas"],
        "Service": ["spec.clusterIP", "spec.type"],
        "CertificateSigningRequest": ["spec.signerName"],
        "Job": ["status.successful"],
        "ResourceSlice": ["spec.nodeName", "spec.driver"],
    ]

    static func supported(_ kind: String) -> [String] {
        var names = ["metadata.name", "metadata.namespace"] + (selectable[kind] ?? [])
        if kind == "Event" {
            names += ["source"] + involved.map { "regarding.\($0)" } + ["reportingController"]
        }
        return names
    }
}

/// The label and field selectors of one request.
struct ObjectFilter: Sendable {
    var labels = LabelSelector.everything
    var fields = FieldSelector.everything
    let resource: ResourceKind

    init(_ resource: ResourceKind, labelSelector: String?, fieldSelector: String?) throws(APIError) {
        self.resource = resource
        if let labelSelector, !labelSelector.isEmpty {
            do throws(LabelSelectorError) { labels = try LabelSelector(parsing: labelSelector) } catch {
                throw .badRequest("unable to parse requirement: \(error)")
            }
        }
        if let fieldSelector, !fieldSelector.isEmpty {
            do throws(FieldSelectorError) {
                fields = try FieldSelector(parsing: fieldSelector)
                let supported = ObjectFacts.supported(resource.kind)
                if let term = fields.terms.first(where: { !supported.contains($0.field) }) {
                    throw FieldSelectorError("field label not supported: \(term.field)")
                }
            } catch {
                throw .badRequest("\(error)")
            }
        }
    }

    var isEverything: Bool { labels.isEverything && fields.isEverything }

    /// The one name that can match, where the field selector says so.
    var name: String? { fields.exactValue(of: "metadata.name") }

    func matches(_ stored: StoredObject) -> Bool {
        if isEverything { return true }
        let facts = ObjectFacts.of(stored, resource)
        return labels.matches(facts.labels) && fields.matches { facts.fields[Self.alias($0)] ?? "" }
    }

    /// events.k8s.io names what the core group calls `involvedObject` and `reportingComponent` differently.
    private static func alias(_ field: String) -> String {
        if field.hasPrefix("regarding.") { return "involvedObject." + field.dropFirst(10) }
        return field == "reportingController" ? "reportingComponent" : field
    }
}
