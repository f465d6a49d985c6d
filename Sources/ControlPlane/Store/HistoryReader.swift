// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Reads the past from disk: a thread with a connection of its own, which is opened when first needed. Who asks for it waits
/// for no more than the turns of others (`ReadTurns`).
final class HistoryReader: Sendable {
    /// One read, whatever it is of.
    private final class Job: Sendable {
        /// Reads on. Whether that was all.
        let step: @Sendable (HistoryReader) -> Bool
        let fail: @Sendable (StoreError) -> Void

        init<Read: PastRead>(
            _ read: Read, _ revision: Int64, _ answer: @escaping @Sendable (Result<Read.Value, StoreError>) -> Void
        ) {
            let read = Mutex(read)
            // Asked by the thread, or by who closes the store: one of them answers.
            let answer = Mutex<(@Sendable (Result<Read.Value, StoreError>) -> Void)?>(answer)
            let end: @Sendable (Result<Read.Value, StoreError>) -> Void = { result in
                answer.withLock { $0.take() }?(result)
            }
            fail = { end(.failure($0)) }
            step = { reader in
                do throws(StoreError) {
                    let found = try reader.withLog(readingFrom: revision) { (box) throws(StoreError) in
                        try read.withLock { (read) throws(StoreError) in try read.step(box.log) }
                    }
                    guard let found else { return false }
                    end(.success(found))
                } catch {
                    end(.failure(error))
                }
                return true
            }
        }
    }

    private let path: String
    private let state: StateBox
    private let log = Mutex<LogBox?>(nil)
    private let turns = Mutex(ReadTurns<Job>())
    private let thread = Mutex<WorkerThread<Void>?>(nil)

    init(path: String, state: StateBox) throws(StoreError) {
        self.path = path
        self.state = state
        let started = try WorkerThread<Void>(name: "store-reader") { [weak self] _ in
            while self?.doPiece() == true {}
        }
        thread.withLock { $0 = started }
    }

    /// Lets go of the file. What waits is told so.
    func close() {
        refuseAll()
        thread.withLock { $0 }?.close()
        // What came between the two.
        refuseAll()
        log.withLock { $0 = nil }
    }

    private func refuseAll() {
        for job in turns.withLock({ $0.removeAll() }) { job.fail(.closed) }
    }

    /// What `read` comes to, which reads what was there since `revision`.
    func run<Read: PastRead>(
        _ read: Read, since revision: Int64, for reader: PastReader
    ) async throws(StoreError) -> Read.Value {
        let result: Result<Read.Value, StoreError> = await withCheckedContinuation { continuation in
            let job = Job(read, revision) { continuation.resume(returning: $0) }
            turns.withLock { $0.add(job, for: reader) }
            if thread.withLock({ $0 })?.submit(()) != true { refuseAll() }
        }
        return try result.get()
    }

    /// False when there is nothing to read.
    private func doPiece() -> Bool {
        guard let (job, kind) = turns.withLock({ $0.next() }) else { return false }
        if job.step(self) { turns.withLock { $0.finish(kind) } }
        return true
    }

    private func withLog<Value: Sendable>(
        readingFrom revision: Int64, _ body: (LogBox) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let box = try log.withLock { (box) throws(StoreError) -> LogBox in
            if let box { return box }
            let opened = LogBox(try Log(path: path, readOnly: true))
            box = opened
            return opened
        }
        let failure: StoreError
        do throws(StoreError) {
            let value = try body(box)
            try checkHistory(revision)
            return value
        } catch {
            failure = error
        }
        // What is missed may be what a compaction has taken.
        try checkHistory(revision)
        throw failure
    }

    /// After the reading: a compaction in between has taken rows away.
    private func checkHistory(_ revision: Int64) throws(StoreError) {
        let oldest = state.withLock { $0.compacted }
        if revision < oldest { throw .compacted(requested: revision, oldest: oldest) }
    }
}

/// A log shared by reference. `@unchecked`: only the reader thread, or only the writer thread, uses the one it has.
final class LogBox: @unchecked Sendable {
    let log: Log
    init(_ log: consuming Log) { self.log = log }
}
