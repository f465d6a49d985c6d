// SPDX-License-Identifier: Apache-2.0

/// Decides which occurrences become Events, which add to one, and which are dropped. A value without I/O.
///
/// Figures are upstream's: 25 at once and one per five minutes for each object; from the tenth different message of one
/// reason within ten minutes on they are combined.
struct EventCorrelator: Sendable {
    struct Key: Sendable, Hashable {
        var target: EventTarget
        var type: EventType
        var reason: String
        var action: String

        init(target: EventTarget, type: EventType, reason: String, action: String) {
            // Versions of one object are one object.
            self.target = target
            self.target.resourceVersion = ""
            self.type = type
            self.reason = reason
            self.action = action
        }
    }

    struct Decision: Sendable {
        var key: Key
        var message: String
        /// What repeated occurrences have in common: the message, or nothing when they are combined.
        var identity: String
        /// The Event to add to.
        var earlier: String?
        var count: Int
        var first: Timestamp
    }

    private struct Repeated: Hashable {
        var key: Key
        var identity: String
    }

    private struct Written {
        var name: String?
        var count: Int
        var first: Timestamp
        var last: Timestamp
    }

    private struct Similar {
        var messages: Set<String> = []
        var last: Timestamp
    }

    private struct Bucket {
        var tokens: Double
        var last: Timestamp
    }

    static let burst = 25.0
    static let tokensPerSecond = 1.0 / 300
    static let similarLimit = 10
    static let similarWindow: Int64 = 600
    static let capacity = 4096

    private var written: [Repeated: Written] = [:]
    private var similar: [Key: Similar] = [:]
    private var buckets: [EventTarget: Bucket] = [:]

    /// Nil drops the occurrence.
    mutating func decide(_ key: Key, message: String, at time: Timestamp) -> Decision? {
        trim(at: time)
        var group = similar[key] ?? Similar(last: time)
        if time.seconds - group.last.seconds > Self.similarWindow { group.messages = [] }
        group.messages.insert(message)
        group.last = time
        let combined = group.messages.count >= Self.similarLimit
        if combined, let any = group.messages.first { group.messages.remove(any) }
        similar[key] = group
        guard takeToken(key.target, at: time) else { return nil }
        let identity = combined ? "" : message
        let repeated = Repeated(key: key, identity: identity)
        var entry = written[repeated] ?? Written(name: nil, count: 0, first: time, last: time)
        entry.count += 1
        entry.last = time
        written[repeated] = entry
        return Decision(
            key: key, message: combined ? "(combined from similar events): \(message)" : message, identity: identity,
            earlier: entry.name, count: entry.count, first: entry.first)
    }

    mutating func created(_ decision: Decision, name: String) {
        written[Repeated(key: decision.key, identity: decision.identity)]?.name = name
    }

    private mutating func takeToken(_ target: EventTarget, at time: Timestamp) -> Bool {
        var object = target
        object.fieldPath = ""
        var bucket = buckets[object] ?? Bucket(tokens: Self.burst, last: time)
        let passed = max(0, (time - bucket.last).inSeconds)
        bucket.tokens = min(Self.burst, bucket.tokens + passed * Self.tokensPerSecond)
        bucket.last = time
        defer { buckets[object] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }

    /// Forgets the older half when a table is full.
    private mutating func trim(at time: Timestamp) {
        if written.count > Self.capacity {
            let cut = written.values.map(\.last).sorted()[written.count / 2]
            written = written.filter { $0.value.last > cut }
        }
        if similar.count > Self.capacity {
            let cut = similar.values.map(\.last).sorted()[similar.count / 2]
            similar = similar.filter { $0.value.last > cut }
        }
        if buckets.count > Self.capacity {
            let cut = buckets.values.map(\.last).sorted()[buckets.count / 2]
            buckets = buckets.filter { $0.value.last > cut }
        }
    }
}
