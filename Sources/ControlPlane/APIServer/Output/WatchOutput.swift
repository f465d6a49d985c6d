// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Synchronization

/// What one watch writes next: what is small together, and what is large as it is, which all watches share.
struct WatchOutput: Sendable {
    /// Bytes that are copied rather than shared.
    static let small = 32 * 1024

    private var pieces: [[UInt8]] = []
    private var open: [UInt8] = []

    mutating func add(_ bytes: some Sequence<UInt8>) { open += bytes }

    mutating func add(_ bytes: [UInt8]) {
        if bytes.count <= Self.small {
            open += bytes
            return
        }
        if !open.isEmpty { pieces.append(open) }
        open = []
        pieces.append(bytes)
    }

    var finished: [[UInt8]] { open.isEmpty ? pieces : pieces + [open] }
}

/// Events as watches show them: made by the first that needs one, and kept for the others for a moment.
final class SharedForms: Sendable {
    /// What events look like to some watches.
    struct Form: Hashable, Sendable {
        let text: String
        /// Custom resources with another schema look different.
        let custom: CustomResource?

        init(_ resource: ResourceKind, _ output: OutputFormat, includeObject: String?) {
            text =
                "\(resource.group)/\(resource.version)/\(resource.plural) \(output.shape) \(output.encoding) "
                + (includeObject ?? "")
            custom = resource.custom
        }

        static func == (left: Form, right: Form) -> Bool { left.text == right.text && left.custom === right.custom }
        func hash(into hasher: inout Hasher) { hasher.combine(text) }
    }

    struct Key: Hashable {
        let key: String
        let revision: Int64
        let type: String
        let form: Form
    }

    private struct State {
        var made: [Key: [UInt8]] = [:]
        var order: [Key] = []
        var size = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = 8 << 20) { self.limit = limit }

    func has(_ key: Key) -> Bool { state.withLock { $0.made[key] != nil } }

    func bytes(_ key: Key, _ make: () -> [UInt8]) -> [UInt8] {
        if let known = state.withLock({ $0.made[key] }) { return known }
        let bytes = make()
        return state.withLock { state in
            // Another was as fast: all share one.
            if let known = state.made[key] { return known }
            state.made[key] = bytes
            state.order.append(key)
            state.size += bytes.count + Self.overhead
            var gone = 0
            while state.size > limit, gone < state.order.count {
                state.size -= (state.made.removeValue(forKey: state.order[gone])?.count ?? 0) + Self.overhead
                gone += 1
            }
            state.order.removeFirst(gone)
            return bytes
        }
    }

    private static let overhead = 512
}

/// What watches hold of large events as long as their clients have not taken them. Bytes that several hold count once. When
/// it is too much, the watches of whoever has the most of them wait no longer: their clients list again, as upstream has
/// it for clients that do not keep up.
final class WatchHoldings: Sendable {
    private struct Holder {
        var user: String
        var places: [UInt]
        var end: @Sendable () -> Void
    }

    /// Bytes that some hold. They are kept here as well, so that no others come to be at their place.
    private struct Piece {
        let bytes: [UInt8]
        var holders: Int
    }

    private struct State {
        var shared: [UInt: Piece] = [:]
        var size = 0
        var holders: [UInt64: Holder] = [:]
        var last: UInt64 = 0

        mutating func remove(_ number: UInt64) -> Holder? {
            guard let holder = holders.removeValue(forKey: number) else { return nil }
            for place in holder.places {
                shared[place]?.holders -= 1
                if shared[place]?.holders == 0, let gone = shared.removeValue(forKey: place) {
                    size -= gone.bytes.count
                }
            }
            return holder
        }

        /// Ends those who have waited longest of whoever has the most alone, until there is `room` again. All are looked at
        /// once, and room is made for some time: what one event costs does not grow with how many watch.
        mutating func makeRoom(_ room: Int) -> [Holder] {
            var sums: [String: Int] = [:]
            for holder in holders.values {
                // Who shares with many holds little.
                for place in holder.places {
                    if let piece = shared[place] { sums[holder.user, default: 0] += piece.bytes.count / piece.holders }
                }
            }
            var numbers: [String: [UInt64]] = [:]
            for (number, holder) in holders { numbers[holder.user, default: []].append(number) }
            var ended: [Holder] = []
            for user in sums.sorted(by: { ($0.value, $0.key) > ($1.value, $1.key) }).map(\.key) {
                for number in (numbers[user] ?? []).sorted() {
                    if size <= room { return ended }
                    if let holder = remove(number) { ended.append(holder) }
                }
            }
            return ended
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = 96 << 20) { self.limit = limit }

    /// How many bytes are held.
    var size: Int { state.withLock { $0.size } }

    /// Notes that `pieces` are held, until `release`. `end` is called when they must not be any longer.
    func hold(_ pieces: [[UInt8]], by user: String, end: @escaping @Sendable () -> Void) -> UInt64 {
        let (number, ended) = state.withLock { state -> (UInt64, [Holder]) in
            state.last += 1
            let number = state.last
            var holder = Holder(user: user, places: [], end: end)
            for piece in pieces {
                // Arrays that share their bytes have them at one place.
                let place = piece.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
                if state.shared[place] == nil { state.size += piece.count }
                state.shared[place, default: Piece(bytes: piece, holders: 0)].holders += 1
                holder.places.append(place)
            }
            state.holders[number] = holder
            return (number, state.size > limit ? state.makeRoom(limit / 8 * 7) : [])
        }
        for holder in ended { holder.end() }
        return number
    }

    func release(_ number: UInt64) { _ = state.withLock { $0.remove(number) } }
}
