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
        /// Whether what cannot be read has gone.
        var isSwept = false
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
        // Asked of the server: the one that the cache shows may be gone, and another made under its name.
        guard var namespace = try await live(name), namespace.objectIsBeingDeleted else { return }
        if namespace.string("status", "phase") != "Terminating" {
            namespace.set("status", "phase", to: "Terminating")
            namespace = try await context.client.update(Kinds.namespaces, namespace, subresource: "status")
        }
        guard namespace.array("spec", "finalizers").contains("kubernetes") else { return }
        let uid = namespace.objectUID
        let begun = ContinuousClock.now
        let outcome: Outcome
        do {
            outcome = try await empty(namespace)
        } catch is Replaced {
            // Nothing in it is of the one that was to be emptied. If it is being deleted itself, it is queued.
            passes.withLock { $0[uid] = nil }
            return
        }
        try await writeConditions(&namespace, outcome)
        if outcome.isEmpty {
            try await finalize(namespace)
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

    /// The namespace of a name as the server has it; nil when there is none.
    private func live(_ name: String) async throws -> JSONObject? {
        do {
            return try await context.client.get(Kinds.namespaces, name: name)
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// Another namespace has been made under the name meanwhile.
    private struct Replaced: Error {}

    /// Throws `Replaced` when the name is another namespace's now. What was seen in it before that is the old one's.
    private func checkIsStill(_ namespace: JSONObject) async throws {
        if let now = try await live(namespace.objectName), now.objectUID != namespace.objectUID { throw Replaced() }
    }

    /// Lets go the namespace that was emptied, and no other of its name.
    private func finalize(_ emptied: JSONObject) async throws {
        try await retryOnConflict {
            guard var namespace = try await live(emptied.objectName), namespace.objectUID == emptied.objectUID else {
                return
            }
            let rest = namespace.array("spec", "finalizers").filter { $0 != "kubernetes" }
            namespace.set("spec", "finalizers", to: rest.isEmpty ? nil : .array(rest))
            do {
                // The version makes it fail when the name is another's by now.
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

    private func empty(_ namespace: JSONObject) async throws -> Outcome {
        let uid = namespace.objectUID
        let isFirst = passes.withLock { $0[uid]?.isSwept != true }
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
        for resource in pods { try await empty(namespace, resource, isFirst: isFirst, &outcome) }
        guard outcome.isEmpty || !outcome.remaining.keys.contains("pods.") else { return outcome }
        var seen: Set<String> = []
        for resource in served where !(resource.id.group.isEmpty && resource.id.plural == "pods") {
            // Events are served by two groups, and are the same objects.
            guard resource.id.plural != "events" || seen.insert("events").inserted else { continue }
            try await empty(namespace, resource, isFirst: isFirst, &outcome)
        }
        if isFirst, outcome.deletionErrors.isEmpty { passes.withLock { $0[uid, default: Pass()].isSwept = true } }
        return outcome
    }

    /// What is left of one resource in a namespace.
    private struct Rest {
        var count = 0
        var finalizers: [String: Int] = [:]
        /// Those to delete: nobody has begun to, or they are pods, which may have ended meanwhile.
        var due: [JSONObject] = []
        var longestGrace = 0
    }

    /// Deletes the objects of a resource one by one, each by its uid: they were seen before it was sure that the namespace
    /// is still the one meant, so none of another that is made under its name can be among them.
    private func empty(
        _ namespace: JSONObject, _ resource: ServedResource, isFirst: Bool, _ outcome: inout Outcome
    ) async throws {
        let (id, name) = (resource.id, namespace.objectName)
        do {
            let deletesAll = resource.verbs.contains("deletecollection")
            guard resource.verbs.contains("list") else {
                try await checkIsStill(namespace)
                if deletesAll { try await deleteAll(id, name, uid: nil) }
                return
            }
            var left = try await look(id, name)
            try await checkIsStill(namespace)
            for object in left.due { try await deleteOne(id, object) }
            // What cannot be read is in no list, and goes with the collection; of what can be, none has the namespace's uid.
            if isFirst, deletesAll { try await deleteAll(id, name, uid: namespace.objectUID) }
            if !left.due.isEmpty { left = try await look(id, name) }
            guard left.count > 0 else { return }
            outcome.remaining["\(id.plural).\(id.group)"] = left.count
            outcome.finalizers.merge(left.finalizers, uniquingKeysWith: +)
            if id.group.isEmpty, id.plural == "pods" { outcome.estimate = estimate(left.longestGrace) }
        } catch let replaced as Replaced {
            throw replaced
        } catch {
            if let error = error as? StatusError, error.code == 404 || error.code == 405 { return }
            outcome.deletionErrors.append("\(id.plural).\(id.group): \(error)")
        }
    }

    private func look(_ id: ResourceID, _ namespace: String) async throws -> Rest {
        var rest = Rest()
        try await context.client.forEachMetadata(id, namespace: namespace) { object in
            rest.count += 1
            if !object.objectIsBeingDeleted || id == Kinds.pods { rest.due.append(object) }
            for finalizer in object.array("metadata", "finalizers").compactMap(\.string) {
                rest.finalizers[finalizer, default: 0] += 1
            }
            rest.longestGrace = max(rest.longestGrace, object.int("metadata", "deletionGracePeriodSeconds") ?? 0)
        }
        return rest
    }

    /// - Parameter uid: Which of the objects that can be read are meant; nil for all.
    private func deleteAll(_ id: ResourceID, _ namespace: String, uid: String?) async throws {
        var options: JSONObject = [
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
        ]
        if let uid { options["preconditions"] = ["uid": .string(uid)] }
        do {
            _ = try await context.client.request(
                "DELETE", KubeClient.path(id, namespace: namespace), body: options, accept: KubeClient.metadataOnly)
        } catch  where uid != nil && error.isConflict {
            // There are some that can be read.
        }
    }

    private func deleteOne(_ id: ResourceID, _ object: JSONObject) async throws {
        do {
            try await context.client.delete(
                id, namespace: object.objectNamespace, name: object.objectName,
                options: DeleteOptions(propagationPolicy: .background, uid: object.objectUID))
        } catch  where error.isNotFound || error.isConflict {
            // Gone already; one made under its name is seen with the next look.
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
