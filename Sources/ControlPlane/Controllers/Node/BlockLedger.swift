// SPDX-License-Identifier: Apache-2.0

/// Which blocks of pod addresses are whose, and how many went to Nodes that came from one place. No I/O.
///
/// Whoever has a join token makes any number of Nodes, and what these say of themselves proves nothing. What costs him
/// something is an address to ask from.
struct BlockLedger: Sendable {
    /// A cluster range and the size of a node's block in it.
    struct Share: Sendable {
        var range: AddressRange
        var blockPrefix: Int
    }

    private struct Holding: Sendable, Hashable {
        var blocks: [String]
        var place: String?
    }

    enum Choice: Sendable, Hashable {
        /// One of each range.
        case blocks([String])
        /// There is none left in a range.
        case none(range: String)
        /// Nodes of its place have as many as they get.
        case enough(place: String, limit: Int)
    }

    let shares: [Share]
    /// How many Nodes of one address have blocks.
    let limit: Int
    private var holdings: [String: Holding] = [:]
    /// For each share, how many Nodes have addresses of a block, by its index.
    private var uses: [[Int: Int]]
    private var counts: [String: Int] = [:]

    /// - Parameter limit: How many Nodes of one address have blocks; nil: 16, or an eighth of what there is where that
    ///   is less, and no less than two: a machine may get another name.
    init(shares: [Share], limit: Int? = nil) {
        self.shares = shares
        let smallest = shares.map { $0.range.count(of: $0.blockPrefix) }.min() ?? 0
        self.limit = limit ?? min(16, max(2, smallest / 8))
        uses = Array(repeating: [:], count: shares.count)
    }

    /// Notes what a Node has: no blocks, when it has none or is gone.
    mutating func set(_ node: String, _ blocks: [String], place: String?) {
        let new = blocks.isEmpty ? nil : Holding(blocks: blocks, place: place)
        let old = holdings[node]
        guard new != old else { return }
        holdings[node] = new
        if let old { count(old, -1) }
        if let new { count(new, 1) }
    }

    private mutating func count(_ holding: Holding, _ change: Int) {
        func add(_ change: Int, _ count: Int?) -> Int? {
            let sum = (count ?? 0) + change
            return sum == 0 ? nil : sum
        }
        if let place = holding.place { counts[place] = add(change, counts[place]) }
        for block in Set(holding.blocks.compactMap { AddressRange($0) }) {
            for (number, share) in shares.enumerated() {
                for index in share.range.indices(of: share.blockPrefix, in: block) {
                    uses[number][index] = add(change, uses[number][index])
                }
            }
        }
    }

    /// What a Node of `place` that has nothing may have. A block is free that no other has any address of. One that
    /// swallows a whole range, which nobody was given from here, takes nothing: no routes lead there, and it would
    /// leave other nodes without addresses.
    func choice(for place: String?) -> Choice {
        if let place {
            let limit = limit(of: place)
            if counts[place] ?? 0 >= limit { return .enough(place: place, limit: limit) }
        }
        var blocks: [String] = []
        for (number, share) in shares.enumerated() {
            let used = uses[number]
            guard let free = (0..<share.range.count(of: share.blockPrefix)).first(where: { used[$0] == nil }) else {
                return .none(range: "\(share.range)")
            }
            blocks.append(share.range.block(free, prefix: share.blockPrefix).description)
        }
        return .blocks(blocks)
    }

    // MARK: Places

    /// Where who asks from an address is counted: an address of a pod is its node's block, for who runs pods has many
    /// of them, and an IPv6 address its /64, which is the least that a machine has.
    func place(of text: String) -> String {
        let host = String(text.prefix { $0 != "%" })
        guard let (value, width) = AddressRange.parse(host) else { return text }
        let address = AddressRange(base: value, prefix: width, width: width)
        if let share = shares.first(where: { $0.range.contains(address) }) {
            return AddressRange(base: value, prefix: share.blockPrefix, width: width).description
        }
        return width == 128 ? AddressRange(base: value, prefix: 64, width: width).description : host
    }

    /// A network of IPv6 is where many machines are, mostly.
    private func limit(of place: String) -> Int {
        let isNetwork = place.contains(":") && place.hasSuffix("/64")
        return isNetwork && !shares.contains { share in AddressRange(place).map(share.range.contains) ?? false }
            ? limit * 4 : limit
    }
}
