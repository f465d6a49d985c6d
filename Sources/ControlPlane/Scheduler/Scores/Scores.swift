// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Numbers
internal import Text

/// How well each feasible node suits a pod: 0…100 a part, summed with upstream's weights. No I/O.
struct Scorer {
    let pod: PodInfo
    let snapshot: Snapshot

    /// Totals in the order of `nodes`.
    func totals(_ nodes: [NodeInfo]) -> [Double] {
        guard nodes.count > 1 else { return nodes.map { _ in 0 } }
        var totals = [Double](repeating: 0, count: nodes.count)
        func add(_ weight: Double, _ scores: [Double]) {
            for index in totals.indices { totals[index] += weight * scores[index] }
        }
        add(1, nodes.map(leastAllocated))
        add(1, nodes.map(balanced))
        add(1, imageLocality(nodes))
        add(3, Scorer.normalized(nodes.map(untolerated), reversed: true))
        if !pod.affinity.preferred.isEmpty { add(2, Scorer.normalized(nodes.map(preferredAffinity))) }
        if let scores = interPodAffinity(nodes) { add(2, scores) }
        if let scores = spread(nodes) { add(2, scores) }
        return totals
    }

    /// Scales to 0…100 by the largest; `reversed` makes the smallest the best.
    static func normalized(_ scores: [Double], reversed: Bool = false) -> [Double] {
        let largest = scores.max() ?? 0
        guard largest > 0 else { return scores.map { _ in reversed ? 100 : 0 } }
        return scores.map { reversed ? 100 - $0 * 100 / largest : $0 * 100 / largest }
    }

    /// The share of CPU and memory that stays free.
    func leastAllocated(_ node: NodeInfo) -> Double {
        func free(_ used: Int64, _ wanted: Int64, _ total: Int64) -> Double {
            guard total > 0, used.saturatingSum(wanted) <= total else { return 0 }
            return Double(total.saturatingDifference(used.saturatingSum(wanted))) * 100 / Double(total)
        }
        let cpu = free(node.nonZeroMilliCPU, pod.requests.nonZeroMilliCPU, node.allocatable.milliCPU)
        let memory = free(node.nonZeroMemory, pod.requests.nonZeroMemory, node.allocatable.memory)
        return ((cpu + memory) / 2).rounded(.down)
    }

    /// How alike the shares of CPU and memory in use are.
    func balanced(_ node: NodeInfo) -> Double {
        func share(_ used: Int64, _ wanted: Int64, _ total: Int64) -> Double {
            total > 0 ? min(1, Double(used.saturatingSum(wanted)) / Double(total)) : 1
        }
        let cpu = share(node.requested.milliCPU, pod.requests.amounts.milliCPU, node.allocatable.milliCPU)
        let memory = share(node.requested.memory, pod.requests.amounts.memory, node.allocatable.memory)
        return ((1 - abs(cpu - memory) / 2) * 100).rounded(.down)
    }

    /// How much of the pod's images is there already, images on many nodes counting more.
    func imageLocality(_ nodes: [NodeInfo]) -> [Double] {
        var counts: [String: Int] = [:]
        for image in pod.images { counts[image, default: 0] += 1 }
        var sums = [Double](repeating: 0, count: nodes.count)
        for (image, count) in counts {
            let name = Scorer.imageName(image)
            let sizes = nodes.map { $0.images[name] ?? $0.images[image] }
            guard sizes.contains(where: { $0 != nil }) else { continue }
            let holders = snapshot.nodes.count { $0.images[name] != nil || $0.images[image] != nil }
            let share = Double(holders) / Double(max(1, snapshot.nodes.count)) * Double(count)
            for (index, size) in sizes.enumerated() { sums[index] += Double(size ?? 0) * share }
        }
        let least = 23.0 * 1024 * 1024
        let most = 1000.0 * 1024 * 1024 * Double(pod.images.count)
        return sums.map { most > least ? 100 * (min(max($0, least), most) - least) / (most - least) : 0 }
    }

    /// An image's name with `:latest` where neither tag nor digest is given.
    static func imageName(_ image: String) -> String {
        let last = image.steps.last ?? ""
        return last.contains(":") || image.contains("@") ? image : "\(image):latest"
    }

    /// PreferNoSchedule taints the pod does not tolerate.
    func untolerated(_ node: NodeInfo) -> Double {
        Double(
            node.taints.count { taint in
                taint.effect == "PreferNoSchedule" && !pod.tolerations.contains { $0.tolerates(taint) }
            })
    }

    func preferredAffinity(_ node: NodeInfo) -> Double {
        var sum: Int64 = 0
        for (weight, term) in pod.affinity.preferred where term.matches(labels: node.labels, name: node.name) {
            sum += weight
        }
        return Double(sum)
    }
}
