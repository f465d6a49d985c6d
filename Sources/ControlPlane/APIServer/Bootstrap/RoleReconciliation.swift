// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What a start does to a default role or binding that is there already. No I/O.
enum RoleReconciliation: Equatable {
    case leave
    case update(APIObject)
    /// A binding of another role: which role it is cannot be changed.
    case replace

    /// What is missing is added, and what an administrator added stays; one marked `autoupdate: false` is left alone. A
    /// default role that others may not add to does not become one they may, nor a binding one of another role.
    init(_ wanted: APIObject, over old: APIObject) {
        self = .leave
        if old.annotations["rbac.authorization.kubernetes.io/autoupdate"]?.string == "false" { return }
        if wanted["roleRef"] != old["roleRef"] {
            self = .replace
            return
        }
        var new = old
        new.labels = Self.merged(wanted.labels, old.labels)
        new.annotations = Self.merged(wanted.annotations, old.annotations)
        if wanted.kind.hasSuffix("Binding") {
            Self.addSubjects(wanted, &new)
        } else {
            Self.addRules(wanted, &new)
        }
        if new != old { self = .update(new) }
    }

    private static func merged(_ wanted: JSONObject, _ present: JSONObject) -> JSONObject {
        var result = present
        for (key, value) in wanted where result[key] == nil { result[key] = value }
        return result
    }

    private static func addSubjects(_ wanted: APIObject, _ new: inout APIObject) {
        let present = new["subjects"]?.array ?? []
        let missing = (wanted["subjects"]?.array ?? []).filter { subject in
            !present.contains { held in
                ["kind", "apiGroup", "name", "namespace"].allSatisfy { held[$0] == subject[$0] }
            }
        }
        if !missing.isEmpty { new["subjects"] = .array(present + missing) }
    }

    private static func addRules(_ wanted: APIObject, _ new: inout APIObject) {
        guard let aggregation = wanted["aggregationRule"] else {
            new["aggregationRule"] = nil
            let present = new["rules"]?.array ?? []
            let missing = HeldRights(present.map(PolicyRule.init))
                .missing((wanted["rules"]?.array ?? []).map(PolicyRule.init), limit: .max)
            if let missing, !missing.isEmpty { new["rules"] = .array(present + PolicyRule.joined(missing).map(\.json)) }
            return
        }
        // Its rules are the aggregation controller's.
        let present = new["aggregationRule"]?["clusterRoleSelectors"]?.array ?? []
        let missing = (aggregation["clusterRoleSelectors"]?.array ?? []).filter { !present.contains($0) }
        if !missing.isEmpty { new["aggregationRule"] = ["clusterRoleSelectors": .array(present + missing)] }
    }
}
