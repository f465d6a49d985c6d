// SPDX-License-Identifier: Apache-2.0

/// How much a store takes of what lasts, and how it is shared out. Every value is in memory and on disk, so that one
/// who may create objects could else fill both.
public struct StoreSpace: Sendable {
    /// How many bytes of objects are kept, as they are `counted`, each with its key and `overhead`. Nobody has more of it than is left over.
    public var quota: Int
    /// What some have besides when everything else is full (`NewValue.claim`): so much there is for all who have parts, so
    /// much for components whom these cannot leave without room, and once more for those whom neither can.
    public var reserve: Int
    /// Of how many there is a part for each in any case.
    public static let parts = 100
    /// Whom the space of a key is counted to.
    public var holder: @Sendable (_ key: String) -> String
    /// Whom the space of a holder is counted to besides, with that of others: together they have no more than one.
    public var group: @Sendable (_ holder: String) -> String?
    /// What a value counts; a value that is written several times is counted once.
    public var counted: @Sendable (_ key: String, _ value: [UInt8]) -> Int
    /// Told, on the writer's thread, whose write found no room.
    public var onRefusal: @Sendable (StoreError) -> Void

    /// What an object takes besides its key and its bytes, about.
    public static let overhead = 256

    public init(
        quota: Int, reserve: Int, holder: @escaping @Sendable (_ key: String) -> String,
        group: @escaping @Sendable (_ holder: String) -> String? = { _ in nil },
        counted: @escaping @Sendable (_ key: String, _ value: [UInt8]) -> Int = { $1.count },
        onRefusal: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) {
        self.quota = quota
        self.reserve = reserve
        self.holder = holder
        self.group = group
        self.counted = counted
        self.onRefusal = onRefusal
    }

    func accounts(of key: String) -> [String] {
        let holder = holder(key)
        return group(holder).map { [holder, $0] } ?? [holder]
    }

    /// History is cut when this much of it has come: it must not fill the disk either.
    var historyBytes: Int { min(GroupCommit.historyBytes, max(16 << 20, quota / 8)) }

    func size(_ object: StoredObject?) -> Int {
        object.map { $0.key.utf8.count + $0.counted(by: counted) + Self.overhead } ?? 0
    }
}

/// What everybody has of a store.
struct SpaceAccounts: Sendable {
    private(set) var total = 0
    /// What the store held when it was opened: where that is beyond the quota, the reserve is beyond that.
    private var atStart = 0
    private var holders: [String: Int] = [:]
    /// What those who have parts of the reserve have added when there was no other room, by whose space it is in.
    private var parts: [String: [String: Int]] = [:]
    private var inParts = 0
    let space: StoreSpace

    init(_ space: StoreSpace) { self.space = space }

    /// Everything that is in the store has been added.
    mutating func allAdded() { atStart = total }

    func used(by holder: String) -> Int { holders[holder] ?? 0 }

    mutating func add(_ growth: Int, _ key: String) {
        total += growth
        for account in space.accounts(of: key) {
            let now = (holders[account] ?? 0) + growth
            holders[account] = now > 0 ? now : nil
        }
    }

    mutating func apply(_ event: StoreEvent) {
        let growth = space.size(event.object) - space.size(event.previous)
        if growth != 0 { add(growth, event.key) }
    }

    /// Why an object may not grow by this much now; nil when it may. What is taken of a part is noted.
    ///
    /// - Parameters:
    ///   - pending: What writes have added that are not applied yet.
    ///   - pendingOfHolder: The same of one holder.
    mutating func refusal(
        _ key: String, growth: Int, claim: SpaceClaim, pending: Int, pendingOfHolder: (String) -> Int
    ) -> StoreError? {
        if growth <= 0 {
            if case .part(let writer) = claim { changePart(of: writer, in: space.holder(key), by: growth) }
            return nil
        }
        guard let refusal = refusal(key, growth, pending, pendingOfHolder) else {
            // What he took beyond what there was is within it now.
            if case .part(let writer) = claim, parts[writer] != nil {
                changePart(of: writer, in: space.holder(key), by: .min)
            }
            return nil
        }
        let room = max(space.quota, atStart) - total - pending
        switch claim {
        case .none: return refusal
        case .part(let writer):
            let now = (parts[writer] ?? [:]).values.reduce(0, +)
            // As elsewhere nobody has more than is left over, and here each has something all the same.
            let most = max(space.reserve / 2 / StoreSpace.parts, space.reserve / 2 - inParts - growth)
            guard now + growth <= most else {
                return .quotaExceeded(holder: writer, used: now, quota: space.reserve / 2)
            }
            changePart(of: writer, in: space.holder(key), by: growth)
            return nil
        case .components:
            // Beside what those with parts have taken, so that neither has the other's.
            return room + min(inParts, space.reserve) + space.reserve >= growth
                ? nil : .quotaExceeded(holder: nil, used: total, quota: space.quota)
        case .everything:
            return room + 3 * space.reserve >= growth
                ? nil : .quotaExceeded(holder: nil, used: total, quota: space.quota)
        }
    }

    private func refusal(
        _ key: String, _ growth: Int, _ pending: Int, _ pendingOfHolder: (String) -> Int
    ) -> StoreError? {
        let left = space.quota - total - pending
        if left < growth { return .quotaExceeded(holder: nil, used: total, quota: space.quota) }
        // Who has less than is left over may go on; with less than half in use that is everybody.
        if total + pending + growth <= space.quota / 2 { return nil }
        for account in space.accounts(of: key) {
            let now = used(by: account) + pendingOfHolder(account)
            if now + growth > left { return .quotaExceeded(holder: account, used: now, quota: space.quota) }
        }
        return nil
    }

    /// Counts what a write of `writer` in the space of `holder` adds to his part, or takes from it.
    private mutating func changePart(of writer: String, in holder: String, by growth: Int) {
        var own = parts[writer] ?? [:]
        let before = own[holder] ?? 0
        let now = growth == .min ? 0 : max(0, before + growth)
        own[holder] = now > 0 ? now : nil
        parts[writer] = own.isEmpty ? nil : own
        inParts += now - before
    }
}
