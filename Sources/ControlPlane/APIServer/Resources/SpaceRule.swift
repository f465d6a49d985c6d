// SPDX-License-Identifier: Apache-2.0

internal import Store
internal import Synchronization
internal import Telemetry

/// How the store's space is shared out: among namespaces, and the kinds of what the cluster has.
enum SpaceRule {
    /// The space of `quota` bytes, a sixteenth of it besides for those who keep the cluster going.
    static func space(quota: Int, metrics: ServerMetrics, logger: Logger) -> StoreSpace {
        let lastSaid = Mutex<Int64?>(nil)
        return StoreSpace(quota: quota, reserve: quota / 16, holder: { holder(of: $0) }) { refusal in
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
    /// there, or the kind.
    static func holder(of key: String) -> String {
        // "", "registry", a group, a kind, a namespace, a name; "custom" before the group of custom resources.
        let isCustom = key.utf8.starts(with: ObjectStorage.customPrefix.utf8)
        let parts = key.split(separator: "/", maxSplits: isCustom ? 5 : 4, omittingEmptySubsequences: true)
        let kind = isCustom ? 3 : 2
        guard parts.count > kind else { return key }
        guard parts.count == kind + 3 else { return parts[1...kind].joined(separator: "/") }
        let namespace = parts[kind + 1]
        return parts[kind] == "events" && !isCustom ? "events/\(namespace)" : String(namespace)
    }
}
