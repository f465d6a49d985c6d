// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Store
internal import Synchronization
internal import Text

/// What RBAC was found to grant, until a role or a binding changes: looking through the bindings costs more than all the
/// rest of a small request. Only grants are kept, and only those that do not depend on the name of an object.
final class GrantCache: Sendable {
    private struct Key: Hashable {
        let user: String
        let groups: [String]
        let verb, group, resource, subresource, namespace: String

        init(_ request: AccessRequest) {
            user = request.user.name
            groups = request.user.groups
            verb = request.verb
            group = request.group
            resource = request.resource
            subresource = request.subresource
            namespace = request.namespace
        }

        static func == (one: Self, other: Self) -> Bool {
            one.user.isExactly(other.user) && one.groups.isExactly(other.groups)
                && one.verb.isExactly(other.verb) && one.group.isExactly(other.group)
                && one.resource.isExactly(other.resource) && one.subresource.isExactly(other.subresource)
                && one.namespace.isExactly(other.namespace)
        }

        func hash(into hasher: inout Hasher) {
            // By these most keys differ; groups and the rest go with them.
            user.hashBytes(into: &hasher)
            verb.hashBytes(into: &hasher)
            resource.hashBytes(into: &hasher)
            namespace.hashBytes(into: &hasher)
        }
    }

    private struct State {
        /// The newest change of a role or binding that the grants know of.
        var revision: Int64 = -1
        var grants: [Key: String] = [:]
    }

    private let policy: ChangeMark
    private let state = Mutex(State())
    private static let limit = 1_024

    init(_ store: any KeyValueStore) { policy = store.changes(under: "/registry/\(RoleEvaluator.group)/") }

    /// The newest change of a role or a binding.
    var policyRevision: Int64 { policy.revision }

    /// Why the request is allowed: what was found before, or else what `find` finds.
    func grant(
        for request: AccessRequest, _ find: () throws(APIError) -> RoleEvaluator.Finding
    ) throws(APIError) -> RoleEvaluator.Finding {
        guard request.path == nil else { return try find() }
        let key = Key(request)
        // Before anything is read: a change meanwhile makes what is found out of date, not the other way round.
        let revision = policy.revision
        if let reason = state.withLock({ $0.revision == revision ? $0.grants[key] : nil }) {
            return .allowed(reason: reason, isForEveryName: true)
        }
        let found = try find()
        if case .allowed(let reason, isForEveryName: true) = found { remember(key, reason, revision) }
        return found
    }

    private func remember(_ key: Key, _ reason: String, _ revision: Int64) {
        state.withLock { state in
            guard revision >= state.revision else { return }
            if revision > state.revision || state.grants.count >= Self.limit { state.grants = [:] }
            state.revision = revision
            state.grants[key] = reason
        }
    }
}
