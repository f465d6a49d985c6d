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
    private let claimTracker = WriteTracker()
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
        ClaimIndex.add(to: claims)
        sets.addHandler { [queue, tracker, claimTracker] change in
            if case .deleted(let set) = change {
                tracker.forget(set.json.objectKey)
                claimTracker.forget(set.json.objectKey)
            }
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
        claims.addHandler { [queue, sets] change in
            switch change {
            case .added: return
            case .updated(let old, let new):
                let field = "ownerReferences"
                guard old.json.value("metadata", field) != new.json.value("metadata", field) else { return }
            // A pod may wait for its end, or be without it.
            case .deleted: break
            }
            let claim = change.object.json
            for name in StatefulPods.sets(ofClaim: claim.objectName) {
                let key = ObjectKey(claim.objectNamespace, String(name))
                if sets.get(key) != nil { queue.add(key) }
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
        try claimTracker.check([], for: key, newest: claims.lastResourceVersion)
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
        do {
            // Before any pod goes: a claim that shall go with its pod has to name it while it is there.
            try await keepClaims(set, claimed)
        } catch {
            if !error.isNamespaceTerminating { failure = error }
        }
        for step in plan.steps where failure == nil {
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
            guard try await makeClaims(set, ordinal, pod: nil) else { return }
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

    /// Gives claims the owners that the set's policy says, and pods that wait to run the claims they miss.
    private func keepClaims(_ set: JSONObject, _ pods: [JSONObject]) async throws {
        let templates = StatefulPods.claimTemplates(set)
        guard !templates.isEmpty else { return }
        let retention = ClaimRetention(set)
        let ordinals = StatefulPods.ordinals(set)
        var seen: Set<Int> = []
        for pod in pods {
            guard let ordinal = StatefulPods.ordinal(pod, of: set) else { continue }
            seen.insert(ordinal)
            if ordinals.contains(ordinal), pod.podPhase == "Pending", !pod.objectIsBeingDeleted {
                _ = try await makeClaims(set, ordinal, pod: pod)
                continue
            }
            for template in templates {
                let name = StatefulPods.claimName(set, template, ordinal)
                guard let claim = claims.get(ObjectKey(set.objectNamespace, name))?.json else { continue }
                _ = try await keepOwners(claim, of: set, retention, ordinal, pod: pod)
            }
        }
        // Those whose pods are not there: of replicas that the set no longer has, or that cannot be made now.
        for claim in ClaimIndex.owned(claims, by: set) {
            guard let ordinal = StatefulPods.ordinal(ofClaim: claim.objectName, of: set), !seen.contains(ordinal) else {
                continue
            }
            _ = try await keepOwners(claim, of: set, retention, ordinal, pod: nil)
        }
    }

    private func keepOwners(
        _ claim: JSONObject, of set: JSONObject, _ retention: ClaimRetention, _ ordinal: Int, pod: JSONObject?
    ) async throws -> ClaimRetention.Judgement {
        let judgement = retention.judge(claim, ordinal: ordinal, pod: pod)
        guard let references = judgement.references else { return judgement }
        let target = EventTarget(set, Kinds.statefulSets)
        if judgement.isContested {
            recorder.event(
                target, .warning, reason: "ConflictingController",
                "claim \(claim.objectName) is controlled by somebody else: the retention policy is not kept for it")
        }
        var updated = claim
        updated.set("metadata", "ownerReferences", to: references.isEmpty ? nil : .array(references))
        do {
            // With the claim's uid and version: what was made or changed meanwhile is judged anew.
            let written = try await context.client.update(Kinds.claims, updated)
            claimTracker.wrote(written, for: set.objectKey)
        } catch  where error.isNotFound {
            // Gone: there is nothing to be kept.
        } catch {
            if !error.isConflict {
                recorder.event(
                    target, .warning, reason: "FailedUpdate",
                    "update Claim \(claim.objectName) for Pod \(StatefulPods.name(set, ordinal)) in StatefulSet "
                        + "\(set.objectName) failed error: \(error)")
            }
            throw error
        }
        return judgement
    }

    /// Makes the claims that an ordinal misses, and gives those that are there their owners. Returns whether a pod can
    /// use them; if not, a claim is about to go, and its end is heard of.
    private func makeClaims(_ set: JSONObject, _ ordinal: Int, pod: JSONObject?) async throws -> Bool {
        let target = EventTarget(set, Kinds.statefulSets)
        let podName = StatefulPods.name(set, ordinal)
        let retention = ClaimRetention(set)
        for template in StatefulPods.claimTemplates(set) {
            let name = StatefulPods.claimName(set, template, ordinal)
            if let claim = claims.get(ObjectKey(set.objectNamespace, name))?.json {
                if try await keepOwners(claim, of: set, retention, ordinal, pod: pod).isLeaving { return false }
                if claim.objectIsBeingDeleted {
                    if pod == nil {
                        recorder.event(
                            target, .warning, reason: "FailedCreate",
                            "create Pod \(podName) in StatefulSet \(set.objectName) failed error: claim \(name) is "
                                + "being deleted")
                    }
                    return false
                }
                continue
            }
            do {
                let made = try await context.client.create(
                    Kinds.claims, StatefulPods.claim(set, template, ordinal))
                claimTracker.wrote(made, for: set.objectKey)
                recorder.event(
                    target, .normal, reason: "SuccessfulCreate",
                    "create Claim \(name) Pod \(podName) in StatefulSet \(set.objectName) success")
            } catch  where error.isAlreadyExists {
                // Kept from an earlier pod of this number, and not seen yet: its data is the point, and who owns it.
                throw StaleCache()
            } catch {
                recorder.event(
                    target, .warning, reason: "FailedCreate",
                    "create Claim \(name) for Pod \(podName) in StatefulSet \(set.objectName) failed error: \(error)")
                throw error
            }
        }
        return true
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
