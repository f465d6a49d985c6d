// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import KubeClient
internal import Netlink
internal import Synchronization

/// The Services and slices that changed since the last sync.
final class ChangeQueue: Sendable {
    private struct State {
        var services: Set<ServiceKey> = []
        var endpoints: Set<ServiceKey> = []
        var oldestTrigger: Timestamp?
        var node = false
        var isWaiting = false
    }

    /// What one sync has to look at.
    struct Batch: Sendable {
        var services: Set<ServiceKey>
        var endpointChanges: Int
        /// When the oldest endpoint change was caused, as the controller noted it on the slice.
        var trigger: Timestamp?
        var node: Bool
    }

    private let state = Mutex(State())
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        // One pending wake-up is enough: whoever wakes takes all that is queued. That is what merges bursts without
        // making a single change wait.
        (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var wakeups: AsyncStream<Void> { stream }

    func service(_ key: ServiceKey) {
        state.withLock { _ = $0.services.insert(key) }
        continuation.yield()
    }

    func endpoints(_ key: ServiceKey, trigger: Timestamp?) {
        state.withLock { state in
            state.endpoints.insert(key)
            if let trigger { state.oldestTrigger = min(state.oldestTrigger ?? trigger, trigger) }
        }
        continuation.yield()
    }

    /// The node's addresses or labels changed.
    func node() {
        state.withLock { $0.node = true }
        continuation.yield()
    }

    /// Looks again at everything queued: after a failed sync.
    func retry(_ batch: Batch) {
        state.withLock { $0.services.formUnion(batch.services) }
        continuation.yield()
    }

    func wake() { continuation.yield() }

    func finish() { continuation.finish() }

    func take() -> Batch {
        state.withLock { state in
            defer { state = State() }
            return Batch(
                services: state.services.union(state.endpoints), endpointChanges: state.endpoints.count,
                trigger: state.oldestTrigger, node: state.node)
        }
    }
}

extension EndpointSlice {
    /// The controllers note here when the change that made them write the slice happened.
    var lastChangeTrigger: Timestamp? {
        metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"].flatMap { Timestamp($0) }
    }
}
