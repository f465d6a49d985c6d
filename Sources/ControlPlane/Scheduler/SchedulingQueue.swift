// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Synchronization

/// Something that may make room for pods that found none.
struct ClusterEvent: Sendable, Equatable {
    /// The parts whose refusals it may lift; nil lifts all.
    var plugins: Set<Plugin>?

    static let nodeAdded = ClusterEvent(plugins: nil)
    static let nodeChanged = ClusterEvent(plugins: [
        .nodeResourcesFit, .nodeAffinity, .taintToleration, .nodeUnschedulable, .nodeName, .podTopologySpread,
        .interPodAffinity, .volumeBinding,
    ])
    static let podGone = ClusterEvent(plugins: [
        .nodeResourcesFit, .nodePorts, .interPodAffinity, .podTopologySpread, .volumeBinding,
    ])
    static let podPlaced = ClusterEvent(plugins: [.interPodAffinity, .podTopologySpread])
    static let volumeChanged = ClusterEvent(plugins: [.volumeBinding])
    static let namespaceChanged = ClusterEvent(plugins: [.interPodAffinity])
}

/// Pods that want a node: those to try now by priority, those backing off, and those waiting for an event. Among pods
/// of one priority namespaces take turns, so that one with very many keeps no other's waiting.
final class SchedulingQueue: Sendable {
    /// A pod taken out, and what happened to it so far.
    struct Item: Sendable {
        var pod: PodInfo
        var attempts: Int
        /// Events before this one were seen by the cycle.
        var sequence: UInt64
    }

    private enum Place: Equatable { case active, backoff, waiting, inFlight }

    private struct Entry {
        var pod: PodInfo
        var attempts = 0
        var place: Place
        var order: UInt64
        var refusedBy: Set<Plugin> = []
        var backoffEnds = ContinuousClock.now
        var waitingSince = ContinuousClock.now
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var ready = ReadyPods()
        /// Pods of each namespace that are here.
        var counts: [String: Int] = [:]
        /// What has happened and was not looked at yet.
        var happened: [ClusterEvent] = []
        var lastLook = ContinuousClock.now - SchedulingQueue.lookInterval
        var isLookDue = false
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Item?, Never>)] = []
        var counter: UInt64 = 0
        var sequence: UInt64 = 0
        /// The latest events, to see what a cycle in flight has missed.
        var recent: [(sequence: UInt64, event: ClusterEvent)] = []
    }

    private static let firstBackoff = Duration.seconds(1)
    private static let longestBackoff = Duration.seconds(10)
    /// Pods that no event woke are tried again all the same.
    private static let longestWait = Duration.seconds(300)
    /// How often it is looked whom events help: to look takes as long as there are pods.
    private static let lookInterval = Duration.milliseconds(100)
    /// In the timers: the next look.
    private static let look = ""
    /// How many pods of a namespace are tried again a second: of many each waits the longer.
    private static let retriesPerSecond = 100

    private let state = Mutex(State())
    private let timers = DelayQueue<String>()

    init() {
        timers.deliver(to: { [weak self] uid in
            if uid == Self.look { self?.lookAgain() } else { self?.timePassed(uid) }
        })
    }

    /// Adds a pod, or takes its new state; a changed pod is tried again at once.
    func add(_ pod: PodInfo, retry: Bool = true) {
        let wake = state.withLock { state -> (() -> Void)? in
            if var entry = state.entries[pod.uid] {
                entry.pod = pod
                state.entries[pod.uid] = entry
                if retry, entry.place == .waiting || entry.place == .backoff {
                    return activate(pod.uid, &state)
                }
                return nil
            }
            state.counter += 1
            state.counts[pod.key.namespace, default: 0] += 1
            let isGated = !pod.schedulingGates.isEmpty
            state.entries[pod.uid] = Entry(pod: pod, place: .waiting, order: state.counter)
            return isGated ? nil : activate(pod.uid, &state)
        }
        wake?()
    }

    func remove(uid: String) {
        timers.remove(uid)
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: uid) else { return }
            let namespace = entry.pod.key.namespace
            let left = (state.counts[namespace] ?? 0) - 1
            state.counts[namespace] = left > 0 ? left : nil
        }
    }

    /// The most important pod, waiting for one; nil when cancelled.
    func next() async -> Item? {
        let id = state.withLock { state in
            state.counter += 1
            return state.counter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Item?, Never>) in
                let item: Item?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if let item = pop(&state) { return item }
                    state.waiters.append((id, continuation))
                    return .none
                }
                if let item { continuation.resume(returning: item) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            continuation?.resume(returning: nil)
        }
    }

    /// Returns a pod that found no node, to wait for an event that may help.
    func refused(_ item: Item, by plugins: Set<Plugin>) {
        putBack(item, plugins, isError: false)
    }

    /// Returns a pod whose binding failed, to be tried after its back-off.
    func failed(_ item: Item) {
        putBack(item, [], isError: true)
    }

    /// The pod has its node.
    func done(_ item: Item) { remove(uid: item.pod.uid) }

    private func putBack(_ item: Item, _ plugins: Set<Plugin>, isError: Bool) {
        let uid = item.pod.uid
        let delay = state.withLock { state -> Duration? in
            guard var entry = state.entries[uid], entry.place == .inFlight else { return nil }
            entry.refusedBy = plugins
            let backoff = SchedulingQueue.backoff(
                attempts: entry.attempts, among: state.counts[entry.pod.key.namespace] ?? 0)
            entry.backoffEnds = .now.advanced(by: backoff)
            entry.waitingSince = .now
            // An event during the cycle would be missed otherwise.
            let missed = state.recent.contains { $0.sequence > item.sequence && helps($0.event, plugins) }
            entry.place = isError || missed ? .backoff : .waiting
            state.entries[uid] = entry
            return entry.place == .backoff ? backoff : SchedulingQueue.longestWait
        }
        if let delay { timers.set(uid, after: delay) }
    }

    /// Something changed in the cluster: wakes those whom it may help.
    func happened(_ event: ClusterEvent) {
        let isDue = state.withLock { state -> Duration? in
            state.sequence += 1
            state.recent.append((state.sequence, event))
            if state.recent.count > 256 { state.recent.removeFirst(128) }
            if !state.happened.contains(event) { state.happened.append(event) }
            if state.isLookDue { return nil }
            let rest = Self.lookInterval - state.lastLook.duration(to: .now)
            // With few pods a look costs nothing.
            if rest <= .zero || state.entries.count < 1_000 { return .zero }
            state.isLookDue = true
            return rest
        }
        guard let isDue else { return }
        if isDue > .zero { timers.set(Self.look, after: isDue) } else { lookAgain() }
    }

    /// Wakes those whom what has happened may help.
    private func lookAgain() {
        let (wakes, delays) = state.withLock { state -> ([() -> Void], [(String, Duration)]) in
            let events = state.happened
            state.happened = []
            state.isLookDue = false
            let now = ContinuousClock.now
            state.lastLook = now
            var wakes: [() -> Void] = []
            var delays: [(String, Duration)] = []
            for (uid, entry) in state.entries
            where entry.place == .waiting && entry.pod.schedulingGates.isEmpty
                && events.contains(where: { helps($0, entry.refusedBy) })
            {
                if entry.backoffEnds > now {
                    state.entries[uid]?.place = .backoff
                    delays.append((uid, now.duration(to: entry.backoffEnds)))
                } else if let wake = activate(uid, &state) {
                    wakes.append(wake)
                }
            }
            return (wakes, delays)
        }
        for (uid, delay) in delays { timers.set(uid, after: delay) }
        for wake in wakes { wake() }
    }

    private func helps(_ event: ClusterEvent, _ refusedBy: Set<Plugin>) -> Bool {
        guard let plugins = event.plugins, !refusedBy.isEmpty else { return true }
        return !plugins.isDisjoint(with: refusedBy)
    }

    private func timePassed(_ uid: String) {
        let wake = state.withLock { state -> (() -> Void)? in
            guard let entry = state.entries[uid], entry.place == .backoff || entry.place == .waiting,
                entry.pod.schedulingGates.isEmpty
            else { return nil }
            return activate(uid, &state)
        }
        wake?()
    }

    /// Makes a pod ready to be tried; returns what resumes a waiting `next`.
    private func activate(_ uid: String, _ state: inout State) -> (() -> Void)? {
        guard var entry = state.entries[uid], entry.place != .active, entry.pod.schedulingGates.isEmpty else {
            return nil
        }
        entry.place = .active
        if entry.attempts > 0 {
            // Behind those that were not tried since.
            state.counter += 1
            entry.order = state.counter
        }
        state.entries[uid] = entry
        state.ready.push(
            ReadyPods.Item(uid: uid, priority: entry.pod.priority, order: entry.order), entry.pod.key.namespace)
        guard !state.waiters.isEmpty, let item = pop(&state) else { return nil }
        let continuation = state.waiters.removeFirst().continuation
        return { continuation.resume(returning: item) }
    }

    private func pop(_ state: inout State) -> Item? {
        while let top = state.ready.pop() {
            guard var entry = state.entries[top.uid], entry.place == .active else { continue }
            entry.place = .inFlight
            entry.attempts += 1
            state.entries[top.uid] = entry
            return Item(pod: entry.pod, attempts: entry.attempts, sequence: state.sequence)
        }
        return nil
    }

    /// How long a pod is left alone that was refused so often, `among` so many of its namespace.
    static func backoff(attempts: Int, among count: Int = 0) -> Duration {
        let own = min(longestBackoff, firstBackoff * (1 << min(max(attempts - 1, 0), 10)))
        return max(own, .seconds(count / retriesPerSecond))
    }
}
