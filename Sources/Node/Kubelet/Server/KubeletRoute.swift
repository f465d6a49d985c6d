// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import KubeAPI
internal import Text

/// What a request to the kubelet's server asks for: taken apart once, for the one who decides whether it may and for the
/// one who does it.
struct KubeletRoute: Sendable, Hashable {
    /// The parts of the path, decoded; none where the path has one that a reader could take for something else.
    let segments: [String]
    /// What the request does, as a verb on `nodes`; empty for a method that is none.
    let verb: String
    /// The subresources of `nodes` any of which opens the path, the fine ones first (KEP-2862).
    let subresources: [String]
    /// Whether the method is one that is served here.
    let isServedMethod: Bool

    /// What runs commands and opens ways into pods. By a WebSocket that is a GET: the verb goes by what happens.
    private static let effects: Set<String> = ["exec", "attach", "run", "portForward"]

    init(method: String, rawPath: String) {
        let parts = rawPath.steps.map { PercentEncoding.decode(String($0)) ?? "" }
        let isPlain = parts.allSatisfy { part in
            !["", ".", ".."].contains(part) && !part.utf8.contains { $0 == 0x2f || $0 == 0x5c || $0 < 0x20 }
        }
        segments = isPlain ? parts : []
        let first = segments.first ?? ""
        let isEffect = Self.effects.contains(first)
        isServedMethod = (isEffect ? ["GET", "POST"] : ["GET", "HEAD"]).contains(method)
        verb = isEffect ? "create" : RequestVerb.of(method)
        subresources =
            switch first {
            case "stats", "metrics", "checkpoint", "statusz": [first]
            case "logs": ["log"]
            case "flagz": ["configz"]
            case "pods", "runningpods": ["pods", "proxy"]
            case "healthz", "configz": [first, "proxy"]
            default: ["proxy"]
            }
    }

    init(_ request: HTTPRequest) { self.init(method: request.method, rawPath: request.rawPath) }

    /// What anybody may know who may know anything.
    var isHealth: Bool { segments.first == "healthz" }
}
