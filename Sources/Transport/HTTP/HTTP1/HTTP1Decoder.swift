// SPDX-License-Identifier: Apache-2.0

/// Reads HTTP/1 messages out of bytes as they come: no I/O. One message at a time: its head, then its body to the end,
/// then the next head.
struct HTTP1Decoder {
    enum Role { case server, client }

    /// The next piece of a body.
    enum Piece {
        case bytes([UInt8])
        /// The end, with the trailer fields.
        case end(HTTPHeaders)
    }

    private enum Body {
        case none
        case length(Int)
        case untilClose
        /// Before a size line; `isFirst` when no CR LF of a chunk before it is due.
        case chunkSize(isFirst: Bool)
        case chunk(Int)
        case trailers(HTTPHeaders)
    }

    private let role: Role
    private let limits: HTTPLimits
    private var buffer: [UInt8] = []
    private var start = 0
    /// How far the search for a head's end has come.
    private var scanned = 0
    private var body = Body.none
    private var isEnded = false
    /// What size lines have cost beyond what their chunks are worth.
    private var overhead = 0
    private var trailerBytes = 0

    init(_ role: Role, _ limits: HTTPLimits) {
        self.role = role
        self.limits = limits
    }

    // MARK: Input

    mutating func receive(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            scanned = 0
        } else {
            if start > 0 { buffer.removeFirst(start) }
            scanned -= start
            buffer += bytes
        }
        start = 0
    }

    /// The peer sends no more.
    mutating func receivedEnd() { isEnded = true }

    var hasInput: Bool { start < buffer.count }

    /// What has come and is not used yet: given away when the connection changes its protocol.
    mutating func takeRest() -> [UInt8] {
        defer {
            buffer = []
            start = 0
            scanned = 0
        }
        return Array(buffer[start...])
    }

    /// Whether the bytes so far are, or may become, the preface of an HTTP/2 connection; nil when undecided.
    var startsHTTP2: Bool? {
        let preface = HTTP2.preface
        let have = buffer[start...].prefix(preface.count)
        guard have.elementsEqual(preface.prefix(have.count)) else { return false }
        return have.count == preface.count ? true : nil
    }

    // MARK: Heads

    /// The next head; nil when more bytes are needed, or when the peer has ended between messages (see `isAtEnd`).
    mutating func nextHead() throws(HTTPProtocolError) -> HTTP1Head? {
        skipEmptyLines()
        guard let end = headEnd() else {
            guard buffer.count - start <= limits.headBytes else { throw tooLarge }
            guard !hasBareLineFeed else { throw HTTPProtocolError("a line is not ended by CR LF") }
            if isEnded, hasInput { throw HTTPProtocolError("the connection ended inside a head") }
            return nil
        }
        guard end - start <= limits.headBytes else { throw tooLarge }
        let bytes = buffer[start..<end]
        start = end
        scanned = end
        let head = role == .server ? try HTTP1Head.request(bytes, limits) : try HTTP1Head.response(bytes, limits)
        compact()
        return head
    }

    /// Whether nothing more will come.
    var isAtEnd: Bool { isEnded && !hasInput }

    private var tooLarge: HTTPProtocolError {
        HTTPProtocolError("the head is longer than \(limits.headBytes) bytes", status: 431)
    }

    /// Empty lines before a request are to be ignored (RFC 9112 §2.2).
    private mutating func skipEmptyLines() {
        guard role == .server else { return }
        while start + 1 < buffer.count, buffer[start] == 0x0d, buffer[start + 1] == 0x0a { start += 2 }
        scanned = max(scanned, start)
    }

    private mutating func headEnd() -> Int? {
        var index = max(start, scanned - 3)
        let count = buffer.count
        let found = buffer.withUnsafeBufferPointer { bytes -> Int? in
            while index + 3 < count {
                // Look at the last byte of four first: it rules out most places at once.
                let last = bytes[index + 3]
                if last == 0x0a {
                    if bytes[index + 2] == 0x0d, bytes[index + 1] == 0x0a, bytes[index] == 0x0d { return index + 4 }
                    index += 2
                } else if last == 0x0d {
                    index += 1
                } else {
                    index += 4
                }
            }
            return nil
        }
        scanned = count
        return found
    }

    /// Whether an unfinished head has lines that no CR LF will ever end: its sender waits for an answer already.
    private var hasBareLineFeed: Bool {
        for index in start..<buffer.count where buffer[index] == 0x0a {
            if index == start || buffer[index - 1] != 0x0d { return true }
        }
        return false
    }

    private mutating func compact() {
        if start == buffer.count {
            // An idle connection keeps no buffer.
            buffer = []
            start = 0
            scanned = 0
        }
    }

    // MARK: Bodies

    /// Tells how the body after the head is delimited.
    mutating func startBody(_ framing: HTTP1Head.Framing) {
        overhead = 0
        trailerBytes = 0
        switch framing {
        case .none: body = .none
        case .length(let length): body = .length(length)
        case .chunked: body = .chunkSize(isFirst: true)
        case .untilClose: body = .untilClose
        }
    }

    /// Whether the body has been read to its end.
    var isBodyComplete: Bool { if case .none = body { true } else { false } }

    /// The next piece of the body, of at most 256 KB; nil when more bytes are needed.
    mutating func nextPiece() throws(HTTPProtocolError) -> Piece? {
        while true {
            switch body {
            case .none: return .end([:])
            case .length(let left):
                guard hasInput else { return try starved() }
                let bytes = take(left)
                body = bytes.count == left ? .none : .length(left - bytes.count)
                return .bytes(bytes)
            case .untilClose:
                if hasInput { return .bytes(take(.max)) }
                guard isEnded else { return nil }
                body = .none
                return .end([:])
            case .chunk(let left):
                guard hasInput else { return try starved() }
                let bytes = take(left)
                body = bytes.count == left ? .chunkSize(isFirst: false) : .chunk(left - bytes.count)
                return .bytes(bytes)
            case .chunkSize(let isFirst):
                guard let size = try chunkSize(afterChunk: !isFirst) else { return try starved() }
                body = size == 0 ? .trailers([:]) : .chunk(size)
            case .trailers(var fields):
                guard let line = try line(limit: limits.headBytes) else { return try starved() }
                if line.isEmpty {
                    body = .none
                    compact()
                    return .end(fields)
                }
                trailerBytes += line.count
                guard fields.count < limits.fieldCount, trailerBytes <= limits.headBytes else {
                    throw HTTPProtocolError("there are too many trailers")
                }
                let (name, value) = try HTTP1Head.field(line)
                fields.add(name: name, value: value)
                body = .trailers(fields)
            }
        }
    }

    private func starved() throws(HTTPProtocolError) -> Piece? {
        if isEnded { throw HTTPProtocolError("the connection ended inside a body") }
        return nil
    }

    private mutating func take(_ limit: Int) -> [UInt8] {
        let count = min(limit, buffer.count - start, 256 * 1024)
        if start == 0, count == buffer.count {
            defer { buffer = [] }
            scanned = 0
            return buffer
        }
        let bytes = Array(buffer[start..<(start + count)])
        start += count
        scanned = start
        compact()
        return bytes
    }

    /// The size of the next chunk, from its line; nil when that has not come whole.
    private mutating func chunkSize(afterChunk: Bool) throws(HTTPProtocolError) -> Int? {
        let before = start
        if afterChunk {
            guard buffer.count - start >= 2 else { return nil }
            guard buffer[start] == 0x0d, buffer[start + 1] == 0x0a else {
                throw HTTPProtocolError("a chunk is not as long as it says")
            }
            start += 2
        }
        guard let line = try line(limit: 4096) else {
            start = before
            return nil
        }
        var size = 0
        var digits = 0
        for byte in line {
            guard let digit = byte.hexadecimalValue else {
                // Extensions are of no meaning here; anything else after the digits is not a chunk's line.
                guard byte == 0x3b || byte == 0x20 || byte == 0x09, digits > 0 else {
                    throw HTTPProtocolError("a chunk's size is not a number")
                }
                break
            }
            digits += 1
            guard digits <= 15 else { throw HTTPProtocolError("a chunk is too large") }
            size = size << 4 | Int(digit)
        }
        guard digits > 0 else { throw HTTPProtocolError("a chunk has no size") }
        // Kilobytes of extensions for a byte of body each (CVE-2023-39326).
        overhead = max(0, overhead + line.count + 2 - 16 - 2 * min(size, 1 << 30))
        guard overhead <= 16 * 1024 else { throw HTTPProtocolError("a chunked body is mostly chunk extensions") }
        return size
    }

    /// The next line without its end; nil when it has not come whole. It must be shorter than `limit`.
    private mutating func line(limit: Int) throws(HTTPProtocolError) -> ArraySlice<UInt8>? {
        guard let end = buffer[start...].prefix(limit).firstIndex(where: { $0 == 0x0a || $0 == 0x0d }) else {
            guard buffer.count - start < limit else { throw HTTPProtocolError("a line of a chunked body is too long") }
            return nil
        }
        guard buffer[end] == 0x0d else { throw HTTPProtocolError("a line is not ended by CR LF") }
        guard end + 1 < buffer.count else { return nil }
        guard buffer[end + 1] == 0x0a else { throw HTTPProtocolError("a line is not ended by CR LF") }
        defer { start = end + 2 }
        return buffer[start..<end]
    }
}
