// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// The smaller kinds.
enum CoreDefaults {
    /// Every namespace bears its own name as a label, for selectors.
    @Sendable static func namespace(_ namespace: inout JSONObject) {
        guard let name = namespace["metadata"]?["name"]?.string, !name.isEmpty else { return }
        namespace.change("metadata") { metadata in
            metadata.change("labels", creating: true) { labels in
                labels["kubernetes.io/metadata.name"] = .string(name)
                labels = labels.sortedByKey()
            }
        }
        namespace.change("status", creating: true) { _ in }
    }

    /// `podCIDR` is the first of `podCIDRs` by its old name. Of two that disagree the old name counts, as upstream: who sets
    /// it knows no other.
    @Sendable static func nodeSpec(_ spec: inout JSONObject) {
        let first = spec["podCIDRs"]?.array?.first
        if let single = spec["podCIDR"]?.string, !single.isEmpty {
            if first?.string != single { spec["podCIDRs"] = [.string(single)] }
        } else if let first {
            spec["podCIDR"] = first
        }
    }

    @Sendable static func nodeStatus(_ status: inout JSONObject) {
        if status["allocatable"] == nil, let capacity = status["capacity"] { status["allocatable"] = capacity }
    }

    @Sendable static func limitRangeItem(_ item: inout JSONObject) {
        guard item["type"]?.string == "Container" else { return }
        fill(&item, "default", from: "max")
        fill(&item, "defaultRequest", from: "default")
        fill(&item, "defaultRequest", from: "min")
    }

    private static func fill(_ item: inout JSONObject, _ key: String, from source: String) {
        guard let values = item[source]?.object, !values.isEmpty else { return }
        item.change(key, creating: true) { target in
            for (name, value) in values where target[name] == nil { target[name] = value }
            target = target.sortedByKey()
        }
    }

    /// The template's labels select, and label the controller, where nothing else is said.
    @Sendable static func replicationController(_ controller: inout JSONObject) {
        guard let labels = controller["spec"]?["template"]?["metadata"]?["labels"]?.object, !labels.isEmpty else {
            return
        }
        controller.change("spec") { spec in
            if spec.isEmptyOrAbsent("selector") { spec["selector"] = .object(labels) }
        }
        controller.change("metadata", creating: true) { metadata in
            if metadata.isEmptyOrAbsent("labels") { metadata["labels"] = .object(labels) }
        }
    }

    @Sendable static func subject(_ subject: inout JSONObject) {
        let kind = subject["kind"]?.string
        if kind == "User" || kind == "Group" { subject.fill("apiGroup", "rbac.authorization.k8s.io") }
    }

    @Sendable static func networkPolicy(_ spec: inout JSONObject) {
        guard spec.isEmptyOrAbsent("policyTypes") else { return }
        spec["policyTypes"] = spec.isEmptyOrAbsent("egress") ? ["Ingress"] : ["Ingress", "Egress"]
    }

    @Sendable static func ingressClass(_ spec: inout JSONObject) {
        spec.change("parameters") { $0.fill("scope", "Cluster") }
    }

    @Sendable static func deviceRequest(_ request: inout JSONObject) {
        request.fill("allocationMode", "ExactCount")
        if request["allocationMode"]?.string == "ExactCount", (request["count"]?.integer ?? 0) == 0 {
            request["count"] = 1
        }
    }

    @Sendable static func customResourceDefinition(_ definition: inout JSONObject) {
        var stored: JSONValue?
        definition.change("spec", creating: true) { spec in
            spec.change("names", creating: true) { names in
                let kind = names["kind"]?.string ?? ""
                names.fill("singular", .string(kind.lowercased()))
                if !kind.isEmpty { names.fill("listKind", .string(kind + "List")) }
            }
            spec.fill("conversion", ["strategy": "None"])
            stored = spec["versions"]?.array?.first { $0["storage"]?.bool == true }?["name"]
        }
        definition.change("status", creating: true) { status in
            if status.isEmptyOrAbsent("storedVersions"), let stored { status["storedVersions"] = [stored] }
        }
    }
}
