// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization

/// Runs pods to completion, counting each end exactly once by a finalizer.
final class JobController: Controller {
    let name = "job"
    let context: ControllerContext
    private let jobs: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    let queue = WorkQueue<ObjectKey>()
    /// Pods that nobody owns.
    private let orphans = ChangesByNamespace()
    let expectations = Expectations()
    /// How many pods are made at once: upstream's number.
    private let burst = 500
    let recorder: EventRecorder
    let control: PodControl
    private let selectors: SelectorTable
    /// The uids of Jobs that are no more, or were not seen, and whose pods may be held by the finalizer.
    private let unseen = Mutex<[ObjectKey: Set<String>]>([:])

    init(_ context: ControllerContext) {
        self.context = context
        jobs = context.informer(Kinds.jobs)
        pods = context.informer(Kinds.pods)
        selectors = SelectorTable(jobs)
        recorder = context.recorder("job-controller")
        control = PodControl(client: context.client, recorder: recorder)
        OwnerIndex.add(to: pods)
        context.pacer.follow(pods)
        jobs.addHandler { [weak self, queue, expectations] change in
            let job = change.object.json
            if case .deleted = change {
                expectations.forget(job.objectKey)
                // Another of its name may be there before anybody looks.
                self?.note(unseen: job.objectUID, job.objectKey)
            }
            queue.add(job.objectKey)
        }
        pods.addHandler { [weak self] in self?.podChanged($0) }
        orphans.find(jobs, by: selectors, among: pods, orphansOnly: true, queue)
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [jobs, pods], recorder: recorder, in: context, matching: [orphans]
        ) { [self] in try await sync($0) }
    }

    private func podChanged(_ change: InformerChange<DynamicObject>) {
        let pod = change.object.json
        guard let owner = pod.controllerReference else {
            if change.mayBeAdopted { orphans.note(pod) }
            return
        }
        guard owner.kind == "Job" else { return }
        let key = ObjectKey(pod.objectNamespace, owner.name)
        if JobState.isTracked(pod), jobs.get(key)?.json.objectUID != owner.uid { note(unseen: owner.uid, key) }
        switch change {
        case .added: expectations.sawAddition(key)
        case .deleted: expectations.sawDeletion(key, pod.objectUID)
        case .updated: if pod.objectIsBeingDeleted { expectations.sawDeletion(key, pod.objectUID) }
        }
        queue.add(key)
    }

    private func note(unseen uid: String, _ key: ObjectKey) {
        unseen.withLock { _ = $0[key, default: []].insert(uid) }
    }

    // MARK: Sync

    private func sync(_ key: ObjectKey) async throws {
        try await freeOrphans(key)
        guard let object = jobs.get(key), case let job = object.json,
            job.string("spec", "managedBy").isEmpty
                || job.string("spec", "managedBy") == "kubernetes.io/job-controller"
        else { return expectations.forget(key) }
        let conditions = Conditions(job)
        if conditions.isTrue("Complete") || conditions.isTrue("Failed") {
            for pod in OwnerIndex.owned(pods, by: job) where JobState.isTracked(pod) {
                try await untrack(pod)
            }
            return
        }
        let isSettled = expectations.isSatisfied(key)
        let wanted = selectors.of(object)
        var manager = ClaimManager(
            client: context.client, owner: job, ownerResource: Kinds.jobs, resource: Kinds.pods)
        manager.finalizer = JobState.finalizer
        let claimed = try await manager.claim(OwnerIndex.candidates(pods, for: job)) {
            wanted.matches($0.objectLabels)
        }
        guard isSettled else { return }
        var state = JobState(job: job, pods: claimed)
        state.count()
        if job.objectIsBeingDeleted {
            for pod in claimed where JobState.isTracked(pod) { try await untrack(pod) }
            return
        }
        try await act(&state, conditions)
    }

    private func act(_ state: inout JobState, _ before: Conditions) async throws {
        let job = state.job
        let now = Timestamp.now
        var conditions = before
        var startTime = job.time("status", "startTime")
        let isSuspended = job.bool("spec", "suspend")
        if startTime == nil, !isSuspended { startTime = now }
        // A verdict once written stands, whatever pods do while they end.
        var ending = state.ending(at: now)
        if let target = conditions["FailureTarget"], conditions.isTrue("FailureTarget") {
            ending = ("Failed", target.string("reason"), target.string("message"))
        } else if let target = conditions["SuccessCriteriaMet"], conditions.isTrue("SuccessCriteriaMet") {
            ending = ("Complete", target.string("reason"), target.string("message"))
        }
        var failure: (any Error)?
        var finished = false
        if let ending {
            failure = await delete(state.active, job)
            let interim = ending.type == "Failed" ? "FailureTarget" : "SuccessCriteriaMet"
            conditions.set(
                interim, true, reason: ending.reason, message: ending.message, probeTime: true, at: now)
            let isQuiet = state.active.isEmpty && state.terminating.isEmpty
            if isQuiet, state.uncountedFailed.isEmpty, state.uncountedSucceeded.isEmpty {
                conditions.set(
                    ending.type, true, reason: ending.reason, message: ending.message, probeTime: true, at: now)
                finished = true
            }
        } else if isSuspended {
            failure = await delete(state.active, job)
            if !conditions.isTrue("Suspended") {
                conditions.set(
                    "Suspended", true, reason: "JobSuspended", message: "Job suspended", probeTime: true, at: now)
                recorder.event(EventTarget(job, Kinds.jobs), .normal, reason: "Suspended", "Job suspended")
            }
            startTime = nil
        } else {
            if conditions.isTrue("Suspended") {
                conditions.set(
                    "Suspended", false, reason: "JobResumed", message: "Job resumed", probeTime: true, at: now)
                recorder.event(EventTarget(job, Kinds.jobs), .normal, reason: "Resumed", "Job resumed")
                startTime = now
            }
            failure = await manage(state, now)
        }
        let written = try await writeStatus(state, conditions, startTime: startTime, finished: finished, now)
        if finished { announce(conditions, written) }
        // Only after the status names them may their finalizers go: a crash in between counts nothing twice.
        try await untrackCounted(state)
        if let deadline = job.int("spec", "activeDeadlineSeconds"), let startTime, ending == nil {
            queue.add(job.objectKey, after: (startTime + .seconds(deadline)) - now + .milliseconds(50))
        }
        if let failure { throw failure }
    }

    private func untrackCounted(_ state: JobState) async throws {
        let seen = state.uncountedSucceeded.union(state.uncountedFailed).union(state.ignored)
        for pod in state.pods where seen.contains(pod.objectUID) && JobState.isTracked(pod) {
            try await untrack(pod)
        }
        // Pods gone without the cache saying so are counted in the next round.
        if state.pods.isEmpty, !seen.isEmpty { queue.add(state.job.objectKey, after: .milliseconds(100)) }
    }

    private func announce(_ conditions: Conditions, _ job: JSONObject) {
        let target = EventTarget(job, Kinds.jobs)
        if conditions.isTrue("Complete") {
            recorder.event(target, .normal, reason: "Completed", "Job completed")
        } else if let failed = conditions["Failed"] {
            recorder.event(target, .warning, reason: failed.string("reason"), failed.string("message"))
        }
    }

    // MARK: Pods

    /// Starts or stops pods until as many are at work as wanted; returns the first failure.
    private func manage(_ state: JobState, _ now: Timestamp) async -> (any Error)? {
        let job = state.job
        let active = state.active
        let wanted = state.wanted
        if active.count > wanted {
            let victims = DeletionRanking.choose(active, count: active.count - wanted, related: active)
            return await delete(victims, job)
        }
        var count = wanted - active.count
        if state.replacesFailedOnly { count -= state.terminating.count }
        guard count > 0 else { return nil }
        // The rest when these are seen: a Job may ask for two thousand millions at once.
        count = min(count, burst)
        if let delay = state.backoff(at: now) {
            queue.add(job.objectKey, after: delay + .milliseconds(10))
            return nil
        }
        let indexes = state.isIndexed ? state.missingIndexes(count) : []
        if state.isIndexed { count = indexes.count }
        let key = job.objectKey
        let grant = context.pacer.take(count, in: job.objectNamespace)
        if let delay = grant.delay { queue.add(key, after: delay) }
        if let reason = grant.reason { control.event(job, Kinds.jobs, .warning, "FailedCreate", reason) }
        count = grant.count
        guard count > 0 else { return nil }
        expectations.expect(key, additions: count)
        let pods = (0..<count).map { JobPods.pod(job, index: state.isIndexed ? indexes[$0] : nil, state) }
        let (made, error) = await slowStartBatch(count) { [self] number in
            do {
                try await control.create(pods[number], for: job, Kinds.jobs)
            } catch  where error.isNamespaceTerminating {
                expectations.sawAddition(key)
            }
        }
        if made < count {
            expectations.sawAddition(key, count: count - made)
            context.pacer.giveBack(count - made, in: job.objectNamespace)
        }
        return error
    }

    private func delete(_ victims: [JSONObject], _ job: JSONObject) async -> (any Error)? {
        guard !victims.isEmpty else { return nil }
        let key = job.objectKey
        expectations.expect(key, deletions: victims.map(\.objectUID))
        let (_, error) = await slowStartBatch(victims.count, first: victims.count) { [self] index in
            do {
                try await control.delete(victims[index], for: job, Kinds.jobs)
            } catch {
                expectations.sawDeletion(key, victims[index].objectUID)
                if !error.isNotFound { throw error }
            }
        }
        return error
    }

    private func untrack(_ pod: JSONObject) async throws {
        do {
            _ = try await context.client.patch(
                Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                body: [
                    "metadata": [
                        "uid": .string(pod.objectUID),
                        "$deleteFromPrimitiveList/finalizers": [.string(JobState.finalizer)],
                    ]
                ])
        } catch  where error.isNotFound || error.isConflict {
            // Gone, or made anew under the same name.
        }
    }

    /// The pods of a job that is gone must not be held by its finalizer, whether or not there is another of its name.
    private func freeOrphans(_ key: ObjectKey) async throws {
        guard let uids = unseen.withLock({ $0.removeValue(forKey: key) }) else { return }
        let seen = jobs.get(key)?.json.objectUID
        let held = uids.filter { $0 != seen }.flatMap { OwnerIndex.owned(pods, in: key.namespace, by: $0) }.filter {
            JobState.isTracked($0) && $0.controllerReference?.name == key.name
                && $0.controllerReference?.kind == "Job"
        }
        guard !held.isEmpty else { return }
        do {
            // Asked of the server: without the finalizer a pod's end may be counted by nobody, and the cache may be behind.
            let live = try await liveUID(key)
            for pod in held where pod.controllerReference?.uid != live { try await untrack(pod) }
        } catch {
            unseen.withLock { $0[key, default: []].formUnion(uids) }
            throw error
        }
    }

    private func liveUID(_ key: ObjectKey) async throws -> String? {
        do {
            return try await context.client.get(Kinds.jobs, namespace: key.namespace, name: key.name).objectUID
        } catch  where error.isNotFound {
            return nil
        }
    }
}
