// SPDX-License-Identifier: Apache-2.0

/// What of one connection's answers its peer has not taken yet. Each connection may have a little without asking; more
/// comes from what the server has for all of them, so that many who ask for much and read nothing have no more than that.
///
/// For one thread at a time.
final class OutputPart {
    /// What every connection has.
    static let free = 64 * 1024
    /// What there is beyond that, where everybody may have so much.
    static func budget(each: Int) -> SharedBudget { SharedBudget(each: each) { $0 == .everybody ? each * 4 : each } }

    private let budget: SharedBudget
    private let standing: ConnectionStanding?
    private var holder = ConnectionStanding.stranger
    private var held = 0

    init(of budget: SharedBudget, _ standing: ConnectionStanding?) {
        self.budget = budget
        self.standing = standing
    }

    deinit { budget.giveBack(held, holder) }

    /// Says how much waits now. False, and nothing is changed, when that is more than there is for the connection's holder;
    /// never when it is `owed`.
    func set(_ count: Int, owed: Bool = false) -> Bool {
        let wanted = max(0, count - Self.free)
        if wanted == held { return true }
        if held == 0, let standing { holder = standing.holder }
        if wanted < held {
            budget.giveBack(held - wanted, holder)
        } else if !budget.take(wanted - held, holder, owed: owed) {
            return false
        }
        held = wanted
        return true
    }
}

extension HTTPRequest {
    /// Whether something may have been done for the request. Its answer is given in any case: who is told to try again later
    /// does it twice. That there is room for an answer is looked at before (`ConnectionStanding.hasRoomForAnswer`).
    static func isAnswerOwed(_ method: String) -> Bool { !["GET", "HEAD", "OPTIONS", "TRACE"].contains(method) }
}

extension HTTPResponse {
    /// For who has not read what he asked for before.
    static var tooMuchUnread: HTTPResponse {
        var response = text("Too many answers have not been read, please try again later.\n", status: 429)
        response.headers["Retry-After"] = "1"
        return response
    }
}
