// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization
internal import Telemetry
internal import Text

/// Counts a namespace anew when something in it went, finished or changed its size, or its quota changed. Each namespace is
/// counted by itself, in turns of its own: one with much to count keeps no other waiting.
struct QuotaKeeper: Sendable {
    let quotas: Quotas
    let store: any KeyValueStore
    let logger: Logger
    private let pending = Pending()

    init(quotas: Quotas, store: any KeyValueStore, logger: Logger) {
        self.quotas = quotas
        self.store = store
        self.logger = logger
    }

    /// Works until cancelled or the store is closed.
    func run() async {
        await withDiscardingTaskGroup { counts in
            await follow { namespace in
                counts.addTask(executorPreference: quotas.executor(for: namespace)) { await count(namespace) }
            }
            counts.cancelAll()
        }
    }

    /// Notes what happens, and calls `begin` with each namespace that is to be counted and that nobody counts.
    private func follow(_ begin: (String) -> Void) async {
        while !Task.isCancelled {
            do throws(StoreError) {
                let watch = try await store.watch(prefix: "/registry/", after: store.currentRevision)
                // Whatever happened while nobody watched.
                let prefix = "/registry/core/resourcequotas/"
                for namespace in Set(store.current(prefix: prefix).compactMap({ Place($0.key)?.namespace }))
                where pending.add(nil, to: namespace) {
                    begin(namespace)
                }
                while let events = try await watch.next() {
                    for event in events {
                        guard let place = Place(event.key), quotas.bind(place.namespace) else { continue }
                        if pending.add(event, to: place.namespace) { begin(place.namespace) }
                    }
                }
                return  // The watch ended: the server stops.
            } catch {
                logger.warning("watch what quotas count, trying again", ["error": "\(error)"])
            }
            do { try await AsyncIO.sleep(for: .seconds(1)) } catch { return }  // Cancelled.
        }
    }

    /// Counts one namespace as long as something has happened in it.
    private func count(_ namespace: String) async {
        while let changes = pending.take(from: namespace), !Task.isCancelled {
            guard changes.contains(where: { $0.map(affects) ?? true }) else { continue }
            do throws(APIError) {
                try await quotas.locked(namespace) { () async throws(APIError) in
                    try await quotas.recalculate(namespace)
                }
            } catch {
                logger.warning("count what a namespace uses", ["namespace": namespace, "error": error.message])
            }
        }
    }

    /// Whether a change may have lowered what its namespace uses. Creates were counted before they happened.
    private func affects(_ event: StoreEvent) -> Bool {
        guard let place = Place(event.key) else { return false }
        let isQuota = place.group.isEmpty && place.plural == "resourcequotas"
        guard let new = event.object else { return true }
        guard event.previous != nil || isQuota else { return false }
        let isSized = place.group.isEmpty && ["pods", "services", "persistentvolumeclaims"].contains(place.plural)
        guard isQuota || isSized else { return false }
        do throws(APIError) {
            let object = try APIObject(new)
            if isQuota { return object.status["hard"] != object.spec["hard"] }
            guard let previous = event.previous else { return false }
            let before = QuotaUsage.of(try APIObject(previous).json, group: "", plural: place.plural)
            return before != QuotaUsage.of(object.json, group: "", plural: place.plural)
        } catch {
            logger.warning("count a changed object", ["key": event.key, "error": error.message])
            return true
        }
    }

    /// What has happened in namespaces that are being counted. Nil stands for what was not looked at.
    private final class Pending: Sendable {
        /// More changes are not looked at one by one: the namespace is counted.
        private static let limit = 64

        private let changes = Mutex<[String: [StoreEvent?]]>([:])

        /// True when nobody counts the namespace yet.
        func add(_ event: StoreEvent?, to namespace: String) -> Bool {
            changes.withLock { changes in
                let isNew = changes[namespace] == nil
                changes[namespace, default: []].append(event)
                if changes[namespace]!.count > Self.limit { changes[namespace] = [nil] }
                return isNew
            }
        }

        /// What there is, which whoever takes it counts; nil when there is nothing, and then he is done.
        func take(from namespace: String) -> [StoreEvent?]? {
            changes.withLock { changes in
                guard let taken = changes[namespace], !taken.isEmpty else {
                    changes[namespace] = nil
                    return nil
                }
                changes[namespace] = []
                return taken
            }
        }
    }

    /// What a key of a namespaced object says: `/registry/core/pods/default/web`, or for custom resources
    /// `/registry/custom/example.com/widgets/default/w`.
    private struct Place {
        var group, plural, namespace: String

        init?(_ key: String) {
            var parts = key.steps
            if parts.count > 1, parts[1] == "custom" { parts.remove(at: 1) }
            guard parts.count == 5 else { return nil }
            group = parts[1] == "core" ? "" : parts[1]
            plural = parts[2]
            namespace = parts[3]
        }
    }
}
