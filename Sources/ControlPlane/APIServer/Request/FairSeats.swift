// SPDX-License-Identifier: Apache-2.0

/// Who is served and who waits: seats dealt out to priority levels by their shares, and within a level to flows (users)
/// so that the one with the fewest is next. A value; `FlowControl` does the waiting.
///
/// A level always gets what it does not lend. What it lends, and does not use, anybody may use.
struct FairSeats: Sendable {
    enum Entry: Equatable { case seated, waits, refused }

    private struct Flow: Sendable {
        var seats = 0
        /// Numbers of those who wait, in the order they came.
        var waiting: [UInt64] = []
    }

    private struct Level: Sendable {
        var nominal = 0
        /// What others cannot take away.
        var kept = 0
        var seats = 0
        var waiting = 0
        var flows: [String: Flow] = [:]
    }

    /// How many of one flow, and of one level, may wait.
    static let flowLimit = 200
    static let levelLimit = 1_000

    private var levels: [Level]
    private let total: Int
    private var seats = 0
    private var waiting = 0

    init(total: Int) {
        self.total = total
        let sum = PriorityLevel.allCases.reduce(0) { $0 + $1.shares.nominal }
        levels = PriorityLevel.allCases.map { level in
            // Rounded up, as upstream does: the smallest level has a seat.
            let nominal = (total * level.shares.nominal + sum - 1) / sum
            return Level(nominal: nominal, kept: nominal - nominal * level.shares.lendable / 100)
        }
    }

    /// How many requests of `level` are being served, and how many wait.
    func load(of level: PriorityLevel) -> (seats: Int, waiting: Int) {
        (levels[level.rawValue].seats, levels[level.rawValue].waiting)
    }

    /// Somebody of `flow` takes a seat, where there is a free one that nobody waits for.
    mutating func enterNow(_ level: PriorityLevel, _ flow: String) -> Bool {
        let place = level.rawValue
        if level == .exempt {
            levels[place].seats += 1
            return true
        }
        guard levels[place].waiting == 0, hasSeat(for: place) else { return false }
        take(place, flow)
        return true
    }

    /// Somebody of `flow` wants a seat. `number` is greater than every one before.
    mutating func enter(_ level: PriorityLevel, _ flow: String, number: UInt64) -> Entry {
        if enterNow(level, flow) { return .seated }
        let place = level.rawValue
        // Nobody has more waiting than is left over, so that others find a place beside any number of those.
        let room = min(Self.flowLimit, Self.levelLimit - levels[place].waiting)
        guard levels[place].flows[flow]?.waiting.count ?? 0 < room else { return .refused }
        levels[place].flows[flow, default: Flow()].waiting.append(number)
        levels[place].waiting += 1
        waiting += 1
        return .waits
    }

    /// Somebody leaves a seat. Returns the numbers of those who have one now.
    mutating func leave(_ level: PriorityLevel, _ flow: String) -> [UInt64] {
        let place = level.rawValue
        levels[place].seats -= 1
        if level == .exempt { return [] }
        seats -= 1
        if let index = levels[place].flows.index(forKey: flow) {
            levels[place].flows.values[index].seats -= 1
            forget(place, index)
        }
        return seatWaiting()
    }

    /// Somebody waits no longer. False when he has a seat already, which he has to leave then.
    mutating func giveUp(_ level: PriorityLevel, _ flow: String, number: UInt64) -> Bool {
        let place = level.rawValue
        guard let index = levels[place].flows.index(forKey: flow),
            let turn = levels[place].flows.values[index].waiting.firstIndex(of: number)
        else { return false }
        levels[place].flows.values[index].waiting.remove(at: turn)
        levels[place].waiting -= 1
        waiting -= 1
        forget(place, index)
        return true
    }

    private func hasSeat(for place: Int) -> Bool {
        if levels[place].seats < levels[place].kept { return true }
        var spoken = seats
        for (other, level) in levels.enumerated() where other != place { spoken += max(0, level.kept - level.seats) }
        return spoken < total
    }

    private mutating func take(_ place: Int, _ flow: String) {
        seats += 1
        levels[place].seats += 1
        levels[place].flows[flow, default: Flow()].seats += 1
    }

    private mutating func forget(_ place: Int, _ index: Dictionary<String, Flow>.Index) {
        let known = levels[place].flows.values[index]
        if known.seats == 0, known.waiting.isEmpty { levels[place].flows.remove(at: index) }
    }

    private mutating func seatWaiting() -> [UInt64] {
        if waiting == 0 { return [] }
        var seated: [UInt64] = []
        while let place = nextLevel(), let flow = nextFlow(place) {
            guard let number = levels[place].flows[flow]?.waiting.removeFirst() else { break }
            levels[place].waiting -= 1
            waiting -= 1
            take(place, flow)
            seated.append(number)
        }
        return seated
    }

    /// The level furthest below its share, of those that can have a seat.
    private func nextLevel() -> Int? {
        levels.indices.filter { levels[$0].waiting > 0 && hasSeat(for: $0) }.min {
            levels[$0].seats * levels[$1].nominal < levels[$1].seats * levels[$0].nominal
        }
    }

    /// The flow with the fewest seats; of equals the one that has waited longest.
    private func nextFlow(_ place: Int) -> String? {
        var best: (flow: String, seats: Int, number: UInt64)?
        for (flow, state) in levels[place].flows {
            guard let number = state.waiting.first else { continue }
            if let best, (best.seats, best.number) < (state.seats, number) { continue }
            best = (flow, state.seats, number)
        }
        return best?.flow
    }
}
