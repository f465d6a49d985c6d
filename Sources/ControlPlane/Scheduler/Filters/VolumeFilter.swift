// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// What a pod's claims demand of a node: that they are bound, and where their volumes can be reached.
struct VolumeFilter: Sendable {
    /// A refusal that no node could lift.
    private(set) var general: Rejection?
    private var required: [[NodeTerm]] = []
    /// Claims that wait for a node to be chosen, of a class with delayed binding.
    private(set) var waiting: [ObjectKey] = []

    init() {}

    /// Reads the claims of a pod.
    ///
    /// - Parameters:
    ///   - claim: Finds a PersistentVolumeClaim.
    ///   - volume: Finds a PersistentVolume by name.
    ///   - bindsLate: Whether a storage class waits for the first consumer.
    init(
        _ pod: PodInfo, claim: (ObjectKey) -> JSONObject?, volume: (String) -> JSONObject?,
        bindsLate: (String) -> Bool
    ) {
        for name in pod.claims {
            let key = ObjectKey(pod.key.namespace, name)
            guard let object = claim(key) else {
                general = VolumeFilter.refusal("persistentvolumeclaim \"\(name)\" not found")
                return
            }
            if object.objectIsBeingDeleted {
                general = VolumeFilter.refusal("persistentvolumeclaim \"\(name)\" is being deleted")
                return
            }
            let bound = object.string("spec", "volumeName")
            if object.string("status", "phase") == "Lost" {
                general = VolumeFilter.refusal(
                    "persistentvolumeclaim \"\(name)\" bound to non-existent persistentvolume \"\(bound)\"")
                return
            }
            if bound.isEmpty {
                guard bindsLate(object.string("spec", "storageClassName")) else {
                    general = VolumeFilter.refusal("pod has unbound immediate PersistentVolumeClaims")
                    return
                }
                waiting.append(key)
                continue
            }
            guard let found = volume(bound) else {
                general = VolumeFilter.refusal(
                    "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
                return
            }
            if let terms = found.value("spec", "nodeAffinity", "required", "nodeSelectorTerms")?.array {
                required.append(terms.map { NodeTerm($0) })
            }
        }
    }

    private static func refusal(_ reason: String) -> Rejection {
        Rejection(.volumeBinding, [reason], resolvable: false)
    }

    func check(_ node: NodeInfo) -> Rejection? {
        for terms in required where !terms.contains(where: { $0.matches(labels: node.labels, name: node.name) }) {
            return Rejection(
                .volumeBinding, ["node(s) didn't match PersistentVolume's node affinity"], resolvable: false)
        }
        return nil
    }
}
