// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Keeps the number of pods of ReplicaSets, and of ReplicationControllers, what their specs say.
final class ReplicaSetController: Controller {
    let name: String
    private let context: ControllerContext
    private let resource: ResourceID
    private let sets: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let selectors: SelectorTable
    private let queue = WorkQueue<ObjectKey>()
    /// Pods that nobody owns.
    private let orphans = ChangesByNamespace()
    private let expectations = Expectations()
    private let recorder: EventRecorder
    private let control: PodControl
    /// The most pods made or deleted in one sync.
    private let burst = 500

    convenience init(replicaSets context: ControllerContext) {
        self.init(context, Kinds.replicaSets, name: "replicaset", component: "replicaset-controller")
    }

    convenience init(replicationControllers context: ControllerContext) {
        self.init(
            context, Kinds.replicationControllers, name: "replicationcontroller",
            component: "replication-controller")
    }

    private init(_ context: ControllerContext, _ resource: ResourceID, name: String, component: String) {
        self.name = name
        self.context = context
        self.resource = resource
        sets = context.informer(resource)
        pods = context.informer(Kinds.pods)
        selectors =
            resource == Kinds.replicationControllers ? SelectorTable(sets, read: Self.labels) : SelectorTable(sets)
        recorder = context.recorder(component)
        control = PodControl(client: context.client, recorder: recorder)
        OwnerIndex.add(to: pods)
        context.pacer.follow(pods)
        sets.addHandler { [queue, expectations] change in
            if case .deleted(let set) = change { expectations.forget(set.json.objectKey) }
            queue.add(change.object.json.objectKey)
        }
        pods.addHandler { [weak self] in self?.podChanged($0) }
        orphans.find(sets, by: selectors, among: pods, orphansOnly: true, queue)
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [sets, pods], recorder: recorder, in: context,
            matching: [orphans]
        ) { [self] in try await sync($0) }
    }

    // MARK: What changed

    private func podChanged(_ change: InformerChange<DynamicObject>) {
        switch change {
        case .added(let pod):
            if pod.json.objectIsBeingDeleted { return podDeleted(pod.json) }
            guard let set = owner(of: pod.json) else { return noteOrphan(pod.json) }
            expectations.sawAddition(set.objectKey)
            queue.add(set.objectKey)
        case .updated(let old, let new):
            if new.json.objectIsBeingDeleted {
                podDeleted(new.json)
                if old.json.value("metadata", "labels") != new.json.value("metadata", "labels") {
                    podDeleted(old.json)
                }
                return
            }
            let before = owner(of: old.json)
            let after = owner(of: new.json)
            if let before, before.objectUID != after?.objectUID { queue.add(before.objectKey) }
            if let after {
                queue.add(after.objectKey)
            } else if change.mayBeAdopted || before != nil {
                noteOrphan(new.json)
            }
        case .deleted(let pod): podDeleted(pod.json)
        }
    }

    private func podDeleted(_ pod: JSONObject) {
        guard let set = owner(of: pod) else { return }
        expectations.sawDeletion(set.objectKey, pod.objectUID)
        queue.add(set.objectKey)
    }

    private func owner(of pod: JSONObject) -> JSONObject? {
        guard let reference = pod.controllerReference, reference.kind == resource.kind else { return nil }
        guard let set = sets.get(reference.name, namespace: pod.objectNamespace)?.json else { return nil }
        return set.objectUID == reference.uid ? set : nil
    }

    private func noteOrphan(_ pod: JSONObject) {
        if pod.controllerReference == nil { orphans.note(pod) }
    }

    /// What a ReplicationController selects by.
    @Sendable private static func labels(_ controller: DynamicObject) -> LabelSelector {
        let labels = controller.json.map("spec", "selector")
        return labels.isEmpty ? .nothing : LabelSelector(matching: labels)
    }

    // MARK: Sync

    private func sync(_ key: ObjectKey) async throws {
        guard let object = sets.get(key) else {
            expectations.forget(key)
            return
        }
        let set = object.json
        let maySync = expectations.isSatisfied(key)
        let wanted = selectors.of(object)
        let manager = ClaimManager(
            client: context.client, owner: set, ownerResource: resource, resource: Kinds.pods)
        let candidates = OwnerIndex.candidates(pods, for: set)
        let claimed = try await manager.claim(candidates.filter { !$0.podIsFinished }) {
            wanted.matches($0.objectLabels)
        }
        let active = claimed.filter { !$0.objectIsBeingDeleted }
        var failure: (any Error)?
        if maySync, !set.objectIsBeingDeleted { failure = await manage(set, active) }
        let minReady = set.int("spec", "minReadySeconds") ?? 0
        try await updateStatus(set, active, claimed: claimed, minReady: minReady, failure: failure)
        if let failure { throw failure }
        let now = Timestamp.now
        let delays = active.compactMap { $0.podAvailabilityDelay(minReadySeconds: minReady, at: now) }
        if let first = delays.min() { queue.add(key, after: first + .milliseconds(100)) }
    }

    /// Makes or deletes what the count differs by; returns the first failure.
    private func manage(_ set: JSONObject, _ active: [JSONObject]) async -> (any Error)? {
        let key = set.objectKey
        let difference = active.count - (set.int("spec", "replicas") ?? 1)
        if difference < 0 {
            let grant = context.pacer.take(min(-difference, burst), in: set.objectNamespace)
            if let delay = grant.delay { queue.add(key, after: delay) }
            if let reason = grant.reason { control.event(set, resource, .warning, "FailedCreate", reason) }
            let count = grant.count
            guard count > 0 else { return nil }
            expectations.expect(key, additions: count)
            let pod = PodControl.pod(template: set.object("spec", "template"), owner: set, resource: resource)
            let (made, error) = await slowStartBatch(count) { [self] _ in
                do {
                    try await control.create(pod, for: set, resource)
                } catch  where error.isNamespaceTerminating {
                    // The namespace goes, and the set with it.
                    expectations.sawAddition(key)
                }
            }
            if made < count {
                expectations.sawAddition(key, count: count - made)
                context.pacer.giveBack(count - made, in: set.objectNamespace)
            }
            return error
        }
        guard difference > 0 else { return nil }
        let victims = DeletionRanking.choose(
            active, count: min(difference, burst), related: relatedPods(of: set, active))
        expectations.expect(key, deletions: victims.map(\.objectUID))
        let (_, error) = await slowStartBatch(victims.count, first: victims.count) { [self] index in
            do {
                try await control.delete(victims[index], for: set, resource)
            } catch {
                expectations.sawDeletion(key, victims[index].objectUID)
                if !error.isNotFound { throw error }
            }
        }
        return error
    }

    /// The pods of all sets under the same owner: those of a Deployment's old and new revisions together.
    private func relatedPods(of set: JSONObject, _ active: [JSONObject]) -> [JSONObject] {
        guard let owner = set.controllerReference else { return active }
        let siblings = sets.list(namespace: set.objectNamespace).filter {
            $0.json.controllerReference?.uid == owner.uid
        }
        return siblings.flatMap { OwnerIndex.owned(pods, by: $0.json) }
    }

    private func updateStatus(
        _ set: JSONObject, _ active: [JSONObject], claimed: [JSONObject], minReady: Int, failure: (any Error)?
    ) async throws {
        let templateLabels = LabelSelector(matching: set.map("spec", "template", "metadata", "labels"))
        let now = Timestamp.now
        var status = set.object("status")
        status["replicas"] = .count(active.count)
        func count(_ name: String, _ value: Int) { status[name] = value == 0 ? nil : .count(value) }
        count("fullyLabeledReplicas", active.count { templateLabels.matches($0.objectLabels) })
        count("readyReplicas", active.count(where: \.podIsReady))
        count("availableReplicas", active.count { $0.podIsAvailable(minReadySeconds: minReady, at: now) })
        if resource == Kinds.replicaSets {
            status["terminatingReplicas"] = .count(
                OwnerIndex.owned(pods, by: set).count { $0.objectIsBeingDeleted && !$0.podIsFinished })
        }
        var conditions = Conditions(set)
        if let failure {
            // The first failure stays until none is left: its message names a pod that never was, another with each try.
            let wanted = set.int("spec", "replicas") ?? 1
            if conditions["ReplicaFailure"] == nil {
                conditions.set(
                    "ReplicaFailure", true, reason: active.count < wanted ? "FailedCreate" : "FailedDelete",
                    message: "\(failure)")
            }
        } else {
            conditions.remove("ReplicaFailure")
        }
        status["conditions"] = conditions.json
        let generation = set.int("metadata", "generation") ?? 0
        if status == set.object("status"), set.int("status", "observedGeneration") ?? 0 == generation { return }
        status["observedGeneration"] = .count(generation)
        var updated = set
        updated["status"] = .object(status)
        do {
            _ = try await context.client.update(resource, updated, subresource: "status")
        } catch  where error.isNotFound {
            // Deleted meanwhile: nobody reads its status.
        }
    }
}
