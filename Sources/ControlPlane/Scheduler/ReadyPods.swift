// SPDX-License-Identifier: Apache-2.0

/// Pods to try now: the most important first, of these one of each namespace in turn, within it the oldest first.
struct ReadyPods {
    struct Item {
        var uid: String
        var priority: Int64
        var order: UInt64

        func precedes(_ other: Item) -> Bool {
            priority != other.priority ? priority > other.priority : order < other.order
        }
    }

    /// A binary heap, and when it was its turn last.
    fileprivate struct Line {
        var heap: [Item] = []
        var served: UInt64
    }

    private var lines: [String: Line] = [:]
    private var turn: UInt64 = 0

    mutating func push(_ item: Item, _ namespace: String) {
        // Who was not here has his turn after those who are.
        lines[namespace, default: Line(served: turn)].push(item)
    }

    mutating func pop() -> Item? {
        var best: (index: Dictionary<String, Line>.Index, priority: Int64, served: UInt64)?
        for index in lines.indices {
            let line = lines.values[index]
            guard let first = line.heap.first else { continue }
            if let best {
                if best.priority > first.priority { continue }
                if best.priority == first.priority, best.served <= line.served { continue }
            }
            best = (index, first.priority, line.served)
        }
        guard let best else { return nil }
        turn += 1
        lines.values[best.index].served = turn
        let item = lines.values[best.index].popFirst()
        if lines.values[best.index].heap.isEmpty { lines.remove(at: best.index) }
        return item
    }
}

extension ReadyPods.Line {
    fileprivate mutating func push(_ item: ReadyPods.Item) {
        heap.append(item)
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    fileprivate mutating func popFirst() -> ReadyPods.Item {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least])
            {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
