// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Store
internal import Synchronization
internal import Text

/// Which Nodes there are, and which of them are the oldest: whoever holds a bootstrap token can add as many as he likes, and
/// those that were there before him are to have what they need all the same. What has changed is taken in when somebody
/// asks.
final class NodeRoll: Sendable {
    private struct State {
        /// The revision that created each.
        var created: [String: Int64] = [:]
        /// That of the youngest of the first, where there are as many; nil: to be looked for.
        var bound: Int64?
    }

    /// How many are the first.
    static let first = 100

    private let store: any KeyValueStore
    private let prefix: String
    private let changes: ChangedKeys
    private let state = Mutex(State())

    init(_ store: any KeyValueStore, prefix: String) {
        self.store = store
        self.prefix = prefix
        changes = store.changedKeys(under: prefix)
    }

    func standing(of node: String) -> BudgetHolder.Standing {
        state.withLock { state in
            switch changes.take() {
            case .keys(let keys): for key in keys { note(&state, key, store.get(key)) }
            case .everything:
                state = State()
                for stored in store.current(prefix: prefix) { note(&state, stored.key, stored) }
            }
            guard let created = state.created[node] else { return .none }
            return created <= bound(&state) ? .first : .later
        }
    }

    private func note(_ state: inout State, _ key: String, _ stored: StoredObject?) {
        let name = key.after(exactPrefix: prefix) ?? ""
        let before = state.created[name]
        guard before != stored?.created else { return }
        state.created[name] = stored?.created
        // What comes after all others changes nothing about the first.
        if before == nil, let bound = state.bound, let created = stored?.created, created > bound { return }
        state.bound = nil
    }

    private func bound(_ state: inout State) -> Int64 {
        if let bound = state.bound { return bound }
        let bound = state.created.count < Self.first ? .max : state.created.values.sorted()[Self.first - 1]
        state.bound = bound
        return bound
    }
}
