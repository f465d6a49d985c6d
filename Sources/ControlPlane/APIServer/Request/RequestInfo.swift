// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// What a request's path, method and query ask for.
struct RequestInfo: Sendable {
    /// False for /healthz, /version, discovery and the like.
    var isResource = false
    /// `get list watch create update patch delete deletecollection`; for other paths the method in lower case.
    var verb: String
    var path: String
    var group = ""
    var version = ""
    var namespace = ""
    var resource = ""
    var name = ""
    var subresource = ""
    /// The segments after `proxy`, still percent-encoded.
    var proxyPath = ""
    /// The one object a list, watch or deletecollection is narrowed to by `fieldSelector=metadata.name=…`. Rights are
    /// checked for it as for a named request, which is how kubelets watch single objects.
    var selectedName = ""

    init(_ request: HTTPRequest) {
        path = request.path
        verb = request.method.lowercasedASCII()
        var parts = request.pathSegments
        guard parts.count >= 3 || (parts.count == 2 && parts[0] == "api") else { return }
        switch parts[0] {
        case "api":
            version = parts[1]
            parts.removeFirst(2)
        case "apis":
            group = parts[1]
            version = parts[2]
            parts.removeFirst(3)
        default: return
        }
        guard !parts.isEmpty else { return }
        var deprecatedWatch = false
        if parts[0] == "watch", parts.count > 1 {
            deprecatedWatch = true
            parts.removeFirst()
        }
        isResource = true
        takeResource(&parts)
        verb = Self.verb(request, name: name, deprecatedWatch: deprecatedWatch)
        if name.isEmpty, ["list", "watch", "deletecollection"].contains(verb) {
            selectedName = Self.selectedName(request.query("fieldSelector") ?? "")
        }
        if subresource == "proxy" {
            // By count: a namespace or an object may be called proxy too.
            proxyPath = Self.rawTail(request.rawPath, after: request.pathSegments.count - parts.count + 3)
        }
    }

    private mutating func takeResource(_ parts: inout [String]) {
        if parts[0] == "namespaces", parts.count > 1 {
            namespace = parts[1]
            let isOwn = parts.count > 2 && group.isEmpty && ["status", "finalize"].contains(parts[2])
            if parts.count > 2, !isOwn { parts.removeFirst(2) }
        }
        resource = parts[0]
        if parts.count > 1 { name = parts[1] }
        if parts.count > 2 { subresource = parts[2] }
    }

    private static func verb(_ request: HTTPRequest, name: String, deprecatedWatch: Bool) -> String {
        switch request.method {
        case "GET", "HEAD":
            if deprecatedWatch || isTrue(request.query("watch")) { return "watch" }
            return name.isEmpty ? "list" : "get"
        case "POST": return "create"
        case "PUT": return "update"
        case "PATCH": return "patch"
        case "DELETE": return name.isEmpty ? "deletecollection" : "delete"
        default: return request.method.lowercasedASCII()
        }
    }

    /// A boolean of a query: `watch`, `watch=1`, `watch=true`.
    static func isTrue(_ value: String?) -> Bool {
        guard let value else { return false }
        return !["0", "false", "False", "FALSE", "f", "F"].contains(value)
    }

    private static func selectedName(_ selector: String) -> String {
        for term in selector.split(separator: ",") where term.hasPrefix("metadata.name=") {
            let value = term.dropFirst("metadata.name=".count)
            return String(value.hasPrefix("=") ? value.dropFirst() : value)
        }
        return ""
    }

    private static func rawTail(_ path: String, after segments: Int) -> String {
        var rest = Substring(path)
        for _ in 0..<segments { rest = rest.drop { $0 == "/" }.drop { $0 != "/" } }
        return String(rest)
    }

    /// Watches, logs and streams last as long as the client wants: no limit on their number or time.
    var isLongRunning: Bool {
        verb == "watch" || ["proxy", "log", "exec", "attach", "portforward"].contains(subresource)
    }
}
