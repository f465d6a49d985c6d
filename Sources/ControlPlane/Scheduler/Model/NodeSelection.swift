// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI

/// One `matchExpressions` or `matchFields` row of a node selector term.
struct NodeRequirement: Sendable, Hashable {
    enum Operation: String, Sendable {
        case isIn = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
        case greater = "Gt"
        case less = "Lt"
    }

    var key: String
    /// Nil for an operator nobody knows: matches nothing.
    var operation: Operation?
    var values: [String]

    init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        operation = Operation(rawValue: json["operator"]?.string ?? "")
        values = (json["values"]?.array ?? []).compactMap(\.string)
    }

    func matches(_ value: String?) -> Bool {
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
struct NodeSelectorTerm: Sendable, Hashable {
    var expressions: [NodeRequirement]
    var fields: [NodeRequirement]

    init(_ json: JSONValue?) {
        expressions = (json?["matchExpressions"]?.array ?? []).map(NodeRequirement.init)
        fields = (json?["matchFields"]?.array ?? []).map(NodeRequirement.init)
    }

    func matches(labels: [String: String], name: String) -> Bool {
        guard !expressions.isEmpty || !fields.isEmpty else { return false }
        return expressions.allSatisfy { $0.matches(labels[$0.key]) }
            && fields.allSatisfy { $0.key == "metadata.name" && $0.matches(name) }
    }

    /// The names a term pins pods to by `metadata.name In [...]`; nil when it does not.
    var pinnedNames: [String]? {
        fields.first { $0.key == "metadata.name" && $0.operation == .isIn }?.values
    }
}

/// `spec.nodeSelector` and `spec.affinity.nodeAffinity`.
struct NodeAffinity: Sendable, Hashable {
    var selector: [String: String]
    /// Any of these must match; nil when nothing is required.
    var required: [NodeSelectorTerm]?
    var preferred: [(weight: Int64, term: NodeSelectorTerm)] { preferences.map { ($0.weight, $0.term) } }
    private var preferences: [Preference]

    private struct Preference: Sendable, Hashable {
        var weight: Int64
        var term: NodeSelectorTerm
    }

    init(spec: JSONValue?) {
        var selector: [String: String] = [:]
        for (key, value) in spec?["nodeSelector"]?.object ?? JSONObject() { selector[key] = value.string ?? "" }
        self.selector = selector
        let affinity = spec?["affinity"]?["nodeAffinity"]
        required = affinity?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?.array?.map {
            NodeSelectorTerm($0)
        }
        preferences = (affinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? []).map {
            Preference(weight: $0["weight"]?.integer ?? 0, term: NodeSelectorTerm($0["preference"]))
        }
    }

    func isSatisfied(labels: [String: String], name: String) -> Bool {
        guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        guard let required else { return true }
        return required.contains { $0.matches(labels: labels, name: name) }
    }

    /// The only nodes that can match, when every required term pins names: what a DaemonSet's pods carry.
    var pinnedNodes: Set<String>? {
        guard let required, !required.isEmpty else { return nil }
        var names: Set<String> = []
        for term in required {
            guard let pinned = term.pinnedNames else { return nil }
            names.formUnion(pinned)
        }
        return names
    }
}

struct Taint: Sendable, Hashable {
    var key: String
    var value: String
    var effect: String

    init(key: String, value: String = "", effect: String) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        value = json["value"]?.string ?? ""
        effect = json["effect"]?.string ?? ""
    }
}

struct Toleration: Sendable, Hashable {
    var key: String
    var operation: String
    var value: String
    var effect: String

    init(_ json: JSONValue) {
        key = json["key"]?.string ?? ""
        operation = json["operator"]?.string ?? "Equal"
        value = json["value"]?.string ?? ""
        effect = json["effect"]?.string ?? ""
    }

    func tolerates(_ taint: Taint) -> Bool {
        if !effect.isEmpty, effect != taint.effect { return false }
        if !key.isEmpty, key != taint.key { return false }
        switch operation {
        case "", "Equal": return value == taint.value
        case "Exists": return true
        default: return false
        }
    }
}
