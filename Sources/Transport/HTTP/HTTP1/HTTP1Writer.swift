// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Synchronization

/// Writes heads of HTTP/1 messages.
enum HTTP1Writer {
    /// The head of a response. Framing fields of the handler are replaced by those that are true.
    static func response(
        _ response: HTTPResponse, framing: HTTP1Head.Framing?, keepsAlive: Bool, minorVersion: Int,
        reserving extra: Int = 0
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + extra)
        bytes += "HTTP/1.1 ".utf8
        appendDecimal(response.status, to: &bytes)
        bytes.append(0x20)
        bytes += HTTPStatus.reason(response.status).utf8
        bytes += [0x0d, 0x0a]
        let isUpgrade = response.status == 101
        var hasDate = false
        for field in response.headers {
            if isFraming(field.name), !isUpgrade {
                // Kept only where no body tells it: the answer to HEAD, and 304.
                if framing != nil || field.name.equalsIgnoringCase("Connection") { continue }
            }
            if field.name.equalsIgnoringCase("Date") { hasDate = true }
            append(field.name, field.value, to: &bytes)
        }
        if !hasDate { append("Date", HTTPDate.now(), to: &bytes) }
        switch framing {
        case .length(let length):
            bytes += "Content-Length: ".utf8
            appendDecimal(length, to: &bytes)
            bytes += [0x0d, 0x0a]
        case .chunked: bytes += "Transfer-Encoding: chunked\r\n".utf8
        case .some(.none), .untilClose, nil: break
        }
        if !isUpgrade {
            if !keepsAlive {
                bytes += "Connection: close\r\n".utf8
            } else if minorVersion == 0 {
                bytes += "Connection: keep-alive\r\n".utf8
            }
        }
        bytes += [0x0d, 0x0a]
        return bytes
    }

    /// The head of a request to `host`, its target below `prefix`.
    static func request(
        _ request: HTTPRequest, target: String, host: String, framing: HTTP1Head.Framing, reserving extra: Int
    ) throws(HTTPProtocolError) -> [UInt8] {
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(\.isHTTPToken) else {
            throw HTTPProtocolError("the method \(request.method) is not a token")
        }
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !target.isEmpty else {
            throw HTTPProtocolError("the target \(target) is not encoded")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + extra)
        bytes += "\(request.method) \(target) HTTP/1.1\r\n".utf8
        append("Host", request.headers["Host"] ?? host, to: &bytes)
        for field in request.headers
        where !field.name.equalsIgnoringCase("Host") && !field.name.equalsIgnoringCase("Content-Length")
            && !field.name.equalsIgnoringCase("Transfer-Encoding")
        {
            append(field.name, field.value, to: &bytes)
        }
        switch framing {
        case .length(let length): append("Content-Length", String(length), to: &bytes)
        case .chunked: append("Transfer-Encoding", "chunked", to: &bytes)
        case .none:
            // A method that usually has a body says that this time there is none.
            if ["POST", "PUT", "PATCH"].contains(request.method) { append("Content-Length", "0", to: &bytes) }
        case .untilClose: break
        }
        bytes += [0x0d, 0x0a]
        return bytes
    }

    /// What goes before `count` bytes of a chunked body; a line end goes behind them.
    static func chunkHead(_ count: Int) -> [UInt8] { Array("\(String(count, radix: 16))\r\n".utf8) }

    /// One chunk of a chunked body.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 20)
        result += String(bytes.count, radix: 16).utf8
        result += [0x0d, 0x0a]
        result += bytes
        result += [0x0d, 0x0a]
        return result
    }

    /// The end of a chunked body.
    static func lastChunk(_ trailers: HTTPHeaders) -> [UInt8] {
        var result = Array("0\r\n".utf8)
        for field in trailers { append(field.name, field.value, to: &result) }
        result += [0x0d, 0x0a]
        return result
    }

    static func isFraming(_ name: String) -> Bool {
        switch name.utf8.count {
        case 14: name.equalsIgnoringCase("Content-Length")
        case 17: name.equalsIgnoringCase("Transfer-Encoding")
        case 10: name.equalsIgnoringCase("Connection") || name.equalsIgnoringCase("Keep-Alive")
        default: false
        }
    }

    /// One field line. Line ends and NUL become spaces: nothing in a value can start another field.
    static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        guard !name.isEmpty, name.utf8.allSatisfy(\.isHTTPToken) else { return }
        bytes += name.utf8
        bytes += [0x3a, 0x20]
        let start = bytes.count
        bytes += value.utf8
        // Without a way out of the loop the compiler takes many bytes at a time.
        var breaks: UInt8 = 0
        for byte in bytes[start...] { breaks |= byte == 0x0d || byte == 0x0a || byte == 0 ? 1 : 0 }
        if breaks != 0 {
            for index in start..<bytes.count where bytes[index] == 0x0d || bytes[index] == 0x0a || bytes[index] == 0 {
                bytes[index] = 0x20
            }
        }
        bytes += [0x0d, 0x0a]
    }

    private static func appendDecimal(_ number: Int, to bytes: inout [UInt8]) {
        bytes += String(number).utf8
    }
}

/// The reason phrases of RFC 9110 and its companions.
public enum HTTPStatus {
    /// `Not Found`; empty for a status without one.
    public static func reason(_ status: Int) -> String { phrases[status] ?? "" }

    private static let phrases: [Int: String] = [
        100: "Continue", 101: "Switching Protocols", 200: "OK", 201: "Created", 202: "Accepted",
        203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content", 206: "Partial Content",
        300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
        307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
        402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict",
        410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
        414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
        421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency",
        425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
        502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
        507: "Insufficient Storage", 511: "Network Authentication Required",
    ]
}

/// Dates as fields carry them: `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    private static let cache = Mutex<(second: Int64, text: String)>((0, ""))

    /// The present second; formatted once for all who ask within it.
    public static func now() -> String {
        let second = KernelClock.wall.now() / 1_000_000_000
        return cache.withLock { cache in
            if cache.second != second { cache = (second, format(second)) }
            return cache.text
        }
    }

    /// A second since 1970.
    public static func format(_ second: Int64) -> String {
        var time = time_t(second)
        var parts = tm()
        gmtime_r(&time, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)])"
        return "\(date) \(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
