// SPDX-License-Identifier: Apache-2.0

internal import Schema

/// What a request is counted under: only words that the server knows. What a client makes up is counted as one.
struct RequestLabels: Sendable {
    let verb: String
    private(set) var kind: ResourceKind?
    private(set) var subresource = ""

    init(_ request: ParsedRequest) {
        let info = request.info
        verb = Self.verb(request, info)
        guard let known = request.resource else { return }
        guard info.subresource.isEmpty || known.subresource(info.subresource) != nil else { return }
        kind = known
        subresource = info.subresource
    }

    private static func verb(_ request: ParsedRequest, _ info: RequestInfo) -> String {
        if info.isResource {
            if !info.subresource.isEmpty, ["log", "exec", "attach", "portforward", "proxy"].contains(info.subresource) {
                return "CONNECT"
            }
            if info.verb == "watch" { return "WATCH" }
            if info.verb == "list" { return "LIST" }
        }
        switch request.method {
        case "GET", "HEAD": return "GET"
        case "PATCH":
            return request.contentType == "application/apply-patch+yaml" ? "APPLY" : "PATCH"
        case "POST", "PUT", "DELETE": return request.method
        default: return "OTHER"
        }
    }
}
