// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A message that breaks the protocol or a limit, with the status a server answers it by.
public struct HTTPProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    public let status: Int
    public let reason: String

    public init(_ reason: String, status: Int = 400) {
        self.reason = reason
        self.status = status
    }

    public var description: String { "read an HTTP message: \(reason)" }
}

/// What a reader allows of a message's head.
public struct HTTPLimits: Sendable {
    /// The request or status line and all fields together, in bytes.
    public var headBytes = 64 * 1024
    public var fieldCount = 256
    /// The target of a request alone, in bytes.
    public var targetBytes = 16 * 1024

    public init() {}
}

/// The head of an HTTP/1 message, taken apart strictly (RFC 9112): what two readers could read in two ways is refused.
struct HTTP1Head {
    enum Start {
        case request(method: String, target: String)
        case response(status: Int)
    }

    var start: Start
    /// 0 or 1.
    var minorVersion: Int
    var headers: HTTPHeaders

    /// How a message's body is delimited.
    enum Framing: Equatable { case none, length(Int), chunked, untilClose }

    // MARK: Parsing

    /// A part of the head, while the array that holds it is being looked at.
    typealias Bytes = UnsafeBufferPointer<UInt8>

    /// Parses `bytes`: everything up to and with the empty line.
    static func request(_ bytes: ArraySlice<UInt8>, _ limits: HTTPLimits) throws(HTTPProtocolError) -> HTTP1Head {
        try bytes.withUnsafeBufferPointer { (bytes) throws(HTTPProtocolError) in try request(bytes, limits) }
    }

    private static func request(_ bytes: Bytes, _ limits: HTTPLimits) throws(HTTPProtocolError) -> HTTP1Head {
        var lines = HeadLines(bytes)
        let line = try lines.next()
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last else {
            throw HTTPProtocolError("the request line is not method, target and version")
        }
        let method = line.part(..<first)
        let target = line.part((first + 1)..<last)
        guard !method.isEmpty, method.count <= 32, method.allSatisfy(\.isHTTPToken) else {
            throw HTTPProtocolError("the method is not a token")
        }
        let minor = try minorVersion(line.part((last + 1)...))
        guard target.count <= limits.targetBytes else {
            throw HTTPProtocolError("the target is longer than \(limits.targetBytes) bytes", status: 414)
        }
        let headers = try fields(&lines, limits)
        let head = HTTP1Head(
            start: .request(
                method: String(decoding: method, as: UTF8.self), target: try self.target(target, method: method)),
            minorVersion: minor, headers: headers)
        let hosts = headers.count("Host")
        guard hosts == 1 || (hosts == 0 && minor == 0) else {
            throw HTTPProtocolError(hosts == 0 ? "there is no Host field" : "there are several Host fields")
        }
        return head
    }

    static func response(_ bytes: ArraySlice<UInt8>, _ limits: HTTPLimits) throws(HTTPProtocolError) -> HTTP1Head {
        try bytes.withUnsafeBufferPointer { (bytes) throws(HTTPProtocolError) in try response(bytes, limits) }
    }

    private static func response(_ bytes: Bytes, _ limits: HTTPLimits) throws(HTTPProtocolError) -> HTTP1Head {
        var lines = HeadLines(bytes)
        let line = try lines.next()
        guard line.count >= 12, line[8] == 0x20, line.count == 12 || line[12] == 0x20
        else { throw HTTPProtocolError("the status line is not version, status and reason") }
        let minor = try minorVersion(line.part(..<8))
        var status = 0
        for digit in line.dropFirst(9).prefix(3) {
            guard (0x30...0x39).contains(digit) else { throw HTTPProtocolError("the status is not a number") }
            status = status * 10 + Int(digit - 0x30)
        }
        guard status >= 100 else { throw HTTPProtocolError("the status \(status) does not exist") }
        return HTTP1Head(start: .response(status: status), minorVersion: minor, headers: try fields(&lines, limits))
    }

    private static func minorVersion(_ bytes: Bytes) throws(HTTPProtocolError) -> Int {
        if bytes.elementsEqual("HTTP/1.1".utf8) { return 1 }
        if bytes.elementsEqual("HTTP/1.0".utf8) { return 0 }
        throw HTTPProtocolError("the version is not 1.1 or 1.0", status: 505)
    }

    /// The target as origin form; an absolute one loses its scheme and authority.
    private static func target(
        _ bytes: Bytes, method: Bytes
    ) throws(HTTPProtocolError) -> String {
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw HTTPProtocolError("the target holds a space, a control character or something not ASCII")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if bytes.first == 0x2f {
            try HTTPTarget.check(text)
            return text
        }
        if text == "*", method.elementsEqual("OPTIONS".utf8) { return text }
        if method.elementsEqual("CONNECT".utf8) { throw HTTPProtocolError("CONNECT is not offered", status: 501) }
        for scheme in ["http://", "https://"] where text.lowercasedASCII().hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            let path = rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
            try HTTPTarget.check(path)
            return path
        }
        throw HTTPProtocolError("the target is not a path")
    }

    private static func fields(
        _ lines: inout HeadLines, _ limits: HTTPLimits
    ) throws(HTTPProtocolError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        while true {
            let line = try lines.next()
            if line.isEmpty { return headers }
            guard headers.count < limits.fieldCount else {
                throw HTTPProtocolError("there are more than \(limits.fieldCount) fields", status: 431)
            }
            let (name, value) = try field(line)
            headers.add(name: name, value: value)
        }
    }

    /// One field line; also of a trailer.
    static func field(_ line: ArraySlice<UInt8>) throws(HTTPProtocolError) -> (name: String, value: String) {
        try line.withUnsafeBufferPointer { (line) throws(HTTPProtocolError) in try field(line) }
    }

    private static func field(_ line: Bytes) throws(HTTPProtocolError) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: 0x3a) else { throw HTTPProtocolError("a field has no colon") }
        let name = line.part(..<colon)
        // A space before the colon, and a folded line, end up here as well.
        guard !name.isEmpty, name.allSatisfy(\.isHTTPToken) else {
            throw HTTPProtocolError("a field's name is not a token")
        }
        var start = colon + 1
        var end = line.count
        while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
        while start < end, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
        let value = line.part(start..<end)
        // Tokens make values long: without a way out of the loop the compiler takes many bytes at a time.
        var control: UInt8 = 0
        for byte in value { control |= (byte < 0x20 && byte != 0x09) || byte == 0x7f ? 1 : 0 }
        guard control == 0 else { throw HTTPProtocolError("a field's value holds a control character") }
        return (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    // MARK: Meaning

    /// The framing of a request's body.
    func requestFraming() throws(HTTPProtocolError) -> Framing {
        let codings = headers.all("Transfer-Encoding")
        let length = try contentLength()
        guard !codings.isEmpty else { return length.map { $0 == 0 ? .none : .length($0) } ?? .none }
        // Both, or an encoding that is not ours alone, is how requests are smuggled past a proxy.
        if length != nil { throw HTTPProtocolError("there are both Content-Length and Transfer-Encoding") }
        guard minorVersion == 1 else { throw HTTPProtocolError("HTTP/1.0 has no Transfer-Encoding") }
        guard codings.count == 1, codings[0].equalsIgnoringCase("chunked") else {
            throw HTTPProtocolError("the Transfer-Encoding is not chunked", status: 501)
        }
        return .chunked
    }

    /// The framing of the body of the response to a `method` request.
    func responseFraming(status: Int, method: String) throws(HTTPProtocolError) -> Framing {
        if method == "HEAD" || status < 200 || status == 204 || status == 304 { return .none }
        let codings = headers.list("Transfer-Encoding")
        if !codings.isEmpty {
            guard codings.count == 1, codings[0].equalsIgnoringCase("chunked") else {
                throw HTTPProtocolError("the Transfer-Encoding is not chunked")
            }
            return .chunked
        }
        return try contentLength().map { $0 == 0 ? .none : .length($0) } ?? .untilClose
    }

    /// The length announced: one field of digits only.
    private func contentLength() throws(HTTPProtocolError) -> Int? {
        let lengths = headers.all("Content-Length")
        guard let text = lengths.first else { return nil }
        guard lengths.count == 1 else { throw HTTPProtocolError("there are several Content-Length fields") }
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(text)
        else { throw HTTPProtocolError("the Content-Length is not a number") }
        return length
    }

    /// Whether the connection outlives this message.
    var keepsAlive: Bool {
        if headers.contains("Connection", token: "close") { return false }
        return minorVersion == 1 || headers.contains("Connection", token: "keep-alive")
    }
}

/// Rules for targets that HTTP/1 and HTTP/2 share.
enum HTTPTarget {
    /// Every `%` must be followed by two hexadecimal digits, and the decoded path be UTF-8 without NUL.
    static func check(_ text: String) throws(HTTPProtocolError) {
        guard text.utf8.contains(0x25) else { return }
        let path = text.utf8.prefix { $0 != 0x3f }
        guard let decoded = PercentEncoding.decode(bytes: path, plusIsSpace: false), !decoded.utf8.contains(0) else {
            throw HTTPProtocolError("the target's percent-encoding is broken")
        }
    }
}

/// The lines of a head, each ended by CR LF and by nothing else.
struct HeadLines {
    private var rest: HTTP1Head.Bytes

    init(_ bytes: HTTP1Head.Bytes) { rest = bytes }

    mutating func next() throws(HTTPProtocolError) -> HTTP1Head.Bytes {
        guard let feed = rest.position(of: 0x0a) else { throw HTTPProtocolError("a line has no end") }
        let line = rest.part(..<max(0, feed - 1))
        guard feed > 0, rest[feed - 1] == 0x0d, line.position(of: 0x0d) == nil else {
            throw HTTPProtocolError("a line is not ended by CR LF")
        }
        rest = rest.part((feed + 1)...)
        return line
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes at the positions of `range`, counted from their own start.
    fileprivate func part(_ range: some RangeExpression<Int>) -> Self { Self(rebasing: self[range]) }

    fileprivate func position(of byte: UInt8) -> Int? {
        guard let start = baseAddress, let found = memchr(start, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(start)
    }
}
