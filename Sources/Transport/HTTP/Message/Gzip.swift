// SPDX-License-Identifier: Apache-2.0

internal import CZlib
internal import Synchronization

extension HTTPResponse {
    /// Compresses the body (gzip, RFC 1952) for a client that takes that; a streamed one piece by piece, as it is read,
    /// each by `run`.
    public mutating func compress(
        by run: @escaping @Sendable (@escaping @Sendable () -> [UInt8]?) async -> [UInt8]? = { $0() }
    ) {
        switch body {
        case .empty: return
        case .bytes(let bytes): body = .bytes(GzipStream().compress(bytes, isLast: true))
        case .stream(let stream):
            let gzip = StreamedGzip()
            body = .stream(
                HTTPBodyStream(next: {
                    let piece = try await stream.next()
                    return await run { gzip.compress(piece) }
                }))
        }
        headers["Content-Encoding"] = "gzip"
        headers.add(name: "Vary", value: "Accept-Encoding")
    }
}

extension HTTPRequest {
    /// Whether the client takes a gzip body. As upstream reads it: by the name alone, weights are not looked at.
    public var acceptsGzip: Bool {
        headers.list("Accept-Encoding").contains { $0.prefix { $0 != ";" }.trimmingHTTPSpace() == "gzip" }
    }
}

/// The compression of a body that is read piece by piece.
private final class StreamedGzip: Sendable {
    private let stream = Mutex(GzipStream?.some(GzipStream()))

    /// The compressed form of a piece; nil stands for the end, which comes once.
    func compress(_ piece: [UInt8]?) -> [UInt8]? {
        stream.withLock { stream in
            guard let piece else { return stream.take()?.compress([], isLast: true) }
            return stream?.compress(piece, isLast: false)
        }
    }
}

/// One compression, at the least effort: it goes about as fast as TLS and leaves a tenth of a list.
private struct GzipStream: ~Copyable {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() {
        stream.initialize(to: z_stream())
        let started = czlib_gzip_init(stream, Z_BEST_SPEED)
        precondition(started == Z_OK, "zlib has no memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The compressed form of what is known so far; all of the rest when `isLast`.
    borrowing func compress(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var input = bytes
        // The bound is of a whole stream; the block that an earlier piece began may come with this one.
        let room = Int(deflateBound(stream, uLong(bytes.count))) + 128 * 1024
        return input.withUnsafeMutableBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: room) { target, count in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = uInt(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = uInt(room)
                let result = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                precondition(result == (isLast ? Z_STREAM_END : Z_OK) && stream.pointee.avail_in == 0, "there is room")
                count = room - Int(stream.pointee.avail_out)
            }
        }
    }
}
