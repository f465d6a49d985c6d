// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization

/// A message of the peer.
public enum WebSocketMessage: Sendable, Hashable {
    case text([UInt8])
    case binary([UInt8])

    /// The payload, whatever its type.
    public var payload: [UInt8] {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        }
    }
}

/// A WebSocket over an upgraded connection (RFC 6455). One task receives; any number may send. Pings are answered
/// while somebody receives.
public final class WebSocketConnection: Sendable {
    /// Which side of the handshake this is: a client masks what it sends.
    public enum Role: Sendable { case client, server }

    /// The subprotocol the handshake agreed on.
    public let subprotocol: String?
    private let stream: any ByteStream
    private let role: Role
    /// Frames on their way out. Senders wait in the pipe when the peer is slow; a single task writes.
    private let outgoing: HTTPBodyWriter
    private let pump: Task<Void, Never>
    private let state: Mutex<State>
    private let part: InputAllowance.Part

    fileprivate struct State {
        var decoder: WebSocketFrameDecoder
        var fragments: [UInt8] = []
        var fragmented: WebSocketFrame.Opcode?
        var closeSent = false
        var closeReceived = false
    }

    /// Speaks over `stream`, whose handshake is done. `limit` is the longest message taken, in bytes.
    public convenience init(
        stream: any ByteStream, role: Role, subprotocol: String? = nil, limit: Int = 4 << 20
    ) {
        self.init(stream: stream, role: role, subprotocol: subprotocol, limit: limit, allowance: .shared)
    }

    init(
        stream: any ByteStream, role: Role, subprotocol: String? = nil, limit: Int = 4 << 20, allowance: InputAllowance
    ) {
        part = InputAllowance.Part(of: allowance)
        self.stream = stream
        self.role = role
        self.subprotocol = subprotocol
        state = Mutex(State(decoder: WebSocketFrameDecoder(expectsMask: role == .server, limit: limit)))
        let (writer, frames) = HTTPBodyStream.pipe(capacity: 256 << 10)
        outgoing = writer
        pump = EventLoop.here.begin {
            do {
                while let bytes = try await frames.next() { try await stream.write(bytes) }
                await stream.closeWrite()
            } catch {
                // The reader sees the broken connection too, and senders find the pipe abandoned.
                await stream.close()
            }
        }
    }

    deinit { pump.cancel() }

    /// The next message; nil once the peer has closed. Throws `WebSocketViolation` when it breaks the protocol, after
    /// telling it so.
    public func receive() async throws -> WebSocketMessage? {
        while true {
            do {
                switch try nextEvent() {
                case .message(let message): return message
                case .reply(let frame): try await send(frame)
                case .closed(let reply):
                    if let reply { try await send(reply) }
                    outgoing.finish()
                    return nil
                case .none:
                    // What was taken out since is no longer held; less is never refused.
                    part.set(state.withLock { $0.decoder.buffered + $0.fragments.count })
                    let bytes = try await stream.read(max: 64 << 10)
                    if bytes.isEmpty { return nil }
                    let held = state.withLock { state in
                        state.decoder.append(bytes)
                        return state.decoder.buffered + state.fragments.count
                    }
                    guard part.set(held) else {
                        throw WebSocketViolation(code: 1013, reason: "large messages hold all memory there is for them")
                    }
                }
            } catch let violation as WebSocketViolation {
                await close(code: violation.code, reason: violation.reason)
                throw violation
            }
        }
    }

    /// Sends one binary message.
    public func send(binary bytes: [UInt8]) async throws {
        try await send(WebSocketFrame(isFinal: true, opcode: .binary, payload: bytes))
    }

    /// Sends one text message, which must be UTF-8.
    public func send(text bytes: [UInt8]) async throws {
        try await send(WebSocketFrame(isFinal: true, opcode: .text, payload: bytes))
    }

    /// Asks the peer for a sign of life.
    public func ping() async throws {
        try await send(WebSocketFrame(isFinal: true, opcode: .ping, payload: []))
    }

    /// Says goodbye and ends the writing direction. Idempotent.
    public func close(code: UInt16 = 1000, reason: String = "") async {
        let first = state.withLock { state in
            defer { state.closeSent = true }
            return !state.closeSent
        }
        guard first else { return }
        let payload = [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8.prefix(123))
        // A peer that is gone needs no goodbye.
        try? await outgoing.write(encode(WebSocketFrame(isFinal: true, opcode: .close, payload: payload)))
        outgoing.finish()
    }

    /// Ends both directions at once.
    public func abort() async {
        outgoing.finish()
        pump.cancel()
        await stream.close()
    }

    /// Waits until everything sent has been handed to the connection; after `close`.
    public func flush() async { await pump.value }

    private func send(_ frame: WebSocketFrame) async throws { try await outgoing.write(encode(frame)) }

    private func encode(_ frame: WebSocketFrame) throws -> [UInt8] {
        frame.encoded(mask: role == .client ? try randomBytes(4) : nil)
    }
}

// MARK: - The protocol

extension WebSocketConnection {
    fileprivate enum Event {
        case message(WebSocketMessage)
        case reply(WebSocketFrame)
        case closed(reply: WebSocketFrame?)
    }

    private func nextEvent() throws(WebSocketViolation) -> Event? {
        try state.withLock { (state) throws(WebSocketViolation) -> Event? in
            while let frame = try state.decoder.next() {
                if let event = try state.received(frame) { return event }
            }
            return nil
        }
    }
}

extension WebSocketConnection.State {
    fileprivate mutating func received(
        _ frame: WebSocketFrame
    ) throws(WebSocketViolation) -> WebSocketConnection.Event? {
        switch frame.opcode {
        case .pong: return nil
        case .ping: return .reply(WebSocketFrame(isFinal: true, opcode: .pong, payload: frame.payload))
        case .close:
            closeReceived = true
            defer { closeSent = true }
            let echo = WebSocketFrame(isFinal: true, opcode: .close, payload: Array(frame.payload.prefix(2)))
            return .closed(reply: closeSent ? nil : echo)
        case .continuation:
            guard let first = fragmented else { throw violation("a continuation continues nothing") }
            fragments += frame.payload
            guard fragments.count <= decoder.limit else {
                throw WebSocketViolation(code: 1009, reason: "a message is longer than \(decoder.limit) bytes")
            }
            guard frame.isFinal else { return nil }
            let whole = fragments
            fragments = []
            fragmented = nil
            return .message(try message(first, whole))
        case .text, .binary:
            guard fragmented == nil else { throw violation("a message starts inside another") }
            if frame.isFinal { return .message(try message(frame.opcode, frame.payload)) }
            fragmented = frame.opcode
            fragments = frame.payload
            return nil
        }
    }

    private func message(
        _ opcode: WebSocketFrame.Opcode, _ payload: [UInt8]
    ) throws(WebSocketViolation) -> WebSocketMessage {
        guard opcode == .text else { return .binary(payload) }
        guard String(validating: payload, as: UTF8.self) != nil else {
            throw WebSocketViolation(code: 1007, reason: "a text message is not UTF-8")
        }
        return .text(payload)
    }

    private func violation(_ reason: String) -> WebSocketViolation { WebSocketViolation(code: 1002, reason: reason) }
}
