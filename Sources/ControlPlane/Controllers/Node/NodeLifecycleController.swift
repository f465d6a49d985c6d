// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization

/// Watches nodes' heartbeats, and taints the silent, the unready and the strained.
final class NodeLifecycleController: Controller {
    let name = "node-lifecycle"
    private let context: ControllerContext
    private let nodes: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let leases: Informer<DynamicObject>
    /// Each node in a turn of its own.
    private let queue = WorkQueue<String>(turn: { "node/\($0)" })
    private let recorder: EventRecorder
    /// When each node was last heard of, by this process's clock: the nodes' clocks are not trusted.
    private let heard = Mutex<[String: (mark: String, at: ContinuousClock.Instant)]>([:])

    private let gracePeriod: Duration

    init(_ context: ControllerContext, gracePeriod: Duration = NodeHealth.gracePeriod) {
        self.context = context
        self.gracePeriod = gracePeriod
        nodes = context.informer(Kinds.nodes)
        pods = context.informer(Kinds.pods)
        leases = context.informers.informer(Kinds.leases, namespace: "kube-node-lease")
        recorder = context.recorder("node-controller")
        OwnerIndex.addNodes(to: pods)
        nodes.addHandler { [weak self] change in
            let node = change.object.json
            if case .deleted = change {
                self?.forget(node.objectName)
            } else {
                self?.hear(node.objectName)
                self?.queue.add(node.objectName)
            }
        }
        leases.addHandler { [weak self] change in
            if case .deleted = change { return }
            let name = change.object.json.objectName
            if self?.hear(name) == true { self?.queue.add(name) }
        }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [nodes, leases, pods], recorder: recorder, in: context) {
            [self] in try await sync($0)
        }
    }

    private func forget(_ name: String) {
        heard.withLock { _ = $0.removeValue(forKey: name) }
    }

    /// Notes a sign of life; true when the node had been silent for longer than allowed.
    @discardableResult
    private func hear(_ name: String) -> Bool {
        hear(name, Self.mark(leases.get(name, namespace: "kube-node-lease")?.json, nodes.get(name)?.json))
    }

    /// What changes with each sign of life.
    private static func mark(_ lease: JSONObject?, _ node: JSONObject?) -> String {
        let renewed = lease?.string("spec", "renewTime") ?? ""
        let beat = node?.condition("Ready")?.string("lastHeartbeatTime") ?? ""
        return "\(renewed) \(beat)"
    }

    /// Whether the server has a sign of life that the caches have not: they may be behind, for as long as others write
    /// much, and a node that is silent loses its pods.
    private func isHeardOf(_ name: String) async throws -> Bool {
        let node: JSONObject?
        do {
            node = try await context.client.get(Kinds.nodes, name: name)
        } catch  where error.isNotFound {
            node = nil
        }
        // As the informers read: the controller itself has no right to leases.
        let found = try await context.informers.client.list(
            Kinds.leases, namespace: "kube-node-lease", options: ListOptions(fieldSelector: "metadata.name=\(name)"))
        return hear(name, Self.mark(found.items.first, node))
    }

    private func hear(_ name: String, _ mark: String) -> Bool {
        heard.withLock { heard in
            let now = ContinuousClock.now
            guard let last = heard[name] else {
                heard[name] = (mark, now)
                return true
            }
            guard last.mark != mark else { return false }
            heard[name] = (mark, now)
            return last.at.duration(to: now) > gracePeriod
        }
    }

    private func sync(_ name: String) async throws {
        guard var node = nodes.get(name)?.json, !node.objectIsBeingDeleted else { return }
        let silence = heard.withLock { $0[name]?.at.duration(to: .now) ?? .zero }
        let neverReported = node.condition("Ready") == nil
        let allowed = neverReported ? NodeHealth.startupGracePeriod : gracePeriod
        let now = Timestamp.now
        if silence > allowed {
            if NodeHealth.silenced(node, at: now) != nil, try await isHeardOf(name) {
                return queue.add(name, after: allowed)
            }
            if let silenced = NodeHealth.silenced(node, at: now) {
                node = try await context.client.update(Kinds.nodes, silenced, subresource: "status")
                recorder.event(
                    EventTarget(node, Kinds.nodes), .normal, reason: "NodeNotReady",
                    "Node \(name) status is now: NodeNotReady")
            }
        } else {
            queue.add(name, after: allowed - silence + .milliseconds(100))
        }
        if node.condition("Ready")?["status"]?.string != "True" { try await unreadyPods(name) }
        // A node that has never said anything is as good as unready, until its grace is over.
        if neverReported, silence <= allowed { return try await writeTaints(node, addingNotReady(node, now)) }
        try await writeTaints(node, NodeHealth.taints(node, at: now))
    }

    private func addingNotReady(_ node: JSONObject, _ now: Timestamp) -> [JSONValue] {
        let taints = node.array("spec", "taints")
        if taints.contains(where: { $0["key"]?.string == NodeHealth.notReady }) { return taints }
        return taints + [["key": .string(NodeHealth.notReady), "effect": "NoSchedule"]]
    }

    private func writeTaints(_ node: JSONObject, _ taints: [JSONValue]) async throws {
        guard taints != node.array("spec", "taints") else { return }
        // The version makes the write fail when somebody else changed the taints meanwhile.
        _ = try await context.client.patch(
            Kinds.nodes, name: node.objectName,
            body: [
                "metadata": ["resourceVersion": .string(node.objectResourceVersion)],
                "spec": ["taints": taints.isEmpty ? .null : .array(taints)],
            ], kind: .merge)
    }

    /// Marks the pods of an unready node as not ready, so that services leave them out.
    private func unreadyPods(_ node: String) async throws {
        for pod in OwnerIndex.onNode(pods, node) where pod.hasCondition("Ready") {
            let condition: JSONObject = [
                "type": "Ready", "status": "False", "reason": "NodeNotReady",
                "lastTransitionTime": .string(Timestamp.now.description),
            ]
            do {
                _ = try await context.client.patch(
                    Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                    body: [
                        "metadata": ["uid": .string(pod.objectUID)], "status": ["conditions": [.object(condition)]],
                    ], subresource: "status")
                recorder.event(
                    EventTarget(pod, Kinds.pods), .warning, reason: "NodeNotReady", "Node is not ready")
            } catch  where error.isNotFound || error.isConflict {
                // Gone, or made anew.
            }
        }
    }
}
