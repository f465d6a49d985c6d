// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import TLS

/// A body that can only be read, as the messages of a WebSocket: how clients in browsers follow a log.
enum ReadSocket {
    private static let base64 = "base64.binary.k8s.io"

    /// Takes the client's handshake and sends it `response`'s body; a refusal is answered as it is.
    static func response(to request: HTTPRequest, showing response: HTTPResponse) throws(APIError) -> HTTPResponse {
        guard response.status == 200 else { return response }
        let body = response.body
        let accepted = WebSocketHandshake.accept(request, supported: ["binary.k8s.io", base64]) { socket in
            await copy(body, to: socket)
        }
        guard let accepted else {
            throw .badRequest("no subprotocol of the client is one of binary.k8s.io, \(base64)")
        }
        return accepted
    }

    private static func copy(_ body: HTTPBody, to socket: WebSocketConnection) async {
        func send(_ bytes: [UInt8]) async throws {
            if socket.subprotocol == base64 {
                try await socket.send(text: Array(Base64.encode(bytes).utf8))
            } else {
                try await socket.send(binary: bytes)
            }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // What a client sends is nothing; its close ends the copy.
                while let _ = try? await socket.receive() {}
                await socket.close()
            }
            group.addTask {
                do {
                    switch body {
                    case .stream(let stream): while let chunk = try await stream.next() { try await send(chunk) }
                    case .bytes(let bytes): try await send(bytes)
                    case .empty: break
                    }
                    await socket.close()
                } catch {
                    // The kubelet or the client broke off, and a WebSocket has no other way to say so.
                    await socket.close(code: 1011, reason: "the log broke off")
                }
                // The connection ends with this session, also for what has not been written yet.
                await socket.flush()
            }
            await group.next()
            group.cancelAll()
        }
    }
}
