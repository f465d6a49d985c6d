// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Which connections are open, and which of them goes when another comes and there are too many. Pure.
///
/// Whoever has shown nothing is a stranger: strangers are counted by the address they come from, and make room for one
/// another, the oldest first, so that no number of them keeps out one that has something to show. It is then counted for
/// its user, and makes room only where everything is full, for users with fewer connections.
struct ConnectionTable {
    struct Limits {
        var total: Int
        var strangers: Int
        var strangersPerPeer: Int
        var perUser: Int
        /// How many more the machine itself may have.
        var reserve = 0
    }

    private enum Party: Hashable {
        case local
        case peer([UInt8])
        case user(String)

        var isStranger: Bool { if case .peer = self { true } else { false } }
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
    private var last: UInt64 = 0

    init(_ limits: Limits) { self.limits = limits }

    var count: Int { parties.count }

    /// A new connection from `peer` (nil: from the machine itself, which counts as known), and the one that has to be
    /// closed for it. nil when it is the one that finds no room.
    mutating func admit(
        from peer: [UInt8]?, isIdle: (UInt64) -> Bool
    ) -> (id: UInt64, victim: UInt64?)? {
        let party = peer.map { Party.peer($0) } ?? .local
        let total = limits.total + (peer == nil ? limits.reserve : 0)
        var victim: UInt64?
        if party.isStranger, (groups[party]?.count ?? 0) >= limits.strangersPerPeer {
            victim = oldest(of: party) { _ in true }
        } else if strangers > 0, party.isStranger && strangers >= limits.strangers || count >= total {
            if let party = largest({ $0.isStranger }) { victim = oldest(of: party) { _ in true } }
        } else if count >= total {
            // All are known: of the user with the most, one that nothing is under way on.
            guard let user = largest({ !$0.isStranger }), let idle = oldest(of: user, isIdle) else { return nil }
            victim = idle
        }
        if let victim { end(victim) }
        last += 1
        add(last, party)
        return (last, victim)
    }

    /// A connection has shown whose it is. One of a user who has as many as he may stays what it was.
    mutating func vouch(for id: UInt64, _ user: String) {
        guard let party = parties[id], party.isStranger else { return }
        let known = Party.user(user)
        guard (groups[known]?.count ?? 0) < limits.perUser else { return }
        end(id)
        add(id, known)
    }

    mutating func end(_ id: UInt64) {
        guard let party = parties.removeValue(forKey: id), var group = groups.removeValue(forKey: party) else { return }
        if party.isStranger { strangers -= 1 }
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
        if party.isStranger { strangers += 1 }
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

    private func largest(_ isFit: (Party) -> Bool) -> Party? {
        var found: (party: Party, count: Int)?
        for (party, group) in groups where group.count > found?.count ?? 0 && isFit(party) {
            found = (party, group.count)
        }
        return found?.party
    }
}

/// By this a handler says that it knows whose a connection is.
public final class ConnectionStanding: Sendable {
    private let isKnown = Atomic(false)
    private let tell: @Sendable (String) -> Void

    init(_ tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

    /// A request of the connection has proved to be `user`'s. Costs nothing from the second time on.
    public func vouch(for user: @autoclosure () -> String) {
        if isKnown.load(ordering: .relaxed) { return }
        isKnown.store(true, ordering: .relaxed)
        tell(user())
    }
}
