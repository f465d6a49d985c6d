// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
internal import Synchronization

/// Who a part of a budget belongs to.
struct BudgetHolder: Sendable, Hashable {
    /// Who has shown credentials, whoever he goes on as; the service accounts of a namespace, which its administrators make
    /// as many of as they like, together.
    let name: String
    /// Whether it is of the cluster's own components, which no number of others may keep out.
    let isReserved: Bool

    init(name: String, isReserved: Bool) {
        self.name = name
        self.isReserved = isReserved
    }

    /// - Parameters:
    ///   - authenticated: Who has shown credentials.
    ///   - level: How important what he asks for is.
    init(_ authenticated: RequestUser, _ level: PriorityLevel) {
        let isReserved =
            switch level {
            case .exempt, .leaderElection, .nodeHigh, .system, .workloadHigh: true
            case .workloadLow, .globalDefault, .catchAll: false
            }
        let prefix = "system:serviceaccount:"
        var name = authenticated.name
        if name.utf8.starts(with: prefix.utf8),
            let colon = name.utf8.dropFirst(prefix.utf8.count).firstIndex(of: UInt8(ascii: ":"))
        {
            name = String(name[...colon])
        }
        self.init(name: name, isReserved: isReserved)
    }
}

/// How much of something everybody has at the moment: bytes of bodies, watches.
///
/// Nobody's part may exceed `each`, nor what is left over: of those who want as much as they can get, each comes to have as
/// much as is kept free for the next one. Reserved holders have `each` besides, whatever all others have.
final class SharedBudget: Sendable {
    private struct State: Sendable {
        /// Of all but reserved holders.
        var total = 0
        var holders: [BudgetHolder: Int] = [:]
    }

    private let state = Mutex(State())
    private let each: Int
    private let total: Int

    init(each: Int, total: Int) {
        self.each = each
        self.total = total
    }

    /// Takes `amount`; false when that is more than the holder may have now.
    func take(_ amount: Int, _ holder: BudgetHolder) -> Bool {
        state.withLock { state in
            let now = state.holders[holder] ?? 0
            let bound = holder.isReserved ? each : min(each, total - state.total)
            guard now + amount <= bound else { return false }
            state.holders[holder] = now + amount
            if !holder.isReserved { state.total += amount }
            return true
        }
    }

    func giveBack(_ amount: Int, _ holder: BudgetHolder) {
        if amount == 0 { return }
        state.withLock { state in
            let left = (state.holders[holder] ?? 0) - amount
            state.holders[holder] = left > 0 ? left : nil
            if !holder.isReserved { state.total -= amount }
        }
    }

    var inUse: Int { state.withLock { $0.holders.values.reduce(0, +) } }
}

/// One unit of a budget, given back when it is let go of.
final class Share: Sendable {
    private let budget: SharedBudget
    private let holder: BudgetHolder

    /// nil when the holder may have no more.
    init?(of budget: SharedBudget, for holder: BudgetHolder) {
        guard budget.take(1, holder) else { return nil }
        self.budget = budget
        self.holder = holder
    }

    deinit { budget.giveBack(1, holder) }
}

/// Reads bodies of requests: whole, in time, and not too many at once.
struct BodyReader: Sendable {
    let budget: SharedBudget
    /// How long a body may take to arrive, from its first byte to its last.
    var patience: Duration = .seconds(60)

    /// The request with its body in memory. `taken` grows with what of the budget it holds, also when this fails.
    func read(
        _ request: ParsedRequest, for holder: BudgetHolder, isExempt: Bool, taken: inout Int
    ) async throws(APIError) -> ParsedRequest {
        guard let stream = request.arriving else { return request }
        let limit = ParsedRequest.bodyLimit
        if let expected = stream.expectedLength, expected > limit { throw .tooLarge(limit) }
        stream.setDeadline(KernelClock.deadline(after: patience))
        var bytes: [UInt8] = []
        do {
            while let piece = try await stream.next() {
                guard bytes.count + piece.count <= limit else { throw APIError.tooLarge(limit) }
                if !isExempt {
                    guard budget.take(piece.count, holder) else {
                        throw APIError.tooManyRequests("Too many requests, please try again later.", retryAfter: 1)
                    }
                    taken += piece.count
                }
                if bytes.isEmpty { bytes = piece } else { bytes += piece }
            }
        } catch let error as APIError {
            throw error
        } catch is DeadlineExceeded {
            throw APIError(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
        } catch {
            throw .badRequest("read the body: \(error)")
        }
        return request.carrying(bytes)
    }
}
