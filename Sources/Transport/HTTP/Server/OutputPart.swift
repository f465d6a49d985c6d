// SPDX-License-Identifier: Apache-2.0

/// What one connection has the server keep for its peer: bytes of answers that have not been taken, or streams. Each
/// connection may have a little without asking; more comes from what the server has for all of them, so that many who ask
/// for much and read nothing have no more than that.
///
/// For one thread at a time.
final class OutputPart {
    /// What every connection has: less, as long as it is a stranger's, of which there may be thousands for nothing.
    static func free(_ holder: BudgetHolder) -> Int { holder.kind == .strangers ? 16 * 1024 : 64 * 1024 }

    /// What there is beyond that, where everybody may have so much. Strangers have an eighth, all together: nobody is alone
    /// there, and a budget keeps half of a kind's total for the next one.
    static func budget(each: Int) -> SharedBudget {
        SharedBudget(each: each) { kind in
            switch kind {
            case .everybody: each * 4
            case .strangers: each / 4
            case .newNodes, .nodes, .components, .masters: each
            }
        }
    }

    private let budget: SharedBudget
    private let standing: ConnectionStanding?
    private var holder = ConnectionStanding.stranger
    private var held = 0

    init(of budget: SharedBudget, _ standing: ConnectionStanding?) {
        self.budget = budget
        self.standing = standing
    }

    deinit { budget.giveBack(held, holder) }

    /// Says how much there is now. False, and nothing is changed, when that is more than there is for the connection's
    /// holder; never when it is `owed`.
    func set(_ count: Int, owed: Bool = false) -> Bool {
        if held == 0, count <= Self.free(ConnectionStanding.stranger) { return true }
        if let standing, held == 0 || holder.kind == .strangers { move(to: standing.holder) }
        let wanted = max(0, count - Self.free(holder))
        if wanted == held { return true }
        if wanted < held {
            budget.giveBack(held - wanted, holder)
        } else if !budget.take(wanted - held, holder, owed: owed) {
            return false
        }
        held = wanted
        return true
    }

    /// What strangers have is theirs no more once it is known whose it is.
    private func move(to new: BudgetHolder) {
        guard new != holder else { return }
        if held > 0 {
            budget.giveBack(held, holder)
            budget.take(held, new, owed: true)
        }
        holder = new
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
