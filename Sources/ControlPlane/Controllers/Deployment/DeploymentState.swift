// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Numbers

/// The annotations and labels by which Deployments and their sets know each other.
enum DeploymentKeys {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    static let hash = "pod-template-hash"
    /// Annotations of a Deployment that its sets do not inherit.
    static let notInherited: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", revision, revisionHistory, desiredReplicas, maxReplicas,
        "deprecated.deployment.rollback.to",
    ]
}

/// A Deployment and its ReplicaSets at one moment, and what follows from them. No I/O.
struct DeploymentState: Sendable {
    var deployment: JSONObject
    /// The set of the present template; nil when there is none yet.
    var new: JSONObject?
    /// All others, the oldest first.
    var old: [JSONObject]

    init(deployment: JSONObject, sets: [JSONObject]) {
        self.deployment = deployment
        let sorted = sets.sorted { ($0.creationTime, $0.objectName) < ($1.creationTime, $1.objectName) }
        let template = DeploymentState.withoutHash(deployment.value("spec", "template"))
        let index = sorted.firstIndex { DeploymentState.withoutHash($0.value("spec", "template")) == template }
        new = index.map { sorted[$0] }
        old = sorted.enumerated().filter { $0.offset != index }.map(\.element)
    }

    /// A pod template as its canonical form without the label its set added.
    static func withoutHash(_ template: JSONValue?) -> JSONValue {
        guard var object = template?.object else { return .null }
        object.set("metadata", "labels", DeploymentKeys.hash, to: nil)
        // Absent, null and empty metadata are the same template.
        object.set("metadata", "creationTimestamp", to: nil)
        for key in ["labels", "annotations"] where object.object("metadata", key).isEmpty {
            object.set("metadata", key, to: nil)
        }
        if object.object("metadata").isEmpty { object["metadata"] = nil }
        return TemplateHash.canonical(.object(object))
    }

    var all: [JSONObject] { (new.map { [$0] } ?? []) + old }
    var wanted: Int { deployment.int("spec", "replicas") ?? 1 }
    var limits: RolloutLimits { RolloutLimits(deployment: deployment) }
    var isPaused: Bool { deployment.bool("spec", "paused") }
    var isRecreate: Bool { deployment.string("spec", "strategy", "type") == "Recreate" }
    var progressDeadline: Int? {
        // The largest number stands for "never" upstream.
        deployment.int("spec", "progressDeadlineSeconds").flatMap { $0 == Int(Int32.max) ? nil : $0 }
    }
    var activeOld: [JSONObject] { old.filter { $0.specReplicas > 0 } }

    static func total(_ sets: [JSONObject]) -> Int { sets.reduce(0) { $0 + $1.specReplicas } }
    static func status(_ sets: [JSONObject], _ field: String) -> Int {
        sets.reduce(0) { $0 + ($1.int("status", field) ?? 0) }
    }

    /// The revision the new set has or gets.
    var newRevision: Int { (old.map(\.revision).max() ?? 0).saturatingSum(1) }

    /// True when a set was last scaled for another number of replicas than the Deployment now asks for.
    var isScalingEvent: Bool {
        all.contains { set in
            guard set.specReplicas > 0,
                let desired = Int(
                    set.string("metadata", "annotations", DeploymentKeys.desiredReplicas), in: 0...Int(Int32.max))
            else { return false }
            return desired != wanted
        }
    }

    /// The new set has all pods wanted, and all are available.
    var isSaturated: Bool {
        guard let new,
            let desired = Int(
                new.string("metadata", "annotations", DeploymentKeys.desiredReplicas), in: 0...Int(Int32.max))
        else { return false }
        return new.specReplicas == wanted && desired == wanted
            && (new.int("status", "availableReplicas") ?? 0) == wanted
    }

    /// The one set that carries all pods, if one does: scaling then needs no proportions.
    var activeOrLatest: JSONObject? {
        let active = all.filter { $0.specReplicas > 0 }
        switch active.count {
        case 0: return new ?? old.last
        case 1: return active[0]
        default: return nil
        }
    }

    /// New sizes, by name, for a Deployment scaled outside of a rollout.
    func scaling() -> [(set: JSONObject, size: Int)] {
        if let only = activeOrLatest {
            return only.specReplicas == wanted ? [] : [(only, wanted)]
        }
        if isSaturated { return activeOld.map { ($0, 0) } }
        guard !isRecreate else { return [] }
        let sets = all.filter { $0.specReplicas > 0 }
        let members = sets.map {
            ProportionalScaling.Member(
                replicas: $0.specReplicas,
                lastMaximum: Int(
                    $0.string("metadata", "annotations", DeploymentKeys.maxReplicas), in: 0...Int(Int32.max)) ?? 0,
                created: $0.creationTime)
        }
        let allowed = wanted > 0 ? wanted + limits.surge : 0
        return Array(zip(sets, ProportionalScaling.sizes(members, allowed: allowed, wanted: wanted)))
    }

    /// The size the new set should have now, in a rolling update.
    func newSize() -> Int? {
        guard let new, new.specReplicas != wanted else { return nil }
        if new.specReplicas > wanted { return wanted }
        let size = limits.newReplicas(wanted: wanted, new: new.specReplicas, total: DeploymentState.total(all))
        return size == new.specReplicas ? nil : size
    }

    /// Smaller sizes for old sets, in a rolling update: first what is unhealthy there, then what the available allow.
    func oldSizes() -> [(set: JSONObject, size: Int)] {
        guard DeploymentState.total(old) > 0 else { return [] }
        let least = wanted - limits.unavailable
        let newSize = new?.specReplicas ?? 0
        let newAvailable = new?.int("status", "availableReplicas") ?? 0
        let removable = limits.removable(
            wanted: wanted, total: DeploymentState.total(all), new: newSize, newAvailable: newAvailable)
        guard removable > 0 else { return [] }
        var sizes = old.map(\.specReplicas)
        var cleaned = 0
        for (index, set) in old.enumerated() where cleaned < removable && sizes[index] > 0 {
            let unhealthy = sizes[index] - (set.int("status", "availableReplicas") ?? 0)
            guard unhealthy > 0 else { continue }
            let count = min(removable - cleaned, unhealthy)
            sizes[index] -= count
            cleaned += count
        }
        let available = DeploymentState.status(all, "availableReplicas")
        var spare = max(0, available - least)
        for index in old.indices where spare > 0 && sizes[index] > 0 {
            let count = min(sizes[index], spare)
            sizes[index] -= count
            spare -= count
        }
        return zip(old, sizes).filter { $0.0.specReplicas != $0.1 }.map { ($0.0, $0.1) }
    }

    /// Old sets to delete beyond `revisionHistoryLimit`, the lowest revisions first.
    func surplus() -> [JSONObject] {
        guard let limit = deployment.int("spec", "revisionHistoryLimit"), limit != Int(Int32.max) else { return [] }
        let candidates = old.filter { !$0.objectIsBeingDeleted }
        let excess = candidates.count - limit
        guard excess > 0 else { return [] }
        return candidates.sorted { ($0.revision, $0.creationTime) < ($1.revision, $1.creationTime) }.prefix(excess)
            .filter {
                $0.specReplicas == 0 && ($0.int("status", "replicas") ?? 0) == 0
                    && ($0.int("metadata", "generation") ?? 0) <= ($0.int("status", "observedGeneration") ?? 0)
            }
    }
}

extension JSONObject {
    /// `spec.replicas`, 1 when absent.
    var specReplicas: Int { int("spec", "replicas") ?? 1 }
    /// The annotation's number, 0 where it is none. Anybody who may change the set may have written it.
    var revision: Int { Int(string("metadata", "annotations", DeploymentKeys.revision), in: 0...Int.max) ?? 0 }
}
