// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Rolls Deployments out: one ReplicaSet for each template, scaled against each other.
final class DeploymentController: Controller {
    let name = "deployment"
    let context: ControllerContext
    let recorder: EventRecorder
    private let deployments: Informer<DynamicObject>
    private let sets: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let selectors: SelectorTable
    let queue = WorkQueue<ObjectKey>()
    /// ReplicaSets that nobody owns.
    private let orphans = ChangesByNamespace()

    init(_ context: ControllerContext) {
        self.context = context
        recorder = context.recorder("deployment-controller")
        deployments = context.informer(Kinds.deployments)
        sets = context.informer(Kinds.replicaSets)
        pods = context.informer(Kinds.pods)
        selectors = SelectorTable(deployments)
        OwnerIndex.add(to: sets)
        OwnerIndex.add(to: pods)
        deployments.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        sets.addHandler { [weak self] change in
            if case .updated(let old, let new) = change, old.json.controllerReference != new.json.controllerReference {
                self?.wake(old.json)
            }
            self?.wake(change.object.json)
            if change.mayBeAdopted, change.object.json.controllerReference == nil {
                self?.orphans.note(change.object.json)
            }
        }
        orphans.find(deployments, by: selectors, among: sets, orphansOnly: true, queue)
        pods.addHandler { [weak self] change in
            // A Recreate rollout waits for the last old pod to be gone or finished.
            switch change {
            case .deleted(let pod): self?.wakeRecreate(pod.json)
            case .updated(let old, let new) where !old.json.podIsFinished && new.json.podIsFinished:
                self?.wakeRecreate(new.json)
            default: break
            }
        }
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [deployments, sets, pods], recorder: recorder, in: context,
            matching: [orphans]
        ) { [self] in try await sync($0) }
    }

    private func wake(_ set: JSONObject) {
        guard let owner = set.controllerReference, owner.kind == "Deployment" else { return }
        queue.add(ObjectKey(set.objectNamespace, owner.name))
    }

    private func wakeRecreate(_ pod: JSONObject) {
        guard let owner = pod.controllerReference, owner.kind == "ReplicaSet",
            let set = sets.get(owner.name, namespace: pod.objectNamespace)?.json,
            let deployment = set.controllerReference, deployment.kind == "Deployment"
        else { return }
        let key = ObjectKey(pod.objectNamespace, deployment.name)
        guard let object = deployments.get(key)?.json, object.string("spec", "strategy", "type") == "Recreate" else {
            return
        }
        queue.add(key)
    }

    // MARK: Sync

    private func sync(_ key: ObjectKey) async throws {
        guard let object = deployments.get(key) else { return }
        let deployment = object.json
        let wanted = selectors.of(object)
        if wanted.isEverything {
            recorder.event(
                EventTarget(deployment, Kinds.deployments), .warning, reason: "SelectingAll",
                "This deployment is selecting all pods. A non-empty selector is required.")
            return
        }
        let manager = ClaimManager(
            client: context.client, owner: deployment, ownerResource: Kinds.deployments, resource: Kinds.replicaSets)
        let owned = try await manager.claim(OwnerIndex.candidates(sets, for: deployment)) {
            wanted.matches($0.objectLabels)
        }
        var state = DeploymentState(deployment: deployment, sets: owned)
        if deployment.objectIsBeingDeleted {
            return try await writeStatus(state, rollout: false)
        }
        try await syncPausedCondition(&state)
        if state.isPaused || state.isScalingEvent {
            try await syncRevision(&state)
            try await scale(&state, to: state.scaling())
            if state.isPaused { try await cleanUp(state) }
            return try await writeStatus(state, rollout: false)
        }
        if state.isRecreate { try await recreate(&state) } else { try await roll(&state) }
    }

    private func roll(_ state: inout DeploymentState) async throws {
        try await syncRevision(&state)
        if state.new == nil { try await createNewSet(&state) }
        if let new = state.new, let size = state.newSize() {
            try await scale(&state, to: [(new, size)])
            return try await writeStatus(state, rollout: true)
        }
        let sizes = state.oldSizes()
        if !sizes.isEmpty {
            try await scale(&state, to: sizes)
            return try await writeStatus(state, rollout: true)
        }
        if state.isComplete(state.deployment.object("status")) { try await cleanUp(state) }
        try await writeStatus(state, rollout: true)
    }

    private func recreate(_ state: inout DeploymentState) async throws {
        try await syncRevision(&state)
        let active = state.activeOld
        if !active.isEmpty {
            try await scale(&state, to: active.map { ($0, 0) })
            return try await writeStatus(state, rollout: true)
        }
        let oldRuns = state.old.contains { set in
            OwnerIndex.owned(pods, by: set).contains { !$0.podIsFinished }
        }
        if oldRuns { return try await writeStatus(state, rollout: true) }
        if state.new == nil { try await createNewSet(&state) }
        if let new = state.new, new.specReplicas != state.wanted {
            try await scale(&state, to: [(new, state.wanted)])
        }
        if state.isComplete(state.deployment.object("status")) { try await cleanUp(state) }
        try await writeStatus(state, rollout: true)
    }

    // MARK: Steps

    private func scale(_ state: inout DeploymentState, to sizes: [(set: JSONObject, size: Int)]) async throws {
        for (set, size) in sizes {
            let updated = try await resize(set, size, state)
            if state.new?.objectUID == set.objectUID { state.new = updated }
            if let index = state.old.firstIndex(where: { $0.objectUID == set.objectUID }) {
                state.old[index] = updated
            }
        }
    }

    private func resize(_ set: JSONObject, _ size: Int, _ state: DeploymentState) async throws -> JSONObject {
        var updated = set
        let desired = String(state.wanted)
        let maximum = String(state.wanted + state.limits.surge)
        updated.set("spec", "replicas", to: .count(size))
        updated.set("metadata", "annotations", DeploymentKeys.desiredReplicas, to: .string(desired))
        updated.set("metadata", "annotations", DeploymentKeys.maxReplicas, to: .string(maximum))
        guard updated != set else { return set }
        let written = try await context.client.update(Kinds.replicaSets, updated)
        if size != set.specReplicas {
            let verb = size > set.specReplicas ? "up" : "down"
            recorder.event(
                EventTarget(state.deployment, Kinds.deployments), .normal, reason: "ScalingReplicaSet",
                "Scaled \(verb) replica set \(set.objectName) from \(set.specReplicas) to \(size)")
        }
        return written
    }

    private func cleanUp(_ state: DeploymentState) async throws {
        for set in state.surplus() {
            do {
                try await context.client.delete(
                    Kinds.replicaSets, namespace: set.objectNamespace, name: set.objectName,
                    options: DeleteOptions(propagationPolicy: .background, uid: set.objectUID))
            } catch  where error.isNotFound {
                // Somebody else removed it first.
            }
        }
    }

    private func syncPausedCondition(_ state: inout DeploymentState) async throws {
        guard state.progressDeadline != nil else { return }
        var conditions = Conditions(state.deployment)
        let reason = conditions["Progressing"]?.string("reason")
        if reason == "ProgressDeadlineExceeded" { return }
        if state.isPaused, reason != "DeploymentPaused" {
            conditions.set(
                "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused",
                updateTime: true)
        } else if !state.isPaused, reason == "DeploymentPaused" {
            conditions.set(
                "Progressing", status: "Unknown", reason: "DeploymentResumed", message: "Deployment is resumed",
                updateTime: true)
        } else {
            return
        }
        var updated = state.deployment
        updated.set("status", "conditions", to: conditions.json)
        state.deployment = try await context.client.update(Kinds.deployments, updated, subresource: "status")
    }

    private func writeStatus(_ state: DeploymentState, rollout: Bool) async throws {
        let status = state.status(rollout: rollout)
        if let delay = state.deadlineCheck(status) { queue.add(state.deployment.objectKey, after: delay) }
        guard status != state.deployment.object("status") else { return }
        var updated = state.deployment
        updated["status"] = .object(status)
        do {
            _ = try await context.client.update(Kinds.deployments, updated, subresource: "status")
        } catch  where error.isNotFound {
            // Deleted meanwhile: nobody reads its status.
        }
    }
}
