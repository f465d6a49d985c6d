// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Synchronization

/// One kernel thread with a queue: it takes everything queued at once, so work that arrives during a write is the next
/// write's batch. SQLite blocks in fsync, which no event loop must.
final class WorkerThread<Job: Sendable>: Sendable {
    private struct Queue {
        var jobs: [Job] = []
        var closed = false
    }

    private let queue = Mutex(Queue())
    private let signal = CountingSemaphore()
    private let ended = CountingSemaphore()

    /// Starts the thread. `handle` runs on it with every batch; `tick` runs every `interval` seconds, also when idle.
    init(
        name: String, interval: Int? = nil, tick: (@Sendable () -> Void)? = nil,
        handle: @escaping @Sendable ([Job]) -> Void
    ) throws(StoreError) {
        let body = ThreadBody(ended: ended) { [queue = QueueReference(self)] in
            queue.run(interval: interval, tick: tick, handle: handle)
        }
        try body.start(name: name)
    }

    /// Queues `job`; false when the thread is closing, and the job will never run.
    func submit(_ job: Job) -> Bool {
        let wake: Bool? = queue.withLock {
            guard !$0.closed else { return nil }
            $0.jobs.append(job)
            return $0.jobs.count == 1
        }
        guard let wake else { return false }
        if wake { signal.signal() }
        return true
    }

    /// Lets the thread finish what is queued, and returns when it has ended.
    func close() {
        let first = queue.withLock { queue in
            defer { queue.closed = true }
            return !queue.closed
        }
        guard first else { return }
        signal.signal()
        ended.wait()
    }

    fileprivate func run(interval: Int?, tick: (@Sendable () -> Void)?, handle: ([Job]) -> Void) {
        let interval = interval.map { Int64($0) * 1_000_000_000 }
        var next = interval.map { KernelClock.monotonic.now() + $0 }
        while true {
            let (batch, closed) = queue.withLock { queue in
                defer { queue.jobs = [] }
                return (queue.jobs, queue.closed)
            }
            if !batch.isEmpty { handle(batch) }
            if batch.isEmpty, closed { break }
            if let interval, let deadline = next, KernelClock.monotonic.now() >= deadline {
                tick?()
                next = KernelClock.monotonic.now() + interval
            }
            guard batch.isEmpty else { continue }
            // Whether it was a job or the time, the next round finds out.
            if let next { _ = signal.wait(until: next) } else { signal.wait() }
        }
    }
}

/// Hands the thread its owner; the owner closes the thread before it goes.
private struct QueueReference<Job: Sendable>: Sendable {
    private let owner: WorkerThread<Job>
    init(_ owner: WorkerThread<Job>) { self.owner = owner }

    func run(interval: Int?, tick: (@Sendable () -> Void)?, handle: ([Job]) -> Void) {
        owner.run(interval: interval, tick: tick, handle: handle)
    }
}

/// A closure on its way to a new thread. `ended` is signalled after the closure, and so all that it holds, is gone.
private final class ThreadBody: Sendable {
    private let body: Mutex<(@Sendable () -> Void)?>
    private let ended: CountingSemaphore

    init(ended: CountingSemaphore, _ body: @escaping @Sendable () -> Void) {
        self.body = Mutex(body)
        self.ended = ended
    }

    func run() {
        body.withLock { body in
            body?()
            body = nil
        }
        ended.signal()
    }

    func start(name: String) throws(StoreError) {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(self).release()
            throw .failed(attempt: "start the thread \(name)", detail: "error \(code)")
        }
        pthread_detach(thread)
    }
}
