// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Which keys under one prefix have changed since they were last taken, for what is derived from the objects there and
/// kept up to date by whoever reads it. Take the keys first, then read the objects: what changes meanwhile is told again.
public final class ChangedKeys: Sendable {
    /// What has changed.
    public enum Changes: Sendable, Equatable {
        case keys([String])
        /// More than is remembered one by one: at first, and when nobody has asked for long.
        case everything
    }

    /// Keys that are remembered one by one.
    public static let limit = 4_096

    let prefix: String
    /// Nil for everything.
    private let keys = Mutex<Set<KeyBytes>?>(nil)

    init(prefix: String) { self.prefix = prefix }

    /// The changes since the last call, in no order; those of a write that was answered are among them.
    public func take() -> Changes {
        let taken: Set<KeyBytes>? = keys.withLock { keys in
            if let known = keys, known.isEmpty { return [] }
            defer { keys = [] }
            return keys
        }
        return taken.map { .keys($0.map(\.text)) } ?? .everything
    }

    func note(_ key: String) {
        keys.withLock { keys in
            keys?.insert(KeyBytes(key))
            if let count = keys?.count, count > Self.limit { keys = nil }
        }
    }
}
