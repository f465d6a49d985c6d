// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What a write does to its key.
enum WriteAction: Sendable {
    case create
    case update(expected: Int64)
    case delete(expected: Int64?)
    /// The value goes to another key. Where there is one already, it stays.
    case move(to: String)
}

/// A request in the writer's queue, with whom to answer.
enum WriteRequest: Sendable {
    case write(WriteAction, key: String, value: NewValue?, answer: @Sendable (Result<StoreEvent, StoreError>) -> Void)
    case compact(to: Int64, answer: @Sendable (StoreError?) -> Void)
    case adoptFormat(answer: @Sendable (StoreError?) -> Void)
}

/// The writer: turns a batch of requests into one transaction. Runs on the writer thread only.
final class GroupCommit: Sendable {
    private let log: LogBox
    private let state: StateBox
    private let onCommit: (@Sendable (Int) -> Void)?
    private let delivered: DeliveredRevision
    private let historyLimit: Int
    /// The revision at the last tick of the history clock.
    private let mark: Mutex<Int64>
    /// How much has been written since, in bytes.
    private let written = Mutex(0)
    /// History is cut at every tick, and before that when this much of it has come: it must not fill the disk.
    static let historyBytes = 256 << 20

    init(log: consuming Log, state: StateBox, space: StoreSpace?, onCommit: (@Sendable (Int) -> Void)?) {
        self.log = LogBox(log)
        self.state = state
        self.onCommit = onCommit
        delivered = state.withLock { $0.delivered }
        historyLimit = space?.historyBytes ?? Self.historyBytes
        mark = Mutex(state.withLock { $0.revision })
    }

    func handle(_ requests: [WriteRequest]) {
        var writes: [WriteRequest] = []
        for request in requests {
            switch request {
            case .write: writes.append(request)
            case .compact(let revision, let answer):
                commit(writes)
                writes = []
                answer(compact(to: revision))
            case .adoptFormat(let answer):
                commit(writes)
                writes = []
                answer(adoptFormat())
            }
        }
        commit(writes)
    }

    /// Forgets what is older than the last tick, so that history is kept between one and two intervals.
    func rotateHistory() {
        let now = state.withLock { $0.revision }
        let before = mark.withLock { mark in
            defer { mark = now }
            return mark
        }
        written.withLock { $0 = 0 }
        // A failure leaves the history longer than it need be; the next tick tries again, and writes report theirs.
        _ = compact(to: before)
    }

    private func commit(_ requests: [WriteRequest]) {
        guard !requests.isEmpty else { return }
        var batch = Batch(state: state)
        let failure: StoreError?
        do throws(StoreError) {
            if let broken = batch.failure { throw broken }
            try log.log.database.execute("BEGIN IMMEDIATE")
            for request in requests { try batch.perform(request, log.log) }
            try log.log.database.execute("COMMIT")
            failure = nil
        } catch {
            log.log.database.attempt("ROLLBACK")
            failure = error
        }
        if let failure {
            refuse(requests, failure)
            return
        }
        onCommit?(batch.events.count)
        // Published before anybody is answered: a client that reads after its write finds it.
        let deliveries = state.withLock { state in
            var deliveries = Deliveries()
            for event in batch.events { state.apply(event, &deliveries) }
            return deliveries
        }
        for answer in batch.answers { answer() }
        // After that: who writes does not wait for all who watch.
        deliveries.deliver()
        if let last = batch.events.last { delivered.advance(to: last.revision) }
        let added = batch.events.reduce(0) { $0 + ($1.object?.bytes.count ?? 0) }
        let isLong = written.withLock { written in
            written += added
            return written > historyLimit
        }
        if isLong { rotateHistory() }
    }

    /// A full disk is over when there is room again. After any other failure the file may hold what memory does not: the
    /// store refuses writes until it is opened anew.
    private func refuse(_ requests: [WriteRequest], _ failure: StoreError) {
        if case .diskFull = failure {} else { state.withLock { $0.failure = $0.failure ?? failure } }
        for case .write(_, _, _, let answer) in requests { answer(.failure(failure)) }
    }

    private func adoptFormat() -> StoreError? {
        do throws(StoreError) {
            // A store that is of this format is not written to: its disk may be full.
            guard try log.log.database.number("PRAGMA user_version") ?? 0 < Log.format else { return nil }
            try log.log.database.execute("PRAGMA user_version=\(Log.format)")
            return nil
        } catch {
            return error
        }
    }

    private func compact(to revision: Int64) -> StoreError? {
        let (now, compacted, broken) = state.withLock { ($0.revision, $0.compacted, $0.failure) }
        if let broken { return broken }
        if revision > now { return .future(requested: revision, current: now) }
        guard revision > compacted else { return nil }
        // First the promise is withdrawn, then the rows go: a reader checks the promise after it has read.
        state.withLock { $0.compacted = revision }
        do throws(StoreError) {
            var low = compacted
            // In steps, so that a write never waits for a long deletion to be undone or done.
            while low < revision {
                let high = min(revision, low + 20_000)
                try log.log.compact(after: low, through: high)
                low = high
            }
            try log.log.database.execute("PRAGMA incremental_vacuum(2000)")
            return nil
        } catch {
            log.log.database.attempt("ROLLBACK")
            return error
        }
    }
}

/// One transaction in the making: later requests see what earlier ones of the same batch did.
private struct Batch {
    private(set) var events: [StoreEvent] = []
    private(set) var answers: [() -> Void] = []
    let failure: StoreError?
    private var revision: Int64
    private let space: StoreSpace?
    private var written: [KeyBytes: StoredObject?] = [:]
    private var growth = 0
    private var growthOf: [String: Int] = [:]
    private let state: StateBox

    init(state: StateBox) {
        self.state = state
        (revision, failure, space) = state.withLock { ($0.revision, $0.failure, $0.space?.space) }
    }

    mutating func perform(_ request: WriteRequest, _ log: borrowing Log) throws(StoreError) {
        guard case .write(let action, let key, var value, let answer) = request else { return }
        let present = present(key)
        if case .move(let target) = action, let present {
            if self.present(target) == nil { _ = try append(target, present.original, replacing: nil, log) }
            let event = try append(key, nil, replacing: present, log)
            answers.append { answer(.success(event)) }
            return
        }
        if let refusal = Self.check(action, key, present) {
            answers.append { answer(.failure(refusal)) }
            return
        }
        if let beside = value?.beside, self.present(beside.key)?.revision != beside.revision {
            answers.append { answer(.failure(.besideChanged(key: beside.key))) }
            return
        }
        if let refusal = refuse(key, &value, replacing: present) {
            answers.append { answer(.failure(refusal)) }
            return
        }
        let event = try append(key, value, replacing: present, log)
        answers.append { answer(.success(event)) }
    }

    /// Why there is no room for a value; where there is, it is counted.
    private mutating func refuse(
        _ key: String, _ value: inout NewValue?, replacing present: StoredObject?
    ) -> StoreError? {
        guard let space, let bytes = value?.bytes, let claim = value?.claim else { return nil }
        let counted = space.counted(key, bytes)
        value?.counted = counted
        let more = key.utf8.count + counted + StoreSpace.overhead - space.size(present)
        // What becomes smaller counts once it is written.
        if more <= 0, case .none = claim { return nil }
        let (all, own) = (growth, growthOf)
        let refusal = state.withLock { state in
            state.space?.refusal(key, growth: more, claim: claim, pending: all) { own[$0] ?? 0 }
        }
        guard more > 0 else { return nil }
        if let refusal {
            space.onRefusal(refusal)
        } else {
            growth += more
            for account in space.accounts(of: key) { growthOf[account, default: 0] += more }
        }
        return refusal
    }

    private func present(_ key: String) -> StoredObject? {
        written[KeyBytes(key)] ?? state.withLock { $0.objects[key] }
    }

    /// Writes one row; without a value a deletion.
    private mutating func append(
        _ key: String, _ value: NewValue?, replacing present: StoredObject?, _ log: borrowing Log
    ) throws(StoreError) -> StoreEvent {
        let next = revision + 1
        try log.append(
            Log.Row(
                revision: next, key: key, created: present?.created ?? next, previous: present?.revision ?? 0,
                value: value))
        revision = next
        let object = value.map {
            StoredObject(key: key, revision: next, created: present?.created ?? next, value: $0)
        }
        let event = StoreEvent(revision: next, key: key, object: object, previous: present)
        written[KeyBytes(key)] = .some(object)
        events.append(event)
        return event
    }

    private static func check(_ action: WriteAction, _ key: String, _ present: StoredObject?) -> StoreError? {
        switch action {
        case .create: present.map { .keyExists($0) }
        case .update(let expected):
            present?.revision == expected ? nil : .conflict(key: key, expected: expected, current: present)
        case .delete(let expected):
            if let present {
                expected == nil || expected == present.revision
                    ? nil : .conflict(key: key, expected: expected ?? 0, current: present)
            } else {
                .notFound(key: key)
            }
        case .move: present == nil ? .notFound(key: key) : nil
        }
    }
}
