// SPDX-License-Identifier: Apache-2.0

/// Names a scheduled timer.
public struct TimerID: Sendable, Hashable {
    let number: UInt64
}

/// A binary heap of deadlines. Cancelled timers leave their heap entry behind, which is swept once those outnumber the
/// live ones: cancelling is cheap, and memory stays proportional to the timers in use.
struct TimerQueue {
    private struct Entry {
        let deadline: Int64
        let id: UInt64

        func isBefore(_ other: Entry) -> Bool { (deadline, id) < (other.deadline, other.id) }
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: @Sendable () -> Void] = [:]
    private var nextID: UInt64 = 0

    var isEmpty: Bool { actions.isEmpty }

    /// The earliest deadline of a live timer.
    var nextDeadline: Int64? {
        mutating get {
            while let first = heap.first {
                if actions[first.id] != nil { return first.deadline }
                removeFirst()
            }
            return nil
        }
    }

    mutating func insert(_ deadline: Int64, _ action: @escaping @Sendable () -> Void) -> TimerID {
        nextID += 1
        actions[nextID] = action
        heap.append(Entry(deadline: deadline, id: nextID))
        siftUp(heap.count - 1)
        return TimerID(number: nextID)
    }

    mutating func cancel(_ timer: TimerID) {
        guard actions.removeValue(forKey: timer.number) != nil else { return }
        guard heap.count > 64, heap.count > 2 * actions.count else { return }
        heap.removeAll { actions[$0.id] == nil }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    /// Takes the actions of every timer due at `now` out, earliest first.
    mutating func takeDue(_ now: Int64) -> [@Sendable () -> Void] {
        var due: [@Sendable () -> Void] = []
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.id) { due.append(action) }
        }
        return due
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
