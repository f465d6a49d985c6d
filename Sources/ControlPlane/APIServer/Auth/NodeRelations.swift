// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Store
internal import Synchronization
internal import Text

/// The graph of the objects in the store. What has changed since the last question is taken in before the next is
/// answered: a kubelet that has just been told of a pod may read what the pod needs, and none whose pod is gone.
final class NodeRelations: Sendable {
    private struct Source {
        var kind: NodeGraph.Kind
        var prefix: String
        var changes: ChangedKeys
    }

    private struct State {
        var graph = NodeGraph()
        /// The keys that each source was last known to have.
        var known: [String: Set<String>] = [:]
    }

    private let store: any KeyValueStore
    private let sources: [Source]
    private let state = Mutex(State())

    private static let kinds: [(kind: NodeGraph.Kind, group: String, plural: String)] = [
        (.pod, "", "pods"), (.volume, "", "persistentvolumes"),
        (.attachment, "storage.k8s.io", "volumeattachments"), (.slice, "resource.k8s.io", "resourceslices"),
    ]

    init(_ store: any KeyValueStore, _ registry: ResourceRegistry) {
        self.store = store
        sources = Self.kinds.compactMap { kind, group, plural in
            registry.preferred(group, plural).map { resource in
                let prefix = ObjectStorage.prefix(resource)
                return Source(kind: kind, prefix: prefix, changes: store.changedKeys(under: prefix))
            }
        }
    }

    /// Whether `node` has to do with the object, as of now.
    func leads(_ object: NodeGraph.Vertex, to node: String) -> Bool {
        state.withLock { state in
            for source in sources { update(&state, source) }
            return state.graph.leads(object, to: node)
        }
    }

    private func update(_ state: inout State, _ source: Source) {
        switch source.changes.take() {
        case .keys(let keys):
            for key in keys { set(&state, source, key, store.get(key)) }
        case .everything:
            let present = store.current(prefix: source.prefix)
            let gone = state.known[source.prefix, default: []].subtracting(present.map(\.key))
            for key in gone { set(&state, source, key, nil) }
            for stored in present { set(&state, source, stored.key, stored) }
        }
    }

    private func set(_ state: inout State, _ source: Source, _ key: String, _ stored: StoredObject?) {
        let names = (key.after(exactPrefix: source.prefix) ?? "").steps
        guard let name = names.last else { return }
        let vertex = NodeGraph.Vertex(source.kind, namespace: names.count > 1 ? names[0] : "", name)
        // An object that cannot be read gives nobody anything.
        state.graph.set(vertex, stored.flatMap { try? APIObject($0) })
        if stored == nil {
            state.known[source.prefix]?.remove(key)
        } else {
            state.known[source.prefix, default: []].insert(key)
        }
    }
}
