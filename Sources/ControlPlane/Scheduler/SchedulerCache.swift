// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Synchronization

/// Nodes and the pods on them, with those whose binding is being written counted in already.
final class SchedulerCache: Sendable {
    private struct State {
        var nodes: [String: NodeInfo] = [:]
        /// Where each known pod is.
        var places: [String: String] = [:]
        var assumed: Set<String> = []
        var nominated: [String: PodInfo] = [:]
        var namespaces: [String: [String: String]] = [:]
    }

    private let state = Mutex(State())

    func snapshot() -> Snapshot {
        state.withLock { state in
            var nominated: [String: [PodInfo]] = [:]
            for pod in state.nominated.values { nominated[pod.nominatedNodeName, default: []].append(pod) }
            return Snapshot(
                nodes: state.nodes.values.filter(\.exists).sorted { $0.name < $1.name },
                namespaces: state.namespaces, nominated: nominated)
        }
    }

    func setNode(_ json: JSONObject) {
        state.withLock { state in
            state.nodes[json.objectName, default: NodeInfo(name: json.objectName)].update(json)
        }
    }

    func removeNode(_ name: String) {
        state.withLock { state in
            // Its pods are still to be told as deleted.
            state.nodes[name]?.exists = false
            if state.nodes[name]?.pods.isEmpty == true { state.nodes.removeValue(forKey: name) }
        }
    }

    /// - Returns: Whether its labels were others before.
    @discardableResult
    func setNamespace(_ name: String, labels: [String: String]?) -> Bool {
        state.withLock { state in
            defer { state.namespaces[name] = labels }
            return state.namespaces[name] != labels
        }
    }

    /// Counts a pod on its node; an assumed one is confirmed.
    func setPod(_ pod: PodInfo) {
        state.withLock { state in
            state.assumed.remove(pod.uid)
            state.nominated.removeValue(forKey: pod.uid)
            place(pod, &state)
        }
    }

    /// - Returns: Whether it was on a node.
    @discardableResult
    func removePod(uid: String) -> Bool {
        state.withLock { state in
            state.assumed.remove(uid)
            state.nominated.removeValue(forKey: uid)
            return unplace(uid, &state)
        }
    }

    /// Counts a pod on the node chosen for it before the API server knows.
    func assume(_ pod: PodInfo) {
        state.withLock { state in
            state.assumed.insert(pod.uid)
            state.nominated.removeValue(forKey: pod.uid)
            place(pod, &state)
        }
    }

    /// The binding failed.
    func forget(uid: String) {
        state.withLock { state in
            guard state.assumed.remove(uid) != nil else { return }
            unplace(uid, &state)
        }
    }

    func isAssumed(uid: String) -> Bool { state.withLock { $0.assumed.contains(uid) } }

    func nominate(_ pod: PodInfo) {
        state.withLock { state in
            state.nominated[pod.uid] = pod.nominatedNodeName.isEmpty ? nil : pod
        }
    }

    func unnominate(uid: String) {
        state.withLock { _ = $0.nominated.removeValue(forKey: uid) }
    }

    private func place(_ pod: PodInfo, _ state: inout State) {
        if let old = state.places[pod.uid], old != pod.nodeName { unplace(pod.uid, &state) }
        state.places[pod.uid] = pod.nodeName
        state.nodes[pod.nodeName, default: NodeInfo(name: pod.nodeName)].add(pod)
    }

    @discardableResult
    private func unplace(_ uid: String, _ state: inout State) -> Bool {
        guard let name = state.places.removeValue(forKey: uid) else { return false }
        state.nodes[name]?.remove(uid: uid)
        if let node = state.nodes[name], !node.exists, node.pods.isEmpty { state.nodes.removeValue(forKey: name) }
        return true
    }
}
