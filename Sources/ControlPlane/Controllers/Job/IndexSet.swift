// SPDX-License-Identifier: Apache-2.0

import Numbers

/// Completion indexes as text, `1,3-5,7`: what a Job's status and policies hold. Kept as runs, since four words of text may
/// stand for two thousand millions of them.
struct CompletionIndexes: Sendable, Hashable, CustomStringConvertible {
    /// What an index may be.
    static let range = 0...Int(Int32.max)

    /// Ascending, none touching the next.
    private var runs: [ClosedRange<Int>] = []

    init(_ indexes: Set<Int> = []) {
        self.init(runs: indexes.sorted().map { $0...$0 })
    }

    /// Reads the text; indexes at or beyond `limit`, and what is no index, are left out.
    init(_ text: String, below limit: Int? = nil) {
        let last = min(limit ?? Self.range.upperBound, Self.range.upperBound + 1) - 1
        var found: [ClosedRange<Int>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1)
            guard let first = ends.first.flatMap({ Int($0, in: Self.range) }), first <= last else { continue }
            let end = ends.count > 1 ? Int(ends[1], in: Self.range) ?? first : first
            guard first <= end else { continue }
            found.append(first...min(end, last))
        }
        self.init(runs: found.sorted { $0.lowerBound < $1.lowerBound })
    }

    /// - Parameter sorted: By their beginnings; they may touch and overlap.
    private init(runs sorted: [ClosedRange<Int>]) {
        for run in sorted {
            if let before = runs.last, run.lowerBound <= before.upperBound + 1 {
                runs[runs.count - 1] = before.lowerBound...max(before.upperBound, run.upperBound)
            } else {
                runs.append(run)
            }
        }
    }

    var count: Int { runs.reduce(0) { $0 + $1.count } }

    func contains(_ index: Int) -> Bool { run(at: index) != nil }

    /// The run that holds `index`.
    func run(at index: Int) -> ClosedRange<Int>? {
        let place = position(of: index)
        return place > 0 && runs[place - 1].contains(index) ? runs[place - 1] : nil
    }

    /// How many runs begin at or before `index`.
    private func position(of index: Int) -> Int {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].lowerBound <= index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insert(_ index: Int) {
        guard !contains(index) else { return }
        let place = position(of: index)
        let joinsBefore = place > 0 && runs[place - 1].upperBound + 1 == index
        let joinsAfter = place < runs.count && runs[place].lowerBound == index + 1
        switch (joinsBefore, joinsAfter) {
        case (true, true):
            runs[place - 1] = runs[place - 1].lowerBound...runs[place].upperBound
            runs.remove(at: place)
        case (true, false): runs[place - 1] = runs[place - 1].lowerBound...index
        case (false, true): runs[place] = index...runs[place].upperBound
        case (false, false): runs.insert(index...index, at: place)
        }
    }

    func intersection(_ other: CompletionIndexes) -> CompletionIndexes {
        var (mine, theirs) = (0, 0)
        var common: [ClosedRange<Int>] = []
        while mine < runs.count, theirs < other.runs.count {
            let (one, another) = (runs[mine], other.runs[theirs])
            if one.overlaps(another) { common.append(one.clamped(to: another)) }
            if one.upperBound < another.upperBound { mine += 1 } else { theirs += 1 }
        }
        return CompletionIndexes(runs: common)
    }

    var description: String {
        runs.map { run in
            switch run.count {
            case 1: "\(run.lowerBound)"
            case 2: "\(run.lowerBound),\(run.upperBound)"
            default: "\(run.lowerBound)-\(run.upperBound)"
            }
        }.joined(separator: ",")
    }
}
