// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Sees to it that every namespace has an object of a given name: its default ServiceAccount, the root certificates.
final class NamespaceFixtureController: Controller {
    let name: String
    private let context: ControllerContext
    private let resource: ResourceID
    private let objectName: String
    private let content: JSONObject
    private let namespaces: Informer<DynamicObject>
    private let objects: Informer<DynamicObject>
    private let queue = WorkQueue<String>(turn: { $0 })

    /// The `default` ServiceAccount.
    convenience init(defaultServiceAccount context: ControllerContext) {
        self.init(
            context, name: "serviceaccount", resource: Kinds.serviceAccounts, objectName: "default",
            content: JSONObject())
    }

    /// The ConfigMap `kube-root-ca.crt`, by which pods know the API server.
    convenience init(rootCertificates pem: String, _ context: ControllerContext) {
        self.init(
            context, name: "root-ca-certificate-publisher", resource: Kinds.configMaps,
            objectName: "kube-root-ca.crt", content: ["data": ["ca.crt": .string(pem)]])
    }

    private init(
        _ context: ControllerContext, name: String, resource: ResourceID, objectName: String, content: JSONObject
    ) {
        self.context = context
        self.name = name
        self.resource = resource
        self.objectName = objectName
        self.content = content
        namespaces = context.informer(Kinds.namespaces)
        // Only the objects of this name: a cluster's other ConfigMaps are not worth a cache.
        objects = context.informers.narrowed(resource, fieldSelector: "metadata.name=\(objectName)")
        namespaces.addHandler { [queue] change in
            if case .deleted = change { return }
            queue.add(change.object.json.objectName)
        }
        objects.addHandler { [queue] change in
            guard change.object.json.objectName == objectName else { return }
            queue.add(change.object.json.objectNamespace)
        }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [namespaces, objects], in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ namespace: String) async throws {
        guard let found = namespaces.get(namespace)?.json, !found.objectIsBeingDeleted,
            found.string("status", "phase") != "Terminating"
        else { return }
        if let existing = objects.get(objectName, namespace: namespace)?.json {
            guard content.contains(where: { existing[$0.key] != $0.value }) else { return }
            var updated = existing
            for (key, value) in content { updated[key] = value }
            _ = try await context.client.update(resource, updated)
            return
        }
        var object = content
        var metadata: JSONObject = ["name": .string(objectName), "namespace": .string(namespace)]
        if resource == Kinds.configMaps {
            metadata["annotations"] = [
                "kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints."
            ]
        }
        object["metadata"] = .object(metadata)
        do {
            _ = try await context.client.create(resource, object, namespace: namespace)
        } catch let error as StatusError
            where error.isAlreadyExists || error.isNotFound || error.isNamespaceTerminating
        {
            // Made by somebody else, or the namespace is going.
        }
    }
}

extension SharedInformerFactory {
    /// A shared informer over the objects of a kind that a field selector matches.
    func narrowed(_ resource: ResourceID, fieldSelector: String) -> Informer<DynamicObject> {
        informer(resource, namespace: nil, fieldSelector: fieldSelector)
    }
}
