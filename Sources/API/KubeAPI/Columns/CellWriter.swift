// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

/// Computes the cells of one object.
struct CellWriter {
    let object: JSONValue
    let now: Int64

    var metadata: JSONValue { object["metadata"] ?? [:] }
    var spec: JSONValue { object["spec"] ?? [:] }
    var status: JSONValue { object["status"] ?? [:] }

    var name: JSONValue { metadata["name"] ?? "" }
    var age: JSONValue { .string(Age.since(metadata["creationTimestamp"]?.string, now: now)) }

    func cells(group: String, kind: String) -> [JSONValue] {
        switch "\(group)/\(kind)" {
        case "/Pod": pod
        case "/PodTemplate": podTemplate
        case "/Node": node
        case "/Event", "events.k8s.io/Event": event
        case "/Namespace": [name, text(metadata["deletionTimestamp"] == nil ? status["phase"] : "Terminating"), age]
        case "/Secret": [name, text(object["type"]), count(object["data"]), age]
        case "/ConfigMap":
            [
                name, .string("\((object["data"]?.object?.count ?? 0) + (object["binaryData"]?.object?.count ?? 0))"),
                age,
            ]
        case "/ServiceAccount": [name, age]
        case "/ResourceQuota": resourceQuota
        case "/Service": service
        case "/Endpoints": [name, .string(endpoints), age]
        case "/ReplicationController": replicas(selector: spec["selector"]?.object ?? [:])
        case "/PersistentVolume": persistentVolume
        case "/PersistentVolumeClaim": persistentVolumeClaim
        case "apps/Deployment": deployment
        case "apps/ReplicaSet": replicas(selector: nil)
        case "apps/StatefulSet": statefulSet
        case "apps/DaemonSet": daemonSet
        case "apps/ControllerRevision": [name, controller, object["revision"] ?? 0, age]
        case "batch/Job": job
        case "batch/CronJob": cronJob
        default: clusterCells("\(group)/\(kind)") ?? [name, metadata["creationTimestamp"] ?? .null]
        }
    }

    // MARK: Pieces

    func text(_ value: JSONValue?, or fallback: String = "") -> JSONValue {
        guard let text = value?.string, !text.isEmpty else { return .string(fallback) }
        return .string(text)
    }

    func number(_ value: JSONValue?) -> JSONValue { .integer(value?.integer ?? 0) }

    /// How many fields or elements, as a text.
    func count(_ value: JSONValue?) -> JSONValue {
        .string("\(value?.object?.count ?? value?.array?.count ?? 0)")
    }

    func since(_ value: JSONValue?, or fallback: String = "<unknown>") -> String {
        guard let time = value?.string else { return fallback }
        return Age.since(time, now: now)
    }

    func joined(_ items: [String], limit: Int) -> String {
        if items.isEmpty { return "<unset>" }
        let shown = items.prefix(limit).joined(separator: ",")
        return items.count > limit ? "\(shown) + \(items.count - limit) more..." : shown
    }

    /// `app=web,tier=front`, or `<none>`.
    func labels(_ labels: JSONObject?) -> String {
        guard let labels, !labels.isEmpty else { return "<none>" }
        return labels.map { "\($0.key)=\($0.value.string ?? "")" }.sorted().joined(separator: ",")
    }

    /// A label selector as clients print it.
    func selector(_ value: JSONValue?) -> String {
        // A stored selector was checked; one that cannot be read is shown as such.
        guard let parsed = try? LabelSelector(value) else { return "<error>" }
        if parsed.matchesNothing || parsed.isEverything { return "<none>" }
        return parsed.description
    }

    /// The names and images of a template's containers.
    func containers(_ template: JSONValue?) -> [JSONValue] {
        let containers = template?["spec"]?["containers"]?.array ?? []
        return ["name", "image"].map { field in
            .string(containers.map { $0[field]?.string ?? "" }.joined(separator: ","))
        }
    }

    func isTrue(_ condition: String) -> Bool {
        (status["conditions"]?.array ?? []).contains { $0["type"]?.string == condition && $0["status"] == "True" }
    }

    /// `Deployment.apps/web`, of the controlling owner.
    var controller: JSONValue {
        let owners = metadata["ownerReferences"]?.array ?? []
        guard let owner = owners.first(where: { $0["controller"] == true }) else { return "<none>" }
        let version = owner["apiVersion"]?.string ?? ""
        let group = version.hasSlash ? "." + (version.steps.first ?? "") : ""
        let kind = (owner["kind"]?.string ?? "").lowercased()
        return .string("\(kind)\(group)/\(owner["name"]?.string ?? "")")
    }
}
