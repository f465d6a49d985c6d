// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Synchronization

/// Computation too long for a loop's thread, which everybody waits for: it is done on threads kept apart from the loops,
/// as many as are busy, no more than `limit`, gone after 10 idle seconds. Flows (users) take turns,
/// so that many pieces of one hold up nobody else; a long computation is given in pieces.
///
/// For what blocks there is `Blocking`.
public final class Workbench: Sendable {
    private struct Piece: Sendable {
        var number: UInt64
        var body: @Sendable () -> Void
    }

    /// The pieces of one flow.
    private struct Flow {
        var waiting: [Piece] = []
        /// Its next turn.
        var turn: UInt64
        /// Those before it have been taken.
        var head = 0
    }

    private struct State {
        var flows: [String: Flow] = [:]
        var last: UInt64 = 0
        /// The turn that the last piece to begin had.
        var turn: UInt64 = 0
        var waiting = 0
        var threads = 0
        var idle = 0

        mutating func add(_ flow: String, _ body: @escaping @Sendable () -> Void) {
            last += 1
            waiting += 1
            flows[flow, default: Flow(turn: turn + 1)].waiting.append(Piece(number: last, body: body))
        }

        /// The next piece: of the flow whose turn comes first, and of equals of the one that has waited longest.
        mutating func take() -> (@Sendable () -> Void)? {
            var best: (flow: String, turn: UInt64, number: UInt64)?
            for (name, flow) in flows {
                let number = flow.waiting[flow.head].number
                if let best, (best.turn, best.number) < (flow.turn, number) { continue }
                best = (name, flow.turn, number)
            }
            guard let best, var flow = flows.removeValue(forKey: best.flow) else { return nil }
            let piece = flow.waiting[flow.head]
            flow.head += 1
            turn = max(turn, flow.turn)
            flow.turn = turn + 1
            // A flow of which nothing waits is forgotten.
            if flow.head < flow.waiting.count {
                if flow.head > 1_024 {
                    flow.waiting.removeFirst(flow.head)
                    flow.head = 0
                }
                flows[best.flow] = flow
            }
            waiting -= 1
            return piece.body
        }
    }

    private let limit: Int
    private let state = Mutex(State())
    private let signal = CountingSemaphore()

    /// With half as many threads as there are processors: the loops have work too.
    public convenience init() { self.init(limit: sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2) }

    public init(limit: Int) { self.limit = max(1, limit) }

    /// How many pieces wait for a thread.
    public var waiting: Int { state.withLock { $0.waiting } }

    /// Runs `body` on one of the threads, and returns what it returns. Started or not, it runs to its end.
    public func run<Result: Sendable, Failure: Error>(
        for flow: String, _ body: @escaping @Sendable () throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let result = await withCheckedContinuation { continuation in
            submit(flow) { continuation.resume(returning: Swift.Result(catching: body)) }
        }
        return try result.get()
    }

    private func submit(_ flow: String, _ body: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            state.add(flow, body)
            // Idle threads are enough only when there are as many as pieces that wait.
            guard state.idle < state.waiting, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if mustStart {
            do {
                try Thread.start { self.run() }
            } catch {
                // No thread to be had. Others will do it when there are any; else here, rather than never.
                let isAlone = state.withLock { state in
                    state.threads -= 1
                    return state.threads == 0
                }
                if isAlone { doAll() }
            }
        }
        signal.signal()
    }

    private func doAll() {
        while let body = state.withLock({ $0.take() }) { body() }
    }

    private func run() {
        while true {
            doAll()
            state.withLock { $0.idle += 1 }
            let woken = signal.wait(until: KernelClock.deadline(after: .seconds(10)))
            let mustEnd = state.withLock { state in
                state.idle -= 1
                guard !woken, state.waiting == 0 else { return false }
                state.threads -= 1
                return true
            }
            if mustEnd { return }
        }
    }
}
