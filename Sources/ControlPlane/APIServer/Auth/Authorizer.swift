// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import Schema
internal import Store

/// What somebody wants to do.
struct AccessRequest: Sendable, Hashable {
    var user: RequestUser
    var verb: String
    var group = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// What of a collection is meant, as the handler will choose by it; everything where nothing narrows it.
    var selection = ListSelection.everything
    /// Set for paths that are no resource.
    var path: String?

    init(user: RequestUser, info: RequestInfo) {
        self.user = user
        verb = info.verb
        if info.isResource {
            group = info.group
            resource = info.resource
            subresource = info.subresource
            namespace = info.namespace
            name = info.name.isEmpty ? info.selectedName : info.name
            if !info.isPrefixed { selection = info.selection }
        } else {
            path = info.path
        }
    }

    init(
        user: RequestUser, verb: String, group: String = "", resource: String = "", subresource: String = "",
        namespace: String = "", name: String = "", selection: ListSelection = .everything, path: String? = nil
    ) {
        self.user = user
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        self.selection = selection
        self.path = path
    }

    /// `pods`, `pods/log`.
    var fullResource: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }

    /// The refusal that kubectl shows.
    func refusal(_ reason: String) -> APIError {
        let why = reason.isEmpty ? "" : ": \(reason)"
        guard path == nil else {
            return APIError(
                403, "Forbidden", "forbidden: User \"\(user.name)\" cannot \(verb) path \"\(path ?? "")\"\(why)",
                details: [:])
        }
        let scope = namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(namespace)\""
        let subject = Subject(group: group, resource: resource, kind: resource, name: name)
        return .forbidden(
            subject,
            "User \"\(user.name)\" cannot \(verb) resource \"\(fullResource)\" in API group \"\(group)\" \(scope)\(why)"
        )
    }
}

/// Decides who may do what: members of system:masters everything, kubelets what their pods need, everybody else what
/// RBAC grants.
struct Authorizer: Sendable {
    let core: ServerCore

    /// The group whose members may do everything, whatever the roles say.
    static let masters = "system:masters"

    /// How many comparisons are made where the request is: some hundred microseconds.
    static let momentary = 2_000

    typealias Decision = (allowed: Bool, reason: String)

    /// Whether the request is allowed, and by what or why not. For work that may take its time.
    func decide(_ request: AccessRequest) throws(APIError) -> Decision {
        guard let decision = try decide(request, effort: .max) else {
            throw .internalError("nothing was too much to be compared, and was not")
        }
        return decision
    }

    /// The same, where others wait: at the workbench, in the turns of `flow`, where there are many roles to look through.
    func decide(_ request: AccessRequest, inTurnsOf flow: String) async throws(APIError) -> Decision {
        if let decision = try decideMomentary(request) { return decision }
        return try await core.workbench.run(for: flow) { () throws(APIError) in try decide(request) }
    }

    /// nil where it takes more comparisons than others can wait for.
    func decideMomentary(_ request: AccessRequest) throws(APIError) -> Decision? {
        try decide(request, effort: Self.momentary)
    }

    /// nil where it takes more than `effort` comparisons.
    private func decide(_ request: AccessRequest, effort: Int) throws(APIError) -> Decision? {
        if request.user.groups.contains(Self.masters) { return (true, "") }
        var reason = ""
        if let node = request.user.nodeName {
            switch NodeAuthorizer(core: core).decide(request, node: node) {
            case .allowed: return (true, "")
            case .noOpinion(let why): reason = why
            }
        }
        switch try RoleEvaluator(core: core).grant(for: request, effort: effort) {
        case .allowed(let grant, _): return (true, grant)
        case .nothing: return (false, reason)
        case .tooMuch: return nil
        }
    }

    func require(_ request: AccessRequest, inTurnsOf flow: String) async throws(APIError) {
        let (allowed, reason) = try await decide(request, inTurnsOf: flow)
        if !allowed { throw request.refusal(reason) }
    }

    /// The rules that say what the user may do in `namespace`, and why they are not all, where they are not.
    func rules(for user: RequestUser, namespace: String) throws(APIError) -> (rules: [PolicyRule], missing: String?) {
        let all = user.groups.contains(Self.masters) ? PolicyRule.everything : []
        let rules = all + (try RoleEvaluator(core: core).rules(for: user, namespace: namespace))
        // What a node may do depends on its pods, object by object.
        let isNode = user.nodeName != nil
        return (rules, isNode ? "node authorizer does not support user rule resolution" : nil)
    }
}
