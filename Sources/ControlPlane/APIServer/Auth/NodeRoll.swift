// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Store
internal import Synchronization
internal import TLS
internal import Text

/// Which Nodes there are, and which of them are the oldest: whoever holds a bootstrap token can add as many as he likes, and
/// those that were there before him are to have what they need all the same. Of each that asks it is known with which
/// certificate its Node was made. What has changed is taken in when somebody asks.
final class NodeRoll: Sendable {
    private struct State {
        /// The revision that created each.
        var created: [String: Int64] = [:]
        /// That of the youngest of the first, where there are as many; nil: to be looked for.
        var bound: Int64?
        /// Of those that have asked with a certificate, for as long as the Node is there: the note does not change.
        var makers: [String: Maker] = [:]
    }

    /// Which certificates count for a Node.
    private enum Maker {
        case all
        /// One, and those that were issued since a moment in seconds.
        case one([UInt8], since: Int64)
        /// The Node cannot be read.
        case nobody

        func accepts(_ certificate: PeerCertificate) -> Bool {
            switch self {
            case .all: true
            case .one(let fingerprint, let since):
                certificate.notBefore >= since || !fingerprint.isEmpty && certificate.fingerprint == fingerprint
            case .nobody: false
            }
        }
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

    /// Throws 401 for a node's certificate that is not that of the machine which made the Node: it was issued to somebody
    /// who had the name before, or wished to.
    func require(_ certificate: PeerCertificate) throws(APIError) {
        guard let node = certificate.nodeName else { return }
        let isAccepted = state.withLock { state in
            update(&state)
            return state.created[node] == nil || maker(&state, node).accepts(certificate)
        }
        guard !isAccepted else { return }
        throw APIError(
            401, "Unauthorized",
            "Unauthorized: the Node \"\(node)\" was made with another certificate, and this one was not issued after that; "
                + "for this machine to take its place, delete it first: kubectl delete node \(node)")
    }

    private func maker(_ state: inout State, _ node: String) -> Maker {
        if let known = state.makers[node] { return known }
        guard let stored = store.get(prefix + node) else { return .all }
        let maker = Self.maker(stored)
        state.makers[node] = maker
        return maker
    }

    private static func maker(_ stored: StoredObject) -> Maker {
        guard let object = try? APIObject(stored) else { return .nobody }
        guard let text = object.annotations[NodeMaker.annotation]?.string else { return .all }
        guard let made = WallClock.parse(object.creationTimestamp) else { return .nobody }
        let fingerprint = text == NodeMaker.noCertificate ? [] : Hex.decode(text) ?? []
        return .one(fingerprint, since: Int64(made) + NodeMaker.settling)
    }

    private func update(_ state: inout State) {
        switch changes.take() {
        case .keys(let keys): for key in keys { note(&state, key, store.get(key)) }
        case .everything:
            state = State()
            for stored in store.current(prefix: prefix) { note(&state, stored.key, stored) }
        }
    }

    func standing(of node: String) -> BudgetHolder.Standing {
        state.withLock { state in
            update(&state)
            guard let created = state.created[node] else { return .none }
            return created <= bound(&state) ? .first : .later
        }
    }

    private func note(_ state: inout State, _ key: String, _ stored: StoredObject?) {
        let name = key.after(exactPrefix: prefix) ?? ""
        let before = state.created[name]
        guard before != stored?.created else { return }
        state.created[name] = stored?.created
        state.makers[name] = nil
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
