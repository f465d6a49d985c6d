// SPDX-License-Identifier: Apache-2.0

/// Required affinity and anti-affinity between pods: counts by topology, made once a cycle, then asked for each node.
struct InterPodAffinity: Sendable {
    private struct Topology: Hashable {
        var key: String
        var value: String
    }

    private let pod: PodInfo
    private let terms: PodTerms
    private let namespaces: [String: [String: String]]
    /// Topologies of existing pods whose anti-affinity the pod would break.
    private var repelling: [Topology: Int] = [:]
    /// Topologies with pods that match all of the pod's affinity terms.
    private var attracting: [Topology: Int] = [:]
    /// Topologies with pods that the pod's anti-affinity rejects.
    private var rejected: [Topology: Int] = [:]
    private let matchesItself: Bool

    /// Nil when no pod has anything to say: the common case.
    init?(_ pod: PodInfo, _ snapshot: Snapshot) {
        let terms = pod.terms
        let hasTerms = !terms.affinity.isEmpty || !terms.antiAffinity.isEmpty
        guard hasTerms || snapshot.nodes.contains(where: { $0.antiAffinityPods > 0 }) else { return nil }
        self.pod = pod
        self.terms = terms
        namespaces = snapshot.namespaces
        matchesItself = terms.affinity.allSatisfy { $0.matches(pod) { snapshot.labels(ofNamespace: $0) } }
        for node in snapshot.nodes where hasTerms || node.antiAffinityPods > 0 {
            for other in node.pods.values where hasTerms || other.hasRequiredAntiAffinity {
                count(other, on: node, sign: 1)
            }
        }
    }

    /// Counts a pod in that is on a node, or out again.
    mutating func count(_ other: PodInfo, on node: NodeInfo, sign: Int) {
        if other.uid == pod.uid { return }
        let namespaces = namespaces
        let labels = { namespaces[$0] ?? [:] }
        if other.hasRequiredAntiAffinity {
            other.terms.antiAffinity.matches(pod, namespaceLabels: labels) { term, _ in
                Self.count(&repelling, term.topologyKey, node, sign)
            }
        }
        if !terms.affinity.isEmpty, terms.affinity.allSatisfy({ $0.matches(other, namespaceLabels: labels) }) {
            for key in terms.affinityKeys { Self.count(&attracting, key, node, sign) }
        }
        terms.antiAffinity.matches(other, namespaceLabels: labels) { term, _ in
            Self.count(&rejected, term.topologyKey, node, sign)
        }
    }

    private static func count(_ counts: inout [Topology: Int], _ key: String, _ node: NodeInfo, _ sign: Int) {
        guard let value = node.labels[key] else { return }
        let topology = Topology(key: key, value: value)
        let count = (counts[topology] ?? 0) + sign
        counts[topology] = count == 0 ? nil : count
    }

    func check(_ node: NodeInfo) -> Rejection? {
        if !satisfiesAffinity(node) {
            return Rejection(.interPodAffinity, ["node(s) didn't match pod affinity rules"], resolvable: false)
        }
        if has(rejected, node) {
            return Rejection(.interPodAffinity, ["node(s) didn't match pod anti-affinity rules"])
        }
        if has(repelling, node) {
            return Rejection(.interPodAffinity, ["node(s) didn't satisfy existing pods anti-affinity rules"])
        }
        return nil
    }

    private func has(_ counts: [Topology: Int], _ node: NodeInfo) -> Bool {
        if counts.isEmpty { return false }
        if counts.count < node.labels.count { return counts.keys.contains { node.labels[$0.key] == $0.value } }
        return node.labels.contains { counts[Topology(key: $0.key, value: $0.value)] != nil }
    }

    private func satisfiesAffinity(_ node: NodeInfo) -> Bool {
        guard !terms.affinity.isEmpty else { return true }
        var allThere = true
        for key in terms.affinityKeys {
            guard let value = node.labels[key] else { return false }
            if attracting[Topology(key: key, value: value)] == nil { allThere = false }
        }
        // The first pod of a group that wants its own company may start anywhere.
        return allThere || (attracting.isEmpty && matchesItself)
    }
}
