// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Something that may make room for pods that found none.
struct ClusterEvent: Sendable {
    /// What happened to what, as far as that decides whom it may help.
    private enum Subject: Sendable {
        case anything
        case placed(PodInfo, before: PodInfo?)
        case gone(PodInfo)
        case claim(ObjectKey)
    }

    /// The parts whose refusals it may lift; nil lifts all.
    let plugins: Set<Plugin>?
    private let subject: Subject

    private init(_ plugins: Set<Plugin>?, _ subject: Subject = .anything) {
        self.plugins = plugins
        self.subject = subject
    }

    static let anything = ClusterEvent(nil)
    static let nodeAdded = ClusterEvent(nil)
    static let volumeChanged = ClusterEvent([.volumeBinding])
    static let namespaceChanged = ClusterEvent([.interPodAffinity])

    /// A pod got its node, or one that has a node got other labels.
    static func podPlaced(_ pod: PodInfo, before: PodInfo? = nil) -> ClusterEvent {
        ClusterEvent([.interPodAffinity, .podTopologySpread], .placed(pod, before: before))
    }

    static func podGone(_ pod: PodInfo) -> ClusterEvent {
        ClusterEvent([.nodeResourcesFit, .nodePorts, .interPodAffinity, .podTopologySpread], .gone(pod))
    }

    static func claimChanged(_ key: ObjectKey) -> ClusterEvent { ClusterEvent([.volumeBinding], .claim(key)) }

    /// Nil when nothing changed that decides: a heartbeat.
    static func nodeChanged(_ old: JSONObject, _ new: JSONObject) -> ClusterEvent? {
        var plugins: Set<Plugin> = []
        if old.value("status", "allocatable") != new.value("status", "allocatable") {
            plugins.insert(.nodeResourcesFit)
        }
        if old.value("spec", "taints") != new.value("spec", "taints") {
            plugins.formUnion([.taintToleration, .podTopologySpread])
        }
        if old.value("spec", "unschedulable") != new.value("spec", "unschedulable") {
            plugins.formUnion([.nodeUnschedulable])
        }
        if old.value("metadata", "labels") != new.value("metadata", "labels") {
            plugins.formUnion([.nodeAffinity, .podTopologySpread, .interPodAffinity, .volumeBinding])
        }
        return plugins.isEmpty ? nil : ClusterEvent(plugins)
    }

    /// Whether it may help a pod that `refusals` kept from every node.
    func mayHelp(_ pod: PodInfo, _ refusals: Set<Plugin>) -> Bool {
        guard let plugins, !refusals.isEmpty else { return true }
        return refusals.contains { plugins.contains($0) && mayHelp(pod, $0) }
    }

    private func mayHelp(_ pod: PodInfo, _ refusal: Plugin) -> Bool {
        switch subject {
        case .anything: return true
        case .claim(let key): return key.namespace == pod.key.namespace && pod.claims.contains(key.name)
        case .placed(let new, let old):
            if refusal == .podTopologySpread {
                return spreads(pod, over: new) || (old.map { spreads(pod, over: $0) } ?? false)
            }
            // Company that is there now, or an adversary that is one no longer.
            return pod.terms.company.mayMatch(new) || (old.map { isKept(pod, awayBy: $0) } ?? false)
        case .gone(let gone):
            switch refusal {
            case .nodePorts:
                var freed = UsedPorts()
                for port in gone.hostPorts { freed.count(port, 1) }
                return pod.hostPorts.contains { freed.conflict(with: $0) }
            case .podTopologySpread: return spreads(pod, over: gone)
            // Without any company the first of a group may start.
            case .interPodAffinity:
                return isKept(pod, awayBy: gone) || pod.terms.company.mayMatch(gone)
            default: return true
            }
        }
    }

    private func spreads(_ pod: PodInfo, over other: PodInfo) -> Bool {
        pod.key.namespace == other.key.namespace && pod.spread.contains { $0.selector.matches(other.labels) }
    }

    private func isKept(_ pod: PodInfo, awayBy other: PodInfo) -> Bool {
        pod.terms.antiAffinity.mayMatch(other)
            || other.hasRequiredAntiAffinity && other.terms.antiAffinity.mayMatch(pod)
    }
}
