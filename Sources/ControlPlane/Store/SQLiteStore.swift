// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Synchronization
internal import Text

/// A multi-version store on one SQLite file. The newest value of every key is in memory; reads never touch the disk
/// unless they ask for the past. One thread writes: everything that waits becomes one transaction (group commit), and a
/// writer is answered after the fsync of its transaction.
public final class SQLiteStore: KeyValueStore {
    /// How long history is kept, in seconds: at least this, at most twice this.
    public static let historySeconds = 300

    private let state: StateBox
    private let delivered: DeliveredRevision
    private let writer: WorkerThread<WriteRequest>
    private let history: HistoryReader
    private let lock: Mutex<DataDirectoryLock?>

    /// Opens the store in `directory` (made with mode 0700 when missing) and claims it for this process. `onCommit` is
    /// told the number of changes of each transaction, on the writer's thread.
    public init(
        directory: String, historySeconds: Int = SQLiteStore.historySeconds, space: StoreSpace? = nil,
        onCommit: (@Sendable (Int) -> Void)? = nil
    ) throws(StoreError) {
        try Self.makeDirectory(directory)
        let claim = try DataDirectoryLock(directory: directory)
        let path = "\(directory)/state.db"
        let state = StateBox()
        let log = try Log(path: path)
        try Self.load(log, into: state, space)
        chmod(path, 0o600)
        self.state = state
        delivered = state.withLock { $0.delivered }
        history = try HistoryReader(path: path, state: state)
        let group = GroupCommit(log: log, state: state, space: space, onCommit: onCommit)
        writer = try WorkerThread(
            name: "store-writer", interval: historySeconds, tick: { group.rotateHistory() },
            handle: { group.handle($0) })
        lock = Mutex(claim)
    }

    deinit { close() }

    /// Finishes what is queued and lets go of the files. Not needed for correctness.
    public func close() {
        writer.close()
        history.close()
        state.withLock { $0.endWatchers() }
        lock.withLock { $0 = nil }
    }

    private static func makeDirectory(_ directory: String) throws(StoreError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw .failed(attempt: "make \(directory)", detail: Errno(errno, "mkdir").reason)
        }
    }

    private static func load(_ log: borrowing Log, into box: StateBox, _ space: StoreSpace?) throws(StoreError) {
        var state = LiveState()
        try log.forEach(after: 0, through: .max) { state.load($0) }
        state.startsAt(revision: state.revision, compacted: try log.compactedRevision(), space: space)
        box.withLock { $0 = state }
    }
}

// MARK: - Writes

extension SQLiteStore {
    public func create(_ key: String, _ value: NewValue) async throws(StoreError) -> StoredObject {
        let event = try await write(.create, key, value)
        guard let object = event.object else { throw .notFound(key: key) }
        return object
    }

    public func update(_ key: String, expected: Int64, _ value: NewValue) async throws(StoreError) -> StoredObject {
        let event = try await write(.update(expected: expected), key, value)
        guard let object = event.object else { throw .notFound(key: key) }
        return object
    }

    public func delete(_ key: String, expected: Int64?) async throws(StoreError) -> StoreEvent {
        try await write(.delete(expected: expected), key, nil)
    }

    public func move(_ key: String, to target: String) async throws(StoreError) {
        _ = try await write(.move(to: target), key, nil)
    }

    /// Says in the file that keys are as this version has them: earlier versions refuse it from then on.
    public func adoptFormat() async throws(StoreError) {
        let result: StoreError? = await withCheckedContinuation { continuation in
            let request = WriteRequest.adoptFormat { continuation.resume(returning: $0) }
            if !writer.submit(request) { continuation.resume(returning: .closed) }
        }
        if let result { throw result }
    }

    public func compact(to revision: Int64) async throws(StoreError) {
        let result = await withCheckedContinuation { continuation in
            let request = WriteRequest.compact(to: revision) { continuation.resume(returning: $0) }
            if !writer.submit(request) { continuation.resume(returning: .closed) }
        }
        if let result { throw result }
    }

    private func write(
        _ action: WriteAction, _ key: String, _ value: NewValue?
    ) async throws(StoreError) -> StoreEvent {
        if let value { try SizeLimit.check(key, value, replacing: get(key)) }
        let result: Result<StoreEvent, StoreError> = await withCheckedContinuation { continuation in
            let request = WriteRequest.write(action, key: key, value: value) { continuation.resume(returning: $0) }
            if !writer.submit(request) { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }
}

// MARK: - Reads

extension SQLiteStore {
    public var currentRevision: Int64 { state.withLock { $0.revision } }

    public var compactedRevision: Int64 { state.withLock { $0.compacted } }

    /// How many bytes of the quota are in use; nil without one.
    public var spaceInUse: Int? { state.withLock { $0.space?.total } }

    public func get(_ key: String) -> StoredObject? { state.withLock { $0.objects[key] } }

    public func current(prefix: String) -> [StoredObject] {
        let objects = state.withLock { $0.objects }
        return objects.slice(objects.lowerBound(prefix), objects.upperBound(prefix: prefix), limit: .max)
    }

    public func changes(under prefix: String) -> ChangeMark { state.withLock { $0.mark(prefix) } }

    public func changedKeys(under prefix: String) -> ChangedKeys {
        let journal = ChangedKeys(prefix: prefix)
        state.withLock { $0.add(journal) }
        return journal
    }

    public func follow(prefix: String, _ body: @escaping @Sendable (StoreEvent) -> Void) -> [StoredObject] {
        let objects = state.withLock { state in
            state.follow(prefix, body)
            return state.objects
        }
        return objects.slice(objects.lowerBound(prefix), objects.upperBound(prefix: prefix), limit: .max)
    }

    public func count(prefix: String) -> Int {
        state.withLock { $0.objects.distance($0.objects.lowerBound(prefix), $0.objects.upperBound(prefix: prefix)) }
    }

    public func list(
        prefix: String, revision: Int64?, after: String?, limit: Int?, for reader: PastReader
    ) async throws(StoreError) -> ListPage {
        let (now, compacted, snapshot, changed) = state.withLock { state in
            let wanted = revision ?? state.revision
            let changed: Bool? =
                wanted >= state.recent.after
                ? state.recent.hasEvent(after: wanted) { $0.hasExactPrefix(prefix) } : nil
            return (state.revision, state.compacted, state.objects, changed)
        }
        let wanted = revision ?? now
        if wanted > now { throw .future(requested: wanted, current: now) }
        if wanted < compacted { throw .compacted(requested: wanted, oldest: compacted) }
        if wanted == now || changed == false {
            return snapshot.page(prefix: prefix, after: after, limit: limit, revision: wanted)
        }
        return try await history.run(
            PageOfPast(state, prefix: prefix, revision: wanted, after: after, limit: limit), since: wanted, for: reader)
    }

    public func watch(
        prefix: String, after revision: Int64, for reader: PastReader
    ) async throws(StoreError) -> StoreWatch {
        let registered = state.withLock { state -> Result<(WatchQueue, Int64, Bool), StoreError> in
            if revision < state.compacted {
                return .failure(.compacted(requested: revision, oldest: state.compacted))
            }
            let recent = revision >= state.recent.after
            let queue = WatchQueue(prefix: prefix, replaying: !recent, load: state.watchLoad)
            if recent {
                // A revision of the future is allowed: the watch begins when the store gets there.
                for event in state.recent.events(after: revision, where: { Self.matches($0, prefix) }) {
                    queue.push(event)
                }
            }
            state.add(queue)
            return .success((queue, state.revision, recent))
        }
        let (queue, now, recent) = try registered.get()
        let watch = StoreWatch(
            // What there was when it began is in its queue, and later changes a moment after they can be read.
            queue: queue, current: { [delivered] in max(delivered.value, now) },
            onEnd: { [state] queue in state.withLock { $0.remove(queue) } })
        if !recent {
            do throws(StoreError) {
                queue.replayed(
                    try await history.run(
                        EventsOfPast(prefix: prefix, after: revision, through: now), since: revision, for: reader))
            } catch {
                watch.cancel()
                throw error
            }
        }
        return watch
    }

    static func matches(_ key: String, _ prefix: String) -> Bool {
        prefix.utf8.last == UInt8(ascii: "/")
            ? key.hasExactPrefix(prefix) : key.isExactly(prefix)
    }
}

/// The state behind its lock, shared by the store and its threads.
final class StateBox: Sendable {
    private let state = Mutex(LiveState())

    func withLock<Value: Sendable>(_ body: (inout sending LiveState) -> sending Value) -> Value {
        state.withLock(body)
    }
}
