// SPDX-License-Identifier: Apache-2.0

import KubeAPI
import KubeClient

/// Spreading over topologies: how many matching pods each has, made once a cycle.
struct TopologySpread: Sendable {
    private struct Counted: Sendable {
        var constraint: SpreadConstraint
        var counts: [String: Int64] = [:]
        var least: Int64 = 0

        mutating func findLeast() {
            // Fewer domains than wanted count as empty ones.
            least = Int64(counts.count) < constraint.minDomains ? 0 : counts.values.min() ?? 0
        }
    }

    private let pod: PodInfo
    private var hard: [Counted] = []

    /// Nil when the pod has no hard constraint.
    init?(_ pod: PodInfo, _ snapshot: Snapshot) {
        let constraints = pod.spread.filter(\.isHard)
        guard !constraints.isEmpty else { return nil }
        self.pod = pod
        hard = constraints.map { Counted(constraint: $0) }
        for node in snapshot.nodes where takesPart(node) {
            for index in hard.indices {
                let constraint = hard[index].constraint
                guard let value = node.labels[constraint.topologyKey], TopologySpread.counts(node, for: pod, constraint)
                else { continue }
                hard[index].counts[value, default: 0] += TopologySpread.matching(constraint, pod, node)
            }
        }
        for index in hard.indices { hard[index].findLeast() }
    }

    /// A node that lacks one of the keys takes no part in any.
    private func takesPart(_ node: NodeInfo) -> Bool {
        hard.allSatisfy { node.labels[$0.constraint.topologyKey] != nil }
    }

    /// Counts a pod in that is on a node, or out again.
    mutating func count(_ other: PodInfo, on node: NodeInfo, sign: Int64) {
        guard takesPart(node) else { return }
        for index in hard.indices {
            let constraint = hard[index].constraint
            guard let value = node.labels[constraint.topologyKey], TopologySpread.matches(constraint, pod, other),
                TopologySpread.counts(node, for: pod, constraint)
            else { continue }
            hard[index].counts[value, default: 0] += sign
            hard[index].findLeast()
        }
    }

    static func counts(_ node: NodeInfo, for pod: PodInfo, _ constraint: SpreadConstraint) -> Bool {
        if constraint.honorsNodeAffinity, NodeFilters.affinity(pod, node) != nil { return false }
        if constraint.honorsNodeTaints, NodeFilters.taints(pod, node) != nil { return false }
        return true
    }

    static func matching(_ constraint: SpreadConstraint, _ pod: PodInfo, _ node: NodeInfo) -> Int64 {
        var count: Int64 = 0
        for other in node.pods.values where matches(constraint, pod, other) { count += 1 }
        return count
    }

    static func matches(_ constraint: SpreadConstraint, _ pod: PodInfo, _ other: PodInfo) -> Bool {
        other.key.namespace == pod.key.namespace && !other.isTerminating && other.uid != pod.uid
            && constraint.selector.matches(other.labels)
    }

    func check(_ node: NodeInfo) -> Rejection? {
        let reason = "node(s) didn't match pod topology spread constraints"
        for counted in hard {
            guard let value = node.labels[counted.constraint.topologyKey] else {
                return Rejection(.podTopologySpread, ["\(reason) (missing required label)"], resolvable: false)
            }
            let own: Int64 = counted.constraint.selector.matches(pod.labels) ? 1 : 0
            if (counted.counts[value] ?? 0) + own - counted.least > counted.constraint.maxSkew {
                return Rejection(.podTopologySpread, [reason])
            }
        }
        return nil
    }
}
