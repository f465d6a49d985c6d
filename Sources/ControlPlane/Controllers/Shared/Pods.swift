// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// What controllers ask of a pod.
extension JSONObject {
    var podPhase: String { string("status", "phase") }
    var podIsFinished: Bool { podPhase == "Succeeded" || podPhase == "Failed" }
    /// Neither finished nor being deleted.
    var podIsActive: Bool { !podIsFinished && !objectIsBeingDeleted }
    var podNode: String { string("spec", "nodeName") }

    func condition(_ type: String) -> JSONObject? {
        for condition in array("status", "conditions") where condition["type"]?.string == type {
            return condition.object
        }
        return nil
    }

    func hasCondition(_ type: String, _ status: String = "True") -> Bool {
        condition(type)?["status"]?.string == status
    }

    var podIsReady: Bool { hasCondition("Ready") }

    /// Ready for at least `seconds`; with none, ready is enough.
    func podIsAvailable(minReadySeconds seconds: Int, at now: Timestamp) -> Bool {
        guard let ready = condition("Ready"), ready["status"]?.string == "True" else { return false }
        guard seconds > 0 else { return true }
        guard let since = ready.time("lastTransitionTime") else { return false }
        return (now - since) >= .seconds(seconds)
    }

    /// When a ready pod becomes available; nil when it is, or is not ready.
    func podAvailabilityDelay(minReadySeconds seconds: Int, at now: Timestamp) -> Duration? {
        guard seconds > 0, let ready = condition("Ready"), ready["status"]?.string == "True",
            let since = ready.time("lastTransitionTime")
        else { return nil }
        let left = Duration.seconds(seconds) - (now - since)
        return left > .zero ? left : nil
    }

    var restartCount: Int {
        array("status", "containerStatuses").reduce(0) { Swift.max($0, ($1["restartCount"]?.boundedInteger ?? 0)) }
    }

    var creationTime: Timestamp { time("metadata", "creationTimestamp") ?? Timestamp(seconds: 0) }
}

/// Makes pods from templates and deletes them, telling the owner's events.
struct PodControl: Sendable {
    var client: KubeClient
    var recorder: EventRecorder

    /// The pod of a template: its labels, annotations, finalizers and spec, owned by `owner`.
    static func pod(
        template: JSONObject, owner: JSONObject, resource: ResourceID, name: String? = nil,
        generateName: String? = nil
    ) -> JSONObject {
        var metadata = JSONObject()
        if let name {
            metadata["name"] = .string(name)
        } else {
            metadata["generateName"] = .string(generateName ?? podPrefix(owner.objectName))
        }
        metadata["namespace"] = .string(owner.objectNamespace)
        for key in ["labels", "annotations", "finalizers"] {
            if let value = template.value("metadata", key) { metadata[key] = value }
        }
        metadata["ownerReferences"] = [OwnerReference(controller: owner, resource: resource).json]
        return [
            "apiVersion": "v1", "kind": "Pod", "metadata": .object(metadata),
            "spec": template["spec"] ?? .object(JSONObject()),
        ]
    }

    /// The owner's name and a dash, where that may start a name; else the name alone.
    static func podPrefix(_ name: String) -> String {
        let prefix = name + "-"
        return prefix.utf8.count <= 253 ? prefix : name
    }

    @discardableResult
    func create(_ pod: JSONObject, for owner: JSONObject, _ resource: ResourceID) async throws -> JSONObject {
        do {
            let made = try await client.create(Kinds.pods, pod)
            event(owner, resource, .normal, "SuccessfulCreate", "Created pod: \(made.objectName)")
            return made
        } catch {
            if !error.isNamespaceTerminating, !(error is CancellationError) {
                event(owner, resource, .warning, "FailedCreate", "Error creating: \(error)")
            }
            throw error
        }
    }

    func delete(_ pod: JSONObject, for owner: JSONObject, _ resource: ResourceID) async throws {
        do {
            try await client.delete(
                Kinds.pods, namespace: pod.objectNamespace, name: pod.objectName,
                options: DeleteOptions(uid: pod.objectUID))
            event(owner, resource, .normal, "SuccessfulDelete", "Deleted pod: \(pod.objectName)")
        } catch {
            if !error.isNotFound, !error.isConflict, !(error is CancellationError) {
                event(owner, resource, .warning, "FailedDelete", "Error deleting: \(error)")
            }
            throw error
        }
    }

    func event(
        _ owner: JSONObject, _ resource: ResourceID, _ type: EventType, _ reason: String, _ message: String
    ) {
        recorder.event(EventTarget(owner, resource), type, reason: reason, message)
    }
}

extension EventTarget {
    init(_ object: JSONObject, _ resource: ResourceID) {
        self.init(
            apiVersion: resource.apiVersion, kind: resource.kind, namespace: object.objectNamespace,
            name: object.objectName, uid: object.objectUID, resourceVersion: object.objectResourceVersion)
    }
}
