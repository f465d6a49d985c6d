// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Synchronization

/// How many pods the controllers make, for each namespace by itself: some hundreds at once, then so many a second, and
/// none while very many of its pods wait for a node. Whoever may write a Deployment may write any number into it; what
/// comes of it must not fill the store, nor keep the pods of others waiting.
final class PodPacer: Sendable {
    /// Upstream's controllers have 20 requests a second each for all namespaces, and make 500 pods in one go at most.
    static let rate = 20.0
    static let burst = 500.0
    /// Pods of a namespace that wait for a node, before no more are made.
    static let waitingLimit = 5_000
    /// How long a controller waits when that many do.
    static let patience = Duration.seconds(10)
    /// What is there is the administrator's.
    private static let free = "kube-system"

    private struct Bucket {
        var tokens = PodPacer.burst
        var at: ContinuousClock.Instant

        mutating func refill(_ now: ContinuousClock.Instant) {
            let passed = at.duration(to: now)
            guard passed > .zero else { return }
            tokens = min(PodPacer.burst, tokens + PodPacer.rate * (passed / .seconds(1)))
            at = now
        }
    }

    private struct State {
        var buckets: [String: Bucket] = [:]
        var waiting: [String: Int] = [:]
        var isFollowing = false
    }

    private let state = Mutex(State())

    /// What a namespace may have now.
    struct Grant: Equatable {
        var count: Int
        /// When to come back for the rest; nil when there is none.
        var delay: Duration?
        /// Why none are made for the time being.
        var reason: String?
    }

    /// Counts pods that wait, from now on. Called by every controller that makes pods, before the informers start.
    func follow(_ pods: Informer<DynamicObject>) {
        let isFirst = state.withLock { state in
            defer { state.isFollowing = true }
            return !state.isFollowing
        }
        guard isFirst else { return }
        pods.addHandler { [weak self] change in
            switch change {
            case .added(let pod): self?.count(pod.json, 1)
            case .updated(let old, let new):
                self?.count(old.json, -1)
                self?.count(new.json, 1)
            case .deleted(let pod): self?.count(pod.json, -1)
            }
        }
    }

    func count(_ pod: JSONObject, _ change: Int) {
        guard pod.podNode.isEmpty, !pod.podIsFinished else { return }
        let namespace = pod.objectNamespace
        state.withLock { state in
            let now = (state.waiting[namespace] ?? 0) + change
            state.waiting[namespace] = now > 0 ? now : nil
        }
    }

    /// Takes as many of `count` pods as the namespace may have now.
    func take(_ count: Int, in namespace: String, at now: ContinuousClock.Instant = .now) -> Grant {
        if count <= 0 || namespace == Self.free { return Grant(count: max(0, count)) }
        return state.withLock { state in
            let room = Self.waitingLimit - (state.waiting[namespace] ?? 0)
            guard room > 0 else {
                return Grant(
                    count: 0, delay: Self.patience,
                    reason:
                        "\(Self.waitingLimit) pods of the namespace wait for a node: no more are made before some of "
                        + "them have one")
            }
            if state.buckets.count > 1_024 { Self.forgetFull(&state, now) }
            var bucket = state.buckets[namespace] ?? Bucket(at: now)
            bucket.refill(now)
            let granted = min(count, room, Int(bucket.tokens))
            bucket.tokens -= Double(granted)
            state.buckets[namespace] = bucket
            return Grant(count: granted, delay: granted < count ? .seconds(1) : nil)
        }
    }

    /// Gives back what was not tried.
    func giveBack(_ count: Int, in namespace: String) {
        guard count > 0 else { return }
        state.withLock { state in
            guard var bucket = state.buckets[namespace] else { return }
            bucket.tokens = min(Self.burst, bucket.tokens + Double(count))
            state.buckets[namespace] = bucket
        }
    }

    private static func forgetFull(_ state: inout State, _ now: ContinuousClock.Instant) {
        state.buckets = state.buckets.filter {
            var bucket = $0.value
            bucket.refill(now)
            return bucket.tokens < burst
        }
    }
}
