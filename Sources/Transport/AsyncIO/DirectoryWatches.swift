// SPDX-License-Identifier: Apache-2.0

public import Linux
internal import Synchronization

/// Tells of changes in directories, of all of them by one inotify(7) instance: the kernel has few of these for a user
/// (128), and the root of every pod without a user namespace is the same user. Once it is there, nobody can use it up.
///
/// Where the kernel gives none, or no further watch, the directory counts as changed every second instead. So nobody
/// who follows a file fails for it.
public final class DirectoryWatches: Sendable {
    /// The process's own.
    public static let shared = DirectoryWatches()

    private struct Entry {
        var directory: String
        var events: FileEvents
        var signal: AsyncStream<Void>.Continuation
        /// Nil while the kernel does not tell.
        var watch: Int32?
        var poll: Task<Void, Never>?
    }

    private struct State: ~Copyable {
        var instance: FileWatch?
        var entries: [UInt64: Entry] = [:]
        /// Who waits for each watch: a directory has one, however many look at it.
        var waiting: [Int32: Set<UInt64>] = [:]
        var next: UInt64 = 0
        var report: (@Sendable (String) -> Void)?
        var reported: String?
    }

    private let state: Mutex<State>
    private let interval: Duration
    private let make: @Sendable () throws(Errno) -> FileWatch

    /// What the kernel is asked for: a directory has one watch, and whoever looks at it is told what he wants of that.
    private static let all: FileEvents = [
        .modified, .closedAfterWriting, .created, .movedFrom, .movedTo, .deleted, .deletedItself, .movedItself,
    ]

    /// - Parameters:
    ///   - interval: How often a directory counts as changed that cannot be watched.
    ///   - make: Makes the instance.
    init(
        interval: Duration = .seconds(1),
        make: @escaping @Sendable () throws(Errno) -> FileWatch = { () throws(Errno) in try FileWatch() }
    ) {
        self.interval = interval
        self.make = make
        state = Mutex(State())
    }

    /// Takes the instance while there is one, and has `report` told of each reason for which there is none, once.
    public func open(report: @escaping @Sendable (String) -> Void) {
        state.withLock { $0.report = report }
        do { try state.withLock { (state) throws(Errno) in try open(&state) } } catch { tell("\(error)") }
    }

    /// Tells of changes in `directory` until the value is let go of. Also where the directory is not there yet.
    ///
    /// - Parameter events: Which changes count, where the kernel tells of them.
    public func changes(
        in directory: String, _ events: FileEvents = [.modified, .created, .movedTo]
    ) -> DirectoryChanges {
        let (stream, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.next += 1
            state.entries[state.next] = Entry(directory: directory, events: events, signal: signal)
            return state.next
        }
        if !watch(id) { state.withLock { poll(id, &$0) } }
        return DirectoryChanges(stream, signal) { [weak self] in self?.end(id) }
    }

    /// Whether the kernel tells `id` from now on.
    private func watch(_ id: UInt64) -> Bool {
        do {
            try state.withLock { (state) throws(Errno) in
                try open(&state)
                guard let directory = state.entries[id]?.directory,
                    let watch = try state.instance?.add(directory, Self.all)
                else { return }
                state.entries[id]?.watch = watch
                state.waiting[watch, default: []].insert(id)
            }
            return true
        } catch {
            // A directory that is not there yet, or not any more, is no shortage.
            if !error.isNotFound { tell("\(error)") }
            return false
        }
    }

    private func open(_ state: inout State) throws(Errno) {
        guard state.instance == nil else { return }
        let instance = try make()
        let descriptor = AsyncDescriptor(owning: try instance.descriptor.duplicate())
        state.instance = consume instance
        EventLoop.here.begin { [weak self] in await Self.read(descriptor) { self } }
    }

    /// Has `id` look again and again, and from time to time whether the kernel can tell after all.
    private func poll(_ id: UInt64, _ state: inout State) {
        guard let signal = state.entries[id]?.signal else { return }
        state.entries[id]?.watch = nil
        state.entries[id]?.poll = EventLoop.here.begin { [weak self, interval] in
            while true {
                for _ in 0..<15 {
                    // Cancelled when nobody looks any more.
                    do { try await sleep(for: interval) } catch { return }
                    signal.yield()
                }
                guard let self else { return }
                if watch(id) {
                    // What happened before the watch was there is seen by one look more.
                    signal.yield()
                    return
                }
            }
        }
    }

    private func end(_ id: UInt64) {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: id) else { return }
            entry.poll?.cancel()
            guard let watch = entry.watch else { return }
            state.waiting[watch]?.remove(id)
            guard state.waiting[watch]?.isEmpty == true else { return }
            state.waiting[watch] = nil
            drop(watch, &state)
        }
    }

    private func drop(_ watch: Int32, _ state: inout State) {
        // One that stays tells nobody, and ends with the process.
        try? state.instance?.remove(watch)
    }

    private func tell(_ problem: String) {
        let report = state.withLock { state in
            defer { state.reported = problem }
            return state.reported == problem ? nil : state.report
        }
        report?(problem)
    }

    // MARK: - What comes

    private static func read(_ descriptor: AsyncDescriptor, _ owner: () -> DirectoryWatches?) async {
        while true {
            do {
                try await descriptor.readable()
                let events = try descriptor.withDescriptor { (file) throws(Errno) in try FileWatch.take(from: file) }
                guard let owner = owner(), let events else { return }
                owner.dispatch(events)
            } catch {
                owner()?.lost("\(error)")
                return
            }
        }
    }

    private func dispatch(_ events: [FileEvent]) {
        let signals = state.withLock { state in
            var woken: Set<UInt64> = []
            for event in events {
                if event.events.contains(.overflowed) { woken.formUnion(state.entries.keys) }
                for id in state.waiting[event.watch] ?? [] {
                    if state.entries[id]?.events.isDisjoint(with: event.events) == false { woken.insert(id) }
                }
                guard !event.events.isDisjoint(with: [.ignored, .movedItself]) else { continue }
                // The directory has gone, or another may take its place: that is found out by looking.
                for id in state.waiting.removeValue(forKey: event.watch) ?? [] {
                    woken.insert(id)
                    poll(id, &state)
                }
                if event.events.contains(.movedItself) { drop(event.watch, &state) }
            }
            return woken.compactMap { state.entries[$0]?.signal }
        }
        for signal in signals { signal.yield() }
    }

    /// The instance is of no use any more: everybody looks by himself, until there is another.
    private func lost(_ problem: String) {
        tell(problem)
        state.withLock { state in
            state.instance = nil
            state.waiting = [:]
            for id in Array(state.entries.keys) where state.entries[id]?.watch != nil { poll(id, &state) }
        }
    }
}

/// Changes in one directory.
public final class DirectoryChanges: Sendable {
    private let stream: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let end: @Sendable () -> Void

    fileprivate init(
        _ stream: AsyncStream<Void>, _ signal: AsyncStream<Void>.Continuation, end: @escaping @Sendable () -> Void
    ) {
        self.stream = stream
        self.signal = signal
        self.end = end
    }

    deinit { end() }

    /// Waits until something may have changed since the last call returned, and at the first one since the value was
    /// made. For one task; throws when that is cancelled.
    public func next() async throws {
        var iterator = stream.makeAsyncIterator()
        guard await iterator.next() != nil else { throw CancellationError() }
    }

    /// Has whoever waits look.
    public func wake() { signal.yield() }
}
