// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import Text

/// What the store keeps in memory: the newest value of every key, the most recent changes, and who watches.
struct LiveState: Sendable {
    private(set) var objects = SortedObjects()
    private(set) var revision: Int64 = 0
    var compacted: Int64 = 0
    private(set) var recent = RecentEvents()
    /// What waits for all who watch.
    let watchLoad: WatchLoad
    private var watchers: [KeyBytes: WatchQueues] = [:]
    /// Up to which revision whoever watches has been given what changed.
    let delivered = DeliveredRevision()
    private var marks: [ChangeMark] = []
    private var journals: [ChangedKeys] = []
    private var followers: [(prefix: String, take: @Sendable (StoreEvent) -> Void)] = []
    var failure: StoreError?
    /// nil: the store takes what the disk does.
    var space: SpaceAccounts?

    init(watchLoad: WatchLoad = WatchLoad()) { self.watchLoad = watchLoad }

    /// Takes a row of the log at start.
    mutating func load(_ row: Log.Row) {
        revision = row.revision
        if let value = row.value {
            objects.set(StoredObject(key: row.key, revision: row.revision, created: row.created, value: value))
        } else {
            objects.remove(row.key)
        }
    }

    mutating func startsAt(revision: Int64, compacted: Int64, space: StoreSpace?) {
        if let space {
            var accounts = SpaceAccounts(space)
            objects.forEach { accounts.add(accounts.space.size($0), $0.key) }
            accounts.allAdded()
            self.space = accounts
        }
        self.revision = max(revision, compacted)
        self.compacted = compacted
        recent.reset(after: self.revision)
        delivered.advance(to: self.revision)
    }

    /// Applies a committed change, and notes who is to be given it: that is done without the lock, which all who read
    /// wait for.
    mutating func apply(_ event: StoreEvent, _ deliveries: inout Deliveries) {
        if let object = event.object { objects.set(object) } else { objects.remove(event.key) }
        space?.apply(event)
        recent.append(event)
        revision = event.revision
        for mark in marks where event.key.hasExactPrefix(mark.prefix) { mark.advance(to: revision) }
        for journal in journals where event.key.hasExactPrefix(journal.prefix) { journal.note(event.key) }
        for follower in followers where event.key.hasExactPrefix(follower.prefix) { follower.take(event) }
        guard !watchers.isEmpty else { return }
        forEachPrefix(of: event.key) { prefix in
            if let queues = watchers[KeyBytes(prefix)] { deliveries.add(event, queues) }
        }
    }

    mutating func mark(_ prefix: String) -> ChangeMark {
        if let known = marks.first(where: { $0.prefix.isExactly(prefix) }) { return known }
        let mark = ChangeMark(prefix: prefix, revision: revision)
        marks.append(mark)
        return mark
    }

    mutating func add(_ journal: ChangedKeys) { journals.append(journal) }

    mutating func follow(_ prefix: String, _ take: @escaping @Sendable (StoreEvent) -> Void) {
        followers.append((prefix, take))
    }

    mutating func add(_ queue: WatchQueue) {
        watchers[KeyBytes(queue.prefix), default: [:]][ObjectIdentifier(queue)] = queue
    }

    mutating func remove(_ queue: WatchQueue) {
        let prefix = KeyBytes(queue.prefix)
        watchers[prefix]?[ObjectIdentifier(queue)] = nil
        if watchers[prefix]?.isEmpty == true { watchers[prefix] = nil }
    }

    /// Ends every watch.
    mutating func endWatchers() {
        for queues in watchers.values {
            for queue in queues.values { queue.end() }
        }
        watchers = [:]
    }

    var watcherCount: Int { watchers.values.reduce(0) { $0 + $1.count } }

    /// Every prefix of `key` that ends in `/`, and the key itself.
    private func forEachPrefix(of key: String, _ body: (String) -> Void) {
        var index = key.utf8.startIndex
        while let slash = key.utf8[index...].firstIndex(of: UInt8(ascii: "/")) {
            index = key.utf8.index(after: slash)
            body(String(key[..<index]))
        }
        body(key)
    }
}

/// Watches of one prefix.
typealias WatchQueues = [ObjectIdentifier: WatchQueue]

/// Up to which revision watches have been given what changed: a moment after it can be read.
final class DeliveredRevision: Sendable {
    private let revision = Atomic<Int64>(0)

    var value: Int64 { revision.load(ordering: .acquiring) }

    /// By the writer's thread, and at start.
    func advance(to new: Int64) { revision.store(new, ordering: .releasing) }
}

/// What one transaction has for whoever watches. Who watches is known by its dictionaries, which are shared and not copied.
struct Deliveries {
    private var parts: [(event: StoreEvent, queues: WatchQueues)] = []

    mutating func add(_ event: StoreEvent, _ queues: WatchQueues) { parts.append((event, queues)) }

    /// Gives each watch what it has, at once: it is woken once.
    func deliver() {
        if parts.count <= 1 {
            for part in parts {
                for queue in part.queues.values { queue.push([part.event]) }
            }
            return
        }
        var events: [ObjectIdentifier: (queue: WatchQueue, events: [StoreEvent])] = [:]
        for part in parts {
            for (id, queue) in part.queues { events[id, default: (queue, [])].events.append(part.event) }
        }
        for (queue, events) in events.values { queue.push(events) }
    }
}

/// The newest changes, bounded by count and by bytes, for watches that start a little in the past.
struct RecentEvents: Sendable {
    /// Every change after this revision is here.
    private(set) var after: Int64 = 0
    /// Those before `head` are nil: what they hold is let go of at once.
    private var events: [StoreEvent?] = []
    private var head = 0
    private var bytes = 0
    private static let countLimit = 8_192
    private static let byteLimit = 2 << 20

    mutating func reset(after revision: Int64) {
        self = RecentEvents()
        after = revision
    }

    mutating func append(_ event: StoreEvent) {
        events.append(event)
        bytes += Self.size(event)
        while events.count - head > Self.countLimit || bytes > Self.byteLimit, head < events.count {
            if let oldest = events[head].take() {
                bytes -= Self.size(oldest)
                after = oldest.revision
            }
            head += 1
        }
        // Amortised: the front is cut when it is as long as the rest.
        if head > 1_024, head * 2 > events.count {
            events.removeFirst(head)
            head = 0
        }
    }

    /// The changes after `revision` that `matches`, oldest first.
    func events(after revision: Int64, where matches: (String) -> Bool) -> [StoreEvent] {
        events[first(after: revision)...].compactMap { $0 }.filter { matches($0.key) }
    }

    /// Whether a change after `revision` `matches`.
    func hasEvent(after revision: Int64, where matches: (String) -> Bool) -> Bool {
        events[first(after: revision)...].contains { $0.map { matches($0.key) } ?? false }
    }

    private func first(after revision: Int64) -> Int {
        var low = head
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if (events[middle]?.revision ?? 0) <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Only superseded values cost memory of their own; the live ones are shared.
    private static func size(_ event: StoreEvent) -> Int { 96 + (event.previous?.bytes.count ?? 0) }
}
