// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// What a node's silence or word means for its conditions and taints. No I/O.
enum NodeHealth {
    static let gracePeriod = Duration.seconds(40)
    static let startupGracePeriod = Duration.seconds(60)
    static let notReady = "node.kubernetes.io/not-ready"
    static let unreachable = "node.kubernetes.io/unreachable"

    /// Conditions that taint a node when they hold.
    static let conditionTaints = [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ]

    /// The node with its conditions Unknown, because nothing was heard of it; nil when they are so already.
    static func silenced(_ node: JSONObject, at now: Timestamp) -> JSONObject? {
        var items = node.array("status", "conditions")
        var changed = false
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            if let index = items.firstIndex(where: { $0["type"]?.string == type }) {
                guard items[index]["status"]?.string != "Unknown" else { continue }
                items[index]["status"] = "Unknown"
                items[index]["reason"] = "NodeStatusUnknown"
                items[index]["message"] = "Kubelet stopped posting node status."
                items[index]["lastTransitionTime"] = .string(now.description)
            } else {
                items.append([
                    "type": .string(type), "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                    "lastHeartbeatTime": node.value("metadata", "creationTimestamp") ?? .string(now.description),
                    "lastTransitionTime": .string(now.description),
                ])
            }
            changed = true
        }
        guard changed else { return nil }
        var updated = node
        updated.set("status", "conditions", to: .array(items))
        return updated
    }

    /// The taints a node should have by its conditions: those others set stay, ours come and go.
    static func taints(_ node: JSONObject, at now: Timestamp) -> [JSONValue] {
        var wanted: [(key: String, effect: String)] = []
        switch node.condition("Ready")?["status"]?.string {
        case "True": break
        case "False": wanted += [(notReady, "NoSchedule"), (notReady, "NoExecute")]
        default: wanted += [(unreachable, "NoSchedule"), (unreachable, "NoExecute")]
        }
        for (condition, key) in conditionTaints where node.hasCondition(condition) {
            wanted.append((key, "NoSchedule"))
        }
        if node.bool("spec", "unschedulable") { wanted.append(("node.kubernetes.io/unschedulable", "NoSchedule")) }
        let ours = Set(conditionTaints.map(\.1) + [notReady, unreachable, "node.kubernetes.io/unschedulable"])
        var taints = node.array("spec", "taints").filter { taint in
            guard let key = taint["key"]?.string, ours.contains(key) else { return true }
            return wanted.contains { $0.key == key && $0.effect == taint["effect"]?.string }
        }
        for (key, effect) in wanted
        where !taints.contains(where: { $0["key"]?.string == key && $0["effect"]?.string == effect }) {
            var taint: JSONObject = ["key": .string(key), "effect": .string(effect)]
            if effect == "NoExecute" { taint["timeAdded"] = .string(now.description) }
            taints.append(.object(taint))
        }
        return taints
    }

    /// How long a pod may stay on a node with these taints; nil for ever, zero not at all.
    static func toleratedTime(_ pod: JSONObject, taints: [JSONValue]) -> Duration? {
        let tolerations = pod.array("spec", "tolerations")
        var least: Duration?
        for taint in taints where taint["effect"]?.string == "NoExecute" {
            let matching = tolerations.filter { tolerates($0, taint) }
            if matching.isEmpty { return .zero }
            for toleration in matching {
                guard let seconds = toleration["tolerationSeconds"]?.boundedInteger else { continue }
                let time = Duration.seconds(max(0, seconds))
                least = least.map { min($0, time) } ?? time
            }
        }
        return least
    }

    static func tolerates(_ toleration: JSONValue, _ taint: JSONValue) -> Bool {
        let effect = toleration["effect"]?.string ?? ""
        let key = toleration["key"]?.string ?? ""
        if !effect.isEmpty, effect != taint["effect"]?.string { return false }
        if !key.isEmpty, key != taint["key"]?.string { return false }
        if toleration["operator"]?.string == "Exists" { return true }
        return (toleration["value"]?.string ?? "") == (taint["value"]?.string ?? "")
    }
}
