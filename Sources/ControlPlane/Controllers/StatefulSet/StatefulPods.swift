// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Numbers

/// The pods and claims of a StatefulSet by ordinal. No I/O.
enum StatefulPods {
    static let podName = "statefulset.kubernetes.io/pod-name"
    static let podIndex = "apps.kubernetes.io/pod-index"

    /// The number after the set's name; nil for a pod that is none of the set's by name.
    static func ordinal(_ pod: JSONObject, of set: JSONObject) -> Int? {
        let prefix = set.objectName + "-"
        guard pod.objectName.hasPrefix(prefix) else { return nil }
        return Int(pod.objectName.dropFirst(prefix.count), in: 0...Int(Int32.max))
    }

    static func name(_ set: JSONObject, _ ordinal: Int) -> String { "\(set.objectName)-\(ordinal)" }

    static func claimName(_ set: JSONObject, _ template: String, _ ordinal: Int) -> String {
        "\(template)-\(name(set, ordinal))"
    }

    /// The pod of an ordinal after a revision's template.
    static func pod(_ set: JSONObject, _ ordinal: Int, revision: JSONObject) -> JSONObject {
        var template = revision.value("data", "spec", "template")?.object ?? set.object("spec", "template")
        template["$patch"] = nil
        let name = name(set, ordinal)
        template.set("metadata", "labels", podName, to: .string(name))
        template.set("metadata", "labels", podIndex, to: .string(String(ordinal)))
        template.set("metadata", "labels", RevisionHistory.hashLabel, to: .string(revision.objectName))
        template.set("spec", "hostname", to: .string(name))
        let service = set.string("spec", "serviceName")
        if !service.isEmpty { template.set("spec", "subdomain", to: .string(service)) }
        let claims = claimTemplates(set)
        if !claims.isEmpty {
            let others = template.array("spec", "volumes").filter { !claims.contains($0["name"]?.string ?? "") }
            let own = claims.map { claim -> JSONValue in
                [
                    "name": .string(claim),
                    "persistentVolumeClaim": ["claimName": .string(claimName(set, claim, ordinal))],
                ]
            }
            template.set("spec", "volumes", to: .array(own + others))
        }
        return PodControl.pod(template: template, owner: set, resource: Kinds.statefulSets, name: name)
    }

    /// The numbers of the pods that the set asks for.
    static func ordinals(_ set: JSONObject) -> Range<Int> {
        let start = set.int("spec", "ordinals", "start") ?? 0
        // Stored before it was looked at, it may be anything: a range cannot run backwards.
        return start..<(start + max(0, set.specReplicas))
    }

    /// The names of the templates of claims.
    static func claimTemplates(_ set: JSONObject) -> [String] {
        set.array("spec", "volumeClaimTemplates").compactMap { $0["metadata"]?["name"]?.string }
    }

    /// The number of the pod that a claim is for; nil for a claim that is none of the set's by name.
    static func ordinal(ofClaim name: String, of set: JSONObject) -> Int? {
        for template in claimTemplates(set) {
            let prefix = "\(template)-\(set.objectName)-"
            guard name.hasPrefix(prefix) else { continue }
            if let ordinal = Int(name.dropFirst(prefix.count), in: 0...Int(Int32.max)) { return ordinal }
        }
        return nil
    }

    /// The names of the sets that a claim of this name could be of.
    static func sets(ofClaim name: String) -> [Substring] {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 2, Int(parts[parts.count - 1], in: 0...Int(Int32.max)) != nil else { return [] }
        return parts[1..<(parts.count - 1)].map { name[$0.startIndex..<parts[parts.count - 2].endIndex] }
    }

    /// The claim of an ordinal after one of the set's templates.
    static func claim(_ set: JSONObject, _ template: String, _ ordinal: Int) -> JSONObject {
        let object = set.array("spec", "volumeClaimTemplates").first {
            $0["metadata"]?["name"]?.string == template
        }?.object
        var labels = object?.objectLabels ?? [:]
        labels.merge(set.map("spec", "selector", "matchLabels")) { _, new in new }
        var metadata: JSONObject = [
            "name": .string(claimName(set, template, ordinal)), "namespace": .string(set.objectNamespace),
            "labels": JSONValue(labels),
        ]
        if let annotations = object?.value("metadata", "annotations") { metadata["annotations"] = annotations }
        if let owner = ClaimRetention(set).owner(ordinal: ordinal, pod: nil) {
            metadata["ownerReferences"] = [owner.json]
        }
        return ["metadata": .object(metadata), "spec": object?["spec"] ?? .object(JSONObject())]
    }

    static func revision(_ pod: JSONObject) -> String { pod.objectLabels[RevisionHistory.hashLabel] ?? "" }

    static func isHealthy(_ pod: JSONObject) -> Bool {
        pod.podPhase == "Running" && pod.podIsReady && !pod.objectIsBeingDeleted
    }
}

/// The next step of a StatefulSet. No I/O.
struct StatefulPlan {
    enum Step: Equatable {
        case create(ordinal: Int, useUpdate: Bool)
        case delete(JSONObject)
    }

    /// What to do now; empty while something has to be waited for.
    private(set) var steps: [Step] = []

    /// How many pods are made before they are looked for again: a set may ask for two thousand millions.
    private static let burst = 500

    init(
        _ set: JSONObject, pods: [JSONObject], current: String, update: String, currentReplicas: Int,
        at now: Timestamp
    ) {
        let ordinals = StatefulPods.ordinals(set)
        let start = ordinals.lowerBound
        let isOrdered = set.string("spec", "podManagementPolicy") != "Parallel"
        let minReady = set.int("spec", "minReadySeconds") ?? 0
        var byOrdinal: [Int: JSONObject] = [:]
        for pod in pods { if let ordinal = StatefulPods.ordinal(pod, of: set) { byOrdinal[ordinal] = pod } }
        func isAvailable(_ pod: JSONObject) -> Bool {
            StatefulPods.isHealthy(pod) && pod.podIsAvailable(minReadySeconds: minReady, at: now)
        }
        let partition = set.int("spec", "updateStrategy", "rollingUpdate", "partition")
        func usesUpdate(_ ordinal: Int) -> Bool {
            guard current != update, set.string("spec", "updateStrategy", "type") != "OnDelete" else { return true }
            return ordinal >= start + (partition ?? currentReplicas)
        }
        // Up, the lowest first.
        var isBlocked = false
        for ordinal in ordinals {
            guard let pod = byOrdinal[ordinal] else {
                if steps.count >= Self.burst { return }
                steps.append(.create(ordinal: ordinal, useUpdate: usesUpdate(ordinal)))
                if isOrdered { return }
                continue
            }
            if pod.objectIsBeingDeleted {
                if isOrdered { return }
                isBlocked = true
                continue
            }
            if pod.podIsFinished {
                // Replaced under the same name, once it is gone.
                steps.append(.delete(pod))
                if isOrdered { return }
                continue
            }
            if !isAvailable(pod) {
                if isOrdered { return }
                isBlocked = true
            }
        }
        // Down, the highest first.
        let condemned = byOrdinal.filter { !ordinals.contains($0.key) }.sorted { $0.key > $1.key }
        // Of pods that are not healthy only the lowest may go while others are not either: the rest waits for it.
        let firstUnhealthy = byOrdinal.filter { !StatefulPods.isHealthy($0.value) }.keys.min()
        for (ordinal, pod) in condemned {
            if pod.objectIsBeingDeleted {
                if isOrdered { return }
                continue
            }
            if isOrdered, !StatefulPods.isHealthy(pod), ordinal != firstUnhealthy { return }
            steps.append(.delete(pod))
            if isOrdered { return }
        }
        guard steps.isEmpty, condemned.isEmpty || !isOrdered else { return }
        guard set.string("spec", "updateStrategy", "type") != "OnDelete", current != update || !isBlocked else {
            return
        }
        // Replace old revisions, the highest first, as few at a time as may be unavailable.
        let most = max(
            1,
            scaled(
                set.value("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), of: ordinals.count,
                roundUp: true)
                ?? 1)
        var unavailable = 0
        for ordinal in ordinals.reversed() where ordinal >= start + (partition ?? 0) {
            guard let pod = byOrdinal[ordinal], unavailable < most else { return }
            if StatefulPods.revision(pod) != update, !pod.objectIsBeingDeleted {
                steps.append(.delete(pod))
                unavailable += 1
            } else if !isAvailable(pod) {
                unavailable += 1
            }
        }
    }
}
