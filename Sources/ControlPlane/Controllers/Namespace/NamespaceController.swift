// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Empties namespaces that are being deleted, pods first, and lets them go when nothing is left.
final class NamespaceController: Controller {
    let name = "namespace"
    private let context: ControllerContext
    private let namespaces: Informer<DynamicObject>
    private let queue = WorkQueue<String>(baseDelay: .milliseconds(100), maximumDelay: .seconds(60))

    init(_ context: ControllerContext) {
        self.context = context
        namespaces = context.informer(Kinds.namespaces)
        namespaces.addHandler { [queue] change in
            if case .deleted = change { return }
            if change.object.json.objectIsBeingDeleted { queue.add(change.object.json.objectName) }
        }
    }

    func run() async {
        await work(on: queue, workers: 4, after: [namespaces], logger: context.logger) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let cached = namespaces.get(name)?.json, cached.objectIsBeingDeleted else { return }
        var namespace = cached
        if namespace.string("status", "phase") != "Terminating" {
            namespace.set("status", "phase", to: "Terminating")
            namespace = try await context.client.update(Kinds.namespaces, namespace, subresource: "status")
        }
        guard namespace.array("spec", "finalizers").contains("kubernetes") else { return }
        let outcome = await empty(name)
        try await writeConditions(&namespace, outcome)
        if outcome.isEmpty {
            try await finalize(name)
            return
        }
        // Objects go in their own time: looked at again soon, or when the grace period of the slowest pod ends.
        queue.add(name, after: outcome.estimate ?? .milliseconds(200))
    }

    private func finalize(_ name: String) async throws {
        try await retryOnConflict {
            do {
                var namespace = try await context.client.get(Kinds.namespaces, name: name)
                let rest = namespace.array("spec", "finalizers").filter { $0 != "kubernetes" }
                namespace.set("spec", "finalizers", to: rest.isEmpty ? nil : .array(rest))
                _ = try await context.client.update(Kinds.namespaces, namespace, subresource: "finalize")
            } catch  where error.isNotFound {
                // Gone already.
            }
        }
    }

    /// What is left in a namespace, and what went wrong.
    struct Outcome {
        var discoveryFailures: [String] = []
        var deletionErrors: [String] = []
        /// How many objects of each resource remain, `pods.` or `deployments.apps`.
        var remaining: [String: Int] = [:]
        /// How many objects each finalizer holds.
        var finalizers: [String: Int] = [:]
        var estimate: Duration?

        var isEmpty: Bool { discoveryFailures.isEmpty && deletionErrors.isEmpty && remaining.isEmpty }
    }

    private func empty(_ namespace: String) async -> Outcome {
        var outcome = Outcome()
        let served: [ServedResource]
        do {
            let discovered = try await Discovery.resources(context.client)
            served = discovered.resources.filter { $0.id.namespaced && $0.verbs.contains("delete") }
            outcome.discoveryFailures = discovered.failed
        } catch {
            outcome.discoveryFailures = ["\(error)"]
            return outcome
        }
        // Pods first: what they use (policies, secrets, services) must outlive them.
        let pods = served.filter { $0.id.group.isEmpty && $0.id.plural == "pods" }
        for resource in pods { await empty(namespace, resource, &outcome) }
        guard outcome.isEmpty || !outcome.remaining.keys.contains("pods.") else { return outcome }
        var seen: Set<String> = []
        for resource in served where !(resource.id.group.isEmpty && resource.id.plural == "pods") {
            // Events are served by two groups, and are the same objects.
            guard resource.id.plural != "events" || seen.insert("events").inserted else { continue }
            await empty(namespace, resource, &outcome)
        }
        return outcome
    }

    private func empty(_ namespace: String, _ resource: ServedResource, _ outcome: inout Outcome) async {
        let id = resource.id
        do {
            if resource.verbs.contains("deletecollection") {
                try await context.client.deleteCollection(
                    id, namespace: namespace, options: DeleteOptions(propagationPolicy: .background))
            } else if resource.verbs.contains("list") {
                for object in try await context.client.list(id, namespace: namespace).items {
                    try await deleteOne(id, object)
                }
            }
            guard resource.verbs.contains("list") else { return }
            let left = try await context.client.list(id, namespace: namespace).items
            guard !left.isEmpty else { return }
            outcome.remaining["\(id.plural).\(id.group)"] = left.count
            for object in left {
                for finalizer in object.array("metadata", "finalizers").compactMap(\.string) {
                    outcome.finalizers[finalizer, default: 0] += 1
                }
            }
            if id.group.isEmpty, id.plural == "pods" { outcome.estimate = estimate(left) }
        } catch {
            if let error = error as? StatusError, error.code == 404 || error.code == 405 { return }
            outcome.deletionErrors.append("\(id.plural).\(id.group): \(error)")
        }
    }

    private func deleteOne(_ id: ResourceID, _ object: JSONObject) async throws {
        do {
            try await context.client.delete(
                id, namespace: object.objectNamespace, name: object.objectName,
                options: DeleteOptions(propagationPolicy: .background))
        } catch  where error.isNotFound {
            // Gone already.
        }
    }

    /// When to look again: pods that are on a node end by themselves, most of them soon.
    private func estimate(_ pods: [JSONObject]) -> Duration {
        let grace = pods.map { $0.int("metadata", "deletionGracePeriodSeconds") ?? 0 }.max() ?? 0
        return .milliseconds(min(max(200, grace * 100), 2000))
    }

    private func writeConditions(_ namespace: inout JSONObject, _ outcome: Outcome) async throws {
        var conditions = Conditions(namespace)
        func counted(_ counts: [String: Int], _ unit: String) -> String {
            counts.sorted { $0.key < $1.key }.map { "\($0.key) \(unit) \($0.value) resource instances" }
                .joined(separator: ", ")
        }
        conditions.set(
            "NamespaceDeletionDiscoveryFailure", !outcome.discoveryFailures.isEmpty,
            reason: outcome.discoveryFailures.isEmpty ? "ResourcesDiscovered" : "DiscoveryFailed",
            message: outcome.discoveryFailures.isEmpty
                ? "All resources successfully discovered"
                : "Discovery failed for some groups: \(outcome.discoveryFailures.joined(separator: ", "))")
        conditions.set(
            "NamespaceDeletionGroupVersionParsingFailure", false, reason: "ParsedGroupVersions",
            message: "All legacy kube types successfully parsed")
        conditions.set(
            "NamespaceDeletionContentFailure", !outcome.deletionErrors.isEmpty,
            reason: outcome.deletionErrors.isEmpty ? "ContentDeleted" : "ContentDeletionFailed",
            message: outcome.deletionErrors.isEmpty
                ? "All content successfully deleted, may be waiting on finalization"
                : "Failed to delete all resource types: \(outcome.deletionErrors.joined(separator: "; "))")
        conditions.set(
            "NamespaceContentRemaining", !outcome.remaining.isEmpty,
            reason: outcome.remaining.isEmpty ? "ContentRemoved" : "SomeResourcesRemain",
            message: outcome.remaining.isEmpty
                ? "All content successfully removed"
                : "Some resources are remaining: \(counted(outcome.remaining, "has"))")
        let held = outcome.finalizers.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) resource instances" }
        conditions.set(
            "NamespaceFinalizersRemaining", !held.isEmpty,
            reason: held.isEmpty ? "ContentHasNoFinalizers" : "SomeFinalizersRemain",
            message: held.isEmpty
                ? "All content-preserving finalizers finished"
                : "Some content in the namespace has finalizers remaining: \(held.joined(separator: ", "))")
        guard conditions != Conditions(namespace) else { return }
        namespace.set("status", "conditions", to: conditions.json)
        do {
            namespace = try await context.client.update(Kinds.namespaces, namespace, subresource: "status")
        } catch  where error.isNotFound || error.isConflict {
            // Conditions are for the reader; the deletion itself goes on.
        }
    }
}
