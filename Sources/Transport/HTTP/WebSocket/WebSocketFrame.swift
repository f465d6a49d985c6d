// SPDX-License-Identifier: Apache-2.0

/// What a peer sent in breach of RFC 6455, with the close code to answer.
public struct WebSocketViolation: Error, Sendable, CustomStringConvertible {
    /// The status for the close frame (RFC 6455 §7.4.1).
    public let code: UInt16
    public let reason: String

    public var description: String { "websocket: \(reason)" }
}

/// One frame (RFC 6455 §5.2), its payload unmasked.
struct WebSocketFrame: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    var isFinal: Bool
    var opcode: Opcode
    var payload: [UInt8]

    /// The frame on the wire; clients mask, servers must not (§5.1).
    func encoded(mask: [UInt8]?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 14)
        bytes.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        if payload.count < 126 {
            bytes.append(masked | UInt8(payload.count))
        } else if payload.count <= 0xFFFF {
            bytes += [masked | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            bytes.append(masked | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
        }
        guard let mask else { return bytes + payload }
        bytes += mask
        let start = bytes.count
        bytes += payload
        for index in payload.indices { bytes[start + index] ^= mask[index & 3] }
        return bytes
    }
}

/// Cuts received bytes into frames. Pure: bytes in, frames out.
struct WebSocketFrameDecoder {
    /// Whether frames must come masked: true at a server, where an unmasked frame is a violation, and the reverse.
    let expectsMask: Bool
    /// The longest payload taken, in bytes.
    let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0

    init(expectsMask: Bool, limit: Int) {
        self.expectsMask = expectsMask
        self.limit = limit
    }

    /// How much of a frame has come.
    var buffered: Int { buffer.count - start }

    mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
            return
        }
        if start > 64 << 10 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The next whole frame; nil while bytes are missing.
    mutating func next() throws(WebSocketViolation) -> WebSocketFrame? {
        let available = buffer.count - start
        guard available >= 2 else { return nil }
        let first = buffer[start]
        let second = buffer[start + 1]
        guard first & 0x70 == 0 else { throw violation("a reserved bit is set without an extension") }
        guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else {
            throw violation("opcode \(first & 0x0F) is unknown")
        }
        let isFinal = first & 0x80 != 0
        guard (second & 0x80 != 0) == expectsMask else {
            throw violation(expectsMask ? "a client's frame is not masked" : "a server's frame is masked")
        }
        guard let (length, lengthSize) = try length(second & 0x7F, available) else { return nil }
        if opcode.isControl, !isFinal || length > 125 {
            throw violation("a control frame is fragmented or longer than 125 bytes")
        }
        guard length <= limit else {
            throw WebSocketViolation(code: 1009, reason: "a frame of \(length) bytes is longer than \(limit)")
        }
        let header = 2 + lengthSize + (expectsMask ? 4 : 0)
        guard available >= header + length else { return nil }
        let body = start + header
        var payload = Array(buffer[body..<(body + length)])
        if expectsMask {
            let mask = Array(buffer[(body - 4)..<body])
            for index in payload.indices { payload[index] ^= mask[index & 3] }
        }
        start = body + length
        return WebSocketFrame(isFinal: isFinal, opcode: opcode, payload: payload)
    }

    /// The payload length and how many bytes after the second spell it.
    private func length(_ short: UInt8, _ available: Int) throws(WebSocketViolation) -> (Int, Int)? {
        guard short >= 126 else { return (Int(short), 0) }
        let size = short == 126 ? 2 : 8
        guard available >= 2 + size else { return nil }
        var value: UInt64 = 0
        for byte in buffer[(start + 2)..<(start + 2 + size)] { value = value << 8 | UInt64(byte) }
        guard value <= UInt64(Int.max) else { throw violation("a frame's length has its highest bit set") }
        return (Int(value), size)
    }

    private func violation(_ reason: String) -> WebSocketViolation { WebSocketViolation(code: 1002, reason: reason) }
}
