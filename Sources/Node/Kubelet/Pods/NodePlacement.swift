// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// What of a node decides whether a pod may be on it: its name, labels and taints. Pure.
struct NodePlacement: Sendable {
    var name: String
    var labels: [String: String]
    var taints: [Taint] = []

    /// Why the pod must not run here; nil when it may.
    func refusal(_ pod: Pod) -> PodVerdict? {
        // A static pod was put on this very machine.
        if pod.isStatic { return nil }
        if !selects(pod) {
            return PodVerdict(
                reason: "NodeAffinity",
                message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
        }
        // The other effects are the scheduler's concern alone.
        let isUntolerated = taints.contains { taint in
            taint.effect == "NoExecute" && !pod.spec.tolerations.contains { $0.tolerates(taint) }
        }
        if isUntolerated {
            return PodVerdict(
                reason: "TaintToleration",
                message: "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate")
        }
        return nil
    }

    private func selects(_ pod: Pod) -> Bool {
        guard pod.spec.nodeSelector.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        guard let required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution else {
            return true
        }
        // One term that fits is enough; a term that asks for nothing fits nothing.
        return required.nodeSelectorTerms.contains { term in
            guard !term.matchExpressions.isEmpty || !term.matchFields.isEmpty else { return false }
            return term.matchExpressions.allSatisfy { $0.matches(labels[$0.key]) }
                && term.matchFields.allSatisfy { $0.key == "metadata.name" && $0.matches(name) }
        }
    }
}

extension NodePlacement {
    init(_ node: Node) {
        self.init(name: node.metadata.name ?? "", labels: node.metadata.labels, taints: node.spec.taints)
    }
}

extension NodeSelectorRequirement {
    /// Whether a label with this value, or none, is what is required.
    fileprivate func matches(_ value: String?) -> Bool {
        switch self.operator {
        case "In": value.map { values.contains($0) } ?? false
        case "NotIn": value.map { !values.contains($0) } ?? true
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        case "Gt", "Lt":
            if let value = value.flatMap({ Int64($0) }), values.count == 1, let bound = Int64(values[0]) {
                self.operator == "Gt" ? value > bound : value < bound
            } else {
                false
            }
        default: false
        }
    }
}

extension Toleration {
    fileprivate func tolerates(_ taint: Taint) -> Bool {
        if let effect, !effect.isEmpty, effect != taint.effect { return false }
        let key = key ?? ""
        if !key.isEmpty, key != taint.key { return false }
        switch self.operator ?? "" {
        case "", "Equal": return (value ?? "") == (taint.value ?? "")
        case "Exists": return true
        default: return false
        }
    }
}
