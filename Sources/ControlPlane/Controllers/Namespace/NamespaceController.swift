// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization

/// Empties namespaces that are being deleted, pods first, and lets them go when nothing is left.
final class NamespaceController: Controller {
    let name = "namespace"
    private let context: ControllerContext
    private let namespaces: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let passes = Mutex<[String: Pass]>([:])
    private let queue = WorkQueue<String>(
        baseDelay: .milliseconds(100), maximumDelay: .seconds(60), turn: { $0 })

    /// How often a namespace was looked through, and what was left.
    private struct Pass {
        var tries = 0
        var left: Int?
    }

    init(_ context: ControllerContext) {
        self.context = context
        namespaces = context.informer(Kinds.namespaces)
        pods = context.informer(Kinds.pods)
        namespaces.addHandler { [weak self, queue] change in
            if case .deleted(let gone) = change {
                self?.passes.withLock { $0[gone.json.objectUID] = nil }
                return
            }
            // Its own conditions change with each look, which says by itself when the next one is.
            if case .updated(let before, _) = change, before.json.objectIsBeingDeleted { return }
            if change.object.json.objectIsBeingDeleted { queue.add(change.object.json.objectName) }
        }
        // Pods end in their own time, and the rest waits for the last of them.
        pods.addHandler { [namespaces, pods, queue] change in
            guard case .deleted(let pod) = change else { return }
            let name = pod.json.objectNamespace
            guard namespaces.get(name)?.json.objectIsBeingDeleted == true, pods.count(namespace: name) == 0 else {
                return
            }
            queue.add(name, after: .milliseconds(50))
        }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [namespaces, pods], in: context) {
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
        let uid = namespace.objectUID
        let begun = ContinuousClock.now
        let outcome = await empty(name, isFirst: passes.withLock { $0[uid] == nil })
        try await writeConditions(&namespace, outcome)
        if outcome.isEmpty {
            try await finalize(name)
            passes.withLock { $0[uid] = nil }
            return
        }
        queue.add(name, after: pause(uid, outcome, took: begun.duration(to: .now)))
    }

    /// When to look again. Objects go in their own time, or never: who has left a finalizer on many large ones makes each
    /// look dear. So looks come ever less often while nothing goes, and never take more than a tenth of the time.
    private func pause(_ uid: String, _ outcome: Outcome, took: Duration) -> Duration {
        let left = outcome.remaining.values.reduce(0, +)
        let tries = passes.withLock { passes in
            var pass = passes[uid] ?? Pass()
            if let before = pass.left { pass.tries = left < before ? max(pass.tries - 1, 0) : pass.tries + 1 }
            pass.left = left
            passes[uid] = pass
            return pass.tries
        }
        return Self.pause(tries: tries, first: outcome.estimate ?? .milliseconds(200), took: took)
    }

    static func pause(tries: Int, first: Duration, took: Duration) -> Duration {
        max(min(first * (1 << min(tries, 8)), .seconds(10)), took * 10)
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

    private func empty(_ namespace: String, isFirst: Bool) async -> Outcome {
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
        for resource in pods { await empty(namespace, resource, always: true, &outcome) }
        guard outcome.isEmpty || !outcome.remaining.keys.contains("pods.") else { return outcome }
        var seen: Set<String> = []
        for resource in served where !(resource.id.group.isEmpty && resource.id.plural == "pods") {
            // Events are served by two groups, and are the same objects.
            guard resource.id.plural != "events" || seen.insert("events").inserted else { continue }
            await empty(namespace, resource, always: isFirst, &outcome)
        }
        return outcome
    }

    /// What is left of one resource in a namespace.
    private struct Rest {
        var count = 0
        var finalizers: [String: Int] = [:]
        /// Those that nobody has begun to delete.
        var untouched: [JSONObject] = []
        var longestGrace = 0
    }

    /// - Parameter always: Whether to delete also where nothing is seen that is not being deleted already: what cannot be
    ///   read is seen by nobody, and a pod that is being deleted may have ended meanwhile.
    private func empty(
        _ namespace: String, _ resource: ServedResource, always: Bool, _ outcome: inout Outcome
    ) async {
        let id = resource.id
        do {
            guard resource.verbs.contains("list") else {
                if resource.verbs.contains("deletecollection") { try await deleteAll(id, namespace) }
                return
            }
            let deletesAll = resource.verbs.contains("deletecollection")
            if always, deletesAll { try await deleteAll(id, namespace) }
            var left = try await look(id, namespace)
            if !left.untouched.isEmpty {
                if deletesAll {
                    if !always { try await deleteAll(id, namespace) }
                } else {
                    for object in left.untouched { try await deleteOne(id, object) }
                }
                if !always || !deletesAll { left = try await look(id, namespace) }
            }
            guard left.count > 0 else { return }
            outcome.remaining["\(id.plural).\(id.group)"] = left.count
            outcome.finalizers.merge(left.finalizers, uniquingKeysWith: +)
            if id.group.isEmpty, id.plural == "pods" { outcome.estimate = estimate(left.longestGrace) }
        } catch {
            if let error = error as? StatusError, error.code == 404 || error.code == 405 { return }
            outcome.deletionErrors.append("\(id.plural).\(id.group): \(error)")
        }
    }

    /// Only metadata is looked at: whatever objects hold is not sent about.
    private static let metadataOnly =
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"

    /// Goes over all objects of a resource, some hundred at a time.
    private func look(_ id: ResourceID, _ namespace: String) async throws -> Rest {
        var rest = Rest()
        var token = ""
        repeat {
            var query: [(name: String, value: String)] = [("limit", "500")]
            if !token.isEmpty { query.append(("continue", token)) }
            let page = try await context.client.request(
                "GET", KubeClient.path(id, namespace: namespace), query: query, accept: Self.metadataOnly)
            for object in (page["items"]?.array ?? []).compactMap(\.object) {
                rest.count += 1
                if !object.objectIsBeingDeleted { rest.untouched.append(object) }
                for finalizer in object.array("metadata", "finalizers").compactMap(\.string) {
                    rest.finalizers[finalizer, default: 0] += 1
                }
                rest.longestGrace = max(rest.longestGrace, object.int("metadata", "deletionGracePeriodSeconds") ?? 0)
            }
            token = page["metadata"]?["continue"]?.string ?? ""
        } while !token.isEmpty
        return rest
    }

    private func deleteAll(_ id: ResourceID, _ namespace: String) async throws {
        _ = try await context.client.request(
            "DELETE", KubeClient.path(id, namespace: namespace),
            body: ["kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"],
            accept: Self.metadataOnly)
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

    /// When to look again first: pods that are on a node end by themselves, most of them soon.
    private func estimate(_ grace: Int) -> Duration { .milliseconds(min(max(200, grace * 100), 2000)) }

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
