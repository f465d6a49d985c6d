// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
public import KubeClient
public import Telemetry

/// Gives pods their nodes: one decision at a time, bindings written beside.
public final class PodScheduler: Sendable {
    public static let defaultName = "default-scheduler"

    let client: KubeClient
    let recorder: EventRecorder
    let logger: Logger
    let schedulerName: String
    let cache = SchedulerCache()
    let queue = SchedulingQueue()
    private let informers: SharedInformerFactory
    private let pods: Informer<DynamicObject>
    private let nodes: Informer<DynamicObject>
    private let namespaces: Informer<DynamicObject>
    let claims: Informer<DynamicObject>
    let volumes: Informer<DynamicObject>
    let classes: Informer<DynamicObject>
    let budgets: Informer<DynamicObject>
    private let budgetSelectors: SelectorTable

    /// - Parameter informers: Shared with other components; started by whoever made them.
    public init(
        client: KubeClient, informers: SharedInformerFactory, logger: Logger, name: String = PodScheduler.defaultName
    ) {
        self.client = client
        self.informers = informers
        self.logger = logger
        schedulerName = name
        recorder = EventRecorder(client: client, component: name, logger: logger)
        func informer(_ group: String, _ plural: String, _ kind: String, _ namespaced: Bool) -> Informer<DynamicObject>
        {
            informers.informer(
                ResourceID(group: group, version: "v1", plural: plural, kind: kind, namespaced: namespaced))
        }
        pods = informer("", "pods", "Pod", true)
        nodes = informer("", "nodes", "Node", false)
        namespaces = informer("", "namespaces", "Namespace", false)
        claims = informer("", "persistentvolumeclaims", "PersistentVolumeClaim", true)
        volumes = informer("", "persistentvolumes", "PersistentVolume", false)
        classes = informer("storage.k8s.io", "storageclasses", "StorageClass", false)
        budgets = informer("policy", "poddisruptionbudgets", "PodDisruptionBudget", true)
        budgetSelectors = SelectorTable(budgets)
        nodes.addHandler { [weak self] in self?.nodeChanged($0) }
        namespaces.addHandler { [weak self] in self?.namespaceChanged($0) }
        pods.addHandler { [weak self] in self?.podChanged($0) }
        for informer in [claims, volumes, classes] {
            informer.addHandler { [queue] _ in queue.happened(.volumeChanged) }
        }
    }

    /// Schedules until cancelled.
    public func run() async {
        do {
            for informer in [nodes, namespaces, pods, claims, volumes, classes, budgets] {
                try await informer.waitForSync()
            }
        } catch {
            return  // Cancelled before the caches were filled.
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.recorder.run() }
            while let item = await queue.next() {
                schedule(item, in: &group)
            }
            group.cancelAll()
        }
    }

    // MARK: What changed

    private func nodeChanged(_ change: InformerChange<DynamicObject>) {
        switch change {
        case .added(let node):
            cache.setNode(node.json)
            queue.happened(.nodeAdded)
        case .updated(let old, let new):
            cache.setNode(new.json)
            if PodScheduler.matters(old.json, new.json) { queue.happened(.nodeChanged) }
        case .deleted(let node): cache.removeNode(node.json.objectName)
        }
    }

    /// Whether a node changed in something that decides; heartbeats do not.
    static func matters(_ old: JSONObject, _ new: JSONObject) -> Bool {
        old.value("status", "allocatable") != new.value("status", "allocatable")
            || old.value("spec", "taints") != new.value("spec", "taints")
            || old.value("spec", "unschedulable") != new.value("spec", "unschedulable")
            || old.value("metadata", "labels") != new.value("metadata", "labels")
    }

    private func namespaceChanged(_ change: InformerChange<DynamicObject>) {
        let name = change.object.json.objectName
        if case .deleted = change {
            cache.setNamespace(name, labels: nil)
        } else {
            cache.setNamespace(name, labels: change.object.json.objectLabels)
            queue.happened(.namespaceChanged)
        }
    }

    private func podChanged(_ change: InformerChange<DynamicObject>) {
        switch change {
        case .added(let object): podAppeared(PodInfo(object.json), old: nil)
        case .updated(let old, let new): podAppeared(PodInfo(new.json), old: old.json)
        case .deleted(let object): podLeft(PodInfo(object.json))
        }
    }

    private func podAppeared(_ pod: PodInfo, old: JSONObject?) {
        if !pod.nodeName.isEmpty {
            queue.remove(uid: pod.uid)
            if pod.isFinished {
                cache.removePod(uid: pod.uid)
                queue.happened(.podGone)
                return
            }
            cache.setPod(pod)
            if old?.string("spec", "nodeName") != pod.nodeName
                || old?.value("metadata", "labels") != pod.json.value("metadata", "labels")
            {
                queue.happened(.podPlaced)
            }
            return
        }
        guard pod.schedulerName == schedulerName, !pod.isFinished, !pod.isTerminating else {
            if pod.isTerminating || pod.isFinished { queue.remove(uid: pod.uid) }
            return
        }
        if cache.isAssumed(uid: pod.uid) { return }
        cache.nominate(pod)
        // What the scheduler itself writes into the status is no reason to try again.
        let isChanged =
            old == nil || old?.value("spec") != pod.json.value("spec")
            || old?.value("metadata", "labels") != pod.json.value("metadata", "labels")
        queue.add(pod, retry: isChanged)
    }

    private func podLeft(_ pod: PodInfo) {
        queue.remove(uid: pod.uid)
        cache.removePod(uid: pod.uid)
        if !pod.nodeName.isEmpty { queue.happened(.podGone) }
    }

    // MARK: One pod

    private func schedule(_ item: SchedulingQueue.Item, in group: inout DiscardingTaskGroup) {
        let pod = item.pod
        let snapshot = cache.snapshot()
        let filter = VolumeFilter(
            pod, claim: { claims.get($0)?.json }, volume: { volumes.get($0)?.json },
            bindsLate: { bindsLate($0) })
        switch Cycle(pod, snapshot, volumes: filter).decide() {
        case .node(let node):
            if !filter.waiting.isEmpty {
                group.addTask { await self.selectNode(node, for: filter.waiting, item) }
                return
            }
            cache.assume(pod.bound(to: node))
            group.addTask { await self.bind(item, to: node) }
        case .none(let failure):
            let budgets = pod.preempts ? self.budgets.list().map { Budget($0.json, budgetSelectors.of($0)) } : []
            let outcome = Preemption(pod: pod, snapshot: snapshot, volumes: filter, budgets: budgets).find(failure)
            if let best = outcome.best { cache.nominate(pod.nominated(to: best.node)) }
            var failure = failure
            failure.preemption = outcome.message
            queue.refused(item, by: failure.plugins)
            let final = failure
            group.addTask { await self.report(item, final, outcome.best, snapshot) }
        }
    }

    private func bindsLate(_ name: String) -> Bool {
        guard !name.isEmpty else { return false }
        return classes.get(name)?.json.string("volumeBindingMode") == "WaitForFirstConsumer"
    }
}

extension Budget {
    init(_ json: JSONObject, _ selector: LabelSelector) {
        namespace = json.objectNamespace
        self.selector = selector
        allowed = Int64(json.int("status", "disruptionsAllowed") ?? 0)
        disrupted = Set(json.object("status", "disruptedPods").keys)
    }
}
