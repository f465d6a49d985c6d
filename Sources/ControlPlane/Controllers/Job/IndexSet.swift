// SPDX-License-Identifier: Apache-2.0

/// Completion indexes as text, `1,3-5,7`: what a Job's status and policies hold.
struct CompletionIndexes: Sendable, Hashable, CustomStringConvertible {
    private(set) var indexes: Set<Int> = []

    init(_ indexes: Set<Int> = []) { self.indexes = indexes }

    /// Reads the text; indexes at or beyond `limit`, and what is no index, are left out.
    init(_ text: String, limit: Int = .max) {
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-")
            guard let first = ends.first.flatMap({ Int($0) }) else { continue }
            let last = ends.count > 1 ? Int(ends[1]) ?? first : first
            guard first <= last, first < limit else { continue }
            indexes.formUnion(first...min(last, limit - 1))
        }
    }

    var count: Int { indexes.count }
    func contains(_ index: Int) -> Bool { indexes.contains(index) }
    mutating func insert(_ index: Int) { indexes.insert(index) }

    var description: String {
        var parts: [String] = []
        var run: (first: Int, last: Int)?
        func flush() {
            guard let run else { return }
            switch run.last - run.first {
            case 0: parts.append("\(run.first)")
            case 1: parts.append("\(run.first),\(run.last)")
            default: parts.append("\(run.first)-\(run.last)")
            }
        }
        for index in indexes.sorted() {
            if let current = run, current.last + 1 == index {
                run = (current.first, index)
            } else {
                flush()
                run = (index, index)
            }
        }
        flush()
        return parts.joined(separator: ",")
    }
}
