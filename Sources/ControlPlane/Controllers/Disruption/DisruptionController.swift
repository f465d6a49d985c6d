// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Keeps how many pods of each PodDisruptionBudget may go.
final class DisruptionController: Controller {
    let name = "disruption"
    private let context: ControllerContext
    private let budgets: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let selectors: SelectorTable
    private let owners: [String: (informer: Informer<DynamicObject>, resource: ResourceID)]
    private let queue = WorkQueue<ObjectKey>()
    private let changed = ChangesByNamespace()
    /// Owners of pods of which another number is wanted than before.
    private let resized = ChangesByNamespace()
    /// A granted eviction that has not happened by then is taken back.
    private static let deletionTimeout = Duration.seconds(120)

    init(_ context: ControllerContext) {
        self.context = context
        budgets = context.informer(Kinds.disruptionBudgets)
        pods = context.informer(Kinds.pods)
        selectors = SelectorTable(budgets)
        var owners: [String: (informer: Informer<DynamicObject>, resource: ResourceID)] = [:]
        for resource in [Kinds.replicaSets, Kinds.deployments, Kinds.statefulSets, Kinds.replicationControllers] {
            owners[resource.kind] = (context.informer(resource), resource)
        }
        self.owners = owners
        budgets.addHandler { [queue] change in
            if case .deleted = change { return }
            queue.add(change.object.json.objectKey)
        }
        pods.addHandler { [changed] change in
            switch change {
            case .added(let pod): changed.note(pod.json)
            case .updated(let old, let new):
                guard Self.matters(old.json, new.json) else { return }
                if old.json.value("metadata", "labels") != new.json.value("metadata", "labels") {
                    changed.note(former: old.json)
                }
                changed.note(new.json)
            case .deleted(let pod): changed.note(former: pod.json)
            }
        }
        for (informer, _) in owners.values {
            informer.addHandler { [resized] change in
                guard case .updated(let old, let new) = change,
                    old.json.specReplicas != new.json.specReplicas
                else { return }
                resized.note(new.json)
            }
        }
        changed.find(budgets, by: selectors, among: pods, orphansOnly: false, queue)
        resized.find { [budgets, queue] namespace, _ in
            for budget in budgets.list(namespace: namespace) where Self.goesByScale(budget.json) {
                queue.add(budget.json.objectKey)
            }
        }
    }

    /// Whether what a budget asks for depends on how many pods their owners want.
    static func goesByScale(_ budget: JSONObject) -> Bool {
        budget.value("spec", "maxUnavailable") != nil || budget.value("spec", "minAvailable")?.boundedInteger == nil
    }

    /// Whether a pod changed in what a budget counts.
    static func matters(_ old: JSONObject, _ new: JSONObject) -> Bool {
        old.podIsReady != new.podIsReady || old.podPhase != new.podPhase
            || old.objectIsBeingDeleted != new.objectIsBeingDeleted || old.objectUID != new.objectUID
            || old.value("metadata", "labels") != new.value("metadata", "labels")
            || old.value("metadata", "ownerReferences") != new.value("metadata", "ownerReferences")
    }

    func run() async {
        await work(
            on: queue, workers: 2, after: [budgets, pods] + owners.values.map { $0.informer }, in: context,
            matching: [changed, resized]
        ) { [self] in try await sync($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let object = budgets.get(key), !object.json.objectIsBeingDeleted else { return }
        let budget = object.json
        let wanted = selectors.of(object)
        let members = pods.list(namespace: key.namespace).map(\.json).filter {
            wanted.matches($0.objectLabels) && !$0.podIsFinished
        }
        let now = Timestamp.now
        let (disrupted, recheck) = Self.disrupted(budget, members, at: now)
        if let recheck { queue.add(key, after: recheck) }
        let healthy = members.count {
            $0.podIsReady && !$0.objectIsBeingDeleted && disrupted[$0.objectName] == nil
        }
        var status = budget.object("status")
        var conditions = Conditions(budget)
        let generation = budget.int("metadata", "generation") ?? 0
        do {
            let (expected, desired) = try Self.expectation(budget, members) { scale($0, namespace: key.namespace) }
            let allowed = expected > 0 ? max(0, healthy - desired) : 0
            status["expectedPods"] = .count(expected)
            status["desiredHealthy"] = .count(desired)
            status["currentHealthy"] = .count(healthy)
            status["disruptionsAllowed"] = .count(allowed)
            conditions.set(
                "DisruptionAllowed", allowed > 0, reason: allowed > 0 ? "SufficientPods" : "InsufficientPods", at: now)
        } catch {
            status["disruptionsAllowed"] = 0
            conditions.set("DisruptionAllowed", false, reason: "SyncFailed", message: "\(error)", at: now)
        }
        var map = JSONObject()
        for (name, time) in disrupted.sorted(by: { $0.key < $1.key }) { map[name] = .string(time.description) }
        status["disruptedPods"] = map.isEmpty ? nil : .object(map)
        status["observedGeneration"] = .count(generation)
        for index in conditions.items.indices { conditions.items[index]["observedGeneration"] = .count(generation) }
        status["conditions"] = conditions.json
        guard status != budget.object("status") else { return }
        var updated = budget
        updated["status"] = .object(status)
        _ = try await context.client.update(Kinds.disruptionBudgets, updated, subresource: "status")
    }

    struct NoScale: Error, CustomStringConvertible {
        var description: String
    }

    /// The replicas its owners want of a pod; nil when nobody says.
    private func scale(_ pod: JSONObject, namespace: String) -> (uid: String, replicas: Int)? {
        guard var owner = pod.controllerReference, let found = owners[owner.kind] else { return nil }
        guard var object = found.informer.get(owner.name, namespace: namespace)?.json, object.objectUID == owner.uid
        else { return nil }
        if let above = object.controllerReference, let next = owners[above.kind],
            let parent = next.informer.get(above.name, namespace: namespace)?.json, parent.objectUID == above.uid
        {
            owner = above
            object = parent
        }
        return (owner.uid, object.specReplicas)
    }

    /// How many pods there should be, and how many of them healthy. No I/O.
    static func expectation(
        _ budget: JSONObject, _ pods: [JSONObject], scale: (JSONObject) -> (uid: String, replicas: Int)?
    ) throws(NoScale) -> (expected: Int, desired: Int) {
        let minimum = budget.value("spec", "minAvailable")
        let maximum = budget.value("spec", "maxUnavailable")
        if !goesByScale(budget), let number = minimum?.boundedInteger { return (pods.count, number) }
        var scales: [String: Int] = [:]
        for pod in pods {
            guard let (uid, replicas) = scale(pod) else {
                throw NoScale(description: "found no controller with a scale for pod \"\(pod.objectName)\"")
            }
            scales[uid] = replicas
        }
        let expected = scales.values.reduce(0, +)
        if let maximum { return (expected, max(0, expected - (scaled(maximum, of: expected, roundUp: true) ?? 0))) }
        // Neither given: one must stay, upstream's default.
        return (expected, scaled(minimum ?? 1, of: expected, roundUp: true) ?? 1)
    }

    /// Granted evictions still under way, and when the first of them is given up. No I/O.
    static func disrupted(
        _ budget: JSONObject, _ pods: [JSONObject], at now: Timestamp
    ) -> (pods: [String: Timestamp], recheck: Duration?) {
        var kept: [String: Timestamp] = [:]
        var recheck: Duration?
        for (name, value) in budget.object("status", "disruptedPods") {
            guard let time = value.string.flatMap({ Timestamp($0) }),
                let pod = pods.first(where: { $0.objectName == name }), !pod.objectIsBeingDeleted
            else { continue }
            let left = deletionTimeout - (now - time)
            guard left > .zero else { continue }
            kept[name] = time
            recheck = min(recheck ?? left, left)
        }
        return (kept, recheck)
    }
}
