// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import Text

/// Who has a part of what a server has for everybody: connections, watches, bytes.
public struct BudgetHolder: Sendable, Hashable {
    /// What has a total of its own, so that no number of others keeps it out.
    public enum Kind: Int, CaseIterable, Sendable {
        case everybody
        /// Whoever holds a bootstrap token makes as many nodes as he likes: those that were not there first.
        case newNodes
        case nodes
        case components
        case masters
        /// Who has shown nothing yet. All of them are one holder.
        case strangers
    }

    /// Whether there is a Node of a name, and whether it is one of the first.
    public enum Standing: Sendable { case first, later, none }

    /// Who has shown credentials, whoever he goes on as; the service accounts of a namespace, which its administrators make
    /// as many of as they like, together.
    public let name: String
    public let kind: Kind

    public init(name: String, kind: Kind = .everybody) {
        self.name = name
        self.kind = kind
    }

    /// - Parameters:
    ///   - user: Who has shown credentials.
    ///   - standing: What is known of a Node by its name.
    public init(_ user: RequestUser, standing: (String) -> Standing = { _ in .none }) {
        if user.groups.contains(where: { $0.isExactly("system:masters") }) {
            self.init(name: user.name, kind: .masters)
        } else if let node = user.name.after(exactPrefix: "system:node:"),
            user.groups.contains(where: { $0.isExactly("system:nodes") })
        {
            self.init(node: node, standing(node))
        } else if let namespace = Self.namespace(ofAccount: user.name) {
            guard namespace.elementsEqual("kube-system".utf8) else {
                // Up to and with the colon behind the namespace.
                self.init(name: String(Substring(user.name.utf8[..<user.name.utf8.index(after: namespace.endIndex)])))
                return
            }
            // A node has the tokens of the pods it runs, and of its proxy: whatever it does by them it does itself.
            if let node = user.extra["authentication.kubernetes.io/node-name"]?.first {
                self.init(node: node, standing(node))
            } else {
                self.init(name: "system:serviceaccount:kube-system:", kind: .components)
            }
        } else {
            let isComponent = Self.components.contains { user.name.isExactly($0) }
            self.init(name: user.name, kind: isComponent ? .components : .everybody)
        }
    }

    /// The bytes of `ns` in `system:serviceaccount:ns:name`; nil for who is no account.
    private static func namespace(ofAccount name: String) -> Substring.UTF8View? {
        let prefix = "system:serviceaccount:"
        guard name.hasExactPrefix(prefix) else { return nil }
        let rest = name.utf8.dropFirst(prefix.utf8.count)
        return rest.firstIndex(of: UInt8(ascii: ":")).map { rest[..<$0] }
    }

    private init(node: String, _ standing: Standing) {
        switch standing {
        case .first: self.init(name: "system:node:\(node)", kind: .nodes)
        case .later: self.init(name: "system:node:\(node)", kind: .newNodes)
        // A name costs nothing, so all of them together are one.
        case .none: self.init(name: "system:node:", kind: .newNodes)
        }
    }

    private static let components = [
        "system:kube-controller-manager", "system:kube-scheduler", "kube-apiserver-kubelet-client",
    ]

    /// By what turns are dealt out. Many names have no more turns than one, where names cost nothing.
    public var flow: String { kind == .newNodes ? "system:nodes" : name }
}

/// How much of something everybody has at the moment: bytes of bodies, watches.
///
/// Nobody's part may exceed `each`, nor what is left over for his kind: of those who want as much as they can get, each
/// comes to have as much as is kept free for the next one.
public final class SharedBudget: Sendable {
    private struct State: Sendable {
        var used = [Int](repeating: 0, count: BudgetHolder.Kind.allCases.count)
        var holders: [BudgetHolder: Int] = [:]
    }

    private let state = Mutex(State())
    public let each: Int
    private let totals: [Int]

    /// - Parameters:
    ///   - each: What one holder may have at most.
    ///   - total: What all of a kind may have.
    public init(each: Int, total: (BudgetHolder.Kind) -> Int) {
        self.each = each
        totals = BudgetHolder.Kind.allCases.map(total)
    }

    /// Takes `amount`; false when that is more than the holder may have now. What is `owed` is taken all the same: he has no
    /// more until it is given back.
    @discardableResult
    public func take(_ amount: Int, _ holder: BudgetHolder, owed: Bool = false) -> Bool {
        state.withLock { state in
            guard owed || has(amount, holder, state) else { return false }
            state.holders[holder, default: 0] += amount
            state.used[holder.kind.rawValue] += amount
            return true
        }
    }

    /// Whether the holder might take `amount`.
    public func has(_ amount: Int, for holder: BudgetHolder) -> Bool { state.withLock { has(amount, holder, $0) } }

    private func has(_ amount: Int, _ holder: BudgetHolder, _ state: State) -> Bool {
        let kind = holder.kind.rawValue
        return (state.holders[holder] ?? 0) + amount <= min(each, totals[kind] - state.used[kind] - amount)
    }

    public func giveBack(_ amount: Int, _ holder: BudgetHolder) {
        if amount == 0 { return }
        state.withLock { state in
            let left = (state.holders[holder] ?? 0) - amount
            state.holders[holder] = left > 0 ? left : nil
            state.used[holder.kind.rawValue] -= amount
        }
    }

    public var inUse: Int { state.withLock { $0.used.reduce(0, +) } }
}

/// Some of a budget, given back when it is let go of.
public final class Share: Sendable {
    private let budget: SharedBudget
    private let holder: BudgetHolder
    private let amount: Int

    /// nil when the holder may have no more; never of what is `owed`.
    public init?(of budget: SharedBudget, _ amount: Int = 1, for holder: BudgetHolder, owed: Bool = false) {
        guard budget.take(amount, holder, owed: owed) else { return nil }
        self.budget = budget
        self.holder = holder
        self.amount = amount
    }

    deinit { budget.giveBack(amount, holder) }
}
