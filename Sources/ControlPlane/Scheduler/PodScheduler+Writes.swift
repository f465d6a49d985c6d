// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Telemetry

/// What the scheduler writes: bindings, conditions, nominations, victims.
extension PodScheduler {
    static let pods = ResourceID(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
    static let claimKind = ResourceID(
        group: "", version: "v1", plural: "persistentvolumeclaims", kind: "PersistentVolumeClaim", namespaced: true)

    func bind(_ item: SchedulingQueue.Item, to node: String) async {
        let pod = item.pod
        let binding: JSONObject = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.key.name), "namespace": .string(pod.key.namespace), "uid": .string(pod.uid),
            ],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        do {
            _ = try await client.create(
                Self.pods, binding, namespace: pod.key.namespace, name: pod.key.name, subresource: "binding")
            queue.done(item)
            recorder.event(
                target(pod), .normal, reason: "Scheduled", "Successfully assigned \(pod.key) to \(node)",
                action: "Binding")
        } catch {
            cache.forget(uid: pod.uid)
            if error.isNotFound {
                queue.done(item)
                return
            }
            logger.warning("bind failed", ["pod": "\(pod.key)", "node": node, "error": "\(error)"])
            recorder.event(
                target(pod), .warning, reason: "FailedScheduling", "binding rejected: \(error)", action: "Scheduling")
            queue.failed(item)
            queue.happened(.podGone(pod))
        }
    }

    /// Tells the provisioner of late-binding claims which node the pod is meant for; the pod waits for the claims.
    func selectNode(_ node: String, for claims: [ObjectKey], _ item: SchedulingQueue.Item) async {
        queue.refused(item, by: [.volumeBinding])
        for claim in claims {
            do {
                _ = try await client.patch(
                    Self.claimKind, namespace: claim.namespace, name: claim.name,
                    body: ["metadata": ["annotations": ["volume.kubernetes.io/selected-node": .string(node)]]],
                    kind: .merge)
            } catch {
                logger.warning("select a node for a claim", ["claim": "\(claim)", "error": "\(error)"])
            }
        }
    }

    /// Writes why a pod has no node, and makes room when some can be made.
    func report(
        _ item: SchedulingQueue.Item, _ failure: FitFailure, _ candidate: Preemption.Candidate?, _ waiting: [PodInfo]
    ) async {
        let pod = item.pod
        let message = failure.message
        recorder.event(target(pod), .warning, reason: "FailedScheduling", message, action: "Scheduling")
        var status = JSONObject()
        let current = (pod.json.value("status", "conditions")?.array ?? []).first {
            $0["type"]?.string == "PodScheduled"
        }
        if current?["status"]?.string != "False" || current?["reason"]?.string != "Unschedulable"
            || current?["message"]?.string != message
        {
            var condition: JSONObject = [
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": .string(message),
            ]
            condition["lastTransitionTime"] =
                current?["status"]?.string == "False"
                ? current?["lastTransitionTime"] ?? .string(Timestamp.now.description)
                : .string(Timestamp.now.description)
            status["conditions"] = [.object(condition)]
        }
        if let candidate {
            status["nominatedNodeName"] = .string(candidate.node)
        } else if !pod.nominatedNodeName.isEmpty, failure.general == nil,
            failure.rejections[pod.nominatedNodeName]?.isResolvable != true
        {
            // The node it waited for will not take it any more.
            status["nominatedNodeName"] = .string("")
        }
        if !status.isEmpty { await patchStatus(pod, status) }
        if let candidate { await preempt(candidate, for: pod, waiting) }
    }

    private func preempt(_ candidate: Preemption.Candidate, for pod: PodInfo, _ waiting: [PodInfo]) async {
        for victim in candidate.victims where !victim.isTerminating {
            let condition: JSONObject = [
                "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
                "message": .string("\(schedulerName): preempting to accommodate a higher priority pod"),
                "lastTransitionTime": .string(Timestamp.now.description),
            ]
            await patchStatus(victim, ["conditions": [.object(condition)]])
            do {
                try await client.delete(
                    Self.pods, namespace: victim.key.namespace, name: victim.key.name,
                    options: DeleteOptions(uid: victim.uid))
                recorder.event(
                    target(victim), .normal, reason: "Preempted",
                    "Preempted by pod \(pod.uid) on node \(candidate.node)", action: "Preempting")
            } catch {
                if error.isNotFound || error.isConflict { continue }
                logger.warning("preempt", ["pod": "\(victim.key)", "for": "\(pod.key)", "error": "\(error)"])
            }
        }
        // Lesser pods that waited for this node have to look elsewhere.
        for other in waiting {
            cache.unnominate(uid: other.uid)
            await patchStatus(other, ["nominatedNodeName": ""])
        }
    }

    private func patchStatus(_ pod: PodInfo, _ status: JSONObject) async {
        do {
            _ = try await client.patch(
                Self.pods, namespace: pod.key.namespace, name: pod.key.name,
                body: ["metadata": ["uid": .string(pod.uid)], "status": .object(status)], subresource: "status")
        } catch {
            if error.isNotFound || error.isConflict || error is CancellationError { return }
            logger.warning("write a pod's scheduling status", ["pod": "\(pod.key)", "error": "\(error)"])
        }
    }

    private func target(_ pod: PodInfo) -> EventTarget {
        EventTarget(
            apiVersion: "v1", kind: "Pod", namespace: pod.key.namespace, name: pod.key.name, uid: pod.uid,
            resourceVersion: pod.json.objectResourceVersion)
    }
}

extension PodInfo {
    /// The same pod waiting for a node.
    func nominated(to node: String) -> PodInfo {
        var copy = json
        copy.set("status", "nominatedNodeName", to: .string(node))
        return PodInfo(copy)
    }
}
