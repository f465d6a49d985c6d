// SPDX-License-Identifier: Apache-2.0

/// How much a store takes of what lasts, and how it is shared out. Every value is in memory and on disk, so that one
/// who may create objects could else fill both.
public struct StoreSpace: Sendable {
    /// How many bytes of objects are kept, each with its key and `overhead`. Nobody has more of it than is left over.
    public var quota: Int
    /// What those have besides who keep the cluster going (`NewValue.reserves`), when everything else is full; and as much
    /// once more those whom these may not leave without room.
    public var reserve: Int
    /// Whom the space of a key is counted to.
    public var holder: @Sendable (_ key: String) -> String
    /// Told, on the writer's thread, whose write found no room.
    public var onRefusal: @Sendable (StoreError) -> Void

    /// What an object takes besides its key and its bytes, about.
    public static let overhead = 256

    public init(
        quota: Int, reserve: Int, holder: @escaping @Sendable (_ key: String) -> String,
        onRefusal: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) {
        self.quota = quota
        self.reserve = reserve
        self.holder = holder
        self.onRefusal = onRefusal
    }

    /// History is cut when this much of it has come: it must not fill the disk either.
    var historyBytes: Int { min(GroupCommit.historyBytes, max(16 << 20, quota / 8)) }

    static func size(key: String, value: [UInt8]?) -> Int {
        value.map { key.utf8.count + $0.count + overhead } ?? 0
    }
}

/// What everybody has of a store.
struct SpaceAccounts: Sendable {
    private(set) var total = 0
    /// What the store held when it was opened: where that is beyond the quota, the reserve is beyond that.
    private var atStart = 0
    private var holders: [String: Int] = [:]
    let space: StoreSpace

    init(_ space: StoreSpace) { self.space = space }

    /// Everything that is in the store has been added.
    mutating func allAdded() { atStart = total }

    func used(by holder: String) -> Int { holders[holder] ?? 0 }

    mutating func add(_ growth: Int, _ key: String) {
        total += growth
        let holder = space.holder(key)
        let now = (holders[holder] ?? 0) + growth
        holders[holder] = now > 0 ? now : nil
    }

    mutating func apply(_ event: StoreEvent) {
        let growth =
            StoreSpace.size(key: event.key, value: event.object?.bytes)
            - StoreSpace.size(key: event.key, value: event.previous?.bytes)
        if growth != 0 { add(growth, event.key) }
    }

    /// Why an object may not grow by this much now; nil when it may.
    ///
    /// - Parameters:
    ///   - pending: What writes have added that are not applied yet.
    ///   - pendingOfHolder: The same of one holder.
    func refusal(
        _ key: String, growth: Int, reserves: Int, pending: Int, pendingOfHolder: (String) -> Int
    ) -> StoreError? {
        if growth <= 0 { return nil }
        let left = space.quota - total - pending
        if reserves > 0 {
            let room = max(space.quota, atStart) + space.reserve * reserves - total - pending
            return room >= growth ? nil : .quotaExceeded(holder: nil, used: total, quota: space.quota)
        }
        if left < growth { return .quotaExceeded(holder: nil, used: total, quota: space.quota) }
        // Who has less than is left over may go on; with less than half in use that is everybody.
        if total + pending + growth <= space.quota / 2 { return nil }
        let holder = space.holder(key)
        let now = used(by: holder) + pendingOfHolder(holder)
        return now + growth <= left ? nil : .quotaExceeded(holder: holder, used: now, quota: space.quota)
    }
}
