// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// What a cycle found for one pod.
enum Verdict: Sendable {
    case node(String)
    case none(FitFailure)
}

/// Why no node takes a pod, and its text.
struct FitFailure: Sendable {
    var nodeCount: Int
    /// A refusal of the cluster as a whole, before any node was asked.
    var general: Rejection?
    var rejections: [String: Rejection] = [:]
    /// What preemption found, `preemption: …`.
    var preemption = ""

    var plugins: Set<Plugin> {
        var plugins = Set(rejections.values.map(\.plugin))
        if let general { plugins.insert(general.plugin) }
        return plugins
    }

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`
    var message: String {
        var text = "0/\(nodeCount) nodes are available:"
        if let general {
            text += " \(general.reasons.joined(separator: ", "))."
        } else {
            let histogram = FitFailure.histogram(rejections.values.map(\.reasons))
            if !histogram.isEmpty { text += " \(histogram)." }
        }
        if !preemption.isEmpty { text += " \(preemption)" }
        // Upstream's text for a cluster without nodes.
        return nodeCount == 0 && general == nil ? "no nodes available to schedule pods" : text
    }

    static func histogram(_ reasons: [[String]]) -> String {
        var counts: [String: Int] = [:]
        for list in reasons { for reason in list { counts[reason, default: 0] += 1 } }
        return counts.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
    }
}

/// One decision: which node, or why none. No I/O.
///
/// What looks at all pods of the cluster is made when the first node is asked that everything cheaper lets pass.
final class Cycle {
    let pod: PodInfo
    let snapshot: Snapshot
    private let volumes: VolumeFilter
    private(set) lazy var affinity = InterPodAffinity(pod, snapshot)
    private(set) lazy var spread = TopologySpread(pod, snapshot)

    init(_ pod: PodInfo, _ snapshot: Snapshot, volumes: VolumeFilter = VolumeFilter()) {
        self.pod = pod
        self.snapshot = snapshot
        self.volumes = volumes
    }

    func check(_ node: NodeInfo) -> Rejection? {
        NodeFilters.all(pod, node) ?? volumes.check(node) ?? spread?.check(node) ?? affinity?.check(node)
    }

    /// One node with other pods on it than it has.
    struct Trial {
        private(set) var node: NodeInfo
        private var affinity: InterPodAffinity?
        private var spread: TopologySpread?

        init(_ node: NodeInfo, _ cycle: Cycle) {
            self.node = node
            affinity = cycle.affinity
            spread = cycle.spread
        }

        mutating func add(_ pod: PodInfo) {
            node.add(pod)
            count(pod, 1)
        }

        mutating func remove(_ pod: PodInfo) {
            node.remove(uid: pod.uid)
            count(pod, -1)
        }

        private mutating func count(_ pod: PodInfo, _ sign: Int) {
            affinity?.count(pod, on: node, sign: sign)
            spread?.count(pod, on: node, sign: Int64(sign))
        }

        func check(_ cycle: Cycle) -> Rejection? {
            NodeFilters.all(cycle.pod, node) ?? cycle.volumes.check(node) ?? spread?.check(node)
                ?? affinity?.check(node)
        }
    }

    /// The same with pods that wait for room on the node counted in, where they matter as much as this one.
    private func checkWithNominated(_ node: NodeInfo) -> Rejection? {
        let waiting = (snapshot.nominated[node.name] ?? []).filter {
            $0.uid != pod.uid && $0.priority >= pod.priority && node.pods[$0.uid] == nil
        }
        if !waiting.isEmpty {
            var fuller = node
            for other in waiting { fuller.add(other) }
            if let rejection = NodeFilters.all(pod, fuller) { return rejection }
        }
        return check(node)
    }

    func decide() -> Verdict {
        if let general = volumes.general {
            return .none(FitFailure(nodeCount: snapshot.nodes.count, general: general))
        }
        var failure = FitFailure(nodeCount: snapshot.nodes.count)
        // Room was made for the pod there: no other node needs to be asked.
        if !pod.nominatedNodeName.isEmpty, let node = snapshot[pod.nominatedNodeName], checkWithNominated(node) == nil {
            return .node(node.name)
        }
        var feasible: [NodeInfo] = []
        let pinned = pod.affinity.pinnedNodes
        for node in snapshot.nodes {
            if let pinned, !pinned.contains(node.name) {
                failure.rejections[node.name] = Rejection(
                    .nodeAffinity, ["node(s) didn't match Pod's node affinity/selector"], resolvable: false)
                continue
            }
            if let rejection = checkWithNominated(node) {
                failure.rejections[node.name] = rejection
            } else {
                feasible.append(node)
            }
        }
        if feasible.isEmpty { return .none(failure) }
        let totals = Scorer(pod: pod, snapshot: snapshot).totals(feasible)
        let best = totals.max() ?? 0
        let winners = feasible.indices.filter { totals[$0] == best }
        return .node(feasible[winners.randomElement() ?? 0].name)
    }
}
