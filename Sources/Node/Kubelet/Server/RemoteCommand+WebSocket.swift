// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import TLS

/// Exec and attach over a WebSocket: every message starts with the number of its channel (KEP-4006).
struct WebSocketCommand: Sendable {
    /// The subprotocols in upstream's order of preference. The v1 forms tell of failures in plain text.
    static let protocols = [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io",
        "base64.channel.k8s.io",
    ]

    private enum Channel {
        static let stdin: UInt8 = 0
        static let stdout: UInt8 = 1
        static let stderr: UInt8 = 2
        static let error: UInt8 = 3
        static let resize: UInt8 = 4
        /// v5: the channel named by the next byte ends.
        static let close: UInt8 = 255
    }

    let socket: WebSocketConnection
    let session: any ContainerSession
    let request: ExecRequest

    private var isBase64: Bool { socket.subprotocol?.contains("base64") ?? false }
    private var hasStatus: Bool {
        socket.subprotocol.map { $0.hasPrefix("v4.") || $0.hasPrefix("v5.") } ?? false
    }

    private var isLatest: Bool { socket.subprotocol == "v5.channel.k8s.io" }

    /// How long output waits after the handshake. kubectl 1.32 starts to read before it has made its streams, and
    /// throws away what comes for a stream it has not made yet.
    private static let clientSetUp = Duration.milliseconds(10)

    /// Moves bytes until the process ends or the client goes.
    func run() async {
        if isLatest {
            do { try await sleep(for: Self.clientSetUp) } catch {
                // Cancelled: the session ends below like any other.
            }
        }
        let input = EventLoop.here.begin { await receive() }
        let result = await outputAndResult()
        let status = hasStatus ? RemoteCommandStatus.json(result) : RemoteCommandStatus.text(result)
        // A client that has gone does not wait for the status.
        if !status.isEmpty { try? await send(Channel.error, status) }
        await socket.close()
        await socket.flush()
        input.cancel()
        await session.detach()
    }

    private func outputAndResult() async -> Result<Int32, any Error> {
        do {
            // The output ends before the status says so: clients close on the status.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (channel, stream) in [(Channel.stdout, session.stdout), (Channel.stderr, session.stderr)] {
                    guard let stream else { continue }
                    group.addTask { try await drain(stream) { try await send(channel, $0) } }
                }
                try await group.waitForAll()
            }
            return .success(try await session.wait())
        } catch { return .failure(error) }
    }

    private func receive() async {
        do {
            // Tells clients of the older protocols that the channels are open: one message on the lowest channel that
            // writes, for a client complains of channels it did not ask for. Those of v5 know by the handshake.
            if !isLatest {
                let opened =
                    session.stdout != nil ? Channel.stdout : session.stderr != nil ? Channel.stderr : Channel.error
                try await send(opened, [])
            }
            while let message = try await socket.receive() { try await handle(message) }
        } catch {
            // The connection broke: the session is let go of below, which ends the output too.
        }
        await session.detach()
    }

    private func handle(_ message: WebSocketMessage) async throws {
        guard let (channel, bytes) = decode(message) else { return }
        switch channel {
        case Channel.stdin where !bytes.isEmpty: try await session.stdin?.write(bytes)
        case Channel.resize:
            if let size = TerminalSize(bytes) { try await session.resize(rows: size.rows, columns: size.columns) }
        case Channel.close where bytes.first == Channel.stdin: await session.stdin?.closeWrite()
        default: break
        }
    }

    private func send(_ channel: UInt8, _ bytes: [UInt8]) async throws {
        if isBase64 {
            try await socket.send(text: [0x30 + channel] + Array(Base64.encode(bytes).utf8))
        } else {
            try await socket.send(binary: [channel] + bytes)
        }
    }

    private func decode(_ message: WebSocketMessage) -> (UInt8, [UInt8])? {
        guard let first = message.payload.first else { return nil }
        let rest = Array(message.payload.dropFirst())
        guard isBase64 else { return (first, rest) }
        guard first >= 0x30, let bytes = Base64.decode(String(decoding: rest, as: UTF8.self)) else { return nil }
        return (first - 0x30, bytes)
    }
}
