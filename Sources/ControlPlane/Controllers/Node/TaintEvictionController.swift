// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Deletes pods from nodes whose NoExecute taints they do not tolerate, at once or when their time is over.
final class TaintEvictionController: Controller {
    let name = "taint-eviction"
    private let context: ControllerContext
    private let nodes: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        nodes = context.informer(Kinds.nodes)
        pods = context.informer(Kinds.pods)
        recorder = context.recorder("taint-eviction-controller")
        OwnerIndex.addNodes(to: pods)
        nodes.addHandler { [weak self] change in
            if case .updated(let old, let new) = change,
                old.json.value("spec", "taints") == new.json.value("spec", "taints")
            {
                return
            }
            self?.wake(change.object.json.objectName)
        }
        pods.addHandler { [queue] change in
            if case .deleted = change { return }
            if case .updated(let old, let new) = change, old.json.podNode == new.json.podNode,
                old.json.value("spec", "tolerations") == new.json.value("spec", "tolerations")
            {
                return
            }
            if !change.object.json.podNode.isEmpty { queue.add(change.object.json.objectKey) }
        }
    }

    func run() async {
        await work(on: queue, workers: 4, after: [nodes, pods], recorder: recorder, in: context) {
            [self] in try await sync($0)
        }
    }

    private func wake(_ node: String) {
        for pod in OwnerIndex.onNode(pods, node) { queue.add(pod.objectKey) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let pod = pods.get(key)?.json, let node = nodes.get(pod.podNode)?.json else { return }
        let left = Self.time(left: pod, on: node)
        guard let left, left <= .zero else {
            if let left { queue.add(key, after: left + .milliseconds(50)) }
            return
        }
        do {
            // Asked of the server: the taint may be gone, or the pod tolerate it, and the caches not know yet.
            let live = try await context.client.get(Kinds.pods, namespace: key.namespace, name: key.name)
            let node = try await context.client.get(Kinds.nodes, name: pod.podNode)
            guard live.objectUID == pod.objectUID, let left = Self.time(left: live, on: node) else { return }
            if left > .zero { return queue.add(key, after: left + .milliseconds(50)) }
            try await evict(live)
        } catch  where error.isNotFound {
            // The pod is gone, or its node: then it is not this controller's.
        }
    }

    /// How long a pod may stay on its node: nil for ever, zero or less not at all.
    static func time(left pod: JSONObject, on node: JSONObject, at now: Timestamp = .now) -> Duration? {
        guard !pod.objectIsBeingDeleted, !pod.podIsFinished else { return nil }
        let taints = node.array("spec", "taints").filter { $0["effect"]?.string == "NoExecute" }
        guard !taints.isEmpty, let allowed = NodeHealth.toleratedTime(pod, taints: taints) else { return nil }
        guard allowed > .zero else { return .zero }
        // Counted from when the last of the taints came, or from when the pod did.
        let since = taints.compactMap { $0["timeAdded"]?.string.flatMap { Timestamp($0) } }.max()
        let start = max(since ?? pod.creationTime, pod.time("status", "startTime") ?? pod.creationTime)
        return allowed - (now - start)
    }

    private func evict(_ pod: JSONObject) async throws {
        recorder.event(
            EventTarget(pod, Kinds.pods), .normal, reason: "TaintManagerEviction",
            "Marking for deletion Pod \(pod.objectKey)")
        let condition: JSONObject = [
            "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": .string(Timestamp.now.description),
        ]
        do {
            _ = try await context.client.patch(
                Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                body: ["metadata": ["uid": .string(pod.objectUID)], "status": ["conditions": [.object(condition)]]],
                subresource: "status")
            try await context.client.delete(
                Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                options: DeleteOptions(uid: pod.objectUID))
        } catch  where error.isNotFound || error.isConflict {
            // Gone, or made anew under the same name.
        }
    }
}
