// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
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
    /// Decisions are made here, apart from the loop that serves the API.
    private let workbench = Workbench(limit: 1)
    /// For what is written beside: a decision that nobody can write down yet is not made.
    private let writes = Permits(64)
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
        claims.addHandler { [queue] change in queue.happened(.claimChanged(change.object.json.objectKey)) }
        for informer in [volumes, classes] {
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
                await writes.take()
                await schedule(item, in: &group)
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
            if let event = ClusterEvent.nodeChanged(old.json, new.json) { queue.happened(event) }
        case .deleted(let node): cache.removeNode(node.json.objectName)
        }
    }

    private func namespaceChanged(_ change: InformerChange<DynamicObject>) {
        let name = change.object.json.objectName
        if case .deleted = change {
            cache.setNamespace(name, labels: nil)
        } else {
            let isNews = cache.setNamespace(name, labels: change.object.json.objectLabels)
            if isNews { queue.happened(.namespaceChanged) }
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
                if cache.removePod(uid: pod.uid) { queue.happened(.podGone(pod)) }
                return
            }
            cache.setPod(pod)
            if old?.string("spec", "nodeName") != pod.nodeName
                || old?.value("metadata", "labels") != pod.json.value("metadata", "labels")
            {
                // What it was before, if it was on the node before.
                let before = old.flatMap { $0.string("spec", "nodeName").isEmpty ? nil : PodInfo($0) }
                queue.happened(.podPlaced(pod, before: before))
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
        if cache.removePod(uid: pod.uid) { queue.happened(.podGone(pod)) }
    }

    // MARK: One pod

    /// What was decided for a pod.
    private enum Decision: Sendable {
        case bind(String)
        /// The node, and the claims that wait to hear of it.
        case select(String, [ObjectKey])
        /// Why not, where room can be made, and lesser pods that wait for the same room.
        case refuse(FitFailure, Preemption.Candidate?, waiting: [PodInfo])
    }

    private func schedule(_ item: SchedulingQueue.Item, in group: inout DiscardingTaskGroup) async {
        let pod = item.pod
        let (decision, cost) = await workbench.run(for: "") { [self] in
            let start = Self.processorTime()
            let decision = decide(pod)
            return (decision, Self.processorTime() - start)
        }
        queue.spent(cost, on: item)
        switch decision {
        case .bind(let node):
            cache.assume(pod.bound(to: node))
            write(in: &group) { await $0.bind(item, to: node) }
        case .select(let node, let claims):
            write(in: &group) { await $0.selectNode(node, for: claims, item) }
        case .refuse(let failure, let best, let waiting):
            if let best { cache.nominate(pod.nominated(to: best.node)) }
            queue.refused(item, by: failure.plugins, cost: cost)
            write(in: &group) { await $0.report(item, failure, best, waiting) }
        }
    }

    /// Gives the permit back that was taken for a pod, when all about it is written.
    private func write(
        in group: inout DiscardingTaskGroup, _ body: @escaping @Sendable (PodScheduler) async -> Void
    ) {
        group.addTask {
            await body(self)
            self.writes.giveBack()
        }
    }

    private func decide(_ pod: PodInfo) -> Decision {
        let snapshot = cache.snapshot()
        let filter = VolumeFilter(
            pod, claim: { claims.get($0)?.json }, volume: { volumes.get($0)?.json },
            bindsLate: { bindsLate($0) })
        let cycle = Cycle(pod, snapshot, volumes: filter)
        switch cycle.decide() {
        case .node(let node): return filter.waiting.isEmpty ? .bind(node) : .select(node, filter.waiting)
        case .none(var failure):
            // Budgets are looked at only where somebody might have to go.
            let mayPreempt = pod.preempts && failure.rejections.values.contains(where: \.isResolvable)
            let budgets = mayPreempt ? self.budgets.list().map { Budget($0.json, budgetSelectors.of($0)) } : []
            let outcome = Preemption(cycle, budgets: budgets).find(failure)
            failure.preemption = outcome.message
            let waiting = outcome.best.map { snapshot.nominated[$0.node] ?? [] } ?? []
            return .refuse(failure, outcome.best, waiting: waiting.filter { $0.priority < pod.priority })
        }
    }

    /// What this thread has used of a processor: other than a clock's, a busy machine does not make it more.
    private static func processorTime() -> Duration {
        var time = timespec()
        guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return .zero }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
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
