// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// Which connections are open, and which of them goes when another comes and there are too many. Pure.
///
/// Whoever has shown nothing is a stranger: strangers are counted by the address they come from, and make room for one
/// another, the oldest first, so that one that has something to show always comes in. It is then counted for its holder,
/// as long as he has no more than is left over for the next one, and makes room for nobody else.
struct ConnectionTable {
    struct Limits {
        var strangers: Int
        var strangersPerPeer: Int
        /// How many the machine itself may have that have not shown whose they are.
        var local: Int
        /// How many one holder may have that are known to be his, and all of a kind.
        var known: (BudgetHolder.Kind) -> (each: Int, total: Int)

        /// With so many for all who are known, dealt out to their kinds.
        init(strangers: Int, strangersPerPeer: Int, local: Int, known: Int) {
            self.strangers = strangers
            self.strangersPerPeer = strangersPerPeer
            self.local = local
            self.known = { kind in
                switch kind {
                case .everybody: (known / 4, known / 2)
                case .nodes: (known / 20, known / 5)
                case .newNodes, .components, .masters: (known / 20, known / 10)
                // Nobody proves to be a stranger.
                case .strangers: (0, 0)
                }
            }
        }
    }

    private enum Party: Hashable {
        case local
        case peer([UInt8])
        case known(BudgetHolder)

        var isKnown: Bool { if case .known = self { true } else { false } }
        var isPeer: Bool { if case .peer = self { true } else { false } }
    }

    /// The connections of one party, the oldest first; some have ended, or are another's by now.
    private struct Group {
        var order: [UInt64] = []
        /// Before it all have ended.
        var head = 0
        var count = 0
    }

    private let limits: Limits
    private var parties: [UInt64: Party] = [:]
    private var groups: [Party: Group] = [:]
    private var strangers = 0
    private var known = [Int](repeating: 0, count: BudgetHolder.Kind.allCases.count)
    private var last: UInt64 = 0

    init(_ limits: Limits) { self.limits = limits }

    var count: Int { parties.count }

    /// A new connection from `peer` (nil: from the machine itself), and the one that has to be closed for it.
    mutating func admit(from peer: [UInt8]?) -> (id: UInt64, victim: UInt64?) {
        let party = peer.map { Party.peer($0) } ?? .local
        var victim: UInt64?
        if (groups[party]?.count ?? 0) >= (party.isPeer ? limits.strangersPerPeer : limits.local) {
            victim = oldest(of: party) { _ in true }
        } else if party.isPeer, strangers >= limits.strangers, let largest = largestPeer() {
            victim = oldest(of: largest) { _ in true }
        }
        if let victim { end(victim) }
        last += 1
        add(last, party)
        return (last, victim)
    }

    /// A connection has shown whose it is: whether it is counted for him from now on, and the one of his that has to be
    /// closed for it. Where he has as many as he may, and uses them all, it stays a stranger.
    mutating func vouch(
        for id: UInt64, _ holder: BudgetHolder, isIdle: (UInt64) -> Bool
    ) -> (isKnown: Bool, victim: UInt64?) {
        guard let party = parties[id] else { return (false, nil) }
        if party.isKnown { return (true, nil) }
        let new = Party.known(holder)
        let (each, total) = limits.known(holder.kind)
        var victim: UInt64?
        if (groups[new]?.count ?? 0) >= min(each, total - known[holder.kind.rawValue] - 1) {
            guard let idle = oldest(of: new, isIdle) else { return (false, nil) }
            victim = idle
            end(idle)
        }
        end(id)
        add(id, new)
        return (true, victim)
    }

    mutating func end(_ id: UInt64) {
        guard let party = parties.removeValue(forKey: id), var group = groups.removeValue(forKey: party) else { return }
        count(party, -1)
        group.count -= 1
        if group.count == 0 { return }
        // What has ended is forgotten now and then, at a cost that does not grow with what is open.
        if group.order.count - group.head > 2 * group.count + 16 {
            group.order = group.order[group.head...].filter { parties[$0] == party }
            group.head = 0
        }
        groups[party] = group
    }

    private mutating func add(_ id: UInt64, _ party: Party) {
        parties[id] = party
        count(party, 1)
        groups[party, default: Group()].count += 1
        groups[party, default: Group()].order.append(id)
    }

    /// Under a flood this is asked for every connection: what has ended is passed over once.
    private mutating func oldest(of party: Party, _ isFit: (UInt64) -> Bool) -> UInt64? {
        guard var group = groups.removeValue(forKey: party) else { return nil }
        while group.head < group.order.count, parties[group.order[group.head]] != party { group.head += 1 }
        if group.head > 1024 {
            group.order.removeFirst(group.head)
            group.head = 0
        }
        groups[party] = group
        return group.order[group.head...].first { parties[$0] == party && isFit($0) }
    }

    private func largestPeer() -> Party? {
        var found: (party: Party, count: Int)?
        for (party, group) in groups where party.isPeer && group.count > found?.count ?? 0 {
            found = (party, group.count)
        }
        return found?.party
    }

    private mutating func count(_ party: Party, _ change: Int) {
        switch party {
        case .local: break
        case .peer: strangers += change
        case .known(let holder): known[holder.kind.rawValue] += change
        }
    }
}

/// By this a handler says that it knows whose a connection is.
public final class ConnectionStanding: Sendable {
    /// When it is to be told again, by the monotonic clock; never, once it is known whose the connection is.
    private let next = Atomic<Int64>(0)
    private let tell: @Sendable (BudgetHolder) -> Bool
    private let proved = Mutex(ConnectionStanding.stranger)
    /// All who have shown nothing are one.
    static let stranger = BudgetHolder(name: "", kind: .strangers)
    /// A holder who had as many connections as he may have may soon have fewer.
    private static let pause: Duration = .seconds(10)

    private let output: SharedBudget

    init(output: SharedBudget, _ tell: @escaping @Sendable (BudgetHolder) -> Bool) {
        self.output = output
        self.tell = tell
    }

    /// Whether it has been told whose the connection is.
    var isProved: Bool { next.load(ordering: .relaxed) > 0 }

    /// Whose the connection has proved to be, also where it is not counted as his.
    public var holder: BudgetHolder { proved.withLock { $0 } }

    /// Whether its holder has read so much of his answers that something may be done for another request of his: the answer
    /// to that is never refused.
    public var hasRoomForAnswer: Bool { output.has(1, for: holder) }

    /// A request of the connection has proved to be `holder`'s. Costs nothing from the second time on.
    public func vouch(for holder: BudgetHolder) {
        let next = next.load(ordering: .relaxed)
        if next == .max || next > 0 && next > KernelClock.monotonic.now() { return }
        proved.withLock { $0 = holder }
        // Of requests at the same time each may tell it: the first counts.
        self.next.store(tell(holder) ? .max : KernelClock.deadline(after: Self.pause), ordering: .relaxed)
    }
}
