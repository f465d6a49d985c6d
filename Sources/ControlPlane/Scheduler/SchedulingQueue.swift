// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import KubeClient
import Synchronization

/// Pods that want a node: those to try now, those backing off, and those waiting for an event that may help.
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
        /// When it was last made active.
        var order: UInt64 = 0
        var refusedBy: Set<Plugin> = []
        var backoffEnds = ContinuousClock.now
        /// Whether it changed while a node was looked for.
        var isChanged = false
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// How many pods of each namespace there are.
        var counts: [String: Int] = [:]
        var waiting: Set<String> = []
        var active = ActiveQueue()
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Item?, Never>)] = []
        var counter: UInt64 = 0
        var sequence: UInt64 = 0
        var inFlight = 0
        /// The latest events while pods are in flight, to see what their cycles have missed.
        var recent: [(sequence: UInt64, event: ClusterEvent)] = []
        /// Events of which not all who wait have heard yet.
        var news: [ClusterEvent] = []
        var isSpreadingNews = false
    }

    private static let firstBackoff = Duration.seconds(1)
    private static let longestBackoff = Duration.seconds(10)
    /// Pods that no event woke are tried again all the same.
    private static let longestWait = Duration.seconds(300)
    /// How many pods of a namespace are tried again a second: of many each waits the longer.
    private static let retriesPerSecond = 100
    /// The pods of a namespace together are tried again so rarely that it takes this part of the time at most.
    private static let share = 20
    /// To how many pods events are told at a time, and how many events.
    private static let audience = 64
    private static let longestNews = 32

    private let state = Mutex(State())
    private let timers = DelayQueue<String>()

    init() {
        timers.deliver(to: { [weak self] uid in self?.timePassed(uid) })
    }

    /// Adds a pod, or takes its new state; a changed pod is tried again, once its back-off is over.
    ///
    /// - Parameter retry: Whether its labels or its specification are others than before.
    func add(_ pod: PodInfo, retry: Bool = true) {
        let wake = state.withLock { state -> (() -> Void)? in
            if var entry = state.entries[pod.uid] {
                if !retry { pod.adopt(entry.pod) }
                entry.isChanged = entry.isChanged || retry && entry.place == .inFlight
                entry.pod = pod
                state.entries[pod.uid] = entry
                return retry && entry.place == .waiting ? retryLater(pod.uid, &state) : nil
            }
            state.entries[pod.uid] = Entry(pod: pod, place: .waiting)
            state.waiting.insert(pod.uid)
            state.counts[pod.key.namespace, default: 0] += 1
            return activate(pod.uid, &state)
        }
        wake?()
    }

    func remove(uid: String) {
        timers.remove(uid)
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: uid) else { return }
            state.waiting.remove(uid)
            if entry.place == .inFlight { SchedulingQueue.land(&state) }
            let namespace = entry.pod.key.namespace
            let count = (state.counts[namespace] ?? 1) - 1
            state.counts[namespace] = count == 0 ? nil : count
        }
    }

    /// The pod whose turn it is, waiting for one; nil when cancelled.
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
    func refused(_ item: Item, by plugins: Set<Plugin>, cost: Duration = .zero) {
        putBack(item, plugins, cost, isError: false)
    }

    /// Returns a pod whose binding failed, to be tried after its back-off.
    func failed(_ item: Item) {
        putBack(item, [], .zero, isError: true)
    }

    /// The pod has its node.
    func done(_ item: Item) { remove(uid: item.pod.uid) }

    /// Notes how long it took to look for a node.
    func spent(_ cost: Duration, on item: Item) {
        state.withLock { $0.active.spend(cost, on: item.pod.key.namespace) }
    }

    private func putBack(_ item: Item, _ plugins: Set<Plugin>, _ cost: Duration, isError: Bool) {
        let uid = item.pod.uid
        let delay = state.withLock { state -> Duration? in
            guard var entry = state.entries[uid], entry.place == .inFlight else { return nil }
            entry.refusedBy = plugins
            // What was read of it to look for a node is large, and not needed while it waits for anything but other pods.
            if plugins.isDisjoint(with: [.interPodAffinity, .podTopologySpread, .nodePorts, .volumeBinding]) {
                entry.pod = PodInfo(entry.pod.json)
            }
            let backoff = SchedulingQueue.backoff(
                attempts: entry.attempts, cost: cost, among: state.counts[item.pod.key.namespace] ?? 1)
            entry.backoffEnds = .now.advanced(by: backoff)
            // An event during the cycle would be missed otherwise.
            let isForgotten = state.recent.first.map { $0.sequence > item.sequence + 1 } ?? false
            let missed =
                isForgotten || entry.isChanged
                || state.recent.contains { $0.sequence > item.sequence && $0.event.mayHelp(item.pod, plugins) }
            entry.place = isError || missed ? .backoff : .waiting
            entry.isChanged = false
            SchedulingQueue.land(&state)
            if entry.place == .waiting { state.waiting.insert(uid) }
            state.entries[uid] = entry
            return entry.place == .backoff ? backoff : max(backoff, SchedulingQueue.longestWait)
        }
        if let delay { timers.set(uid, after: delay) }
    }

    private static func land(_ state: inout State) {
        state.inFlight -= 1
        if state.inFlight == 0 { state.recent = [] }
    }

    // MARK: Events

    /// Something changed in the cluster: wakes those whom it may help.
    func happened(_ event: ClusterEvent) {
        let (wakes, mustSpread) = state.withLock { state -> ([() -> Void], Bool) in
            state.sequence += 1
            if state.inFlight > 0 { state.recent.append((state.sequence, event)) }
            if state.recent.count > 256 { state.recent.removeFirst(128) }
            if state.waiting.isEmpty { return ([], false) }
            if !state.isSpreadingNews, state.waiting.count <= SchedulingQueue.audience {
                return (tell([event], Array(state.waiting), &state), false)
            }
            // Of very many the differences do not matter any more.
            if state.news.count < SchedulingQueue.longestNews {
                state.news.append(event)
            } else {
                state.news = [.anything]
            }
            defer { state.isSpreadingNews = true }
            return ([], !state.isSpreadingNews)
        }
        for wake in wakes { wake() }
        if mustSpread { EventLoop.here.begin { await spreadNews() } }
    }

    /// Tells many pods what happened, a few at a time: whoever waits for the queue meanwhile does not wait for all.
    private func spreadNews() async {
        while true {
            let (news, audience) = state.withLock { state -> ([ClusterEvent], [String]) in
                defer { state.news = [] }
                if state.news.isEmpty { state.isSpreadingNews = false }
                return (state.news, state.news.isEmpty ? [] : Array(state.waiting))
            }
            if news.isEmpty { return }
            let start = ContinuousClock.now
            var first = 0
            while first < audience.count {
                let part = audience[first..<min(first + SchedulingQueue.audience, audience.count)]
                first = part.endIndex
                for wake in state.withLock({ tell(news, part, &$0) }) { wake() }
                await Task.yield()
            }
            // What happens meanwhile is told together: this takes a fifth of the time at most.
            do { try await Task.sleep(for: min(start.duration(to: .now) * 4, .seconds(5))) } catch {
                // Cancelled, which nobody does: the next who has news begins again.
                return state.withLock { $0.isSpreadingNews = false }
            }
        }
    }

    private func tell(
        _ news: [ClusterEvent], _ audience: some Sequence<String>, _ state: inout State
    ) -> [() -> Void] {
        audience.compactMap { uid in
            guard let entry = state.entries[uid], entry.place == .waiting, !entry.pod.isGated,
                news.contains(where: { $0.mayHelp(entry.pod, entry.refusedBy) })
            else { return nil }
            return retryLater(uid, &state)
        }
    }

    private func timePassed(_ uid: String) {
        let wake = state.withLock { state -> (() -> Void)? in
            guard let entry = state.entries[uid], entry.place == .backoff || entry.place == .waiting else { return nil }
            return activate(uid, &state)
        }
        wake?()
    }

    /// Makes a pod ready to be tried once its back-off is over; returns what resumes a waiting `next`.
    private func retryLater(_ uid: String, _ state: inout State) -> (() -> Void)? {
        guard let entry = state.entries[uid], !entry.pod.isGated else { return nil }
        let now = ContinuousClock.now
        guard entry.backoffEnds > now else { return activate(uid, &state) }
        state.entries[uid]?.place = .backoff
        state.waiting.remove(uid)
        timers.set(uid, after: now.duration(to: entry.backoffEnds))
        return nil
    }

    /// Makes a pod ready to be tried; returns what resumes a waiting `next`.
    private func activate(_ uid: String, _ state: inout State) -> (() -> Void)? {
        guard var entry = state.entries[uid], entry.place != .active, !entry.pod.isGated else { return nil }
        state.counter += 1
        entry.place = .active
        entry.order = state.counter
        state.entries[uid] = entry
        state.waiting.remove(uid)
        state.active.push(
            ActiveQueue.Ticket(uid: uid, order: entry.order), namespace: entry.pod.key.namespace,
            priority: entry.pod.priority)
        guard !state.waiters.isEmpty, let item = pop(&state) else { return nil }
        let continuation = state.waiters.removeFirst().continuation
        return { continuation.resume(returning: item) }
    }

    private func pop(_ state: inout State) -> Item? {
        while let ticket = state.active.pop() {
            guard var entry = state.entries[ticket.uid], entry.place == .active, entry.order == ticket.order else {
                continue
            }
            entry.place = .inFlight
            entry.attempts += 1
            state.inFlight += 1
            state.entries[ticket.uid] = entry
            return Item(pod: entry.pod, attempts: entry.attempts, sequence: state.sequence)
        }
        return nil
    }

    /// How long a pod is not tried again that was refused so often: the longer the more it costs to try it, and all the other
    /// pods of its namespace with it.
    static func backoff(attempts: Int, cost: Duration = .zero, among count: Int = 1) -> Duration {
        let usual = min(longestBackoff, firstBackoff * (1 << min(max(attempts - 1, 0), 10)))
        return max(usual, .seconds(count / retriesPerSecond), min(cost * share * max(count, 1), longestWait))
    }
}
