// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
internal import Text

/// Deletes pods nobody else will: of nodes that are gone, unscheduled ones being deleted, and finished ones beyond a
/// threshold.
final class PodGCController: Controller {
    let name = "pod-garbage-collector"
    private let context: ControllerContext
    private let pods: Informer<DynamicObject>
    private let nodes: Informer<DynamicObject>
    /// `pod/<namespace>/<name>` in the namespace's turn, `node/<name>`, `finished`.
    private let queue = WorkQueue<String>(turn: { key in
        key.hasPrefix("pod/") ? String(key.dropFirst(4).steps[0]) : "/\(key)"
    })
    /// Finished pods kept, the youngest ones; upstream's default.
    private let threshold: Int
    private let quarantine = Duration.seconds(40)

    init(_ context: ControllerContext, terminatedPodThreshold: Int = 12_500) {
        self.context = context
        threshold = terminatedPodThreshold
        pods = context.informer(Kinds.pods)
        nodes = context.informer(Kinds.nodes)
        OwnerIndex.addNodes(to: pods)
        nodes.addHandler { [queue, quarantine] change in
            // A node may come back under its name: its pods are given some time.
            if case .deleted(let node) = change { queue.add("node/\(node.json.objectName)", after: quarantine) }
        }
        pods.addHandler { [queue, nodes, quarantine] change in
            if case .deleted = change { return }
            let pod = change.object.json
            if pod.podNode.isEmpty {
                if pod.objectIsBeingDeleted { queue.add("pod/\(pod.objectKey)") }
            } else if nodes.hasSynced, nodes.get(pod.podNode) == nil {
                queue.add("node/\(pod.podNode)", after: quarantine)
            }
            if pod.podIsFinished { queue.add("finished", after: .seconds(20)) }
        }
    }

    func run() async {
        let checkAll: @Sendable () async -> Void = { [self] in
            // Nodes deleted while nobody watched left pods without any event.
            for pod in pods.list() where !pod.json.podNode.isEmpty && nodes.get(pod.json.podNode) == nil {
                queue.add("node/\(pod.json.podNode)", after: quarantine)
            }
        }
        await work(on: queue, workers: 1, after: [pods, nodes], in: context, beside: [checkAll]) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ key: String) async throws {
        if key == "finished" { return try await trimFinished() }
        if key.hasPrefix("pod/") {
            let parts = key.dropFirst(4).steps
            guard parts.count == 2, let pod = pods.get(String(parts[1]), namespace: String(parts[0]))?.json,
                pod.podNode.isEmpty, pod.objectIsBeingDeleted
            else { return }
            return try await delete(pod, condition: nil)
        }
        let node = String(key.dropFirst(5))
        guard nodes.get(node) == nil else { return }
        let orphans = OwnerIndex.onNode(pods, node)
        guard !orphans.isEmpty else { return }
        do {
            _ = try await context.client.get(Kinds.nodes, name: node)
            return  // It is there: the cache is behind.
        } catch  where error.isNotFound {
            for pod in orphans {
                try await delete(
                    pod,
                    condition: [
                        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
                        "message": "PodGC: node no longer exists",
                        "lastTransitionTime": .string(Timestamp.now.description),
                    ])
            }
        }
    }

    private func trimFinished() async throws {
        let finished = pods.list().map(\.json).filter(\.podIsFinished)
        let excess = finished.count - threshold
        guard threshold > 0, excess > 0 else { return }
        for pod in finished.sorted(by: { $0.creationTime < $1.creationTime }).prefix(excess) {
            try await delete(pod, condition: nil)
        }
    }

    private func delete(_ pod: JSONObject, condition: JSONObject?) async throws {
        do {
            if !pod.podIsFinished, condition != nil || pod.objectIsBeingDeleted {
                var status: JSONObject = ["phase": "Failed"]
                if let condition { status["conditions"] = [.object(condition)] }
                _ = try await context.client.patch(
                    Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                    body: ["metadata": ["uid": .string(pod.objectUID)], "status": .object(status)],
                    subresource: "status")
            }
            try await context.client.delete(
                Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                options: DeleteOptions(gracePeriodSeconds: 0, uid: pod.objectUID))
        } catch  where error.isNotFound || error.isConflict {
            // Gone, or made anew under the same name.
        }
    }
}
