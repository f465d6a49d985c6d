// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization

/// Computation too long for a loop's thread, which everybody waits for: it is done on threads kept apart from the loops,
/// as many as are busy, no more than `limit`, gone after 10 idle seconds. Flows (users) take turns,
/// so that many pieces of one hold up nobody else; a long computation is given in pieces. What a task does under
/// `executor(for:)` is a piece between any two of its waits.
///
/// A piece that lasts too long all the same loses its place to the others, and goes on behind everything else; until it has
/// ended, its flow has no other.
///
/// A bench may belong to a component's loop: what runs there waits for timers and descriptors on that loop.
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

    /// A piece that is being done.
    private struct Running {
        var flow: String
        var begun: Int64
        var thread: Int32
        var isOverdue = false
    }

    private struct State {
        var flows: [String: Flow] = [:]
        var last: UInt64 = 0
        /// The turn that the last piece to begin had.
        var turn: UInt64 = 0
        var waiting = 0
        var begun: UInt64 = 0
        /// With those that do what is overdue.
        var threads = 0
        var idle = 0
        var running: [UInt64: Running] = [:]
        /// How many pieces of each flow are overdue.
        var overdue: [String: Int] = [:]
        var overdueCount = 0
        var isWatched = false
        var home: EventLoop?

        mutating func add(_ flow: String, _ body: @escaping @Sendable () -> Void) {
            last += 1
            waiting += 1
            flows[flow, default: Flow(turn: turn + 1)].waiting.append(Piece(number: last, body: body))
        }

        /// The next piece: of the flow whose turn comes first, and of equals of the one that has waited longest.
        mutating func take(for thread: Int32) -> Piece? {
            var best: (flow: String, turn: UInt64, number: UInt64)?
            for (name, flow) in flows where overdue[name] == nil {
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
            begun += 1
            running[piece.number] = Running(flow: best.flow, begun: KernelClock.monotonic.now(), thread: thread)
            return piece
        }

        /// Notes the end of a piece. True when it was overdue.
        mutating func finish(_ number: UInt64) -> Bool {
            guard let piece = running.removeValue(forKey: number), piece.isOverdue else { return false }
            overdueCount -= 1
            let others = (overdue[piece.flow] ?? 1) - 1
            overdue[piece.flow] = others > 0 ? others : nil
            return true
        }

        /// Whether another thread is to be started for what waits. Idle threads are enough only when there are as many as
        /// pieces that wait.
        mutating func addThread(_ limit: Int) -> Bool {
            guard idle < waiting, threads - overdueCount < limit else { return false }
            threads += 1
            return true
        }

        /// The threads of pieces that become overdue now.
        mutating func findOverdue(_ now: Int64) -> [Int32] {
            var found: [Int32] = []
            for (number, piece) in running
            where !piece.isOverdue && now - piece.begun >= Workbench.patience && overdueCount < Workbench.overdueLimit {
                running[number]?.isOverdue = true
                overdue[piece.flow, default: 0] += 1
                overdueCount += 1
                found.append(piece.thread)
            }
            return found
        }
    }

    /// How many threads there are at most.
    public let limit: Int
    private let name: String
    private let state = Mutex(State())
    private let signal = CountingSemaphore()

    /// How long a piece has its place while others wait, in nanoseconds.
    private static let patience: Int64 = 50_000_000
    /// How many pieces may be overdue at a time; with more, the others wait for them.
    private static let overdueLimit = 32
    /// How much less important (nice(2)) what is overdue is than everything else of this process.
    private static let overdueNiceness: Int32 = 10

    /// With half as many threads as there are processors: the loops have work too.
    ///
    /// - Parameter least: How many there are at least.
    public convenience init(atLeast least: Int = 1, name: String = "") {
        self.init(limit: max(least, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2), name: name)
    }

    /// - Parameter name: Of its threads, as `ps -L` shows it: of its first 15 bytes.
    public init(limit: Int, name: String = "") {
        self.limit = max(1, limit)
        self.name = name
    }

    /// Has it belong to `loop`, which lives as long as the process: `EventLoop.here` is that loop in what runs here.
    /// Before anything does.
    public func belong(to loop: EventLoop) { state.withLock { $0.home = loop } }

    /// How many pieces wait for a thread.
    public var waiting: Int { state.withLock { $0.waiting } }

    /// How many pieces have been begun.
    public var begun: UInt64 { state.withLock { $0.begun } }

    /// Runs `body` on one of the threads, and returns what it returns. Started or not, it runs to its end.
    public func run<Result: Sendable, Failure: Error>(
        for flow: String, _ body: @escaping @Sendable () throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let result = await withCheckedContinuation { continuation in
            submit(flow) { continuation.resume(returning: Swift.Result(catching: body)) }
        }
        return try result.get()
    }

    /// Where a task does its work as pieces of `flow`, with `begin` or `withTaskExecutorPreference`.
    public func executor(for flow: String) -> WorkbenchExecutor { WorkbenchExecutor(self, flow) }

    /// Where an actor does its work as pieces of `flow`, one after the other.
    public func actorExecutor(for flow: String) -> WorkbenchActorExecutor { WorkbenchActorExecutor(self, flow) }

    fileprivate func submit(_ flow: String, _ body: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            state.add(flow, body)
            return state.addThread(limit)
        }
        if mustStart { startThread(orElse: doAll) }
        signal.signal()
        watch()
    }

    private func startThread(orElse doHere: () -> Void) {
        do {
            try Thread.start(name: name) { self.run() }
        } catch {
            // No thread to be had. Others will do it when there are any; else here, rather than never.
            let isAlone = state.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            if isAlone { doHere() }
        }
    }

    // MARK: The threads

    private func doAll() { while doOne(0) == .isDone {} }

    private enum Outcome { case nothing, isDone, wasOverdue }

    private func doOne(_ thread: Int32) -> Outcome {
        guard let piece = state.withLock({ $0.take(for: thread) }) else { return .nothing }
        piece.body()
        return state.withLock { $0.finish(piece.number) } ? .wasOverdue : .isDone
    }

    private func run() {
        let thread = clinux_gettid()
        EventLoop.setHere(state.withLock { $0.home })
        while true {
            switch doOne(thread) {
            case .isDone: continue
            case .wasOverdue:
                // Its place was given to another, and its importance cannot be had back: raising it is a privilege.
                let mustStart = state.withLock { state in
                    state.threads -= 1
                    return state.addThread(limit)
                }
                if mustStart { startThread(orElse: doAll) }
                signal.signal()
                return
            case .nothing: break
            }
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

    // MARK: What is overdue

    /// While pieces wait, looks from time to time whether those that are being done take too long.
    private func watch() {
        let mustLook = state.withLock { state in
            guard state.waiting > 0, !state.isWatched else { return false }
            state.isWatched = true
            return true
        }
        guard mustLook else { return }
        let loop = state.withLock { $0.home } ?? EventLoopGroup.shared.next()
        loop.schedule(atNanoseconds: KernelClock.monotonic.now() + Self.patience) { self.look() }
    }

    private func look() {
        let (overdue, mustStart) = state.withLock { state in
            state.isWatched = false
            guard state.waiting > 0 else { return ([Int32](), false) }
            let overdue = state.findOverdue(KernelClock.monotonic.now())
            return (overdue, state.addThread(limit))
        }
        // Not for what is done for want of threads (0), which would be this one. It fails for a thread that has just ended.
        for thread in overdue where thread != 0 {
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(thread), Self.overdueNiceness)
        }
        if mustStart {
            startThread(orElse: {})  // Whoever gives the next piece tries again.
            signal.signal()
        }
        watch()
    }
}

/// Runs what tasks do as pieces of one flow on a bench. Nothing that runs there may block, nor wait for another piece
/// while it holds the thread.
public final class WorkbenchExecutor: TaskExecutor {
    private let bench: Workbench
    private let flow: String

    fileprivate init(_ bench: Workbench, _ flow: String) {
        self.bench = bench
        self.flow = flow
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        bench.submit(flow) { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

/// Runs what an actor does as pieces of one flow on a bench: `nonisolated var unownedExecutor`. Each has one of its own.
public final class WorkbenchActorExecutor: SerialExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        /// Those before it have been taken.
        var head = 0
        /// A piece is to come or is being done, which sees to the next.
        var isBusy = false

        mutating func take() -> UnownedJob? {
            guard head < jobs.count else { return nil }
            defer {
                head += 1
                if head == jobs.count || head > 1_024 {
                    jobs.removeFirst(head)
                    head = 0
                }
            }
            return jobs[head]
        }
    }

    private let bench: Workbench
    private let flow: String
    private let queue = Mutex(Queue())

    fileprivate init(_ bench: Workbench, _ flow: String) {
        self.bench = bench
        self.flow = flow
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustSubmit = queue.withLock { queue in
            queue.jobs.append(job)
            defer { queue.isBusy = true }
            return !queue.isBusy
        }
        if mustSubmit { submit() }
    }

    /// One piece for each job: between any two of them others have their turns.
    private func submit() {
        bench.submit(flow) { [self] in
            if let job = queue.withLock({ $0.take() }) { job.runSynchronously(on: asUnownedSerialExecutor()) }
            let isMore = queue.withLock { queue in
                queue.isBusy = queue.head < queue.jobs.count
                return queue.isBusy
            }
            if isMore { submit() }
        }
    }
}
