// SPDX-License-Identifier: Apache-2.0

internal import CZlib

/// A breach of SPDY/3.1 by the peer.
public struct SPDYViolation: Error, Sendable, CustomStringConvertible {
    public let reason: String

    public var description: String { "spdy: \(reason)" }
}

/// Header blocks (SPDY/3 draft §2.6.10): name/value pairs, compressed in one zlib stream per direction that runs
/// through the whole session, primed with a dictionary both sides know.
enum SPDYHeaders {
    /// The longest header block taken, uncompressed: streams here carry a handful of short fields.
    static let limit = 4 << 10

    /// The pairs as a plain block.
    static func encode(_ headers: HTTPHeaders) -> [UInt8] {
        // One pair per name, its values joined by NUL, as the draft has it.
        var order: [String] = []
        var values: [String: [String]] = [:]
        for field in headers.fields {
            let name = field.name.lowercasedASCII()
            if values[name] == nil { order.append(name) }
            values[name, default: []].append(field.value)
        }
        var bytes = bigEndian(order.count)
        for name in order {
            let value = Array((values[name] ?? []).joined(separator: "\0").utf8)
            bytes += bigEndian(name.utf8.count) + Array(name.utf8) + bigEndian(value.count) + value
        }
        return bytes
    }

    /// Reads a plain block.
    static func decode(_ bytes: [UInt8]) throws(SPDYViolation) -> HTTPHeaders {
        var offset = 0
        func number() throws(SPDYViolation) -> Int {
            guard offset + 4 <= bytes.count else { throw SPDYViolation(reason: "a header block ends early") }
            defer { offset += 4 }
            return bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
        func text() throws(SPDYViolation) -> String {
            let length = try number()
            guard length <= bytes.count - offset else { throw SPDYViolation(reason: "a header block ends early") }
            defer { offset += length }
            return String(decoding: bytes[offset..<(offset + length)], as: UTF8.self)
        }
        var headers = HTTPHeaders()
        for _ in 0..<(try number()) {
            let name = try text()
            for value in try text().split(separator: "\0", omittingEmptySubsequences: false) {
                headers.add(name: name, value: String(value))
            }
        }
        return headers
    }

    static func bigEndian(_ value: Int) -> [UInt8] {
        [UInt8(value >> 24 & 0xFF), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    /// The dictionary of the draft's appendix: names with their lengths, then common values run together.
    static let dictionary: [UInt8] = {
        let names = """
            options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age \
            allow authorization cache-control connection content-base content-encoding content-language \
            content-length content-location content-md5 content-range content-type date etag expect expires from host \
            if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards \
            pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer \
            transfer-encoding upgrade user-agent vary via warning www-authenticate method get status
            """.split(separator: " ").map(String.init)
        let more = ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"]
        let values = """
            100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
            203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized\
            403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable\
            Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT\
            chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,\
            text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.
            """
        return (names + more).flatMap { bigEndian($0.utf8.count) + Array($0.utf8) } + Array(values.utf8)
    }()
}

/// The compressing half of a session. Not for sharing between threads.
struct SPDYDeflater: ~Copyable {
    private var stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() {
        stream.initialize(to: z_stream())
        let started = czlib_deflate_init(stream, Z_DEFAULT_COMPRESSION)
        precondition(started == Z_OK, "zlib has no memory")
        let dictionary = SPDYHeaders.dictionary
        deflateSetDictionary(stream, dictionary, uInt(dictionary.count))
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses one block, flushed so that the peer can read it now.
    func compress(_ block: [UInt8]) -> [UInt8] {
        var input = block
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, uLong(block.count))) + 64)
        let count = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = uInt(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = uInt(target.count)
                deflate(stream, Z_SYNC_FLUSH)
                return target.count - Int(stream.pointee.avail_out)
            }
        }
        return Array(output[..<count])
    }
}

/// The decompressing half of a session. Not for sharing between threads.
struct SPDYInflater: ~Copyable {
    private var stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() {
        stream.initialize(to: z_stream())
        let started = czlib_inflate_init(stream)
        precondition(started == Z_OK, "zlib has no memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decompresses one block of at most `SPDYHeaders.limit` bytes.
    func decompress(_ block: [UInt8]) throws(SPDYViolation) -> [UInt8] {
        var input = block
        var output = [UInt8](repeating: 0, count: SPDYHeaders.limit)
        let (status, count) = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = uInt(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = uInt(target.count)
                var status = inflate(stream, Z_SYNC_FLUSH)
                if status == Z_NEED_DICT {
                    let dictionary = SPDYHeaders.dictionary
                    status = inflateSetDictionary(stream, dictionary, uInt(dictionary.count))
                    if status == Z_OK { status = inflate(stream, Z_SYNC_FLUSH) }
                }
                return (status, target.count - Int(stream.pointee.avail_out))
            }
        }
        guard status == Z_OK || status == Z_BUF_ERROR, stream.pointee.avail_in == 0 else {
            throw SPDYViolation(reason: "a header block is not what zlib can read, or is too long")
        }
        return Array(output[..<count])
    }
}
