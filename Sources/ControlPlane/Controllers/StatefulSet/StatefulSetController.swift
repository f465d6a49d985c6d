// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Keeps the numbered pods of StatefulSets, their claims and their revisions.
final class StatefulSetController: Controller {
    let name = "statefulset"
    private let context: ControllerContext
    private let sets: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let claims: Informer<DynamicObject>
    private let selectors: SelectorTable
    private let revisions: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    /// Pods that nobody owns.
    private let orphans = ChangesByNamespace()
    private let recorder: EventRecorder
    private let tracker = WriteTracker()
    private let component = "statefulset-controller"

    init(_ context: ControllerContext) {
        self.context = context
        sets = context.informer(Kinds.statefulSets)
        pods = context.informer(Kinds.pods)
        selectors = SelectorTable(sets)
        claims = context.informer(Kinds.claims)
        revisions = context.informer(Kinds.controllerRevisions)
        recorder = context.recorder(component)
        OwnerIndex.add(to: pods)
        context.pacer.follow(pods)
        OwnerIndex.add(to: revisions)
        sets.addHandler { [queue, tracker] change in
            if case .deleted(let set) = change { tracker.forget(set.json.objectKey) }
            queue.add(change.object.json.objectKey)
        }
        pods.addHandler { [weak self] change in
            let pod = change.object.json
            if let owner = pod.controllerReference {
                if owner.kind == "StatefulSet" { self?.queue.add(ObjectKey(pod.objectNamespace, owner.name)) }
            } else if change.mayBeAdopted {
                self?.orphans.note(pod)
            }
        }
        orphans.find(sets, by: selectors, among: pods, orphansOnly: true, queue)
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [sets, pods, claims, revisions], recorder: recorder, in: context,
            matching: [orphans]
        ) { [self] in try await sync($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let object = sets.get(key) else { return }
        let set = object.json
        let wanted = selectors.of(object)
        let newest = pods.lastResourceVersion
        let candidates = OwnerIndex.candidates(pods, for: set)
        try tracker.check(candidates, for: key, newest: newest)
        let manager = ClaimManager(
            client: context.client, owner: set, ownerResource: Kinds.statefulSets, resource: Kinds.pods)
        let claimed = try await manager.claim(candidates) {
            wanted.matches($0.objectLabels) && StatefulPods.ordinal($0, of: set) != nil
        }
        guard !set.objectIsBeingDeleted else { return }
        let history = RevisionHistory(client: context.client, owner: set, ownerResource: Kinds.statefulSets)
        let owned = OwnerIndex.owned(revisions, by: set)
        let (update, old, collisions) = try await history.current(
            owned, collisions: set.int("status", "collisionCount"))
        let named = set.string("status", "currentRevision")
        let current = old.first { $0.objectName == named } ?? update
        let now = Timestamp.now
        let plan = StatefulPlan(
            set, pods: claimed, current: current.objectName, update: update.objectName,
            currentReplicas: set.int("status", "currentReplicas") ?? 0, at: now)
        var failure: (any Error)?
        for step in plan.steps {
            if case .create = step {
                let grant = context.pacer.take(1, in: key.namespace)
                if let delay = grant.delay { queue.add(key, after: delay) }
                if let reason = grant.reason {
                    recorder.event(EventTarget(set, Kinds.statefulSets), .warning, reason: "FailedCreate", reason)
                }
                if grant.count == 0 { break }
            }
            do {
                try await perform(step, set, current: current, update: update)
            } catch {
                if !error.isNamespaceTerminating { failure = error }
                break
            }
        }
        let live = Set(claimed.map(StatefulPods.revision) + [current.objectName, update.objectName])
        let unused = old.filter { !live.contains($0.objectName) }
        try await history.trim(unused, live: [], limit: set.int("spec", "revisionHistoryLimit") ?? 10)
        try await writeStatus(set, claimed, current: current, update: update, collisions: collisions, now)
        if let failure { throw failure }
    }

    private func perform(
        _ step: StatefulPlan.Step, _ set: JSONObject, current: JSONObject, update: JSONObject
    ) async throws {
        let target = EventTarget(set, Kinds.statefulSets)
        switch step {
        case .create(let ordinal, let useUpdate):
            try await makeClaims(set, ordinal, target)
            let pod = StatefulPods.pod(set, ordinal, revision: useUpdate ? update : current)
            do {
                let made = try await context.client.create(Kinds.pods, pod)
                tracker.wrote(made, for: set.objectKey)
                recorder.event(
                    target, .normal, reason: "SuccessfulCreate",
                    "create Pod \(made.objectName) in StatefulSet \(set.objectName) successful")
            } catch {
                // One that is there already belongs to somebody else, or the cache is behind: tried again.
                if !error.isAlreadyExists {
                    recorder.event(
                        target, .warning, reason: "FailedCreate",
                        "create Pod \(pod.objectName) in StatefulSet \(set.objectName) failed error: \(error)")
                }
                throw error
            }
        case .delete(let pod):
            do {
                try await context.client.delete(
                    Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                    options: DeleteOptions(uid: pod.objectUID))
                recorder.event(
                    target, .normal, reason: "SuccessfulDelete",
                    "delete Pod \(pod.objectName) in StatefulSet \(set.objectName) successful")
            } catch  where error.isNotFound || error.isConflict {
                // Gone, or made anew.
            }
        }
    }

    private func makeClaims(_ set: JSONObject, _ ordinal: Int, _ target: EventTarget) async throws {
        for claim in StatefulPods.claims(set, ordinal) where claims.get(claim.objectKey) == nil {
            do {
                _ = try await context.client.create(Kinds.claims, claim)
                recorder.event(
                    target, .normal, reason: "SuccessfulCreate",
                    "create Claim \(claim.objectName) Pod \(StatefulPods.name(set, ordinal)) in StatefulSet "
                        + "\(set.objectName) success")
            } catch  where error.isAlreadyExists {
                // Kept from an earlier pod of this number: its data is the point.
            }
        }
    }

    private func writeStatus(
        _ set: JSONObject, _ pods: [JSONObject], current: JSONObject, update: JSONObject, collisions: Int?,
        _ now: Timestamp
    ) async throws {
        let minReady = set.int("spec", "minReadySeconds") ?? 0
        let ready = pods.filter { $0.podPhase == "Running" && $0.podIsReady }
        let staying = pods.filter { !$0.objectIsBeingDeleted }
        let onCurrent = staying.count { StatefulPods.revision($0) == current.objectName }
        let onUpdate = staying.count { StatefulPods.revision($0) == update.objectName }
        var status = set.object("status")
        status["observedGeneration"] = .count(set.int("metadata", "generation") ?? 0)
        status["replicas"] = .count(pods.count)
        func put(_ field: String, _ value: Int) { status[field] = value == 0 ? nil : .count(value) }
        put("readyReplicas", ready.count)
        status["availableReplicas"] = .count(ready.count { $0.podIsAvailable(minReadySeconds: minReady, at: now) })
        put("currentReplicas", onCurrent)
        put("updatedReplicas", onUpdate)
        status["currentRevision"] = .string(current.objectName)
        status["updateRevision"] = .string(update.objectName)
        status["collisionCount"] = .count(collisions ?? 0)
        let isRolled = onUpdate == pods.count && ready.count == pods.count && pods.count == set.specReplicas
        if isRolled, set.string("spec", "updateStrategy", "type") != "OnDelete" {
            status["currentRevision"] = .string(update.objectName)
            put("currentReplicas", onUpdate)
        }
        let delays = pods.compactMap { $0.podAvailabilityDelay(minReadySeconds: minReady, at: now) }
        if let first = delays.min() { queue.add(set.objectKey, after: first + .milliseconds(100)) }
        guard status != set.object("status") else { return }
        var updated = set
        updated["status"] = .object(status)
        do {
            _ = try await context.client.update(Kinds.statefulSets, updated, subresource: "status")
        } catch  where error.isNotFound {
            // Deleted meanwhile: nobody reads its status.
        }
    }
}
