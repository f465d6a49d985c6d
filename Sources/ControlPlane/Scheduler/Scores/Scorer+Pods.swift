// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// Scores by the company on the nodes.
extension Scorer {
    /// Preferences of the pod for others and of others for the pod; required affinity of others weighs 1.
    func interPodAffinity(_ nodes: [NodeInfo]) -> [Double]? {
        let own = pod.terms.preferred
        guard !own.isEmpty || snapshot.nodes.contains(where: { $0.affinityPods > 0 }) else { return nil }
        var weights: [String: [String: Int64]] = [:]
        let labels = { snapshot.labels(ofNamespace: $0) }
        for node in snapshot.nodes where !own.isEmpty || node.affinityPods > 0 {
            func add(_ term: PodAffinityTerm, _ weight: Int64) {
                if let value = node.labels[term.topologyKey] {
                    weights[term.topologyKey, default: [:]][value, default: 0] += weight
                }
            }
            for other in node.pods.values {
                own.matches(other, namespaceLabels: labels, add)
                if other.hasPodTerms { other.terms.scoring.matches(pod, namespaceLabels: labels, add) }
            }
        }
        guard !weights.isEmpty else { return nil }
        let raw = nodes.map { node in
            var sum: Int64 = 0
            for (key, value) in node.labels { sum += weights[key]?[value] ?? 0 }
            return Double(sum)
        }
        guard let least = raw.min(), let most = raw.max(), most > least else { return nil }
        return raw.map { 100 * ($0 - least) / (most - least) }
    }

    /// Soft spread constraints. A pod without constraints is spread over nodes by its siblings, the pods of its
    /// namespace with the same labels: what upstream's default constraints on hosts come to.
    func spread(_ nodes: [NodeInfo]) -> [Double]? {
        let soft = pod.spread.filter { !$0.isHard }
        guard !soft.isEmpty else { return siblings(nodes) }
        var raw = [Double](repeating: 0, count: nodes.count)
        for constraint in soft {
            var counts: [String: Int64] = [:]
            for node in snapshot.nodes {
                guard let value = node.labels[constraint.topologyKey],
                    TopologySpread.counts(node, for: pod, constraint)
                else { continue }
                counts[value, default: 0] += TopologySpread.matching(constraint, pod, node)
            }
            // A node outside of all domains is the last choice.
            let worst = (counts.values.max() ?? 0) + 1
            for (index, node) in nodes.enumerated() {
                raw[index] += Double(node.labels[constraint.topologyKey].flatMap { counts[$0] } ?? worst)
            }
        }
        return inverted(raw)
    }

    private func siblings(_ nodes: [NodeInfo]) -> [Double]? {
        guard pod.spread.isEmpty, !pod.labels.isEmpty else { return nil }
        let raw = nodes.map { node in
            Double(
                node.pods.values.count {
                    $0.key.namespace == pod.key.namespace && !$0.isTerminating && $0.labels == pod.labels
                })
        }
        return raw.allSatisfy { $0 == 0 } ? nil : inverted(raw)
    }

    private func inverted(_ raw: [Double]) -> [Double]? {
        guard let least = raw.min(), let most = raw.max(), most > 0 else { return nil }
        return raw.map { 100 * (most + least - $0) / most }
    }
}
