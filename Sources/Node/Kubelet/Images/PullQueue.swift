// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Synchronization

/// Who may pull an image now, and who is next: at most `limit` at a time, and where that is more than one, of one namespace
/// half of them, so that its registry, however slow, keeps nobody else waiting. Namespaces take turns.
struct PullQueue {
    let limit: Int?
    private var running: [String: Int] = [:]
    private var waiting: [(id: UInt64, namespace: String)] = []
    /// When each namespace last had a turn.
    private var turns: [String: UInt64] = [:]
    private var turn: UInt64 = 0

    init(limit: Int?) { self.limit = limit }

    /// Whether `id` may begin at once; else it waits to be named by `ended`.
    mutating func ask(_ id: UInt64, _ namespace: String) -> Bool {
        guard isFree(namespace) else {
            waiting.append((id, namespace))
            return false
        }
        begin(namespace)
        return true
    }

    /// Takes back what waits; false when it has been let begin.
    mutating func withdraw(_ id: UInt64) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// A pull has ended. Returns which begin now.
    mutating func ended(_ namespace: String) -> [UInt64] {
        let left = (running[namespace] ?? 1) - 1
        running[namespace] = left > 0 ? left : nil
        var begun: [UInt64] = []
        while let index = next() {
            let entry = waiting.remove(at: index)
            begin(entry.namespace)
            begun.append(entry.id)
        }
        let known = Set(waiting.map(\.namespace))
        turns = turns.filter { known.contains($0.key) || running[$0.key] != nil }
        return begun
    }

    private func next() -> Int? {
        waiting.indices.filter { isFree(waiting[$0].namespace) }.min {
            (turns[waiting[$0].namespace] ?? 0, $0) < (turns[waiting[$1].namespace] ?? 0, $1)
        }
    }

    private func isFree(_ namespace: String) -> Bool {
        guard let limit else { return true }
        return running.values.reduce(0, +) < limit && (running[namespace] ?? 0) < max(1, limit / 2)
    }

    private mutating func begin(_ namespace: String) {
        running[namespace, default: 0] += 1
        turn += 1
        turns[namespace] = turn
    }
}

/// Gives pulls their turns.
final class PullTurns: Sendable {
    private struct State {
        var queue: PullQueue
        var waiters: [UInt64: Waiter] = [:]
        var next: UInt64 = 0
    }

    private let state: Mutex<State>

    init(limit: Int?) { state = Mutex(State(queue: PullQueue(limit: limit))) }

    /// Runs `body` when it is the turn of `namespace`.
    func run<Result: Sendable>(
        for namespace: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        let waiter = Waiter()
        let (id, isFree) = state.withLock { state in
            state.next += 1
            let isFree = state.queue.ask(state.next, namespace)
            if !isFree { state.waiters[state.next] = waiter }
            return (state.next, isFree)
        }
        if !isFree {
            await withTaskCancellationHandler {
                await waiter.wait()
            } onCancel: {
                waiter.wake()
            }
            let isWithdrawn = state.withLock { state in
                state.waiters[id] = nil
                return state.queue.withdraw(id)
            }
            // Cancelled before its turn.
            if isWithdrawn { throw CancellationError() }
        }
        defer { end(namespace) }
        try Task.checkCancellation()
        return try await body()
    }

    private func end(_ namespace: String) {
        let begun = state.withLock { state in
            state.queue.ended(namespace).compactMap { state.waiters[$0] }
        }
        for waiter in begun { waiter.wake() }
    }
}
