// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Numbers

/// Which pods to delete first when there are too many.
struct DeletionRanking {
    private struct Candidate {
        var pod: JSONObject
        var isAssigned: Bool
        var phase: Int
        var isReady: Bool
        var cost: Int
        /// How many of the related active pods share the node.
        var rank: Int
        var readySince: Timestamp?
        var restarts: Int
        var created: Timestamp
    }

    /// The `count` pods to delete, in order: unassigned, pending, unready, cheap, crowded, lately ready, often
    /// restarted, young ones first.
    ///
    /// - Parameter related: All active pods of the same application, whose spread over nodes is to be kept.
    static func choose(_ pods: [JSONObject], count: Int, related: [JSONObject], now: Timestamp = .now) -> [JSONObject] {
        guard count < pods.count else { return pods }
        var perNode: [String: Int] = [:]
        for pod in related where pod.podIsActive && !pod.podNode.isEmpty { perNode[pod.podNode, default: 0] += 1 }
        let candidates = pods.map { pod in
            Candidate(
                pod: pod, isAssigned: !pod.podNode.isEmpty, phase: phaseOrder(pod.podPhase), isReady: pod.podIsReady,
                cost: cost(pod), rank: perNode[pod.podNode] ?? 0,
                readySince: pod.podIsReady ? pod.condition("Ready")?.time("lastTransitionTime") : nil,
                restarts: pod.restartCount, created: pod.creationTime)
        }
        return candidates.sorted { precedes($0, $1, now) }.prefix(count).map(\.pod)
    }

    private static func precedes(_ left: Candidate, _ right: Candidate, _ now: Timestamp) -> Bool {
        if left.isAssigned != right.isAssigned { return !left.isAssigned }
        if left.phase != right.phase { return left.phase < right.phase }
        if left.isReady != right.isReady { return !left.isReady }
        if left.cost != right.cost { return left.cost < right.cost }
        if left.rank != right.rank { return left.rank > right.rank }
        if left.isReady, left.readySince != right.readySince {
            let ages = (bucket(left.readySince, now), bucket(right.readySince, now))
            if ages.0 != ages.1 { return ages.0 < ages.1 }
        }
        if left.restarts != right.restarts { return left.restarts > right.restarts }
        let ages = (bucket(left.created, now), bucket(right.created, now))
        if ages.0 != ages.1 { return ages.0 < ages.1 }
        // Pods of about the same age: by uid, so that not always the same replica is hit.
        return left.pod.objectUID < right.pod.objectUID
    }

    /// Ages on a logarithmic scale: half an hour and forty minutes are the same, a second and a minute are not.
    private static func bucket(_ time: Timestamp?, _ now: Timestamp) -> Int {
        guard let time else { return -1 }
        let seconds = max(1, now.seconds - time.seconds)
        return Int64.bitWidth - seconds.leadingZeroBitCount
    }

    private static func phaseOrder(_ phase: String) -> Int {
        switch phase {
        case "Unknown": 1
        case "Running": 2
        default: 0
        }
    }

    private static func cost(_ pod: JSONObject) -> Int {
        Int(
            pod.string("metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"),
            in: Int(Int32.min)...Int(Int32.max)) ?? 0
    }
}
