// SPDX-License-Identifier: Apache-2.0

package import JSON
import KubeAPI

/// One `matchExpressions` or `matchFields` row of a node selector term.
package struct NodeTermRow: Sendable, Hashable {
    package enum Operation: String, Sendable {
        case isIn = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
        case greater = "Gt"
        case less = "Lt"
    }

    package var key: String
    /// Nil for an operator nobody knows: matches nothing.
    package var operation: Operation?
    package var values: [String]

    package init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        operation = Operation(rawValue: json["operator"]?.string ?? "")
        values = (json["values"]?.array ?? []).compactMap(\.string)
    }

    package func matches(_ value: String?) -> Bool {
        switch operation {
        case .isIn: value.map(values.contains) ?? false
        case .notIn: value.map { !values.contains($0) } ?? true
        case .exists: value != nil
        case .doesNotExist: value == nil
        case .greater: compare(value) { $0 > $1 }
        case .less: compare(value) { $0 < $1 }
        case nil: false
        }
    }

    private func compare(_ value: String?, _ order: (Int64, Int64) -> Bool) -> Bool {
        guard let value = value.flatMap({ Int64($0) }), values.count == 1, let bound = Int64(values[0]) else {
            return false
        }
        return order(value, bound)
    }
}

/// A term: all its rows must match; one without any matches nothing.
package struct NodeTerm: Sendable, Hashable {
    package var expressions: [NodeTermRow]
    package var fields: [NodeTermRow]

    package init(_ json: JSONValue?) {
        expressions = (json?["matchExpressions"]?.array ?? []).map(NodeTermRow.init)
        fields = (json?["matchFields"]?.array ?? []).map(NodeTermRow.init)
    }

    package func matches(labels: [String: String], name: String) -> Bool {
        guard !expressions.isEmpty || !fields.isEmpty else { return false }
        return expressions.allSatisfy { $0.matches(labels[$0.key]) }
            && fields.allSatisfy { $0.key == "metadata.name" && $0.matches(name) }
    }

    /// The names a term pins pods to by `metadata.name In [...]`; nil when it does not.
    package var pinnedNames: [String]? {
        fields.first { $0.key == "metadata.name" && $0.operation == .isIn }?.values
    }
}

/// `spec.nodeSelector` and `spec.affinity.nodeAffinity`.
package struct NodeSelection: Sendable, Hashable {
    package var selector: [String: String]
    /// Any of these must match; nil when nothing is required.
    package var required: [NodeTerm]?
    package var preferred: [(weight: Int64, term: NodeTerm)] { preferences.map { ($0.weight, $0.term) } }
    private var preferences: [Preference]

    private struct Preference: Sendable, Hashable {
        var weight: Int64
        var term: NodeTerm
    }

    package init(spec: JSONValue?) {
        var selector: [String: String] = [:]
        for (key, value) in spec?["nodeSelector"]?.object ?? JSONObject() { selector[key] = value.string ?? "" }
        self.selector = selector
        let affinity = spec?["affinity"]?["nodeAffinity"]
        required = affinity?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?.array?.map {
            NodeTerm($0)
        }
        preferences = (affinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? []).map {
            Preference(weight: $0["weight"]?.boundedInteger.map(Int64.init) ?? 0, term: NodeTerm($0["preference"]))
        }
    }

    package func isSatisfied(labels: [String: String], name: String) -> Bool {
        guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        guard let required else { return true }
        return required.contains { $0.matches(labels: labels, name: name) }
    }

    /// The only nodes that can match, when every required term pins names: what a DaemonSet's pods carry.
    package var pinnedNodes: Set<String>? {
        guard let required, !required.isEmpty else { return nil }
        var names: Set<String> = []
        for term in required {
            guard let pinned = term.pinnedNames else { return nil }
            names.formUnion(pinned)
        }
        return names
    }
}

package struct NodeTaint: Sendable, Hashable {
    package var key: String
    package var value: String
    package var effect: String

    package init(key: String, value: String = "", effect: String) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    package init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        value = json["value"]?.string ?? ""
        effect = json["effect"]?.string ?? ""
    }
}

package struct TaintToleration: Sendable, Hashable {
    package var key: String
    package var operation: String
    package var value: String
    package var effect: String

    package init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        operation = json["operator"]?.string ?? "Equal"
        value = json["value"]?.string ?? ""
        effect = json["effect"]?.string ?? ""
    }

    package func tolerates(_ taint: NodeTaint) -> Bool {
        if !effect.isEmpty, effect != taint.effect { return false }
        if !key.isEmpty, key != taint.key { return false }
        switch operation {
        case "", "Equal": return value == taint.value
        case "Exists": return true
        default: return false
        }
    }
}
