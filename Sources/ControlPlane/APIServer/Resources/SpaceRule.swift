// SPDX-License-Identifier: Apache-2.0

internal import Store
internal import Synchronization
internal import Telemetry
internal import Text

/// How the store's space is shared out: among namespaces, and the kinds of what the cluster has.
enum SpaceRule {
    /// The space of `quota` bytes, sixteenths of it besides for those who keep the cluster going.
    static func space(quota: Int, metrics: ServerMetrics, logger: Logger) -> StoreSpace {
        let lastSaid = Mutex<Int64?>(nil)
        return StoreSpace(
            quota: quota, reserve: quota / 16, holder: { holder(of: $0) }, group: { group(of: $0) },
            counted: { StoredWeight.counted($0, $1) }
        ) {
            refusal in
            metrics.storeRefusals.increment()
            // Once a minute: whoever is refused goes on asking.
            let now = WallClock.seconds()
            let isNew = lastSaid.withLock { last in
                if let last, (last..<last + 60).contains(now) { return false }
                last = now
                return true
            }
            if isNew { logger.error("the store's quota refuses writes", ["error": "\(refusal)"]) }
        }
    }

    /// Who the space of a key is counted to: its namespace, `events/` and its namespace for Events, which others write
    /// there, or the kind; the kinds that nodes make are one.
    static func holder(of key: String) -> String {
        // "", "registry", a group, a kind, a namespace, a name; "custom" before the group of custom resources.
        let isCustom = key.utf8.starts(with: ObjectStorage.customPrefix.utf8)
        let parts = key.steps
        let kind = isCustom ? 3 : 2
        guard parts.count > kind else { return key }
        guard parts.count >= kind + 3 else {
            let name = parts[1...kind].joined(separator: "/")
            return nodes.contains(name) && !isCustom ? nodeKinds : name
        }
        let namespace = parts[kind + 1]
        if namespace == "kube-node-lease" { return nodeKinds }
        return parts[kind] == "events" && !isCustom ? "\(events)/\(namespace)" : String(namespace)
    }

    /// What whoever has a bootstrap token makes as much of as he likes, by the names of nodes.
    private static let nodes: Set<String> = [
        "core/nodes", "storage.k8s.io/csinodes", "resource.k8s.io/resourceslices",
        "certificates.k8s.io/certificatesigningrequests",
    ]
    private static let nodeKinds = "nodes"
    private static let events = "events"

    /// Events of all namespaces have no more together than one namespace: a node writes them in any.
    static func group(of holder: String) -> String? {
        holder.utf8.starts(with: "\(events)/".utf8) ? events : nil
    }
}
