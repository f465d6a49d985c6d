// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the API server needs of a store: revisions that only increase, atomic conditional writes that are durable
/// before they are answered, consistent lists and gap-free watches. Keys are paths: `/registry/pods/default/web`.
public protocol KeyValueStore: Sendable {
    /// The revision of the newest committed write.
    var currentRevision: Int64 { get }

    /// The revision up to which history is gone; reads at it or later work.
    var compactedRevision: Int64 { get }

    /// Writes a new key. Throws `keyExists` when there is one.
    func create(_ key: String, _ value: NewValue) async throws(StoreError) -> StoredObject

    /// Replaces the value of `key` when its revision is `expected`. Throws `conflict` or `notFound` otherwise.
    func update(_ key: String, expected: Int64, _ value: NewValue) async throws(StoreError) -> StoredObject

    /// Deletes `key`, when its revision is `expected` where one is given. Returns the deletion, which holds the last
    /// value as `previous`.
    func delete(_ key: String, expected: Int64?) async throws(StoreError) -> StoreEvent

    /// Gives the value of `key` to `target`, both in one step. A value that is at `target` already stays there. Throws
    /// `notFound` when there is nothing to move.
    func move(_ key: String, to target: String) async throws(StoreError)

    /// The newest value of `key`.
    func get(_ key: String) -> StoredObject?

    /// Objects under `prefix` (a path ending in `/`), in key order, as of `revision` (nil: now): at most `limit` of those
    /// after the key `after`. Of the past, in the turns of `reader`.
    func list(
        prefix: String, revision: Int64?, after: String?, limit: Int?, for reader: PastReader
    ) async throws(StoreError) -> ListPage

    /// Every object under `prefix` (a path ending in `/`) as it is now, in key order.
    func current(prefix: String) -> [StoredObject]

    /// How many objects are under `prefix` now.
    func count(prefix: String) -> Int

    /// Every change under `prefix` (a path ending in `/`, or one whole key) after `revision`, in order, without a gap. What
    /// is no longer in memory of it is read in the turns of `reader`.
    func watch(prefix: String, after revision: Int64, for reader: PastReader) async throws(StoreError) -> StoreWatch

    /// Tells, from now on and at the cost of one load, whether something under `prefix` (a path ending in `/`) changed.
    func changes(under prefix: String) -> ChangeMark

    /// Remembers, as long as the store lives, which keys under `prefix` (a path ending in `/`) change; for one reader.
    func changedKeys(under prefix: String) -> ChangedKeys

    /// Tells `body`, as long as the store lives, of each change under `prefix` (a path ending in `/`), before it can be read:
    /// on the writer's thread, where it must be quick and ask nothing of the store. Returns what is there before them.
    func follow(prefix: String, _ body: @escaping @Sendable (StoreEvent) -> Void) -> [StoredObject]

    /// Forgets the history before `revision`: reads at it or later still work.
    func compact(to revision: Int64) async throws(StoreError)
}

extension KeyValueStore {
    public func list(
        prefix: String, revision: Int64?, after: String?, limit: Int?
    ) async throws(StoreError) -> ListPage {
        try await list(prefix: prefix, revision: revision, after: after, limit: limit, for: .own)
    }

    public func watch(prefix: String, after revision: Int64) async throws(StoreError) -> StoreWatch {
        try await watch(prefix: prefix, after: revision, for: .own)
    }
}

/// The newest change under one prefix, for what is derived from the objects there and kept. Read `revision` first, then
/// the objects: what was made of them holds while `revision` stays the same.
public final class ChangeMark: Sendable {
    let prefix: String
    private let newest: Atomic<Int64>

    init(prefix: String, revision: Int64) {
        self.prefix = prefix
        newest = Atomic(revision)
    }

    /// The revision of the newest change, or one later than it. A write that was answered is seen.
    public var revision: Int64 { newest.load(ordering: .acquiring) }

    func advance(to revision: Int64) { newest.store(revision, ordering: .releasing) }
}
