// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import Synchronization

/// Told by its loop, on the loop's thread, that its descriptor is ready.
protocol EventSource: AnyObject, Sendable {
    func ready(_ events: Epoll.Events)
}

/// A thread that waits in epoll(7) and runs tasks: a task executor, so that a connection's task runs where its events
/// arrive, without a hop between threads. It sleeps in the kernel whenever there is nothing to do; nothing is polled.
///
/// Code that blocks a loop's thread blocks every connection of it: use `Blocking.run` for that.
public final class EventLoop: TaskExecutor, Sendable {
    private struct Job {
        let job: UnownedJob
        let isSerial: Bool
    }

    /// A registered descriptor. `generation` tells a late event of a slot's former owner from one of the present owner.
    private struct Slot {
        weak var source: (any EventSource)?
        var generation: UInt32 = 0
        var isFree = false
    }

    private struct Shared {
        var jobs: [Job] = []
        /// Who waits for `turn()`, and the first that still does.
        var patient: [UnsafeContinuation<Void, Never>] = []
        var firstPatient = 0
        var isSleeping = false
        var isStopping = false
        var slots: [Slot] = []
        var freeSlots: [Int] = []
        var timers = TimerQueue()
    }

    private let epoll: Epoll
    private let wakeUp: EventCounter
    private let shared = Mutex(Shared())

    /// Starts a loop on a thread of its own. It lives until `stop()`.
    ///
    /// - Parameter name: The thread's, as `ps -L` shows it: of its first 15 bytes.
    public init(name: String = "loop") throws(Errno) {
        epoll = try Epoll()
        wakeUp = try EventCounter()
        try epoll.add(wakeUp.descriptor, .readable, edgeTriggered: true, token: UInt64.max)
        try Thread.start(name: name) {
            Self.running.set(self)
            self.run()
            Self.running.set(nil)
        }
    }

    /// The loop on whose thread this runs, or to which the bench belongs whose thread it is; elsewhere one of the
    /// process's shared group. Whoever waits for a timer or a descriptor waits on the loop of his component, and so for no
    /// work but that.
    public static var here: EventLoop { running.loop ?? EventLoopGroup.shared.next() }

    private static let running = RunningLoop()

    /// Has `here` be `loop` on this thread, which is a bench's. The bench keeps the loop.
    static func setHere(_ loop: EventLoop?) { running.set(loop) }

    /// The executor of actors that shall live on this loop's thread.
    public var serialExecutor: EventLoopSerialExecutor { EventLoopSerialExecutor(loop: self) }

    /// Ends the thread once the jobs queued so far have run. Tasks that still wait for this loop wait for ever: only for
    /// a loop whose users have all ended.
    public func stop() {
        shared.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    /// Starts a task that runs on this loop.
    @discardableResult
    public func spawn<Result: Sendable>(
        _ body: @escaping @Sendable () async -> Result
    ) -> Task<Result, Never> {
        Task(executorPreference: self, operation: body)
    }

    // MARK: Jobs

    public func enqueue(_ job: consuming ExecutorJob) {
        enqueue(UnownedJob(job), isSerial: false)
    }

    fileprivate func enqueue(_ job: UnownedJob, isSerial: Bool) {
        let mustWake = shared.withLock { shared in
            shared.jobs.append(Job(job: job, isSerial: isSerial))
            defer { shared.isSleeping = false }
            return shared.isSleeping
        }
        if mustWake { wakeUp.signal() }
    }

    /// Suspends until everybody else has had the loop. For long work in pieces, some ten microseconds each, such as
    /// encrypting large bodies: before each the loop does what is due by then, and one such piece after it.
    public func turn() async {
        // Unsafe only in that nobody checks that it is resumed exactly once: the loop takes each out once.
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let mustWake = shared.withLock { shared in
                shared.patient.append(continuation)
                defer { shared.isSleeping = false }
                return shared.isSleeping
            }
            if mustWake { wakeUp.signal() }
        }
    }

    private func resumePatient() {
        let next = shared.withLock { shared -> UnsafeContinuation<Void, Never>? in
            guard shared.firstPatient < shared.patient.count else { return nil }
            let next = shared.patient[shared.firstPatient]
            shared.firstPatient += 1
            if shared.firstPatient == shared.patient.count || shared.firstPatient > 1_024 {
                shared.patient.removeFirst(shared.firstPatient)
                shared.firstPatient = 0
            }
            return next
        }
        next?.resume()
    }

    // MARK: The thread

    private func run() {
        var jobs: [Job] = []
        var ready: [Epoll.Ready] = []
        let serial = serialExecutor
        while true {
            // A few rounds of jobs between looks at the kernel: jobs that enqueue jobs must not starve the sockets.
            for _ in 0..<4 {
                jobs.removeAll(keepingCapacity: true)
                shared.withLock { swap(&$0.jobs, &jobs) }
                if jobs.isEmpty { break }
                for job in jobs {
                    if job.isSerial {
                        job.job.runSynchronously(on: serial.asUnownedSerialExecutor())
                    } else {
                        job.job.runSynchronously(on: asUnownedTaskExecutor())
                    }
                }
            }
            guard let timeout = nextTimeout() else { return }
            ready.removeAll(keepingCapacity: true)
            do {
                try epoll.wait(into: &ready, nanoseconds: timeout < 0 ? nil : timeout)
            } catch {
                preconditionFailure("\(error)")  // only a bug (EBADF, EFAULT, EINVAL) makes epoll_wait fail
            }
            shared.withLock { $0.isSleeping = false }
            if !ready.isEmpty { dispatch(ready) }
            fireTimers()
            resumePatient()
        }
    }

    /// How long to wait, in nanoseconds: -1 for ever, 0 when there is work; nil to end the thread.
    private func nextTimeout() -> Int64? {
        shared.withLock { shared in
            if !shared.jobs.isEmpty || shared.firstPatient < shared.patient.count { return 0 }
            if shared.isStopping { return nil }
            shared.isSleeping = true
            guard let deadline = shared.timers.nextDeadline else { return -1 }
            return max(0, deadline - KernelClock.monotonic.now())
        }
    }

    private func dispatch(_ ready: [Epoll.Ready]) {
        for event in ready {
            if event.token == .max {
                wakeUp.take()
                continue
            }
            let source = shared.withLock { shared -> (any EventSource)? in
                let slot = shared.slots[Int(event.token & 0xffff_ffff)]
                return slot.generation == UInt32(event.token >> 32) ? slot.source : nil
            }
            source?.ready(event.events)
        }
    }

    private func fireTimers() {
        let due = shared.withLock { shared in
            shared.timers.isEmpty ? [] : shared.timers.takeDue(KernelClock.monotonic.now())
        }
        for action in due { action() }
    }

    // MARK: Registration

    /// Adds `file` to the epoll and returns the token of its slot. The loop keeps no reference to the source.
    func register(
        _ file: borrowing FileDescriptor, _ events: Epoll.Events, edgeTriggered: Bool, source: any EventSource
    ) throws(Errno) -> UInt64 {
        let token = shared.withLock { shared -> UInt64 in
            let index: Int
            if let free = shared.freeSlots.popLast() {
                index = free
                shared.slots[index].isFree = false
                shared.slots[index].source = source
            } else {
                index = shared.slots.count
                shared.slots.append(Slot(source: source))
            }
            return UInt64(shared.slots[index].generation) << 32 | UInt64(index)
        }
        do {
            try epoll.add(file, events, edgeTriggered: edgeTriggered, token: token)
        } catch {
            release(token)
            throw error
        }
        return token
    }

    func register(
        _ socket: borrowing Socket, _ events: Epoll.Events, edgeTriggered: Bool, source: any EventSource
    ) throws(Errno) -> UInt64 {
        try register(socket.descriptor, events, edgeTriggered: edgeTriggered, source: source)
    }

    /// Sets what to wait for next.
    func modify(_ file: borrowing FileDescriptor, _ events: Epoll.Events, token: UInt64) throws(Errno) {
        try epoll.modify(file, events, token: token)
    }

    /// Takes `file` out of the epoll. Before it is closed: a duplicate elsewhere would keep its events coming.
    func deregister(_ file: borrowing FileDescriptor, token: UInt64) {
        // The only failures are a descriptor that is not in the epoll, which is what is wanted.
        try? epoll.remove(file)
        release(token)
    }

    /// Frees a slot whose descriptor is gone already.
    func release(_ token: UInt64) {
        shared.withLock { shared in
            let index = Int(token & 0xffff_ffff)
            guard shared.slots[index].generation == UInt32(token >> 32), !shared.slots[index].isFree else { return }
            shared.slots[index].source = nil
            shared.slots[index].isFree = true
            // The topmost token is the wake-up's: no generation reaches it together with the last index.
            shared.slots[index].generation &+= 1
            shared.freeSlots.append(index)
        }
    }

    // MARK: Timers

    /// Calls `action` on the loop's thread once the monotonic clock reads `deadline` nanoseconds. It must not block.
    @discardableResult
    public func schedule(atNanoseconds deadline: Int64, _ action: @escaping @Sendable () -> Void) -> TimerID {
        let (id, mustWake) = shared.withLock { shared in
            let id = shared.timers.insert(deadline, action)
            let mustWake = shared.isSleeping && shared.timers.nextDeadline == deadline
            if mustWake { shared.isSleeping = false }
            return (id, mustWake)
        }
        if mustWake { wakeUp.signal() }
        return id
    }

    /// Forgets a timer. It may be running just now.
    public func cancel(_ timer: TimerID) {
        shared.withLock { $0.timers.cancel(timer) }
    }
}

/// Which loop a thread runs.
private final class RunningLoop: Sendable {
    private let key: pthread_key_t

    init() {
        var key = pthread_key_t()
        // Fails only where a program has a thousand of them.
        precondition(pthread_key_create(&key, nil) == 0, "make a place for each thread's loop")
        self.key = key
    }

    /// A loop lives for as long as its thread does.
    var loop: EventLoop? {
        pthread_getspecific(key).map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    func set(_ loop: EventLoop?) {
        // Cannot fail: the place is there.
        _ = pthread_setspecific(key, loop.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
    }
}

/// Runs actors on a loop's thread: `nonisolated var unownedExecutor: UnownedSerialExecutor`.
public final class EventLoopSerialExecutor: SerialExecutor {
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(UnownedJob(job), isSerial: true)
    }

    /// Two of the same loop are the same executor.
    public func isSameExclusiveExecutionContext(other: EventLoopSerialExecutor) -> Bool { loop === other.loop }
}
