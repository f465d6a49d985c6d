// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import TLS

/// The opening handshake of RFC 6455 §4, on top of an HTTP request and response.
public enum WebSocketHandshake {
    /// Whether `request` asks for a WebSocket.
    public static func isRequested(by request: HTTPRequest) -> Bool {
        request.headers.contains("Connection", token: "upgrade")
            && request.headers.contains("Upgrade", token: "websocket")
    }

    /// The subprotocols the client offers, in its order.
    public static func offered(by request: HTTPRequest) -> [String] { request.headers.list("Sec-WebSocket-Protocol") }

    /// Accepts the handshake: `session` runs on the connection and owns it. `supported` are the subprotocols this server
    /// knows, best first by the client's order; nil is returned when the client offers some and none of them is known,
    /// or when the request is no valid handshake.
    public static func accept(
        _ request: HTTPRequest, supported: [String], limit: Int = 4 << 20,
        session: @escaping @Sendable (WebSocketConnection) async -> Void
    ) -> HTTPResponse? {
        guard isRequested(by: request), !request.hasBody, request.headers["Sec-WebSocket-Version"] == "13",
            let key = request.headers["Sec-WebSocket-Key"]
        else { return nil }
        let offered = offered(by: request)
        let chosen = offered.first { supported.contains($0) }
        if chosen == nil, !offered.isEmpty { return nil }
        var response = HTTPResponse(status: 101)
        response.headers["Upgrade"] = "websocket"
        response.headers["Connection"] = "Upgrade"
        response.headers["Sec-WebSocket-Accept"] = acceptKey(for: key)
        if let chosen { response.headers["Sec-WebSocket-Protocol"] = chosen }
        response.upgrade = { stream in
            await session(
                WebSocketConnection(stream: stream, role: .server, subprotocol: chosen, limit: limit))
        }
        return response
    }

    /// Adds to `request` what asks for a WebSocket. Returns the key, by which `isAccepted` knows the answer.
    public static func ask(_ request: inout HTTPRequest, subprotocols: [String]) throws -> String {
        let key = Base64.encode(try randomBytes(16))
        request.headers["Upgrade"] = "websocket"
        request.headers["Connection"] = "Upgrade"
        request.headers["Sec-WebSocket-Version"] = "13"
        request.headers["Sec-WebSocket-Key"] = key
        if !subprotocols.isEmpty {
            request.headers["Sec-WebSocket-Protocol"] = subprotocols.joined(separator: ", ")
        }
        return key
    }

    /// Whether `response` accepts the handshake that `key` belongs to.
    public static func isAccepted(_ response: HTTPResponse, key: String) -> Bool {
        response.status == 101 && response.headers["Sec-WebSocket-Accept"] == acceptKey(for: key)
    }

    /// The proof that a server understood the handshake. SHA-1 is no security here, only the RFC's choice.
    static func acceptKey(for key: String) -> String {
        let bytes = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        return Base64.encode(Digest.hash(bytes, .sha1))
    }
}
