// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Telemetry

/// Counts a namespace anew when something in it went, finished or changed its size, or its quota changed.
struct QuotaKeeper: Sendable {
    let quotas: Quotas
    let store: any KeyValueStore
    let logger: Logger

    /// Works until cancelled or the store is closed.
    func run() async {
        while !Task.isCancelled {
            do throws(StoreError) {
                let watch = try await store.watch(prefix: "/registry/", after: store.currentRevision)
                // Whatever happened while nobody watched.
                let prefix = "/registry/core/resourcequotas/"
                await recalculate(Set(store.current(prefix: prefix).compactMap { Place($0.key)?.namespace }))
                while let events = try await watch.next() {
                    await recalculate(Set(events.compactMap { affected($0) }))
                }
                return  // The watch ended: the server stops.
            } catch {
                logger.warning("watch what quotas count, trying again", ["error": "\(error)"])
            }
            // Only cancellation ends the pause early, and the loop looks for that.
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func recalculate(_ namespaces: Set<String>) async {
        for namespace in namespaces {
            do throws(APIError) {
                try await quotas.locked(namespace) { () async throws(APIError) in
                    try await quotas.recalculate(namespace)
                }
            } catch {
                logger.warning(
                    "count what a namespace uses", ["namespace": namespace, "error": error.message])
            }
        }
    }

    /// The namespace whose usage a change may have lowered. Creates were counted before they happened.
    private func affected(_ event: StoreEvent) -> String? {
        guard let place = Place(event.key), quotas.bind(place.namespace) else { return nil }
        let isQuota = place.group.isEmpty && place.plural == "resourcequotas"
        guard let new = event.object else { return place.namespace }
        guard event.previous != nil || isQuota else { return nil }
        let isSized = place.group.isEmpty && ["pods", "services", "persistentvolumeclaims"].contains(place.plural)
        guard isQuota || isSized else { return nil }
        do throws(APIError) {
            let object = try APIObject(new)
            if isQuota { return object.status["hard"] == object.spec["hard"] ? nil : place.namespace }
            guard let previous = event.previous else { return nil }
            let before = QuotaUsage.of(try APIObject(previous).json, group: "", plural: place.plural)
            return before == QuotaUsage.of(object.json, group: "", plural: place.plural) ? nil : place.namespace
        } catch {
            logger.warning("count a changed object", ["key": event.key, "error": error.message])
            return place.namespace
        }
    }

    /// What a key of a namespaced object says: `/registry/core/pods/default/web`, or for custom resources
    /// `/registry/custom/example.com/widgets/default/w`.
    private struct Place {
        var group, plural, namespace: String

        init?(_ key: String) {
            var parts = key.split(separator: "/")
            if parts.count > 1, parts[1] == "custom" { parts.remove(at: 1) }
            guard parts.count == 5 else { return nil }
            group = parts[1] == "core" ? "" : String(parts[1])
            plural = String(parts[2])
            namespace = String(parts[3])
        }
    }
}
