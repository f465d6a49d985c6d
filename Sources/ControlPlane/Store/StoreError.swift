// SPDX-License-Identifier: Apache-2.0

/// Why a store refused: each case names what was attempted on what.
public enum StoreError: Error, Sendable {
    /// A create found the key taken; carries what is there.
    case keyExists(StoredObject)
    /// A write expected another revision than the one there (nil: the key is gone).
    case conflict(key: String, expected: Int64, current: StoredObject?)
    /// What the value was to be written beside (`NewValue.beside`) is at another revision, or gone.
    case besideChanged(key: String)
    /// A delete or update found nothing under the key.
    case notFound(key: String)
    /// The revision asked for is older than the history kept.
    case compacted(requested: Int64, oldest: Int64)
    /// The revision asked for has not happened yet.
    case future(requested: Int64, current: Int64)
    /// The value is longer than any that is stored.
    case tooLarge(key: String, size: Int, limit: Int)
    /// No room is left in what the store may take; of one holder: he has as much as is left for all.
    case quotaExceeded(holder: String?, used: Int, quota: Int)
    /// The disk is full: nothing of the write was kept.
    case diskFull(path: String)
    /// The database is damaged. It is left as it was found, for a restore or a repair.
    case corrupt(path: String, detail: String)
    /// Another process uses the data directory.
    case locked(path: String, holder: String)
    /// The file is of a format that this version does not know.
    case unknownFormat(path: String, detail: String)
    /// A watcher did not keep up and was cut off.
    case tooSlow(prefix: String)
    /// Any other failure of the database or of a file.
    case failed(attempt: String, detail: String)
    /// The store was closed while the request waited.
    case closed
}

extension StoreError: CustomStringConvertible {
    /// What was attempted, on what and why it failed.
    public var description: String {
        switch self {
        case .keyExists(let object): "create \(object.key): the key exists at revision \(object.revision)"
        case .conflict(let key, let expected, let current):
            "write \(key): expected revision \(expected), found \(current.map { "revision \($0.revision)" } ?? "nothing")"
        case .besideChanged(let key): "write beside \(key): it has changed"
        case .notFound(let key): "write \(key): no such key"
        case .compacted(let requested, let oldest):
            "read at revision \(requested): history before revision \(oldest) is compacted"
        case .future(let requested, let current):
            "read at revision \(requested): the store is at revision \(current)"
        case .tooLarge(let key, let size, let limit): "write \(key): \(size) bytes, at most \(limit) are stored"
        case .quotaExceeded(let holder, let used, let quota):
            "etcdserver: mvcc: database space exceeded: "
                + (holder.map { "\"\($0)\" has \(used >> 20) MiB, as much as is left of" }
                    ?? "objects take \(used >> 20) MiB of")
                + " the quota of \(quota >> 20) MiB; delete objects, or start the server with a larger "
                + "--quota-backend-bytes"
        case .diskFull(let path): "write to \(path): the disk is full, nothing was written"
        case .corrupt(let path, let detail):
            "open \(path): the database is corrupt (\(detail)); it is left untouched, restore it from a backup"
        case .locked(let path, let holder): "lock \(path): the data directory is in use by \(holder)"
        case .unknownFormat(let path, let detail): "open \(path): \(detail)"
        case .tooSlow(let prefix): "watch \(prefix): too many events are waiting to be read"
        case .failed(let attempt, let detail): "\(attempt): \(detail)"
        case .closed: "the store is closed"
        }
    }
}
