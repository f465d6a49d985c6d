// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// One kernel thread with a queue: it takes everything queued at once, so work that arrives during a write is the next
/// write's batch. SQLite blocks in fsync, which no event loop must.
final class WorkerThread<Job: Sendable>: Sendable {
    private struct Queue {
        var jobs: [Job] = []
        var closed = false
    }

    private let queue = Mutex(Queue())
    private let signal = Semaphore()
    private let ended = Semaphore()

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
        if wake { signal.post() }
        return true
    }

    /// Lets the thread finish what is queued, and returns when it has ended.
    func close() {
        let first = queue.withLock { queue in
            defer { queue.closed = true }
            return !queue.closed
        }
        guard first else { return }
        signal.post()
        ended.wait()
    }

    fileprivate func run(interval: Int?, tick: (@Sendable () -> Void)?, handle: ([Job]) -> Void) {
        var next = interval.map { Semaphore.now() + $0 }
        while true {
            let (batch, closed) = queue.withLock { queue in
                defer { queue.jobs = [] }
                return (queue.jobs, queue.closed)
            }
            if !batch.isEmpty { handle(batch) }
            if batch.isEmpty, closed { break }
            if let interval, let deadline = next, Semaphore.now() >= deadline {
                tick?()
                next = Semaphore.now() + interval
            }
            if batch.isEmpty { signal.wait(until: next) }
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

/// A closure on its way to a new thread. `ended` is posted after the closure, and so all that it holds, is gone.
private final class ThreadBody: Sendable {
    private let body: Mutex<(@Sendable () -> Void)?>
    private let ended: Semaphore

    init(ended: Semaphore, _ body: @escaping @Sendable () -> Void) {
        self.body = Mutex(body)
        self.ended = ended
    }

    func run() {
        body.withLock { body in
            body?()
            body = nil
        }
        ended.post()
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

/// A POSIX semaphore. `@unchecked`: sem_t is made for use by several threads; the pointer never changes.
final class Semaphore: @unchecked Sendable {
    private let handle: UnsafeMutablePointer<sem_t>

    init() {
        handle = .allocate(capacity: 1)
        sem_init(handle, 0, 0)
    }

    deinit {
        sem_destroy(handle)
        handle.deallocate()
    }

    func post() { sem_post(handle) }

    func wait() {
        while sem_wait(handle) != 0, errno == EINTR {}
    }

    /// Waits until posted or until the monotonic second `deadline`.
    func wait(until deadline: Int?) {
        guard let deadline else { return wait() }
        // sem_clockwait is newer than the module map; the wall clock may jump, so the caller looks at its own clock
        // again and at worst ticks late by the jump.
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        time.tv_sec += max(0, deadline - Self.now()) + 1
        while sem_timedwait(handle, &time) != 0, errno == EINTR {}
    }

    /// Seconds of the monotonic clock.
    static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}
