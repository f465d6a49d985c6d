// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import Synchronization

/// Forgets flows for whoever asks: all who come while the kernel's flows are being read wait for the next reading, and
/// share it. So a hundred pods that end together cost two readings, not a hundred.
///
/// Who asks waits until it is done, and keeps meanwhile what the filters name: a flow that has become right again cannot be
/// among them.
final class FlowRemoval: Sendable {
    /// What is asked for in one reading.
    private final class Round: Sendable {
        let filters = Mutex<[IPFamily: [ConntrackFilter]]>([:])
        /// Nil until it is done.
        let outcome = Mutex<Result<Void, NetlinkError>?>(nil)
    }

    private let next = Mutex(Round())
    /// Held while flows are read.
    private let turn = Mutex(())
    private let remove: @Sendable (IPFamily, [ConntrackFilter]) throws(NetlinkError) -> Void

    init(_ remove: @escaping @Sendable (IPFamily, [ConntrackFilter]) throws(NetlinkError) -> Void) {
        self.remove = remove
    }

    /// For how many flows of the next reading are asked.
    var waiting: Int { next.withLock { round in round.filters.withLock { $0.values.reduce(0) { $0 + $1.count } } } }

    /// Returns when no flow that was there when it was called matches. Blocks.
    func callAsFunction(_ filters: [IPFamily: [ConntrackFilter]]) throws(NetlinkError) {
        guard filters.values.contains(where: { !$0.isEmpty }) else { return }
        let round = next.withLock { round in
            round.filters.withLock { all in all.merge(filters) { $0 + $1 } }
            return round
        }
        let outcome = turn.withLock { _ in
            // Who had the turn before may have done it all.
            if let outcome = round.outcome.withLock({ $0 }) { return outcome }
            next.withLock { $0 = Round() }
            let outcome = carryOut(round.filters.withLock { $0 })
            round.outcome.withLock { $0 = outcome }
            return outcome
        }
        try outcome.get()
    }

    /// A family that fails keeps no other.
    private func carryOut(_ filters: [IPFamily: [ConntrackFilter]]) -> Result<Void, NetlinkError> {
        var outcome = Result<Void, NetlinkError>.success(())
        for (family, filters) in filters {
            do throws(NetlinkError) { try remove(family, filters) } catch { outcome = .failure(error) }
        }
        return outcome
    }
}
