// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// Which fields of a message go on through a proxy.
enum ForwardedHeaders {
    /// About one connection alone (RFC 9110 §7.6.1), and what the client that sends on writes itself.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "trailers", "transfer-encoding", "upgrade", "http2-settings",
    ]
    /// By these the server let the caller in, or would: whoever gets them could do what the caller can.
    private static let credentials: Set<String> = ["authorization"]
    private static let credentialPrefixes = ["impersonate-", "x-remote-"]
    /// A token for those who cannot set fields: browsers that open WebSockets.
    private static let bearerProtocol = "base64url.bearer.authorization.k8s.io."
    /// Who may read an answer in a browser is for the API server to say.
    private static let crossOrigin: Set<String> = [
        "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
        "access-control-allow-origin",
    ]

    /// The fields of a request as they go on; `peer` is the caller's address.
    static func request(_ headers: HTTPHeaders, upgrades: Bool, peer: String?) -> HTTPHeaders {
        let nominated = nominated(headers)
        var result = HTTPHeaders()
        for field in headers {
            let name = field.name.lowercased()
            if hopByHop.contains(name) || nominated.contains(name) || credentials.contains(name) { continue }
            if credentialPrefixes.contains(where: name.hasPrefix) { continue }
            if ["host", "content-length", "sec-websocket-protocol", "x-forwarded-for"].contains(name) { continue }
            if !upgrades, name.hasPrefix("sec-websocket-") { continue }
            result.add(name: field.name, value: field.value)
        }
        if upgrades {
            result["Connection"] = "Upgrade"
            for value in headers.all("Upgrade") { result.add(name: "Upgrade", value: value) }
            let offered = headers.list("Sec-WebSocket-Protocol").filter { !$0.lowercased().hasPrefix(bearerProtocol) }
            if !offered.isEmpty { result["Sec-WebSocket-Protocol"] = offered.joined(separator: ", ") }
        }
        let way = headers.list("X-Forwarded-For") + (peer.map { [$0] } ?? [])
        if !way.isEmpty { result["X-Forwarded-For"] = way.joined(separator: ", ") }
        return result
    }

    /// The fields of an answer as they go back. What delimits a body is written anew with it.
    static func response(_ headers: HTTPHeaders, upgrades: Bool) -> HTTPHeaders {
        let nominated = nominated(headers)
        var result = HTTPHeaders()
        for field in headers {
            let name = field.name.lowercased()
            if hopByHop.contains(name) || nominated.contains(name) || crossOrigin.contains(name) { continue }
            if upgrades, name == "content-length" { continue }
            result.add(name: field.name, value: field.value)
        }
        if upgrades {
            result["Connection"] = "Upgrade"
            for value in headers.all("Upgrade") { result.add(name: "Upgrade", value: value) }
        }
        return result
    }

    /// What the sender says is about this connection as well.
    private static func nominated(_ headers: HTTPHeaders) -> Set<String> {
        Set(headers.list("Connection").map { $0.lowercased() })
    }
}
