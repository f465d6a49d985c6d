// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// Who owns the claims of a StatefulSet's pods, by its `persistentVolumeClaimRetentionPolicy`: the garbage collector
/// deletes a claim after its owner (KEP-1847). No I/O.
struct ClaimRetention {
    private let set: JSONObject
    private let ordinals: Range<Int>
    /// Claims go with the set.
    let deletesWithSet: Bool
    /// Claims go with the pods that a smaller number of replicas ends.
    let deletesWhenScaled: Bool

    init(_ set: JSONObject) {
        self.set = set
        ordinals = StatefulPods.ordinals(set)
        let policy = set.object("spec", "persistentVolumeClaimRetentionPolicy")
        deletesWithSet = policy.string("whenDeleted") == "Delete"
        deletesWhenScaled = policy.string("whenScaled") == "Delete"
    }

    struct Judgement: Equatable {
        /// The claim's references as they have to be; nil where they are so already, or are none of the set's business.
        var references: [JSONValue]?
        /// Somebody else controls the claim: the policy cannot be kept.
        var isContested = false
        /// It goes with a pod that is no more, as the set asked for: the next pod of the ordinal waits for that.
        var isLeaving = false
    }

    /// Judges a claim of an ordinal by the set as it is now, and the ordinal's pod if there is one.
    ///
    /// References to others than the set and the pod are left as they are. So are all of a claim that names an earlier
    /// set or pod of the same name: whoever reads it as a claim of today's would take it from the garbage collector, or
    /// give today's pod what is deleted a moment later.
    func judge(_ claim: JSONObject, ordinal: Int, pod: JSONObject?) -> Judgement {
        let rows = claim.array("metadata", "ownerReferences")
        let podName = StatefulPods.name(set, ordinal)
        var others: [JSONValue] = []
        var ours: [OwnerReference] = []
        var judgement = Judgement()
        var isOfPast = false
        for row in rows {
            let reference = OwnerReference(row)
            if Self.names(reference, set.objectName, Kinds.statefulSets) {
                if reference.uid != set.objectUID { isOfPast = true }
                ours.append(reference)
            } else if Self.names(reference, podName, Kinds.pods) {
                if reference.uid != pod?.objectUID {
                    isOfPast = true
                    judgement.isLeaving = deletesWhenScaled
                }
                ours.append(reference)
            } else {
                if reference.isController { judgement.isContested = deletesWithSet || deletesWhenScaled }
                others.append(row)
            }
        }
        if isOfPast { return judgement }
        let wanted = judgement.isContested ? nil : owner(ordinal: ordinal, pod: pod)
        // Whether it blocks is the collector's to change, where owners wait for each other in a circle.
        if ours.map(\.uid) == (wanted.map { [$0.uid] } ?? []), ours.allSatisfy(\.isController) { return judgement }
        if let wanted, !others.contains(where: { $0["uid"]?.string == wanted.uid }) { others.append(wanted.json) }
        if others != rows { judgement.references = others }
        return judgement
    }

    /// Who owns the claims of an ordinal: nobody, the set, or the pod that is ended because the set has fewer replicas
    /// now.
    func owner(ordinal: Int, pod: JSONObject?) -> OwnerReference? {
        if let pod, deletesWhenScaled, !ordinals.contains(ordinal) {
            return OwnerReference(controller: pod, resource: Kinds.pods)
        }
        return deletesWithSet ? OwnerReference(controller: set, resource: Kinds.statefulSets) : nil
    }

    private static func names(_ reference: OwnerReference, _ name: String, _ resource: ResourceID) -> Bool {
        reference.name == name && reference.kind == resource.kind && reference.apiVersion == resource.apiVersion
    }
}

/// Finds claims by the StatefulSets that they name as their owners: also those whose pods are not there.
enum ClaimIndex {
    private static let bySet = "statefulset"

    static func add(to claims: Informer<DynamicObject>) {
        claims.addIndex(bySet) { claim in
            claim.json.ownerReferences.filter { $0.kind == Kinds.statefulSets.kind }.map {
                "\(claim.json.objectNamespace)/\($0.uid)"
            }
        }
    }

    static func owned(_ claims: Informer<DynamicObject>, by set: JSONObject) -> [JSONObject] {
        claims.list(index: bySet, value: "\(set.objectNamespace)/\(set.objectUID)").map(\.json)
    }
}
