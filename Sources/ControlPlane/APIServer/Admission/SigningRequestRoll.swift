// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization
internal import Text

/// How many certificate signing requests there are of each node, and of those that join: each is small, and stays for an
/// hour after its verdict or a day without one, so that whoever has a join token would make as many as the store takes.
/// What has changed is taken in when somebody asks.
final class SigningRequestRoll: Sendable {
    private struct State {
        /// Who made each, by its key; nodes and those that join only.
        var makers: [String: String] = [:]
        var counts: [String: Int] = [:]

        mutating func note(_ key: String, _ maker: String?) {
            if let before = makers.removeValue(forKey: key) {
                let left = (counts[before] ?? 0) - 1
                counts[before] = left > 0 ? left : nil
            }
            guard let maker else { return }
            makers[key] = maker
            counts[maker, default: 0] += 1
        }
    }

    /// The group of whoever comes with a bootstrap token.
    static let bootstrappers = "system:bootstrappers"
    private static let nodes = "system:nodes"
    private static let prefix = "/registry/certificates.k8s.io/certificatesigningrequests/"

    /// Of one node, of all bootstrap tokens, and of all nodes but the first together.
    static let ofNode = 100
    static let ofBootstrappers = 1_000
    static let ofLaterNodes = 1_000

    private let store: any KeyValueStore
    private let changes: ChangedKeys
    private let state = Mutex(State())

    init(_ store: any KeyValueStore) {
        self.store = store
        changes = store.changedKeys(under: Self.prefix)
    }

    /// Refuses a request of a node, or of one that joins, that has as many as it may. What others may make is a right that
    /// somebody gave them.
    func admit(
        _ object: APIObject, by user: RequestUser, _ resource: ResourceKind,
        standing: (String) -> BudgetHolder.Standing
    ) throws(APIError) {
        guard !user.groups.containsExactly(Authorizer.masters), let maker = Self.maker(user.name, user.groups) else {
            return
        }
        let counts = counts()
        var refusal: String?
        if maker == Self.bootstrappers {
            if counts[maker, default: 0] >= Self.ofBootstrappers {
                refusal = "there are \(Self.ofBootstrappers) requests by bootstrap tokens"
            }
        } else if counts[maker, default: 0] >= Self.ofNode {
            refusal = "there are \(Self.ofNode) requests of this node"
        } else if standing(Self.node(maker)) != .first {
            var late = 0
            for (other, count) in counts where other != Self.bootstrappers && standing(Self.node(other)) != .first {
                late += count
            }
            if late >= Self.ofLaterNodes { refusal = "there are \(Self.ofLaterNodes) requests of nodes that came late" }
        }
        guard let refusal else { return }
        throw .forbidden(
            resource.subject(object.name),
            "\(refusal), which go an hour after they are decided, or a day after they were made; or: "
                + "kubectl delete certificatesigningrequests NAME")
    }

    private func counts() -> [String: Int] {
        state.withLock { state in
            switch changes.take() {
            case .keys(let keys): for key in keys { note(&state, key, store.get(key)) }
            case .everything:
                state = State()
                for stored in store.current(prefix: Self.prefix) { note(&state, stored.key, stored) }
            }
            return state.counts
        }
    }

    private func note(_ state: inout State, _ key: String, _ stored: StoredObject?) {
        // What cannot be read is nobody's.
        guard let stored, let request = try? APIObject(stored) else { return state.note(key, nil) }
        let groups = (request.spec["groups"]?.array ?? []).compactMap(\.string)
        state.note(key, Self.maker(request.spec["username"]?.string ?? "", groups))
    }

    private static func maker(_ name: String, _ groups: [String]) -> String? {
        if groups.containsExactly(nodes) { return name }
        return groups.containsExactly(bootstrappers) ? bootstrappers : nil
    }

    private static func node(_ user: String) -> String { String(user.dropFirst("system:node:".count)) }
}
