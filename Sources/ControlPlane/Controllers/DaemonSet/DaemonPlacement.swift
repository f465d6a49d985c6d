// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// On which nodes a DaemonSet's pods belong, and what they look like there. No I/O.
enum DaemonPlacement {
    /// All of a node that `decide` goes by, besides its name.
    static func goes(by node: JSONObject) -> [JSONValue?] {
        [node.value("metadata", "labels"), node.value("spec", "taints")]
    }

    /// Whether a node should get a pod, and whether one that is there may stay.
    static func decide(_ set: JSONObject, on node: JSONObject) -> (runs: Bool, stays: Bool) {
        let spec = set.value("spec", "template", "spec")
        let named = spec?["nodeName"]?.string ?? ""
        if !named.isEmpty, named != node.objectName { return (false, false) }
        guard NodeSelection(spec: spec).isSatisfied(labels: node.objectLabels, name: node.objectName) else {
            return (false, false)
        }
        let tolerations = tolerations(set).map(TaintToleration.init)
        let taints = node.array("spec", "taints").map(NodeTaint.init)
        func untolerated(_ effects: Set<String>) -> Bool {
            taints.contains { taint in
                effects.contains(taint.effect) && !tolerations.contains { $0.tolerates(taint) }
            }
        }
        if untolerated(["NoSchedule", "NoExecute"]) { return (false, !untolerated(["NoExecute"])) }
        return (true, true)
    }

    /// The template's tolerations and those every daemon has: it is to stay where others leave.
    static func tolerations(_ set: JSONObject) -> [JSONValue] {
        var rows = set.array("spec", "template", "spec", "tolerations")
        var added: [(String, String)] = [
            ("node.kubernetes.io/not-ready", "NoExecute"), ("node.kubernetes.io/unreachable", "NoExecute"),
            ("node.kubernetes.io/disk-pressure", "NoSchedule"), ("node.kubernetes.io/memory-pressure", "NoSchedule"),
            ("node.kubernetes.io/pid-pressure", "NoSchedule"), ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ]
        if set.bool("spec", "template", "spec", "hostNetwork") {
            added.append(("node.kubernetes.io/network-unavailable", "NoSchedule"))
        }
        for (key, effect) in added {
            let row: JSONValue = ["key": .string(key), "operator": "Exists", "effect": .string(effect)]
            if !rows.contains(row) { rows.append(row) }
        }
        return rows
    }

    /// The template for one node: pinned to it, tolerant, labelled with its revision.
    static func template(_ set: JSONObject, node: String, hash: String) -> JSONObject {
        var template = set.object("spec", "template")
        template.set("spec", "tolerations", to: .array(tolerations(set)))
        let pin: JSONValue = [
            "matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]
        ]
        template.set(
            "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
            to: ["nodeSelectorTerms": [pin]])
        template.set("metadata", "labels", RevisionHistory.hashLabel, to: .string(hash))
        let generation = set.string("metadata", "annotations", "deprecated.daemonset.template.generation")
        if !generation.isEmpty {
            template.set("metadata", "labels", "pod-template-generation", to: .string(generation))
        }
        return template
    }

    /// The node a daemon pod is on or pinned to.
    static func node(of pod: JSONObject) -> String {
        if !pod.podNode.isEmpty { return pod.podNode }
        return NodeSelection(spec: pod["spec"]).pinnedNodes?.first ?? ""
    }
}
