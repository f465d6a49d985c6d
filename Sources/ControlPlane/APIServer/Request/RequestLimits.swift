// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
internal import Synchronization

/// How much of something everybody has at the moment: bytes of bodies, watches. Nobody's part of it may exceed `each`,
/// all together not `total`.
final class SharedBudget: Sendable {
    private struct State: Sendable {
        var total = 0
        var users: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let each: Int
    private let total: Int

    init(each: Int, total: Int) {
        self.each = each
        self.total = total
    }

    /// Takes `amount` for `user`; false when that is more than he may have now.
    func take(_ amount: Int, _ user: String) -> Bool {
        state.withLock { state in
            let now = state.users[user] ?? 0
            guard now + amount <= each, state.total + amount <= total else { return false }
            state.users[user] = now + amount
            state.total += amount
            return true
        }
    }

    func giveBack(_ amount: Int, _ user: String) {
        if amount == 0 { return }
        state.withLock { state in
            let left = (state.users[user] ?? 0) - amount
            state.users[user] = left > 0 ? left : nil
            state.total -= amount
        }
    }

    var inUse: Int { state.withLock(\.total) }
}

/// One unit of a budget, given back when it is let go of.
final class Share: Sendable {
    private let budget: SharedBudget
    private let user: String

    /// nil when the user may have no more.
    init?(of budget: SharedBudget, for user: String) {
        guard budget.take(1, user) else { return nil }
        self.budget = budget
        self.user = user
    }

    deinit { budget.giveBack(1, user) }
}

/// Reads bodies of requests: whole, in time, and not too many at once.
struct BodyReader: Sendable {
    let budget: SharedBudget
    /// How long a body may take to arrive, from its first byte to its last.
    var patience: Duration = .seconds(60)

    /// The request with its body in memory. `taken` grows with what of the budget it holds, also when this fails.
    func read(
        _ request: ParsedRequest, for user: String, isExempt: Bool, taken: inout Int
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
                    guard budget.take(piece.count, user) else {
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
