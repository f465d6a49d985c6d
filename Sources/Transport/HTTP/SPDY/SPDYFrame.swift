// SPDX-License-Identifier: Apache-2.0

/// A frame of SPDY/3.1, header blocks still compressed.
enum SPDYFrame: Equatable {
    case synStream(id: UInt32, block: [UInt8], isFinal: Bool)
    case synReply(id: UInt32, block: [UInt8], isFinal: Bool)
    case headers(id: UInt32, block: [UInt8], isFinal: Bool)
    case data(id: UInt32, bytes: [UInt8], isFinal: Bool)
    case reset(id: UInt32, status: UInt32)
    case ping(UInt32)
    case goAway(lastGood: UInt32, status: UInt32)
    case windowUpdate(id: UInt32, delta: UInt32)
    case settings([UInt8])
    /// A control frame this side does not know, to be passed over (§2.2.1).
    case unknown(UInt16)

    /// The frame on the wire.
    var encoded: [UInt8] {
        switch self {
        case .synStream(let id, let block, let isFinal):
            // No associated stream, lowest priority, no credential slot.
            Self.control(1, isFinal ? 1 : 0, Self.word(id) + [0, 0, 0, 0, 0, 0] + block)
        case .synReply(let id, let block, let isFinal): Self.control(2, isFinal ? 1 : 0, Self.word(id) + block)
        case .reset(let id, let status): Self.control(3, 0, Self.word(id) + Self.word(status))
        case .settings(let body): Self.control(4, 0, body)
        case .ping(let id): Self.control(6, 0, Self.word(id))
        case .goAway(let last, let status): Self.control(7, 0, Self.word(last) + Self.word(status))
        case .headers(let id, let block, let isFinal): Self.control(8, isFinal ? 1 : 0, Self.word(id) + block)
        case .windowUpdate(let id, let delta): Self.control(9, 0, Self.word(id) + Self.word(delta))
        case .unknown(let type): Self.control(type, 0, [])
        case .data(let id, let bytes, let isFinal):
            Self.word(id & 0x7FFF_FFFF) + Self.flagsAndLength(isFinal ? 1 : 0, bytes.count) + bytes
        }
    }

    private static func control(_ type: UInt16, _ flags: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0x80, 3, UInt8(type >> 8), UInt8(type & 0xFF)] + flagsAndLength(flags, body.count) + body
    }

    private static func flagsAndLength(_ flags: UInt8, _ length: Int) -> [UInt8] {
        [flags, UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
    }

    static func word(_ value: UInt32) -> [UInt8] { SPDYHeaders.bigEndian(Int(value)) }
}

/// Cuts received bytes into frames. Pure: bytes in, frames out.
struct SPDYFrameDecoder {
    /// The longest frame taken; the format itself ends at 16 MiB, and clients cut at 32 KiB.
    static let limit = 256 << 10
    private var buffer: [UInt8] = []
    private var start = 0

    mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
        } else {
            buffer.removeFirst(start)
            start = 0
            buffer += bytes
        }
    }

    /// The next whole frame; nil while bytes are missing.
    mutating func next() throws(SPDYViolation) -> SPDYFrame? {
        guard buffer.count - start >= 8 else { return nil }
        let length = Int(buffer[start + 5]) << 16 | Int(buffer[start + 6]) << 8 | Int(buffer[start + 7])
        guard length <= Self.limit else { throw SPDYViolation(reason: "a frame of \(length) bytes is too long") }
        guard buffer.count - start >= 8 + length else { return nil }
        let header = Array(buffer[start..<(start + 8)])
        let body = Array(buffer[(start + 8)..<(start + 8 + length)])
        start += 8 + length
        let isFinal = header[4] & 1 != 0
        if header[0] & 0x80 == 0 {
            return .data(id: Self.word(header, 0) & 0x7FFF_FFFF, bytes: body, isFinal: isFinal)
        }
        let version = UInt16(header[0] & 0x7F) << 8 | UInt16(header[1])
        guard version == 3 else { throw SPDYViolation(reason: "version \(version) is not 3") }
        return try Self.control(UInt16(header[2]) << 8 | UInt16(header[3]), body, isFinal)
    }

    private static func control(
        _ type: UInt16, _ body: [UInt8], _ isFinal: Bool
    ) throws(SPDYViolation) -> SPDYFrame {
        let least = [1: 10, 2: 4, 3: 8, 4: 4, 6: 4, 7: 8, 8: 4, 9: 8][type] ?? 0
        guard body.count >= least else { throw SPDYViolation(reason: "a frame of type \(type) ends early") }
        func id() -> UInt32 { word(body, 0) & 0x7FFF_FFFF }
        switch type {
        case 1: return .synStream(id: id(), block: Array(body[10...]), isFinal: isFinal)
        case 2: return .synReply(id: id(), block: Array(body[4...]), isFinal: isFinal)
        case 3: return .reset(id: id(), status: word(body, 4))
        case 4: return .settings(body)
        case 6: return .ping(word(body, 0))
        case 7: return .goAway(lastGood: id(), status: word(body, 4))
        case 8: return .headers(id: id(), block: Array(body[4...]), isFinal: isFinal)
        case 9: return .windowUpdate(id: id(), delta: word(body, 4) & 0x7FFF_FFFF)
        default: return .unknown(type)
        }
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
