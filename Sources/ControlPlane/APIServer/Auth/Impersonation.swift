// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI

/// `Impersonate-User` and its companions: acting as somebody else, for those who may.
///
/// Two kinds of rights allow it. One of the constrained modes (KEP-5284) takes `impersonate:MODE` on whom and
/// `impersonate-on:MODE:VERB` on what is done as them; the verb `impersonate` alone allows everything as them.
struct Impersonation: Sendable {
    let authorizer: Authorizer

    private static let prefix = "Impersonate-"
    private static let extraPrefix = "Impersonate-Extra-"
    private static let group = "authentication.k8s.io"

    /// The user to go on as: whom `actual` asks to be, where he may while doing `info`.
    func become(
        _ wanted: RequestUser, _ actual: RequestUser, doing info: RequestInfo
    ) async throws(APIError) -> RequestUser {
        var refusal: APIError?
        for mode in Mode.allCases where mode.isFor(wanted, by: actual) {
            do throws(APIError) {
                if let verb = mode.constrainedVerb(info.verb) {
                    var action = AccessRequest(user: actual, info: info)
                    action.verb = verb
                    try await authorizer.require(action, inTurnsOf: BudgetHolder(actual).flow)
                }
                return try await become(wanted, actual, mode)
            } catch {
                // The first says best what is missing; a later mode may still allow it.
                guard error.code == 403 else { throw error }
                refusal = refusal ?? error
            }
        }
        throw refusal ?? .internalError("no way of impersonating was tried")
    }

    /// Whom the headers name; nil where they name nobody.
    static func wanted(_ headers: HTTPHeaders) throws(APIError) -> RequestUser? {
        guard headers.contains(where: { $0.name.hasPrefixIgnoringCase(prefix) }) else { return nil }
        let user = RequestUser(
            name: headers["Impersonate-User"] ?? "", uid: headers["Impersonate-Uid"] ?? "",
            groups: headers.all("Impersonate-Group"), extra: headers.extra(extraPrefix))
        if !user.name.isEmpty { return user }
        if user.uid.isEmpty, user.groups.isEmpty, user.extra.isEmpty { return nil }
        throw .badRequest("requested a uid, groups or extra fields without impersonating a user name")
    }

    // MARK: Modes

    private enum Mode: String, CaseIterable {
        case associatedNode = "associated-node"
        case arbitraryNode = "arbitrary-node"
        case serviceAccount = "serviceaccount"
        case userInfo = "user-info"
        case legacy = ""

        /// Nodes and service accounts are what the cluster says they are: no mode lets them be given other groups.
        func isFor(_ wanted: RequestUser, by actual: RequestUser) -> Bool {
            let isBare = wanted.uid.isEmpty && wanted.groups.isEmpty && wanted.extra.isEmpty
            let node = UserNames.node(wanted.name)
            switch self {
            case .associatedNode:
                let own = actual.extra["authentication.kubernetes.io/node-name"] ?? []
                return isBare && node != nil && UserNames.account(actual.name) != nil && own == [node]
            case .arbitraryNode: return isBare && node != nil
            case .serviceAccount: return isBare && UserNames.account(wanted.name) != nil
            case .userInfo: return node == nil && UserNames.account(wanted.name) == nil
            case .legacy: return true
            }
        }

        var isConstrained: Bool { self != .legacy }
        var verb: String { isConstrained ? "impersonate:\(rawValue)" : "impersonate" }
        func constrainedVerb(_ verb: String) -> String? { isConstrained ? "impersonate-on:\(rawValue):\(verb)" : nil }
        /// Where users, groups, nodes and accounts are looked for in roles.
        var apiGroup: String { isConstrained ? Impersonation.group : "" }
    }

    /// Names of users that say what the user is.
    enum UserNames {
        static func node(_ user: String) -> String? {
            let prefix = "system:node:"
            guard user.utf8.starts(with: prefix.utf8) else { return nil }
            let name = String(Substring(user.utf8.dropFirst(prefix.utf8.count)))
            return Names.dnsSubdomain(name).isEmpty ? name : nil
        }

        static func account(_ user: String) -> (namespace: String, name: String)? {
            let parts = user.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
                Names.dnsLabel(parts[2]).isEmpty, Names.dnsSubdomain(parts[3]).isEmpty
            else { return nil }
            return (parts[2], parts[3])
        }
    }

    // MARK: Rights on whom

    private func become(
        _ wanted: RequestUser, _ actual: RequestUser, _ mode: Mode
    ) async throws(APIError) -> RequestUser {
        var target = wanted
        if let account = UserNames.account(wanted.name) {
            try await require(
                actual, mode, "serviceaccounts", account.name, namespace: account.namespace, mode.apiGroup)
            if wanted.groups.isEmpty {
                target.groups = [ServiceAccountTokens.group, "\(ServiceAccountTokens.group):\(account.namespace)"]
            }
        } else if mode.isConstrained, let node = UserNames.node(wanted.name) {
            // The right on the node one runs on is one on whichever that is.
            try await require(actual, mode, "nodes", mode == .associatedNode ? "*" : node, mode.apiGroup)
            target.groups = ["system:nodes"]
        } else {
            try await require(actual, mode, "users", wanted.name, mode.apiGroup)
        }
        if !wanted.uid.isEmpty { try await require(actual, mode, "uids", wanted.uid, Self.group) }
        try await checkGroups(wanted.groups, actual, mode)
        try await checkExtra(wanted.extra, actual, mode)
        if wanted.name == Authenticator.anonymous.name {
            Self.add(Authenticator.unauthenticated, to: &target)
        } else if !target.groups.contains(Authenticator.unauthenticated) {
            Self.add(Authenticator.authenticated, to: &target)
        }
        return target
    }

    private func checkGroups(_ groups: [String], _ actual: RequestUser, _ mode: Mode) async throws(APIError) {
        for name in groups {
            if mode.isConstrained, name.isEmpty || name == Authorizer.masters {
                throw access(actual, mode, "groups", name, mode.apiGroup)
                    .refusal("impersonating the group \"\(name)\" is not allowed")
            }
            try await require(actual, mode, "groups", name, mode.apiGroup)
        }
    }

    private func checkExtra(_ extra: [String: [String]], _ actual: RequestUser, _ mode: Mode) async throws(APIError) {
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            for value in values {
                if mode.isConstrained, key.isEmpty || value.isEmpty || key != key.lowercasedASCII() {
                    throw access(actual, mode, "userextras", value, Self.group, subresource: key)
                        .refusal(
                            "impersonating an extra field without a key or a value, or with capitals, is not allowed")
                }
                try await require(actual, mode, "userextras", value, Self.group, subresource: key)
            }
        }
    }

    private static func add(_ group: String, to user: inout RequestUser) {
        if !user.groups.contains(group) { user.groups.append(group) }
    }

    private func access(
        _ user: RequestUser, _ mode: Mode, _ resource: String, _ name: String, namespace: String = "", _ group: String,
        subresource: String = ""
    ) -> AccessRequest {
        AccessRequest(
            user: user, verb: mode.verb, group: group, resource: resource, subresource: subresource,
            namespace: namespace, name: name)
    }

    private func require(
        _ user: RequestUser, _ mode: Mode, _ resource: String, _ name: String, namespace: String = "", _ group: String,
        subresource: String = ""
    ) async throws(APIError) {
        try await authorizer.require(
            access(user, mode, resource, name, namespace: namespace, group, subresource: subresource),
            inTurnsOf: BudgetHolder(user).flow)
    }
}
