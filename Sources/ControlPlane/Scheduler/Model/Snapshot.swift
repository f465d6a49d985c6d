// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// The cluster at one moment, as a cycle sees it. A value: later changes do not show.
struct Snapshot: Sendable {
    var nodes: [NodeInfo]
    var positions: [String: Int]
    var namespaces: [String: [String: String]]
    /// Pods that preempted others and wait for the room, by the node they wait for.
    var nominated: [String: [PodInfo]]

    init(
        nodes: [NodeInfo], namespaces: [String: [String: String]] = [:], nominated: [String: [PodInfo]] = [:]
    ) {
        self.nodes = nodes
        self.namespaces = namespaces
        self.nominated = nominated
        positions = [:]
        for (index, node) in nodes.enumerated() { positions[node.name] = index }
    }

    subscript(name: String) -> NodeInfo? { positions[name].map { nodes[$0] } }

    func labels(ofNamespace name: String) -> [String: String] { namespaces[name] ?? [:] }
}

/// Why a node, or the whole cluster, does not take a pod.
struct Rejection: Sendable, Hashable {
    var plugin: Plugin
    var reasons: [String]
    /// Whether removing pods from the node could help.
    var isResolvable: Bool

    init(_ plugin: Plugin, _ reasons: [String], resolvable: Bool = true) {
        self.plugin = plugin
        self.reasons = reasons
        isResolvable = resolvable
    }
}

/// The parts a decision is made of, by upstream's names.
enum Plugin: String, Sendable, Hashable, CaseIterable {
    case schedulingGates = "SchedulingGates"
    case nodeUnschedulable = "NodeUnschedulable"
    case nodeName = "NodeName"
    case taintToleration = "TaintToleration"
    case nodeAffinity = "NodeAffinity"
    case nodePorts = "NodePorts"
    case nodeResourcesFit = "NodeResourcesFit"
    case volumeBinding = "VolumeBinding"
    case podTopologySpread = "PodTopologySpread"
    case interPodAffinity = "InterPodAffinity"
}
