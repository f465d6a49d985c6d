// SPDX-License-Identifier: Apache-2.0

/// What tells one forwarded question from another.
struct ForwardKey: Sendable, Hashable {
    var name: DNSName
    var type: RecordType
    var classNumber: UInt16
    var recursionDesired: Bool
    var checkingDisabled: Bool
    var edns: DNSQuery.Extension?
    var isStream: Bool

    init(_ query: DNSQuery, isStream: Bool) {
        name = query.question.name
        type = query.question.type
        classNumber = query.question.classNumber
        recursionDesired = query.recursionDesired
        checkingDisabled = query.checkingDisabled
        edns = query.edns
        self.isStream = isStream
    }
}

/// Answers of other servers, for as long as their records allow and at most 30 seconds. A value; time is passed in.
struct AnswerCache: Sendable {
    /// Upstream's manifests have CoreDNS remember for so long at most.
    static let longest: Int64 = 30
    /// Larger answers are rare, and not worth their memory.
    static let largest = 4096

    private struct Entry: Sendable {
        var answer: ForeignAnswer
        var stored: Int64
        var ends: Int64
    }

    private let capacity: Int
    private var entries: [ForwardKey: Entry] = [:]

    init(capacity: Int = 2048) { self.capacity = capacity }

    var count: Int { entries.count }

    /// What is known at `now` (seconds of a monotonic clock), and for how long it has been.
    func find(_ key: ForwardKey, now: Int64) -> (answer: ForeignAnswer, age: UInt32)? {
        guard let entry = entries[key], now < entry.ends else { return nil }
        return (entry.answer, UInt32(clamping: now - entry.stored))
    }

    mutating func store(_ key: ForwardKey, _ answer: ForeignAnswer, now: Int64) {
        let lifetime = min(Int64(answer.lifetime), Self.longest)
        guard lifetime > 0, answer.bytes.count <= Self.largest else { return }
        if entries.count >= capacity, entries[key] == nil { makeRoom(now) }
        entries[key] = Entry(answer: answer, stored: now, ends: now + lifetime)
    }

    /// Drops what has ended; where that is little, the eighth that ends first, so that it is not done for each entry.
    private mutating func makeRoom(_ now: Int64) {
        entries = entries.filter { now < $0.value.ends }
        guard entries.count > capacity - capacity / 8 else { return }
        for (key, _) in entries.sorted(by: { $0.value.ends < $1.value.ends }).prefix(max(1, capacity / 8)) {
            entries[key] = nil
        }
    }
}
