// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Text

/// Somebody who has shown credentials, or none, with what every request of his is asked for. Of a token one is kept.
final class Caller: Sendable {
    let user: RequestUser
    let rank: UserRank
    /// Whose part of everything his requests take; nil where that depends on the Nodes there are.
    private let fixedHolder: BudgetHolder?

    init(_ user: RequestUser) {
        self.user = user
        rank = UserRank(user)
        let holder = BudgetHolder(user)
        fixedHolder = [.nodes, .newNodes].contains(holder.kind) ? nil : holder
    }

    static let anonymous = Caller(Authenticator.anonymous)

    func holder(standing: (String) -> BudgetHolder.Standing) -> BudgetHolder {
        fixedHolder ?? BudgetHolder(user, standing: standing)
    }
}

/// What a user's name and groups say of how important his requests are.
struct UserRank: OptionSet, Sendable {
    let rawValue: UInt8

    static let master = UserRank(rawValue: 1 << 0)
    static let authenticated = UserRank(rawValue: 1 << 1)
    static let unauthenticated = UserRank(rawValue: 1 << 2)
    static let node = UserRank(rawValue: 1 << 3)
    static let account = UserRank(rawValue: 1 << 4)
    /// The scheduler, the controllers, or an account of kube-system.
    static let component = UserRank(rawValue: 1 << 5)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ user: RequestUser) {
        self = []
        for group in user.groups {
            if group.isExactly(Authorizer.masters) { insert(.master) }
            if group.isExactly(Authenticator.authenticated) { insert(.authenticated) }
            if group.isExactly(Authenticator.unauthenticated) { insert(.unauthenticated) }
            if group.isExactly("system:nodes") { insert(.node) }
            if group.isExactly(ServiceAccountTokens.group) { insert(.account) }
        }
        if user.name.isExactly("system:kube-controller-manager") || user.name.isExactly("system:kube-scheduler")
            || user.name.hasExactPrefix("system:serviceaccount:kube-system:")
        {
            insert(.component)
        }
    }
}
