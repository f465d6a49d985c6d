// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Synchronization

/// Delivers keys at their times, each key once, with one timer for all.
public final class DelayQueue<Key: Hashable & Sendable>: Sendable {
    private let state = Mutex(State())

    private struct Entry {
        var time: ContinuousClock.Instant
        var key: Key
    }

    private struct State {
        /// A binary heap, the earliest first. Entries that `times` no longer names are skipped.
        var heap: [Entry] = []
        var times: [Key: ContinuousClock.Instant] = [:]
        var timer: Task<Void, Never>?
        var timerTime: ContinuousClock.Instant?
        var deliver: (@Sendable (Key) -> Void)?

        mutating func push(_ entry: Entry) {
            heap.append(entry)
            var child = heap.count - 1
            while child > 0, heap[child].time < heap[(child - 1) / 2].time {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func popFirst() {
            heap.swapAt(0, heap.count - 1)
            heap.removeLast()
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                    if heap[child].time < heap[least].time { least = child }
                }
                if least == parent { return }
                heap.swapAt(parent, least)
                parent = least
            }
        }
    }

    public init() {}

    deinit { state.withLock { $0.timer?.cancel() } }

    /// Names who gets the keys; called from any task.
    public func deliver(to receiver: @escaping @Sendable (Key) -> Void) {
        state.withLock { $0.deliver = receiver }
    }

    /// No timer runs longer: a clock cannot count to every time that users write, and ends the process when it should.
    static var longest: Duration { .seconds(86_400) }

    /// Delivers `key` after `delay`, or at its earlier pending time. After a day at the latest: whoever has to wait longer
    /// looks again and waits on.
    public func add(_ key: Key, after delay: Duration) {
        let time = ContinuousClock.now.advanced(by: min(delay, Self.longest))
        state.withLock { state in
            if let pending = state.times[key], pending <= time { return }
            state.times[key] = time
            state.push(Entry(time: time, key: key))
            arm(&state)
        }
    }

    /// Delivers `key` after `delay`, whatever was pending.
    public func set(_ key: Key, after delay: Duration) {
        state.withLock { _ = $0.times.removeValue(forKey: key) }
        add(key, after: delay)
    }

    /// Forgets a key; true when it was pending.
    @discardableResult
    public func remove(_ key: Key) -> Bool {
        state.withLock { $0.times.removeValue(forKey: key) != nil }
    }

    public func cancel() {
        state.withLock { state in
            state.timer?.cancel()
            state.timer = nil
            state.timerTime = nil
            state.heap = []
            state.times = [:]
        }
    }

    /// Sees to it that a timer ends at the first entry's time.
    private func arm(_ state: inout State) {
        while let first = state.heap.first, state.times[first.key] != first.time { state.popFirst() }
        guard let first = state.heap.first else { return }
        if let pending = state.timerTime, pending <= first.time { return }
        state.timer?.cancel()
        state.timerTime = first.time
        let time = first.time
        state.timer = EventLoop.here.begin { [weak self] in
            do {
                try await Task.sleep(until: time, clock: .continuous)
            } catch {
                return  // Cancelled: an earlier timer took over.
            }
            self?.fire(time)
        }
    }

    private func fire(_ time: ContinuousClock.Instant) {
        let (due, receiver) = state.withLock { state in
            var due: [Key] = []
            if state.timerTime == time { state.timerTime = nil }
            let now = ContinuousClock.now
            while let first = state.heap.first, first.time <= now || state.times[first.key] != first.time {
                state.popFirst()
                if state.times[first.key] == first.time {
                    state.times.removeValue(forKey: first.key)
                    due.append(first.key)
                }
            }
            arm(&state)
            return (due, state.deliver)
        }
        guard let receiver else { return }
        for key in due { receiver(key) }
    }
}
