// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry
internal import Text

/// Deletes objects whose owners are gone, over every kind the server serves.
final class GarbageCollector: Controller {
    let name = "garbage-collector"
    private let context: ControllerContext
    private let state: Shared
    private let queue: WorkQueue<OwnershipGraph.Work>

    private struct State {
        var graph = OwnershipGraph()
        /// The resource of each group and kind.
        var kinds: [String: ResourceID] = [:]
        var monitors: [ResourceID: Monitor] = [:]
        /// Owners known not to exist. By all that a reference says of them: who names a uid that is there by another
        /// place is wrong about the place, which says nothing of the uid.
        var absent: Set<OwnerIdentity> = []
        var hasDiscovered = false
        /// What waits, by namespace, for a look at the server for dependents.
        var unsettled: [String: Set<OwnershipGraph.Work>] = [:]
        /// Namespaces that are looked through, or rest from it.
        var settling: Set<String> = []

        mutating func note(absent identity: OwnerIdentity) {
            if absent.count >= 10_000 { absent = [] }
            absent.insert(identity)
        }
    }

    private final class Shared: Sendable {
        private let state = Mutex(State())

        func withLock<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }
    }

    private struct Monitor {
        var informer: Informer<DynamicObject>
        var task: Task<Void, Never>?
        let begun = ContinuousClock.now
    }

    /// Kinds that other controllers keep whole in the shared caches anyhow.
    private static let shared: Set<ResourceID> = [
        Kinds.pods, Kinds.nodes, Kinds.namespaces, Kinds.services, Kinds.endpoints, Kinds.replicaSets,
        Kinds.deployments, Kinds.daemonSets, Kinds.statefulSets, Kinds.jobs, Kinds.cronJobs, Kinds.endpointSlices,
        Kinds.controllerRevisions, Kinds.replicationControllers, Kinds.disruptionBudgets,
    ]

    init(_ context: ControllerContext) {
        self.context = context
        let state = Shared()
        self.state = state
        // Who has many objects that name owners keeps only himself waiting.
        queue = WorkQueue { work in state.withLock { $0.graph.nodes[work.uid]?.key.namespace ?? "" } }
    }

    func run() async {
        defer {
            state.withLock { state in
                for monitor in state.monitors.values { monitor.task?.cancel() }
                state.monitors = [:]
            }
        }
        await work(
            on: queue, workers: 8, after: [], in: context, beside: [{ await self.keepMonitors() }]
        ) { [self] work in
            switch work {
            case .collect(let uid): try await collect(uid)
            case .orphan(let uid): try await orphan(uid)
            }
        }
    }

    // MARK: What there is

    /// Watches every kind served; kinds come and go with custom resources, so discovery is asked again.
    private func keepMonitors() async {
        while !Task.isCancelled {
            do {
                try await syncMonitors()
            } catch {
                if Task.isCancelled { return }
                context.logger.warning("garbage collector: discovery failed", ["error": "\(error)"])
            }
            do { try await Task.sleep(for: .seconds(30)) } catch { return }
        }
    }

    private func syncMonitors() async throws {
        let discovered = try await Discovery.resources(context.client)
        let wanted = discovered.resources.filter(Self.collects)
        let added = state.withLock { state -> [ResourceID] in
            for resource in discovered.resources {
                state.kinds["\(resource.id.group)/\(resource.id.kind)"] = resource.id
            }
            let ids = Set(wanted.map(\.id))
            if discovered.failed.isEmpty {
                for (id, monitor) in state.monitors where !ids.contains(id) {
                    monitor.task?.cancel()
                    state.monitors.removeValue(forKey: id)
                }
            }
            state.hasDiscovered = true
            return wanted.map(\.id).filter { state.monitors[$0] == nil }
        }
        for id in added { watch(id) }
        let work = state.withLock { state in
            let kinds = state.kinds
            return state.graph.resolve { kinds["\(Self.group(of: $0.apiVersion))/\($0.kind)"] }
        }
        for item in work { queue.add(item) }
    }

    /// Whether objects of the kind are followed, and go with their owners.
    static func collects(_ served: ServedResource) -> Bool {
        served.verbs.isSuperset(of: ["list", "watch", "delete"]) && served.id.plural != "events"
    }

    private func watch(_ id: ResourceID) {
        let isShared = Self.shared.contains(id)
        let informer =
            isShared
            ? context.informer(id)
            : Informer<DynamicObject>(
                client: context.client, resource: id, logger: context.logger,
                transform: { Informer<DynamicObject>.metadataOnly($0) })
        informer.addHandler { [weak self] in self?.changed($0, id) }
        let task = isShared ? nil : EventLoop.here.begin { await informer.run() }
        state.withLock { $0.monitors[id] = Monitor(informer: informer, task: task) }
    }

    private func changed(_ change: InformerChange<DynamicObject>, _ id: ResourceID) {
        if case .updated(let old, let new) = change, !OwnershipGraph.matters(old.json, new.json) { return }
        let object = change.object.json
        let work = state.withLock { state -> [OwnershipGraph.Work] in
            if case .deleted = change {
                state.note(absent: OwnerIdentity(object, id))
                return state.graph.remove(object.objectUID)
            }
            let kinds = state.kinds
            return state.graph.store(object, id) { kinds["\(Self.group(of: $0.apiVersion))/\($0.kind)"] }
        }
        for item in work { queue.add(item) }
    }

    static func group(of apiVersion: String) -> String {
        apiVersion.steps.count == 2 ? String(apiVersion.steps[0]) : ""
    }

    /// Whether what there is has been seen. A kind that cannot be listed must not keep everything else for ever: owners
    /// that were not seen are asked for, and not taken to be gone.
    private func isReady() -> Bool {
        let patience = Duration.seconds(30)
        return state.withLock { state in
            state.hasDiscovered
                && state.monitors.values.allSatisfy { $0.informer.hasSynced || $0.begun.duration(to: .now) > patience }
        }
    }

    // MARK: Collecting

    private func collect(_ uid: String) async throws {
        guard isReady() else { throw StaleCache() }
        guard let node = state.withLock({ $0.graph.nodes[uid] }) else { return }
        if node.isBeingDeleted, !node.deletesDependents { return }
        let object: JSONObject
        do {
            object = try await context.client.get(node.resource, namespace: node.key.namespace, name: node.key.name)
        } catch  where error.isNotFound {
            return vanish(uid)
        }
        guard object.objectUID == uid else { return vanish(uid) }
        if node.deletesDependents { return try await deleteDependents(node) }
        let references = object.ownerReferences
        guard !references.isEmpty else { return }
        var solid = 0
        var gone: [OwnerReference] = []
        var waiting: [OwnerReference] = []
        for reference in references {
            switch try await status(of: reference, namespace: node.key.namespace) {
            case .exists: solid += 1
            case .absent: gone.append(reference)
            case .waits: waiting.append(reference)
            }
        }
        if solid > 0 {
            let useless = gone + waiting
            if !useless.isEmpty { try await removeReferences(useless.map(\.uid), from: object, node.resource) }
            return
        }
        if gone.isEmpty, waiting.isEmpty { return }
        let finalizers = object.array("metadata", "finalizers").compactMap(\.string)
        var policy = PropagationPolicy.background
        var version = object.objectResourceVersion
        let dependents = state.withLock { $0.graph.dependents(of: uid) }
        if !waiting.isEmpty, !dependents.isEmpty {
            policy = .foreground
            // A dependent that waits for its own dependents may wait, round a circle, for this object.
            if dependents.contains(where: \.deletesDependents) {
                version = try await stopBlocking(object, node.resource) ?? version
            }
        } else if finalizers.contains(OwnershipGraph.orphan) {
            policy = .orphan
        } else if finalizers.contains(OwnershipGraph.foreground) {
            policy = .foreground
        }
        do {
            try await context.client.delete(
                node.resource, namespace: node.key.namespace, name: node.key.name,
                options: DeleteOptions(
                    propagationPolicy: policy, uid: uid, resourceVersion: version))
        } catch  where error.isNotFound {
            vanish(uid)
        }
    }

    private enum OwnerStatus { case exists, absent, waits }

    private func status(of reference: OwnerReference, namespace: String) async throws -> OwnerStatus {
        let (resource, known) = state.withLock { state in
            (
                state.kinds["\(Self.group(of: reference.apiVersion))/\(reference.kind)"],
                state.graph.nodes[reference.uid]
            )
        }
        // First what was seen: it is there, whatever somebody was told of a place that it is not at.
        if let known, known.isMeant(by: reference, from: namespace) {
            return known.deletesDependents && reference.blocksDeletion ? .waits : .exists
        }
        // A kind the server does not serve: nobody can say that the owner is gone.
        guard let resource else { throw UnknownOwner(reference: reference) }
        // An object of the whole cluster cannot be owned by one in a namespace, and which one is meant nobody says.
        if resource.namespaced, namespace.isEmpty { return .exists }
        let identity = OwnerIdentity(reference, namespace: resource.namespaced ? namespace : "")
        if state.withLock({ $0.absent.contains(identity) }) { return .absent }
        do {
            let owner = try await context.client.get(
                resource, namespace: resource.namespaced ? namespace : nil, name: reference.name)
            if owner.objectUID == reference.uid {
                let waits =
                    owner.objectIsBeingDeleted
                    && owner.array("metadata", "finalizers").contains(.string(OwnershipGraph.foreground))
                return waits && reference.blocksDeletion ? .waits : .exists
            }
        } catch  where error.isNotFound {
            // No such object: absent, below.
        }
        // Not only this object names it: those that came after the first were left to the answer of that one.
        let others = state.withLock { state -> [OwnershipGraph.Work] in
            state.note(absent: identity)
            return state.graph.removeVirtual(identity)
        }
        for item in others { queue.add(item) }
        return .absent
    }

    struct UnknownOwner: Error, CustomStringConvertible {
        var reference: OwnerReference
        var description: String {
            "find the owner \(reference.kind) \(reference.name): the server serves no \(reference.apiVersion)"
        }
    }

    /// An object that waits for its dependents: they are deleted, and it is let go when no blocking one is left.
    private func deleteDependents(_ node: OwnershipGraph.Node) async throws {
        let blocking = state.withLock { $0.graph.blockingDependents(of: node.uid) }
        if blocking.isEmpty {
            return try await settle(.collect(node.uid), node.key.namespace)
        }
        for dependent in blocking where !dependent.deletesDependents && !dependent.isBeingDeleted {
            queue.add(.collect(dependent.uid))
        }
    }

    private func orphan(_ uid: String) async throws {
        guard let node = state.withLock({ $0.graph.nodes[uid] }) else { return }
        try await settle(.orphan(uid), node.key.namespace)
    }

    // MARK: Letting owners go

    /// Lets an owner go once it is sure of its dependents, which the graph may not have seen: they are looked for at the
    /// server. One look is for all owners of a namespace that wait, and looks take no more than a tenth of the time:
    /// whoever has many objects, and deletes many owners of them, keeps himself waiting.
    private func settle(_ work: OwnershipGraph.Work, _ namespace: String) async throws {
        let begins = state.withLock { state in
            state.unsettled[namespace, default: []].insert(work)
            return state.settling.insert(namespace).inserted
        }
        guard begins else { return }
        while let batch = nextUnsettled(namespace) {
            let begun = ContinuousClock.now
            var took = Duration.zero
            do {
                let found = try await LiveDependents(of: Set(batch.map(\.uid)), in: namespace, context.client)
                took = begun.duration(to: .now)
                for work in batch {
                    do {
                        try await settle(work, found[work.uid])
                    } catch {
                        try again(work, error)
                    }
                }
            } catch {
                for work in batch { try again(work, error) }
            }
            try await Task.sleep(for: min(took * 9, .seconds(10)))
        }
    }

    private func nextUnsettled(_ namespace: String) -> Set<OwnershipGraph.Work>? {
        state.withLock { state in
            let batch = state.unsettled.removeValue(forKey: namespace)
            if batch == nil { state.settling.remove(namespace) }
            return batch
        }
    }

    private func again(_ work: OwnershipGraph.Work, _ error: any Error) throws {
        if error is CancellationError { throw error }
        guard !error.isConflict else { return queue.add(work, after: .milliseconds(50)) }
        context.logger.warning(
            "an owner is not let go yet", ["controller": name, "key": "\(work)", "error": "\(error)"])
        queue.add(work, after: .seconds(1))
    }

    private func settle(_ work: OwnershipGraph.Work, _ found: [LiveDependents.Dependent]) async throws {
        let uid = work.uid
        guard let node = state.withLock({ $0.graph.nodes[uid] }) else { return }
        let finalizer: String
        switch work {
        case .orphan:
            finalizer = OwnershipGraph.orphan
            for dependent in found { try await removeReferences([uid], from: dependent.object, dependent.resource) }
        case .collect:
            finalizer = OwnershipGraph.foreground
            let blocking = found.filter { $0.blocks(uid) }
            if !blocking.isEmpty {
                // They are collected when the graph has seen them.
                for dependent in blocking { queue.add(.collect(dependent.object.objectUID)) }
                return queue.add(work, after: .seconds(1))
            }
        }
        do {
            let object = try await context.client.get(
                node.resource, namespace: node.key.namespace, name: node.key.name)
            guard object.objectUID == uid else { return vanish(uid) }
            try await removeFinalizer(finalizer, from: object, node.resource)
        } catch  where error.isNotFound {
            vanish(uid)
        }
    }

    private func vanish(_ uid: String) {
        let work = state.withLock { state in
            if let node = state.graph.nodes[uid] { state.note(absent: OwnerIdentity(node)) }
            return state.graph.remove(uid)
        }
        for item in work { queue.add(item) }
    }

    /// Lets the object's owners go before it. Returns its new version, nil when it is gone.
    private func stopBlocking(_ object: JSONObject, _ resource: ResourceID) async throws -> String? {
        let references = object.array("metadata", "ownerReferences").map { reference in
            var reference = reference
            if reference["blockOwnerDeletion"] == true { reference["blockOwnerDeletion"] = false }
            return reference
        }
        return try await patchMetadata(object, resource, ["ownerReferences": .array(references)])
    }

    private func removeReferences(_ uids: [String], from object: JSONObject, _ resource: ResourceID) async throws {
        let useless = Set(uids)
        let kept = object.array("metadata", "ownerReferences").filter { !useless.contains($0["uid"]?.string ?? "") }
        try await patchMetadata(object, resource, ["ownerReferences": kept.isEmpty ? .null : .array(kept)])
    }

    private func removeFinalizer(_ finalizer: String, from object: JSONObject, _ resource: ResourceID) async throws {
        let kept = object.array("metadata", "finalizers").filter { $0.string != finalizer }
        guard kept.count != object.array("metadata", "finalizers").count else { return }
        try await patchMetadata(object, resource, ["finalizers": kept.isEmpty ? .null : .array(kept)])
    }

    /// Returns the object's new version, nil when it is gone.
    @discardableResult
    private func patchMetadata(
        _ object: JSONObject, _ resource: ResourceID, _ changes: JSONObject
    ) async throws -> String? {
        var metadata = changes
        // The version makes a write on an object changed meanwhile fail, and be tried again on its new state.
        metadata["resourceVersion"] = .string(object.objectResourceVersion)
        metadata["uid"] = .string(object.objectUID)
        do {
            return try await context.client.patch(
                resource, namespace: object.objectNamespace, name: object.objectName,
                body: ["metadata": .object(metadata)], kind: .merge
            ).objectResourceVersion
        } catch  where error.isNotFound {
            return nil
        }
    }
}
