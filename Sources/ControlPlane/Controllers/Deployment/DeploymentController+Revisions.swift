// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Numbers

/// The set of the present template: made, numbered, annotated.
extension DeploymentController {
    /// Brings the new set's annotations, and with them the Deployment's revision, up to date.
    func syncRevision(_ state: inout DeploymentState) async throws {
        guard let new = state.new else { return }
        var updated = new
        annotate(&updated, state: state, isNew: false)
        let minReady = state.deployment.int("spec", "minReadySeconds") ?? 0
        if minReady != new.int("spec", "minReadySeconds") ?? 0 {
            updated.set("spec", "minReadySeconds", to: .count(minReady))
        }
        if updated != new { state.new = try await context.client.update(Kinds.replicaSets, updated) }
        try await setRevision(&state, updated.revision)
        if state.progressDeadline != nil, Conditions(state.deployment)["Progressing"] == nil {
            var conditions = Conditions(state.deployment)
            conditions.set(
                "Progressing", true, reason: "FoundNewReplicaSet",
                message: "Found new replica set \"\(new.objectName)\"", updateTime: true)
            var deployment = state.deployment
            deployment.set("status", "conditions", to: conditions.json)
            state.deployment = try await context.client.update(Kinds.deployments, deployment, subresource: "status")
        }
    }

    /// Writes the revision into the Deployment's annotations: what `kubectl rollout history` counts by.
    private func setRevision(_ state: inout DeploymentState, _ revision: Int) async throws {
        guard state.deployment.revision != revision else { return }
        state.deployment.set(
            "metadata", "annotations", DeploymentKeys.revision, to: .string(String(revision)))
        let status = state.deployment["status"]
        state.deployment = try await context.client.update(Kinds.deployments, state.deployment)
        // What a main write answers must not undo a status condition set just before.
        if let status { state.deployment["status"] = status }
    }

    private func annotate(_ set: inout JSONObject, state: DeploymentState, isNew: Bool) {
        var annotations = set.objectAnnotations
        for (key, value) in state.deployment.objectAnnotations where !DeploymentKeys.notInherited.contains(key) {
            annotations[key] = value
        }
        let old = annotations[DeploymentKeys.revision]
        if (old.flatMap { Int($0, in: 0...Int.max) } ?? 0) < state.newRevision {
            annotations[DeploymentKeys.revision] = String(state.newRevision)
            if let old, !old.isEmpty {
                let history = annotations[DeploymentKeys.revisionHistory] ?? ""
                annotations[DeploymentKeys.revisionHistory] = history.isEmpty ? old : "\(history),\(old)"
            }
        }
        if isNew {
            annotations[DeploymentKeys.desiredReplicas] = String(state.wanted)
            annotations[DeploymentKeys.maxReplicas] = String(state.wanted + state.limits.surge)
        }
        if annotations != set.objectAnnotations { set.set("metadata", "annotations", to: JSONValue(annotations)) }
    }

    /// Makes the set of the present template. A name taken by another template moves the collision count.
    func createNewSet(_ state: inout DeploymentState) async throws {
        let deployment = state.deployment
        let template = deployment.object("spec", "template")
        let hash = TemplateHash.of(
            DeploymentState.withoutHash(.object(template)), collisions: deployment.int("status", "collisionCount"))
        let set = newSet(state, template: template, hash: hash)
        do {
            let made = try await context.client.create(Kinds.replicaSets, set)
            if made.specReplicas > 0 {
                recorder.event(
                    EventTarget(deployment, Kinds.deployments), .normal, reason: "ScalingReplicaSet",
                    "Scaled up replica set \(made.objectName) from 0 to \(made.specReplicas)")
            }
            state.new = made
        } catch  where error.isAlreadyExists {
            let found = try await context.client.get(
                Kinds.replicaSets, namespace: deployment.objectNamespace, name: set.objectName)
            let sameTemplate =
                DeploymentState.withoutHash(found.value("spec", "template"))
                == DeploymentState.withoutHash(.object(template))
            guard found.isControlled(by: deployment), sameTemplate else {
                try await countCollision(deployment)
                throw error
            }
            // Made in an earlier sync that the cache has not seen yet.
            state.new = found
        } catch {
            if !error.isNamespaceTerminating { try await noteFailedCreate(&state, set.objectName, error) }
            throw error
        }
        try await setRevision(&state, state.newRevision)
        guard state.progressDeadline != nil, let new = state.new else { return }
        var conditions = Conditions(state.deployment)
        conditions.set(
            "Progressing", true, reason: "NewReplicaSetCreated",
            message: "Created new replica set \"\(new.objectName)\"", updateTime: true)
        state.deployment.set("status", "conditions", to: conditions.json)
        state.deployment = try await context.client.update(
            Kinds.deployments, state.deployment, subresource: "status")
    }

    private func newSet(_ state: DeploymentState, template: JSONObject, hash: String) -> JSONObject {
        let deployment = state.deployment
        var template = template
        template.set("metadata", "labels", DeploymentKeys.hash, to: .string(hash))
        var wanted = deployment.object("spec", "selector")
        wanted.set("matchLabels", DeploymentKeys.hash, to: .string(hash))
        let limits = state.limits
        let size =
            state.isRecreate
            ? state.wanted
            : limits.newReplicas(wanted: state.wanted, new: 0, total: DeploymentState.total(state.old))
        let metadata: JSONObject = [
            "name": .string("\(deployment.objectName)-\(hash)"), "namespace": .string(deployment.objectNamespace),
            "labels": template.value("metadata", "labels") ?? .object(JSONObject()),
            "ownerReferences": [OwnerReference(controller: deployment, resource: Kinds.deployments).json],
        ]
        var spec: JSONObject = [
            "replicas": .count(size), "selector": .object(wanted), "template": .object(template),
        ]
        if let minReady = deployment.int("spec", "minReadySeconds"), minReady > 0 {
            spec["minReadySeconds"] = .count(minReady)
        }
        var set: JSONObject = ["metadata": .object(metadata), "spec": .object(spec)]
        annotate(&set, state: state, isNew: true)
        return set
    }

    private func countCollision(_ deployment: JSONObject) async throws {
        var updated = deployment
        updated.set(
            "status", "collisionCount", to: .count((deployment.int("status", "collisionCount") ?? 0) + 1))
        _ = try await context.client.update(Kinds.deployments, updated, subresource: "status")
    }

    private func noteFailedCreate(_ state: inout DeploymentState, _ name: String, _ error: any Error) async throws {
        let message = "Failed to create new replica set \"\(name)\": \(error)"
        recorder.event(
            EventTarget(state.deployment, Kinds.deployments), .warning, reason: "ReplicaSetCreateError", message)
        guard state.progressDeadline != nil else { return }
        var conditions = Conditions(state.deployment)
        let changed = conditions.set(
            "Progressing", false, reason: "ReplicaSetCreateError", message: message, updateTime: true)
        guard changed else { return }
        state.deployment.set("status", "conditions", to: conditions.json)
        state.deployment = try await context.client.update(
            Kinds.deployments, state.deployment, subresource: "status")
    }
}
