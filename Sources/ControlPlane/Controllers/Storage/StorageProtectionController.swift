// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Lets go of claims that no pod uses any more, and of volumes that no claim is bound to.
final class StorageProtectionController: Controller {
    let name: String
    private let context: ControllerContext
    private let resource: ResourceID
    private let finalizer: String
    private let objects: Informer<DynamicObject>
    /// Whose containers may use a claim; nil for volumes.
    private let pods: Informer<DynamicObject>?
    private let queue = WorkQueue<ObjectKey>()

    init(claims context: ControllerContext) {
        name = "persistentvolumeclaim-protection"
        self.context = context
        resource = Kinds.claims
        finalizer = "kubernetes.io/pvc-protection"
        objects = context.informer(Kinds.claims)
        let pods = context.informer(Kinds.pods)
        self.pods = pods
        listen()
        pods.addHandler { [queue] change in
            // Only a pod that ended, or is gone, frees a claim.
            let pod = change.object.json
            if case .deleted = change {} else if !pod.podIsFinished { return }
            for claim in Self.claims(of: pod) { queue.add(ObjectKey(pod.objectNamespace, claim)) }
        }
    }

    init(volumes context: ControllerContext) {
        name = "persistentvolume-protection"
        self.context = context
        resource = Kinds.volumes
        finalizer = "kubernetes.io/pv-protection"
        objects = context.informer(Kinds.volumes)
        pods = nil
        listen()
    }

    private func listen() {
        objects.addHandler { [queue] change in
            if case .deleted = change { return }
            queue.add(change.object.json.objectKey)
        }
    }

    func run() async {
        var informers: [any AnyInformer] = [objects]
        if let pods { informers.append(pods) }
        await work(on: queue, workers: 1, after: informers, in: context) { [self] in try await sync($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let object = objects.get(key)?.json else { return }
        var finalizers = object.array("metadata", "finalizers")
        let isProtected = finalizers.contains(.string(finalizer))
        if object.objectIsBeingDeleted {
            guard isProtected, try await !isUsed(object) else { return }
            finalizers.removeAll { $0 == .string(finalizer) }
        } else {
            // Made before the server protected its kind.
            guard !isProtected else { return }
            finalizers.append(.string(finalizer))
        }
        var updated = object
        updated.set("metadata", "finalizers", to: finalizers.isEmpty ? nil : .array(finalizers))
        do {
            _ = try await context.client.update(resource, updated)
        } catch  where error.isNotFound {
            // Gone already.
        }
    }

    private func isUsed(_ object: JSONObject) async throws -> Bool {
        guard let pods else { return object.string("status", "phase") == "Bound" }
        let namespace = object.objectNamespace
        if pods.list(namespace: namespace).contains(where: { Self.isUsing(object, $0.json) }) { return true }
        // A pod that was made before the claim's end may not have been seen yet. Afterwards it would be too late.
        let all = try await context.client.list(Kinds.pods, namespace: namespace).items
        return all.contains { Self.isUsing(object, $0) }
    }

    private static func isUsing(_ claim: JSONObject, _ pod: JSONObject) -> Bool {
        !pod.podNode.isEmpty && !pod.podIsFinished && claims(of: pod).contains(claim.objectName)
    }

    /// The claims that a pod's volumes name, its own ones included. No I/O.
    static func claims(of pod: JSONObject) -> [String] {
        pod.array("spec", "volumes").compactMap { volume in
            if volume["ephemeral"] != nil { return volume["name"]?.string.map { "\(pod.objectName)-\($0)" } }
            return volume["persistentVolumeClaim"]?["claimName"]?.string
        }
    }
}
