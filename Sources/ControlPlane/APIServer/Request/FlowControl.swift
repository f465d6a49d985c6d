// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization
internal import Telemetry

/// Bounds how many requests are served at once, and sees to it that nobody takes the places of the others. A request asks
/// for a seat once it is known whose it is and its body is there.
final class FlowControl: Sendable {
    private struct State: Sendable {
        var seats: FairSeats
        var waiters: [UInt64: Waiter] = [:]
        var last: UInt64 = 0
    }

    private let state: Mutex<State>
    private let refused: Counter
    /// How long a request waits at most: a quarter of the time it has, as upstream has it.
    private let patience: Duration

    init(total: Int, metrics: ServerMetrics, patience: Duration = .seconds(15)) {
        state = Mutex(State(seats: FairSeats(total: total)))
        refused = metrics.rejected
        self.patience = patience
    }

    /// Takes a seat where there is a free one; false where there is none.
    func enterNow(_ level: PriorityLevel, _ flow: String) -> Bool {
        state.withLock { $0.seats.enterNow(level, flow) }
    }

    /// Waits for a seat. Throws 429 when too many wait already, or it took too long. Every seat is left by `leave`.
    func enter(_ level: PriorityLevel, _ flow: String) async throws(APIError) {
        enum Step { case seated, refused, waits(UInt64, Waiter) }
        let step = state.withLock { state -> Step in
            state.last += 1
            let number = state.last
            switch state.seats.enter(level, flow, number: number) {
            case .seated: return .seated
            case .refused: return .refused
            case .waits:
                let waiter = Waiter()
                state.waiters[number] = waiter
                return .waits(number, waiter)
            }
        }
        switch step {
        case .seated: return
        case .refused: throw refusal(level, "queue-full")
        case .waits(let number, let waiter):
            let loop = EventLoop.here
            let timer = loop.schedule(atNanoseconds: KernelClock.deadline(after: patience)) { waiter.wake() }
            await withTaskCancellationHandler {
                await waiter.wait()
            } onCancel: {
                waiter.wake()
            }
            loop.cancel(timer)
            let isSeated = state.withLock { state in
                state.waiters[number] = nil
                return !state.seats.giveUp(level, flow, number: number)
            }
            if !isSeated { throw refusal(level, Task.isCancelled ? "cancelled" : "time-out") }
        }
    }

    func leave(_ level: PriorityLevel, _ flow: String) {
        let waiters = state.withLock { state in
            state.seats.leave(level, flow).compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in waiters { waiter.wake() }
    }

    /// How many are served and wait, for each level that there are any of.
    var load: [(level: PriorityLevel, seats: Int, waiting: Int)] {
        state.withLock { state in
            PriorityLevel.allCases.map { level in
                let load = state.seats.load(of: level)
                return (level, load.seats, load.waiting)
            }
        }
    }

    private func refusal(_ level: PriorityLevel, _ reason: String) -> APIError {
        refused.increment([level.name, reason])
        return .tooManyRequests("Too many requests, please try again later.", retryAfter: 1)
    }
}
