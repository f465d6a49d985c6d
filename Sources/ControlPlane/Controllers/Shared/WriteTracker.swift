// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Synchronization

/// The cache has not yet seen what was written a moment ago.
struct StaleCache: Error, CustomStringConvertible {
    var description: String { "the cache is older than the last write" }
}

/// Remembers the versions a controller wrote, so that it does not act on a cache that is older.
final class WriteTracker: Sendable {
    private let written = Mutex<[ObjectKey: [String: Int64]]>([:])

    func wrote(_ object: JSONObject, for key: ObjectKey) {
        // Versions are numbers on every server that promises their order; on others nothing is tracked.
        guard let version = Int64(object.objectResourceVersion) else { return }
        written.withLock { $0[key, default: [:]][object.objectName] = version }
    }

    func deleted(_ name: String, for key: ObjectKey) {
        written.withLock { _ = $0[key]?.removeValue(forKey: name) }
    }

    func forget(_ key: ObjectKey) {
        written.withLock { _ = $0.removeValue(forKey: key) }
    }

    /// Throws StaleCache unless the objects show every write; what has been seen is forgotten.
    ///
    /// - Parameter newest: The newest version that the cache had seen before the objects were read.
    func check(_ objects: [JSONObject], for key: ObjectKey, newest: String) throws {
        let isStale = written.withLock { written in
            guard var pending = written[key] else { return false }
            for object in objects {
                if let version = pending[object.objectName],
                    Int64(object.objectResourceVersion).map({ $0 >= version }) ?? true
                {
                    pending.removeValue(forKey: object.objectName)
                }
            }
            // Deleted by somebody else since: the watch has passed the write without showing the object.
            if let newest = Int64(newest) { pending = pending.filter { $0.value > newest } }
            written[key] = pending.isEmpty ? nil : pending
            return !pending.isEmpty
        }
        if isStale { throw StaleCache() }
    }
}
