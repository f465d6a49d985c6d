// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON

/// `Impersonate-User` and its companions: acting as somebody else, for those who may.
struct Impersonation: Sendable {
    let authorizer: Authorizer

    func user(_ request: HTTPRequest, _ actual: RequestUser) throws(APIError) -> RequestUser {
        let headers = request.headers.filter { $0.name.hasPrefixIgnoringCase("impersonate-") }
        if headers.isEmpty { return actual }
        guard let name = request.headers["Impersonate-User"], !name.isEmpty else {
            throw .badRequest("impersonating groups, a uid or extra fields without impersonating a user")
        }
        var target = RequestUser(name: name)
        let account = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if account.count == 4, account[0] == "system", account[1] == "serviceaccount" {
            try require(actual, "serviceaccounts", account[3], namespace: account[2])
            target = ServiceAccountTokens.user(namespace: account[2], name: account[3], uid: "", extra: [:])
        } else {
            try require(actual, "users", name)
        }
        let groups = request.headers.all("Impersonate-Group")
        for group in groups { try require(actual, "groups", group) }
        if !groups.isEmpty { target.groups = groups }
        if let uid = request.headers["Impersonate-Uid"] {
            try require(actual, "uids", uid, group: "authentication.k8s.io")
            target.uid = uid
        }
        for field in headers where field.name.lowercased().hasPrefix("impersonate-extra-") {
            let key = String(field.name.lowercased().dropFirst("impersonate-extra-".count))
            try require(actual, "userextras", field.value, group: "authentication.k8s.io", subresource: key)
            target.extra[key, default: []].append(field.value)
        }
        let marker = name == "system:anonymous" ? "system:unauthenticated" : Authenticator.authenticated
        if !target.groups.contains(marker) { target.groups.append(marker) }
        return target
    }

    private func require(
        _ user: RequestUser, _ resource: String, _ name: String, namespace: String = "", group: String = "",
        subresource: String = ""
    ) throws(APIError) {
        try authorizer.require(
            AccessRequest(
                user: user, verb: "impersonate", group: group, resource: resource, subresource: subresource,
                namespace: namespace, name: name))
    }
}
