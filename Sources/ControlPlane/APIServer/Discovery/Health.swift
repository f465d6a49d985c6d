// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Store

/// /healthz, /livez and /readyz, whole or check by check.
struct Health: Sendable {
    let store: any KeyValueStore
    let isReady: Bool

    /// Whether a path is one of these, or of their checks.
    static func isServed(_ path: String) -> Bool {
        ["/healthz", "/livez", "/readyz"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    private var checks: [(name: String, ok: Bool)] {
        [
            ("ping", true), ("log", true), ("etcd", store.currentRevision >= 0),
            ("poststarthook/rbac/bootstrap-roles", isReady),
            ("poststarthook/scheduling/bootstrap-system-priority-classes", isReady),
            ("poststarthook/bootstrap-controller", isReady),
        ]
    }

    func response(_ request: ParsedRequest) -> HTTPResponse {
        let parts = request.path.segments
        let kind = parts.first ?? ""
        let excluded = request.query.all("exclude")
        var wanted = checks.filter { !excluded.contains($0.name) }
        if kind == "livez" { wanted = wanted.filter { !$0.name.hasPrefix("poststarthook") } }
        if kind == "readyz" { wanted.append(("shutdown", true)) }
        if parts.count > 1 {
            let name = parts.dropFirst().joined(separator: "/")
            guard let check = wanted.first(where: { $0.name == name }) else {
                return HTTPResponse.text("404 page not found\n", status: 404)
            }
            wanted = [check]
        }
        let ok = wanted.allSatisfy(\.ok)
        let verbose = request.query["verbose"] != nil
        if ok, !verbose { return HTTPResponse.text("ok") }
        var text = wanted.map { "[\($0.ok ? "+" : "-")]\($0.name) \($0.ok ? "ok" : "failed: not finished")\n" }.joined()
        text += "\(kind) check \(ok ? "passed" : "failed")\n"
        return HTTPResponse.text(text, status: ok ? 200 : 500)
    }
}
