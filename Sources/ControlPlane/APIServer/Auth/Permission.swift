// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store

/// What a request comes to in the end: what happens to stored objects, or to a container.
enum Effect: Sendable, Hashable, CaseIterable {
    case read, create, update, delete
    /// A command run in a container, or a connection into a pod.
    case connect
}

/// Proof that somebody may do what `access` says. Only an authorizer makes one, and what changes stored objects asks for
/// one, so that no way to an effect leads around the question whether the user may have it.
final class Permission: Sendable {
    let access: AccessRequest
    private let isServers: Bool
    private let nodes: NodeRoll?

    fileprivate init(_ access: AccessRequest, nodes: NodeRoll?, isServers: Bool = false) {
        self.access = access
        self.nodes = nodes
        self.isServers = isServers
    }

    /// For what the server does of its own accord: filling in what a cluster begins with, counting quotas.
    static let server = Permission(
        AccessRequest(user: RequestUser(name: "system:apiserver", groups: ["system:masters"]), verb: "*"),
        nodes: nil, isServers: true)

    /// Whether the effect on an object is what was asked for.
    func covers(_ effect: Effect, _ resource: ResourceKind, namespace: String, name: String) -> Bool {
        if isServers { return true }
        guard access.path == nil, access.group == resource.group else { return false }
        let isBinding = access.group.isEmpty && access.resource == "bindings" && resource.plural == "pods"
        guard access.resource == resource.plural || isBinding else { return false }
        if resource.namespaced, !access.namespace.isEmpty, access.namespace != namespace { return false }
        // A right to create may name an object where the path does; all others do but those for collections.
        if !access.name.isEmpty, access.selection == .everything, access.name != name { return false }
        return Self.verbs(effect, subresource: isBinding ? "binding" : access.subresource).contains(access.verb)
    }

    /// The verbs that lead to an effect: on the object itself, or on one of its subresources.
    static func verbs(_ effect: Effect, subresource: String) -> [String] {
        switch (effect, subresource) {
        case (.read, "exec"), (.read, "attach"), (.read, "portforward"), (.read, "proxy"): []
        case (.read, ""): ["get", "list", "watch"]
        case (.read, _): ["get"]
        case (.create, ""): ["create"]
        case (.update, "binding"), (.update, "eviction"): ["create"]
        case (.update, "exec"), (.update, "attach"), (.update, "portforward"), (.update, "proxy"), (.update, "log"),
            (.update, "token"):
            []
        case (.update, _): ["update", "patch"]
        case (.delete, ""): ["delete", "deletecollection"]
        case (.delete, "eviction"): ["create"]
        case (.connect, "exec"), (.connect, "attach"), (.connect, "portforward"): ["create"]
        case (.connect, "proxy"): ["get", "create", "update", "patch", "delete", ""]
        case (.connect, "log"): ["get"]
        default: []
        }
    }

    /// What of the store's reserves the write of an object may use.
    func claim(_ effect: Effect) -> SpaceClaim {
        isServers ? .everything : access.claim(effect) { nodes?.standing(of: $0) ?? .none }
    }

    /// Refuses what nobody asked for: a fault of the server's, and not the user's.
    func require(_ effect: Effect, _ resource: ResourceKind, namespace: String, name: String) throws(APIError) {
        guard covers(effect, resource, namespace: namespace, name: name) else {
            throw .internalError(
                "\(effect) \(resource.plural) \"\(name)\" was not authorized by \(access.verb) \(access.fullResource)")
        }
    }
}

extension AccessRequest {
    /// What of the store's reserves a write may use when everything else is full: nodes a part of the first, by which they
    /// tell how things are, and those that came late one together; the cluster's components the second; masters a third
    /// too, whom neither can leave without room. What components create is mostly what others asked for, and Events are
    /// what others do.
    func claim(_ effect: Effect, standing: (String) -> BudgetHolder.Standing) -> SpaceClaim {
        let holder = BudgetHolder(user, standing: standing)
        if holder.kind == .masters { return .everything }
        guard holder.kind != .everybody, resource != "events" else { return .none }
        switch effect {
        case .read, .connect: return .none
        case .update, .delete: break
        // Without a certificate a node ends; whoever has a bootstrap token makes as many requests for them as he likes.
        case .create:
            guard ["nodes", "leases", "certificatesigningrequests"].contains(resource) else { return .none }
        }
        return holder.kind == .components ? .components : .part(of: holder.flow)
    }
}

extension Authorizer {
    /// Proof that the request is allowed. Throws the refusal that the user is shown.
    func permit(_ request: AccessRequest) throws(APIError) -> Permission {
        let (allowed, reason) = try decide(request)
        if !allowed { throw request.refusal(reason) }
        return Permission(request, nodes: core.nodes)
    }

    /// The same, where it can be told at once; nil where it takes more comparisons than others can wait for.
    func permitMomentary(_ request: AccessRequest) throws(APIError) -> Permission? {
        guard let (allowed, reason) = try decideMomentary(request) else { return nil }
        if !allowed { throw request.refusal(reason) }
        return Permission(request, nodes: core.nodes)
    }

    /// The same, where others wait.
    func permit(_ request: AccessRequest, inTurnsOf flow: String) async throws(APIError) -> Permission {
        let (allowed, reason) = try await decide(request, inTurnsOf: flow)
        if !allowed { throw request.refusal(reason) }
        return Permission(request, nodes: core.nodes)
    }
}
