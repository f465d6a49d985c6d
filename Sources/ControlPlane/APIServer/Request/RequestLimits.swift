// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux

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
            // The request waits as long as its body does.
            if !isExempt { try take(request.headSize, holder, &taken) }
            while let piece = try await stream.next() {
                guard bytes.count + piece.count <= limit else { throw APIError.tooLarge(limit) }
                if !isExempt { try take(piece.count, holder, &taken) }
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

    private func take(_ amount: Int, _ holder: BudgetHolder, _ taken: inout Int) throws(APIError) {
        guard budget.take(amount, holder) else {
            throw .tooManyRequests("Too many requests, please try again later.", retryAfter: 1)
        }
        taken += amount
    }
}
