// SPDX-License-Identifier: Apache-2.0

/// Required affinity and anti-affinity between pods: counts by topology, made once a cycle, then asked for each node.
struct InterPodAffinity: Sendable {
    private struct Topology: Hashable {
        var key: String
        var value: String
    }

    private let pod: PodInfo
    /// Topologies of existing pods whose anti-affinity the pod would break.
    private var repelling: [Topology: Int] = [:]
    /// Topologies with pods that match all of the pod's affinity terms.
    private var attracting: [Topology: Int] = [:]
    /// Topologies with pods that the pod's anti-affinity rejects.
    private var rejected: [Topology: Int] = [:]
    private let matchesItself: Bool

    /// Nil when no pod has anything to say: the common case.
    init?(_ pod: PodInfo, _ snapshot: Snapshot) {
        let hasTerms = !pod.requiredAffinity.isEmpty || !pod.requiredAntiAffinity.isEmpty
        guard hasTerms || snapshot.nodes.contains(where: { $0.antiAffinityPods > 0 }) else { return nil }
        self.pod = pod
        let labels = { snapshot.labels(ofNamespace: $0) }
        matchesItself = pod.requiredAffinity.allSatisfy { $0.matches(pod, namespaceLabels: labels) }
        for node in snapshot.nodes {
            guard hasTerms || node.antiAffinityPods > 0 else { continue }
            for other in node.pods.values where other.uid != pod.uid {
                for term in other.requiredAntiAffinity where term.matches(pod, namespaceLabels: labels) {
                    InterPodAffinity.count(&repelling, term.topologyKey, node)
                }
                if !pod.requiredAffinity.isEmpty,
                    pod.requiredAffinity.allSatisfy({ $0.matches(other, namespaceLabels: labels) })
                {
                    for term in pod.requiredAffinity { InterPodAffinity.count(&attracting, term.topologyKey, node) }
                }
                for term in pod.requiredAntiAffinity where term.matches(other, namespaceLabels: labels) {
                    InterPodAffinity.count(&rejected, term.topologyKey, node)
                }
            }
        }
    }

    private static func count(_ counts: inout [Topology: Int], _ key: String, _ node: NodeInfo) {
        if let value = node.labels[key] { counts[Topology(key: key, value: value), default: 0] += 1 }
    }

    func check(_ node: NodeInfo) -> Rejection? {
        if !satisfiesAffinity(node) {
            return Rejection(.interPodAffinity, ["node(s) didn't match pod affinity rules"], resolvable: false)
        }
        for term in pod.requiredAntiAffinity {
            if let value = node.labels[term.topologyKey], rejected[Topology(key: term.topologyKey, value: value)] != nil
            {
                return Rejection(.interPodAffinity, ["node(s) didn't match pod anti-affinity rules"])
            }
        }
        for topology in repelling.keys where node.labels[topology.key] == topology.value {
            return Rejection(.interPodAffinity, ["node(s) didn't satisfy existing pods anti-affinity rules"])
        }
        return nil
    }

    private func satisfiesAffinity(_ node: NodeInfo) -> Bool {
        guard !pod.requiredAffinity.isEmpty else { return true }
        var allThere = true
        for term in pod.requiredAffinity {
            guard let value = node.labels[term.topologyKey] else { return false }
            if attracting[Topology(key: term.topologyKey, value: value)] == nil { allThere = false }
        }
        // The first pod of a group that wants its own company may start anywhere.
        return allThere || (attracting.isEmpty && matchesItself)
    }
}
