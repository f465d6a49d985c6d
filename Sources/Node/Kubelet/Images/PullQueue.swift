// SPDX-License-Identifier: Apache-2.0

/// Who may pull an image now, and who is next: at most `limit` at a time, and where that is more than one, of one namespace
/// half of them. Namespaces take turns.
///
/// A registry may be as slow as it likes, and whoever chose it has as many namespaces as he was given. So a pull has
/// its place for a while only: when others wait after that it goes on beside the places, one of at most `spare`.
/// Where these are taken as well, one pull is given up for the one that waits: of the namespaces with the most of
/// them, the one that brings the least. What it has fetched whole stays for its next try. So each namespace gets a
/// place after a time that depends on how many namespaces wait, and not on any registry.
struct PullQueue {
    private struct Pull {
        var namespace: String
        /// When it got its place.
        var began: Int64
        /// Whether it has a place; otherwise it goes on beside them.
        var isPlaced = true
    }

    let limit: Int?
    let spare: Int
    private var running: [UInt64: Pull] = [:]
    private var waiting: [(id: UInt64, namespace: String)] = []
    /// When each namespace last had a turn.
    private var turns: [String: UInt64] = [:]
    private var turn: UInt64 = 0

    /// Nanoseconds for which a pull has its place, whoever waits.
    static let patience: Int64 = 60_000_000_000

    /// - Parameter spare: Pulls beside the limit; none where an administrator has set it.
    init(limit: Int?, spare: Int = 0) {
        self.limit = limit
        self.spare = spare
    }

    var isAnyWaiting: Bool { !waiting.isEmpty }

    /// Whether `id` may begin at once; else it waits to be named by `ended` or `review`.
    mutating func ask(_ id: UInt64, _ namespace: String, at now: Int64) -> Bool {
        guard isFree(namespace) else {
            waiting.append((id, namespace))
            return false
        }
        begin(id, namespace, now)
        return true
    }

    /// Takes back what waits; false when it has been let begin.
    mutating func withdraw(_ id: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// A pull has ended. Returns which begin now.
    mutating func ended(_ id: UInt64, at now: Int64) -> [UInt64] {
        running[id] = nil
        return beginFree(now)
    }

    /// Makes room for who waits, where pulls have had their places for long enough.
    ///
    /// - Parameter brought: The bytes each has brought.
    /// - Returns: Which begin now, and which are given up for others. These have ended already for the queue.
    mutating func review(at now: Int64, brought: (UInt64) -> Int64) -> (begun: [UInt64], givenUp: [UInt64]) {
        var (begun, givenUp): ([UInt64], [UInt64]) = ([], [])
        guard spare > 0 else { return ([], []) }
        while let (id, namespace) = due(now) {
            if running.values.count(where: { !$0.isPlaced }) < spare {
                running[id]?.isPlaced = false
            } else if waiting.contains(where: {
                $0.namespace != namespace && isFree($0.namespace, without: namespace)
            }), let victim = slowest(with: id, now, brought) {
                running[id]?.isPlaced = false
                running[victim] = nil
                givenUp.append(victim)
            } else {
                break
            }
            begun += beginFree(now)
        }
        return (begun, givenUp)
    }

    /// The pull that has had its place for the longest time, of those whose place somebody could take who waits.
    private func due(_ now: Int64) -> (UInt64, String)? {
        let candidates = running.filter { entry in
            entry.value.isPlaced && now - entry.value.began >= Self.patience
                && waiting.contains { isFree($0.namespace, without: entry.value.namespace) }
        }
        return candidates.min { ($0.value.began, $0.key) < ($1.value.began, $1.key) }
            .map { ($0.key, $0.value.namespace) }
    }

    /// The pull to give up: `candidate` or one beside the places.
    private func slowest(with candidate: UInt64, _ now: Int64, _ brought: (UInt64) -> Int64) -> UInt64? {
        let beside = running.filter { !$0.value.isPlaced || $0.key == candidate }
        var counts: [String: Int] = [:]
        for pull in beside.values { counts[pull.namespace, default: 0] += 1 }
        func pace(_ id: UInt64, _ pull: Pull) -> Int64 { brought(id) / max((now - pull.began) / 1_000_000_000, 1) }
        return beside.min { one, other in
            (-counts[one.value.namespace]!, pace(one.key, one.value), one.key)
                < (-counts[other.value.namespace]!, pace(other.key, other.value), other.key)
        }?.key
    }

    private mutating func beginFree(_ now: Int64) -> [UInt64] {
        var begun: [UInt64] = []
        while let index = next() {
            let entry = waiting.remove(at: index)
            begin(entry.id, entry.namespace, now)
            begun.append(entry.id)
        }
        let known = Set(waiting.map(\.namespace)).union(running.values.map(\.namespace))
        turns = turns.filter { known.contains($0.key) }
        return begun
    }

    private func next() -> Int? {
        waiting.indices.filter { isFree(waiting[$0].namespace) }.min {
            (turns[waiting[$0].namespace] ?? 0, $0) < (turns[waiting[$1].namespace] ?? 0, $1)
        }
    }

    /// Whether the namespace may have a place, were one of `without` given back.
    private func isFree(_ namespace: String, without: String? = nil) -> Bool {
        guard let limit else { return true }
        let placed = running.values.filter(\.isPlaced)
        let own = placed.count { $0.namespace == namespace } - (without == namespace ? 1 : 0)
        return placed.count - (without == nil ? 0 : 1) < limit && own < max(1, limit / 2)
    }

    private mutating func begin(_ id: UInt64, _ namespace: String, _ now: Int64) {
        running[id] = Pull(namespace: namespace, began: now)
        turn += 1
        turns[namespace] = turn
    }
}
