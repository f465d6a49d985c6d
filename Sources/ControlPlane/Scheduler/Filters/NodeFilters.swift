// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Numbers

/// Filters that look at one node and what is on it. Each returns why the node is refused, or nil. No I/O.
enum NodeFilters {
    static func all(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        unschedulable(pod, node) ?? name(pod, node) ?? taints(pod, node) ?? affinity(pod, node) ?? ports(pod, node)
            ?? resources(pod, node)
    }

    static func unschedulable(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        guard node.isUnschedulable else { return nil }
        let taint = NodeTaint(key: "node.kubernetes.io/unschedulable", effect: "NoSchedule")
        if pod.tolerations.contains(where: { $0.tolerates(taint) }) { return nil }
        return Rejection(.nodeUnschedulable, ["node(s) were unschedulable"], resolvable: false)
    }

    static func name(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        if pod.nodeName.isEmpty || pod.nodeName == node.name { return nil }
        return Rejection(.nodeName, ["node(s) didn't match the requested node name"], resolvable: false)
    }

    static func taints(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        let refused = node.taints.contains { taint in
            (taint.effect == "NoSchedule" || taint.effect == "NoExecute")
                && !pod.tolerations.contains { $0.tolerates(taint) }
        }
        return refused ? Rejection(.taintToleration, ["node(s) had untolerated taint(s)"], resolvable: false) : nil
    }

    static func affinity(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        if pod.affinity.isSatisfied(labels: node.labels, name: node.name) { return nil }
        return Rejection(.nodeAffinity, ["node(s) didn't match Pod's node affinity/selector"], resolvable: false)
    }

    static func ports(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        guard !pod.hostPorts.isEmpty, !node.usedPorts.isEmpty else { return nil }
        let taken = pod.hostPorts.contains { node.usedPorts.conflict(with: $0) }
        return taken ? Rejection(.nodePorts, ["node(s) didn't have free ports for the requested pod ports"]) : nil
    }

    static func resources(_ pod: PodInfo, _ node: NodeInfo) -> Rejection? {
        var reasons: [String] = []
        var isResolvable = true
        if Int64(node.pods.count) + 1 > node.allowedPods { reasons.append("Too many pods") }
        func check(_ name: String, _ wanted: Int64, _ used: Int64, _ total: Int64) {
            guard wanted > 0, wanted > total.saturatingDifference(used) else { return }
            reasons.append("Insufficient \(name)")
            // Not even an empty node would do.
            if wanted > total { isResolvable = false }
        }
        let wanted = pod.requests.amounts
        check("cpu", wanted.milliCPU, node.requested.milliCPU, node.allocatable.milliCPU)
        check("memory", wanted.memory, node.requested.memory, node.allocatable.memory)
        check(
            "ephemeral-storage", wanted.ephemeralStorage, node.requested.ephemeralStorage,
            node.allocatable.ephemeralStorage)
        for name in wanted.scalar.keys.sorted() {
            check(
                name, wanted.scalar[name] ?? 0, node.requested.scalar[name] ?? 0, node.allocatable.scalar[name] ?? 0)
        }
        return reasons.isEmpty ? nil : Rejection(.nodeResourcesFit, reasons, resolvable: isResolvable)
    }
}
