// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Synchronization

/// Creations and deletions a controller has asked for and not yet seen in its cache: until it has, the cache lies.
final class Expectations: Sendable {
    private struct Entry {
        var additions = 0
        var deletions: Set<String> = []
        var since = ContinuousClock.now
    }

    /// A watch that lost an event must not stop a controller for ever.
    private static let timeout = Duration.seconds(300)

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    func isSatisfied(_ key: ObjectKey) -> Bool {
        entries.withLock { entries in
            guard let entry = entries[key] else { return true }
            return (entry.additions <= 0 && entry.deletions.isEmpty)
                || entry.since.duration(to: .now) > Self.timeout
        }
    }

    func expect(_ key: ObjectKey, additions: Int) {
        entries.withLock { $0[key] = Entry(additions: additions) }
    }

    func expect(_ key: ObjectKey, deletions: some Sequence<String>) {
        entries.withLock { $0[key] = Entry(deletions: Set(deletions)) }
    }

    func expect(_ key: ObjectKey, additions: Int, deletions: some Sequence<String>) {
        entries.withLock { $0[key] = Entry(additions: additions, deletions: Set(deletions)) }
    }

    func sawAddition(_ key: ObjectKey, count: Int = 1) {
        entries.withLock { entries in
            guard var entry = entries[key] else { return }
            entry.additions -= count
            entries[key] = entry
        }
    }

    func sawDeletion(_ key: ObjectKey, _ uid: String) {
        entries.withLock { _ = $0[key]?.deletions.remove(uid) }
    }

    func forget(_ key: ObjectKey) {
        entries.withLock { _ = $0.removeValue(forKey: key) }
    }
}
