// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry

/// Keeps one pod of each DaemonSet on every node it suits.
final class DaemonSetController: Controller {
    let name = "daemonset"
    private let context: ControllerContext
    private let sets: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let nodes: Informer<DynamicObject>
    private let revisions: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    /// Pods that nobody owns.
    private let orphans = ChangesByNamespace()
    /// The namespaces whose sets have to be asked, since nodes have changed, and what these were when they were last asked.
    private let asked = WorkQueue<String>(turn: { $0 })
    private let before = Mutex<[String: [String: FormerNode]]>([:])
    private let expectations = Expectations()
    private let recorder: EventRecorder
    private let control: PodControl
    private let burst = 250
    private let failures = FailureBackoff()
    private let selectors: SelectorTable

    init(_ context: ControllerContext) {
        self.context = context
        sets = context.informer(Kinds.daemonSets)
        pods = context.informer(Kinds.pods)
        selectors = SelectorTable(sets)
        nodes = context.informer(Kinds.nodes)
        revisions = context.informer(Kinds.controllerRevisions)
        recorder = context.recorder("daemonset-controller")
        control = PodControl(client: context.client, recorder: recorder)
        OwnerIndex.add(to: pods)
        context.pacer.follow(pods)
        OwnerIndex.add(to: revisions)
        sets.addHandler { [queue, expectations] change in
            if case .deleted(let set) = change { expectations.forget(set.json.objectKey) }
            queue.add(change.object.json.objectKey)
        }
        revisions.addHandler { [queue] change in
            guard let owner = change.object.json.controllerReference, owner.kind == "DaemonSet" else { return }
            queue.add(ObjectKey(change.object.json.objectNamespace, owner.name))
        }
        nodes.addHandler { [weak self] in self?.nodeChanged($0) }
        pods.addHandler { [weak self] in self?.podChanged($0) }
        orphans.find(sets, by: selectors, among: pods, orphansOnly: true, queue)
    }

    private enum FormerNode {
        case was(JSONObject)
        /// It is new.
        case none
        /// It is gone, whatever it was.
        case any
    }

    func run() async {
        let asking: @Sendable () async -> Void = { [self] in
            // Nothing fails but its rest, when all ends.
            await asked.run(on: { [bench = context.bench] in bench.executor(for: $0) }, failed: { _, _ in }) {
                [self] in try await ask($0)
            }
        }
        await work(
            on: queue, workers: 2, after: [sets, pods, nodes, revisions], recorder: recorder, in: context,
            matching: [orphans], beside: [asking]
        ) { [self] in try await sync($0) }
    }

    private func nodeChanged(_ change: InformerChange<DynamicObject>) {
        let former: FormerNode
        switch change {
        case .added: former = .none
        case .deleted: former = .any
        case .updated(let old, let new):
            // A node says every few seconds, or as often as it likes, how it is: that places nothing.
            guard DaemonPlacement.goes(by: old.json) != DaemonPlacement.goes(by: new.json) else { return }
            former = .was(old.json)
        }
        let name = change.object.json.objectName
        let namespaces = sets.namespaces
        before.withLock { before in
            for namespace in namespaces {
                // What it was first is what the sets know of.
                if case .any = former {
                    before[namespace, default: [:]][name] = .any
                } else if before[namespace]?[name] == nil {
                    before[namespace, default: [:]][name] = former
                }
            }
        }
        for namespace in namespaces { asked.add(namespace) }
    }

    /// Wakes the sets of a namespace for which the changes of nodes make a difference. Then it rests for some time of it: a
    /// node may change without end, and somebody may have thousands of sets.
    private func ask(_ namespace: String) async throws {
        guard let changed = before.withLock({ $0.removeValue(forKey: namespace) }) else { return }
        let start = ContinuousClock.now
        for set in sets.list(namespace: namespace) {
            let isConcerned = changed.contains { name, former in
                let present = nodes.get(name).map { DaemonPlacement.decide(set.json, on: $0.json) }
                switch former {
                case .any: return true
                case .none: return present.map { $0 != (false, false) } ?? false
                case .was(let old): return present.map { $0 != DaemonPlacement.decide(set.json, on: old) } ?? true
                }
            }
            if isConcerned { queue.add(set.json.objectKey) }
        }
        let spent = start.duration(to: .now)
        if spent > .milliseconds(20) { try await Task.sleep(for: min(spent * 10, .seconds(2))) }
    }

    private func podChanged(_ change: InformerChange<DynamicObject>) {
        let pod = change.object.json
        guard let owner = pod.controllerReference else {
            if change.mayBeAdopted { orphans.note(pod) }
            return
        }
        guard owner.kind == "DaemonSet" else { return }
        let key = ObjectKey(pod.objectNamespace, owner.name)
        switch change {
        case .added: expectations.sawAddition(key)
        case .deleted: expectations.sawDeletion(key, pod.objectUID)
        case .updated: if pod.objectIsBeingDeleted { expectations.sawDeletion(key, pod.objectUID) }
        }
        queue.add(key)
    }

    // MARK: Sync

    private func sync(_ key: ObjectKey) async throws {
        guard let object = sets.get(key), !object.json.objectIsBeingDeleted else { return }
        let set = object.json
        let wanted = selectors.of(object)
        if wanted.isEverything {
            recorder.event(
                EventTarget(set, Kinds.daemonSets), .warning, reason: "SelectingAll",
                "This daemon set is selecting all pods. A non-empty selector is required.")
            return
        }
        let history = RevisionHistory(client: context.client, owner: set, ownerResource: Kinds.daemonSets)
        let owned = OwnerIndex.owned(revisions, by: set)
        let (current, old, collisions) = try await history.current(
            owned, collisions: set.int("status", "collisionCount"))
        let hash = RevisionHistory.hash(of: current)
        let isSettled = expectations.isSatisfied(key)
        let manager = ClaimManager(
            client: context.client, owner: set, ownerResource: Kinds.daemonSets, resource: Kinds.pods)
        let claimed = try await manager.claim(OwnerIndex.candidates(pods, for: set)) {
            wanted.matches($0.objectLabels)
        }
        let byNode = Dictionary(grouping: claimed, by: DaemonPlacement.node)
        if isSettled {
            let isUnchanged = try await manage(set, byNode, hash: hash)
            if isUnchanged, set.string("spec", "updateStrategy", "type") != "OnDelete" {
                try await roll(set, byNode, hash: hash)
            }
        }
        let live = Set(claimed.map { $0.objectLabels[RevisionHistory.hashLabel] ?? "" } + [hash])
        try await history.trim(old, live: live, limit: set.int("spec", "revisionHistoryLimit") ?? 10)
        try await writeStatus(set, byNode, hash: hash, collisions: collisions)
    }

    /// Makes pods where they are missing, deletes those that are too many, failed or misplaced. True when nothing was done.
    private func manage(_ set: JSONObject, _ byNode: [String: [JSONObject]], hash: String) async throws -> Bool {
        var missing: [String] = []
        var surplus: [JSONObject] = []
        let key = set.objectKey
        for node in nodes.list().map(\.json) {
            let (runs, stays) = DaemonPlacement.decide(set, on: node)
            let here = byNode[node.objectName] ?? []
            if runs {
                var running: [JSONObject] = []
                for pod in here where !pod.objectIsBeingDeleted {
                    if pod.podPhase == "Failed" {
                        replaceFailed(pod, node.objectName, set, &surplus)
                    } else if pod.podPhase == "Succeeded" {
                        surplus.append(pod)
                    } else {
                        running.append(pod)
                    }
                }
                // One is enough; the oldest stays. Two during a surging update are not too many.
                let surging = RolloutLimits.daemon(set, nodes: byNode.count).surge > 0
                let hashes = Set(running.map { $0.objectLabels[RevisionHistory.hashLabel] ?? "" })
                if running.count > 1, !(surging && hashes.count > 1) {
                    surplus += running.sorted { $0.creationTime < $1.creationTime }.dropFirst()
                }
                if here.isEmpty { missing.append(node.objectName) }
            } else if !stays {
                surplus += here.filter { !$0.objectIsBeingDeleted }
            }
        }
        // Pods pinned to nodes that are gone can never run.
        let known = Set(nodes.list().map(\.json.objectName))
        for (node, pods) in byNode where !known.contains(node) {
            surplus += pods.filter { !$0.objectIsBeingDeleted && $0.podNode.isEmpty }
        }
        return try await !apply(
            set, key, create: Array(missing.prefix(burst)), delete: Array(surplus.prefix(burst)), hash: hash)
    }

    private func replaceFailed(
        _ pod: JSONObject, _ node: String, _ set: JSONObject, _ surplus: inout [JSONObject]
    ) {
        let slot = "\(set.objectUID)/\(node)"
        if let wait = failures.wait(slot) {
            queue.add(set.objectKey, after: wait)
            return
        }
        failures.failed(slot)
        recorder.event(
            EventTarget(set, Kinds.daemonSets), .warning, reason: "FailedDaemonPod",
            "Found failed daemon pod \(pod.objectKey) on node \(node), will try to kill it")
        surplus.append(pod)
    }

    /// Returns whether anything was done.
    @discardableResult
    private func apply(
        _ set: JSONObject, _ key: ObjectKey, create: [String], delete: [JSONObject], hash: String
    ) async throws -> Bool {
        let grant = context.pacer.take(create.count, in: set.objectNamespace)
        if let delay = grant.delay { queue.add(key, after: delay) }
        if let reason = grant.reason { control.event(set, Kinds.daemonSets, .warning, "FailedCreate", reason) }
        let create = Array(create.prefix(grant.count))
        guard !create.isEmpty || !delete.isEmpty else { return false }
        expectations.expect(key, additions: create.count, deletions: delete.map(\.objectUID))
        let (made, createError) = await slowStartBatch(create.count) { [self] index in
            let pod = PodControl.pod(
                template: DaemonPlacement.template(set, node: create[index], hash: hash), owner: set,
                resource: Kinds.daemonSets)
            do {
                try await control.create(pod, for: set, Kinds.daemonSets)
            } catch  where error.isNamespaceTerminating {
                expectations.sawAddition(key)
            }
        }
        if made < create.count {
            expectations.sawAddition(key, count: create.count - made)
            context.pacer.giveBack(create.count - made, in: set.objectNamespace)
        }
        let (_, deleteError) = await slowStartBatch(delete.count, first: delete.count) { [self] index in
            do {
                try await control.delete(delete[index], for: set, Kinds.daemonSets)
            } catch {
                expectations.sawDeletion(key, delete[index].objectUID)
                if !error.isNotFound { throw error }
            }
        }
        if let error = createError ?? deleteError { throw error }
        return true
    }

    /// Replaces pods of old revisions, as many at a time as may be unavailable or surplus.
    private func roll(_ set: JSONObject, _ byNode: [String: [JSONObject]], hash: String) async throws {
        let desired = nodes.list().filter { DaemonPlacement.decide(set, on: $0.json).runs }.map(\.json.objectName)
        let limits = RolloutLimits.daemon(set, nodes: desired.count)
        let minReady = set.int("spec", "minReadySeconds") ?? 0
        let now = Timestamp.now
        var unavailable = 0
        var surging = 0
        var replaceable: [JSONObject] = []
        var brokenOld: [JSONObject] = []
        var surgeNodes: [String] = []
        var retire: [JSONObject] = []
        for node in desired {
            let here = (byNode[node] ?? []).filter { !$0.objectIsBeingDeleted && !$0.podIsFinished }
            let new = here.first { $0.objectLabels[RevisionHistory.hashLabel] == hash }
            let old = here.first { $0.objectLabels[RevisionHistory.hashLabel] != hash }
            let newIsUp = new?.podIsAvailable(minReadySeconds: minReady, at: now) ?? false
            let oldIsUp = old?.podIsAvailable(minReadySeconds: minReady, at: now) ?? false
            if limits.surge > 0 {
                if let old, new != nil {
                    if newIsUp { retire.append(old) } else { surging += 1 }
                } else if let old {
                    if oldIsUp { surgeNodes.append(node) } else { retire.append(old) }
                }
                continue
            }
            if !newIsUp, !oldIsUp { unavailable += 1 }
            if let old { if oldIsUp { replaceable.append(old) } else { brokenOld.append(old) } }
        }
        if limits.surge > 0 {
            let room = max(0, limits.surge - surging)
            try await apply(
                set, set.objectKey, create: Array(surgeNodes.prefix(room)), delete: retire, hash: hash)
            return
        }
        // An old pod that does not work anyway may go at any time.
        let room = max(0, limits.unavailable - unavailable)
        try await apply(
            set, set.objectKey, create: [], delete: brokenOld + replaceable.prefix(room), hash: hash)
    }

    private func writeStatus(
        _ set: JSONObject, _ byNode: [String: [JSONObject]], hash: String, collisions: Int?
    ) async throws {
        var counts = (desired: 0, current: 0, misplaced: 0, ready: 0, updated: 0, available: 0)
        let minReady = set.int("spec", "minReadySeconds") ?? 0
        let now = Timestamp.now
        var recheck: Duration?
        for node in nodes.list().map(\.json) {
            let here = (byNode[node.objectName] ?? []).sorted { $0.creationTime < $1.creationTime }
            guard DaemonPlacement.decide(set, on: node).runs else {
                if !here.isEmpty { counts.misplaced += 1 }
                continue
            }
            counts.desired += 1
            guard let first = here.first else { continue }
            counts.current += 1
            let pod = here.first { $0.podIsReady } ?? first
            if pod.podIsReady {
                counts.ready += 1
                if pod.podIsAvailable(minReadySeconds: minReady, at: now) { counts.available += 1 }
            }
            if let delay = pod.podAvailabilityDelay(minReadySeconds: minReady, at: now) {
                recheck = min(recheck ?? delay, delay)
            }
            if here.contains(where: { $0.objectLabels[RevisionHistory.hashLabel] == hash }) { counts.updated += 1 }
        }
        if let recheck { queue.add(set.objectKey, after: recheck + .milliseconds(100)) }
        var status = set.object("status")
        status["desiredNumberScheduled"] = .count(counts.desired)
        status["currentNumberScheduled"] = .count(counts.current)
        status["numberMisscheduled"] = .count(counts.misplaced)
        status["numberReady"] = .count(counts.ready)
        func put(_ field: String, _ value: Int) { status[field] = value == 0 ? nil : .count(value) }
        put("updatedNumberScheduled", counts.updated)
        put("numberAvailable", counts.available)
        put("numberUnavailable", counts.desired - counts.available)
        status["observedGeneration"] = .count(set.int("metadata", "generation") ?? 0)
        if let collisions { status["collisionCount"] = .count(collisions) }
        guard status != set.object("status") else { return }
        var updated = set
        updated["status"] = .object(status)
        do {
            _ = try await context.client.update(Kinds.daemonSets, updated, subresource: "status")
        } catch  where error.isNotFound {
            // Deleted meanwhile: nobody reads its status.
        }
    }
}

extension RolloutLimits {
    /// A DaemonSet's: percentages of its nodes, rounded up; one unavailable where nothing is said.
    static func daemon(_ set: JSONObject, nodes: Int) -> RolloutLimits {
        let rolling = set.value("spec", "updateStrategy", "rollingUpdate")
        let surge = scaled(rolling?["maxSurge"], of: nodes, roundUp: true) ?? 0
        let unavailable = scaled(rolling?["maxUnavailable"] ?? 1, of: nodes, roundUp: true) ?? 1
        return RolloutLimits(surge: surge, unavailable: surge == 0 ? max(1, unavailable) : unavailable)
    }
}
