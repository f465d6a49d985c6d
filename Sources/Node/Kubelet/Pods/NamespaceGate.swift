// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets a few of each namespace in at a time, in the order in which they come.
final class NamespaceGate: Sendable {
    private struct Line {
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Those before it have been let in.
        var head = 0
    }

    private let limit: Int
    private let lines = Mutex<[String: Line]>([:])

    init(limit: Int) { self.limit = limit }

    /// Waits for a place, which `leave` gives back. A task that is cancelled waits as well.
    func enter(_ namespace: String) async {
        await withCheckedContinuation { continuation in
            let isIn = lines.withLock { lines in
                if lines[namespace, default: Line()].inside < limit {
                    lines[namespace, default: Line()].inside += 1
                    return true
                }
                lines[namespace]!.waiting.append(continuation)
                return false
            }
            if isIn { continuation.resume() }
        }
    }

    func leave(_ namespace: String) {
        let next = lines.withLock { lines -> CheckedContinuation<Void, Never>? in
            guard var line = lines.removeValue(forKey: namespace) else { return nil }
            guard line.head < line.waiting.count else {
                line.inside -= 1
                if line.inside > 0 { lines[namespace] = Line(inside: line.inside) }
                return nil
            }
            // The place goes to the next.
            let next = line.waiting[line.head]
            line.head += 1
            if line.head > 64 {
                line.waiting.removeFirst(line.head)
                line.head = 0
            }
            lines[namespace] = line
            return next
        }
        next?.resume()
    }
}
