// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// What waits and runs, by cause. Pure. A cause runs at most `perCause` pieces at a time, its own in order; causes take
/// turns.
struct BlockingQueue<Work> {
    private struct Lane {
        var work: [Work] = []
        var head = 0
        var running = 0
        var isReady = false

        var waiting: Int { work.count - head }
    }

    private let perCause: Int
    /// How much one cause may have waiting.
    private let room: Int
    private var lanes: [String: Lane] = [:]
    /// The causes that have work and may run it, in the order of their turns.
    private var ready: [String] = []
    private var next = 0
    private(set) var running = 0
    private(set) var waiting = 0
    /// How many pieces might run now, had they threads.
    private(set) var runnable = 0

    init(perCause: Int, room: Int = 4096) {
        self.perCause = perCause
        self.room = room
    }

    /// False when too much waits for `cause` already.
    mutating func add(_ work: Work, _ cause: String) -> Bool {
        let room = room
        return change(cause) { lane in
            guard lane.waiting < room else { return false }
            lane.work.append(work)
            return true
        }
    }

    /// The piece whose turn it is; nil when none may run.
    mutating func take() -> (cause: String, work: Work)? {
        guard next < ready.count else { return nil }
        let cause = ready[next]
        next += 1
        if next == ready.count || next > 1024 {
            ready.removeFirst(next)
            next = 0
        }
        let work = change(cause) { lane in
            let first = lane.work[lane.head]
            lane.head += 1
            if lane.head == lane.work.count || lane.head > 1024 {
                lane.work.removeFirst(lane.head)
                lane.head = 0
            }
            lane.running += 1
            lane.isReady = false
            return first
        }
        return (cause, work)
    }

    /// A piece that was taken has ended.
    mutating func end(_ cause: String) { change(cause) { $0.running -= 1 } }

    private mutating func change<Result>(_ cause: String, _ body: (inout Lane) -> Result) -> Result {
        var lane = lanes.removeValue(forKey: cause) ?? Lane()
        let before = (lane.waiting, lane.running, min(lane.waiting, perCause - lane.running))
        let result = body(&lane)
        let after = (lane.waiting, lane.running, min(lane.waiting, perCause - lane.running))
        waiting += after.0 - before.0
        running += after.1 - before.1
        runnable += after.2 - before.2
        if !lane.isReady, after.2 > 0 {
            lane.isReady = true
            ready.append(cause)
        }
        if lane.waiting > 0 || lane.running > 0 { lanes[cause] = lane }
        return result
    }
}

/// The threads of one kind of work. One that finds none for 10 seconds ends.
final class BlockingPool: Sendable {
    private struct State {
        var queue: BlockingQueue<@Sendable () -> Void>
        var threads = 0
        var idle = 0
    }

    let limit: Int
    /// Whether its threads have a processor only where nobody else wants it.
    private let isPatient: Bool
    private let state: Mutex<State>
    private let signal = CountingSemaphore()

    init(limit: Int, perCause: Int, isPatient: Bool = false) {
        self.limit = limit
        self.isPatient = isPatient
        state = Mutex(State(queue: BlockingQueue(perCause: perCause)))
    }

    var load: (running: Int, waiting: Int) { state.withLock { ($0.queue.running, $0.queue.waiting) } }

    /// False when so much waits for `cause` that nothing is added to it.
    func submit(_ cause: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, mustStart) = state.withLock { state -> (Bool, Bool) in
            guard state.queue.add(body, cause) else { return (false, false) }
            // Idle threads are enough only when there are as many as pieces of work that may run.
            guard state.idle < state.queue.runnable, state.threads < limit else { return (true, false) }
            state.threads += 1
            return (true, true)
        }
        guard isTaken else { return false }
        if mustStart {
            do {
                try Thread.start {
                    if self.isPatient { Thread.yieldToOthers() }
                    self.run()
                }
            } catch {
                // No thread to be had. Others will do it when there are any; else here, rather than never.
                let mine = state.withLock { state in
                    state.threads -= 1
                    return state.threads == 0 ? state.queue.take() : nil
                }
                if let mine { finish(mine) }
            }
        }
        signal.signal()
        return true
    }

    private func finish(_ piece: (cause: String, work: @Sendable () -> Void)) {
        piece.work()
        state.withLock { $0.queue.end(piece.cause) }
    }

    private func run() {
        while true {
            while let piece = state.withLock({ $0.queue.take() }) { finish(piece) }
            state.withLock { $0.idle += 1 }
            let woken = signal.wait(until: KernelClock.deadline(after: .seconds(10)))
            let mustEnd = state.withLock { state in
                state.idle -= 1
                guard !woken, state.queue.runnable == 0 else { return false }
                state.threads -= 1
                return true
            }
            if mustEnd { return }
        }
    }
}

/// One piece of work and the task that waits for it.
final class BlockingTicket<Result: Sendable>: Sendable {
    typealias Continuation = CheckedContinuation<Result, any Error>

    private enum State {
        case new
        case waiting(Continuation)
        case running(Continuation)
        case over
    }

    private let state = Mutex(State.new)
    /// Whether the task goes on without the result when it is cancelled while the work runs.
    private let mayBeLeft: Bool

    init(mayBeLeft: Bool) { self.mayBeLeft = mayBeLeft }

    /// False when the task was cancelled before: then it has been told.
    func wait(_ continuation: Continuation) -> Bool {
        let isNew = state.withLock { state in
            guard case .new = state else { return false }
            state = .waiting(continuation)
            return true
        }
        if !isNew { continuation.resume(throwing: CancellationError()) }
        return isNew
    }

    /// False when nobody waits any more.
    func begin() -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state else { return false }
            state = .running(continuation)
            return true
        }
    }

    func end(_ result: Swift.Result<Result, any Error>) {
        let continuation = state.withLock { state -> Continuation? in
            defer { state = .over }
            switch state {
            case .waiting(let continuation), .running(let continuation): return continuation
            case .new, .over: return nil
            }
        }
        continuation?.resume(with: result)
    }

    func cancel() {
        let continuation = state.withLock { state -> Continuation? in
            switch state {
            case .new: state = .over
            case .waiting(let continuation):
                state = .over
                return continuation
            case .running(let continuation) where mayBeLeft:
                state = .over
                return continuation
            case .running, .over: break
            }
            return nil
        }
        continuation?.resume(throwing: CancellationError())
    }
}
