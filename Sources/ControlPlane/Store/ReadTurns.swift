// SPDX-License-Identifier: Apache-2.0

/// Who reads the past, as turns are dealt out.
public struct PastReader: Sendable, Hashable {
    /// Readers of one kind wait for each other alone.
    public let kind: Int
    /// Who it is: all that he asks for are turns of his own.
    public let flow: String

    public init(kind: Int, flow: String) {
        self.kind = kind
        self.flow = flow
    }

    /// Whoever has the store.
    public static let own = PastReader(kind: -1, flow: "")
}

/// Whose turn it is on the one thread that reads the past. A value; the thread does the reading.
///
/// Kinds take turns by pieces, so that no number of one kind's reads keeps another's waiting. Of a kind one read is done at
/// a time, since it may hold much, and its readers take turns by reads: who has asked for many waits for himself.
struct ReadTurns<Read> {
    private struct Kind {
        /// The read that has begun.
        var current: Read?
        /// What each reader waits for, those who come first first.
        var waiting: [String: [Read]] = [:]
        var order: [String] = []
        var head = 0

        mutating func add(_ read: Read, _ flow: String) {
            if waiting[flow] == nil { order.append(flow) }
            waiting[flow, default: []].append(read)
        }

        mutating func take() -> Read? {
            if let current { return current }
            guard head < order.count else { return nil }
            let flow = order[head]
            head += 1
            if head > 64, head * 2 > order.count {
                order.removeFirst(head)
                head = 0
            }
            guard var reads = waiting.removeValue(forKey: flow), !reads.isEmpty else { return nil }
            current = reads.removeFirst()
            if !reads.isEmpty {
                waiting[flow] = reads
                order.append(flow)
            }
            return current
        }
    }

    private var kinds: [Int: Kind] = [:]
    /// Kinds that have something to read, the next one first.
    private var turns: [Int] = []

    mutating func add(_ read: Read, for reader: PastReader) {
        if kinds[reader.kind] == nil { turns.append(reader.kind) }
        kinds[reader.kind, default: Kind()].add(read, reader.flow)
    }

    /// What is read next, a piece of it; nil when there is nothing.
    mutating func next() -> (read: Read, kind: Int)? {
        while !turns.isEmpty {
            let kind = turns.removeFirst()
            if let read = kinds[kind]?.take() {
                turns.append(kind)
                return (read, kind)
            }
            kinds[kind] = nil
        }
        return nil
    }

    /// The read of a kind that has begun has ended.
    mutating func finish(_ kind: Int) { kinds[kind]?.current = nil }

    /// Everything that has not ended, which is forgotten.
    mutating func removeAll() -> [Read] {
        defer { self = ReadTurns() }
        return kinds.values.flatMap { kind in [kind.current].compactMap { $0 } + kind.waiting.values.flatMap { $0 } }
    }
}
