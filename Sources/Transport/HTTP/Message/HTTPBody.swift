// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The body of a message.
public enum HTTPBody: Sendable {
    case empty
    case bytes([UInt8])
    case stream(HTTPBodyStream)

    /// All of the body, or `HTTPBodyTooLarge` as soon as it is known to exceed `limit` bytes.
    public func collect(limit: Int) async throws -> [UInt8] {
        switch self {
        case .empty: return []
        case .bytes(let bytes):
            if bytes.count > limit { throw HTTPBodyTooLarge(limit: limit) }
            return bytes
        case .stream(let stream):
            var result: [UInt8] = []
            if let expected = stream.expectedLength {
                if expected > limit { throw HTTPBodyTooLarge(limit: limit) }
                result.reserveCapacity(expected)
            }
            while let chunk = try await stream.next() {
                if result.count + chunk.count > limit { throw HTTPBodyTooLarge(limit: limit) }
                if result.isEmpty, result.capacity <= chunk.count { result = chunk } else { result += chunk }
            }
            return result
        }
    }
}

/// A body was longer than the reader allows.
public struct HTTPBodyTooLarge: Error, CustomStringConvertible {
    /// What the reader allows, in bytes.
    public let limit: Int

    public init(limit: Int) { self.limit = limit }

    public var description: String { "read a body: it is longer than \(limit) bytes" }
}

/// The reader of a body stopped reading; its writer can do no more.
public struct HTTPBodyAbandoned: Error, CustomStringConvertible {
    public init() {}

    public var description: String { "write a body: its reader went away" }
}

/// A body was read by two tasks at a time.
struct HTTPBodyHasReader: Error, CustomStringConvertible {
    var description: String { "read a body: somebody else reads it" }
}

/// The request of a body was answered before the body had been read: its connection goes on without it.
public struct HTTPBodyTakenBack: Error, CustomStringConvertible {
    public init() {}

    public var description: String { "read a body: its request has been answered" }
}

/// Where the bytes of a stream come from. One reader at a time.
protocol HTTPBodySource: Sendable {
    /// The next bytes, never empty; nil at the end.
    func next() async throws -> [UInt8]?
    /// Fields after the body; there when `next` returned nil.
    var trailers: HTTPHeaders { get }
    /// The reader is gone and wants no more.
    func abandon()
    /// From then on (nanoseconds of the monotonic clock) `next` throws `DeadlineExceeded`, if the end has not come.
    func setDeadline(_ deadline: Int64)
    /// Calls `body` when the writer breaks the body off: what is on its way is not to be waited for.
    func onAbort(_ body: @escaping @Sendable () -> Void)
}

extension HTTPBodySource {
    // What is made in this process is not waited for.
    func setDeadline(_ deadline: Int64) {}
    // Only a pipe's writer can.
    func onAbort(_ body: @escaping @Sendable () -> Void) {}
}

/// A body that arrives, or is made, piece by piece. It can be read once, by one reader; the pieces are never empty.
///
/// A stream that is dropped before its end tells its writer so (a remote one by a reset or a closed connection).
public final class HTTPBodyStream: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    private let source: any HTTPBodySource
    /// The length when the sender has announced it.
    public let expectedLength: Int?

    init(_ source: any HTTPBodySource, expectedLength: Int? = nil) {
        self.source = source
        self.expectedLength = expectedLength
    }

    deinit { source.abandon() }

    /// The next piece; nil at the end. Throws when the sender failed, or the connection did.
    public func next() async throws -> [UInt8]? { try await source.next() }

    /// Limits the time of the whole body: from `deadline` (nanoseconds of the monotonic clock) on, `next` throws
    /// `DeadlineExceeded`. For bodies that come over the network; without effect on others.
    public func setDeadline(_ deadline: Int64) { source.setDeadline(deadline) }

    /// Calls `body` once, when the writer breaks the body off (at once when it has).
    func onAbort(_ body: @escaping @Sendable () -> Void) { source.onAbort(body) }

    /// The same body; `object` lives as long as it is being read.
    func holding(_ object: any AnyObject & Sendable) -> HTTPBodyStream {
        HTTPBodyStream(HoldingSource(stream: self, object: object), expectedLength: expectedLength)
    }

    /// The trailer fields; empty before the end of the body.
    public var trailers: HTTPHeaders { source.trailers }

    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    /// Reads the stream it was made from.
    public struct Iterator: AsyncIteratorProtocol {
        let stream: HTTPBodyStream

        public mutating func next() async throws -> [UInt8]? { try await stream.next() }
    }

    /// A stream of whatever `next` returns, until nil; `abandoned` is called when the reader drops it.
    public convenience init(
        next: @escaping @Sendable () async throws -> [UInt8]?, abandoned: @escaping @Sendable () -> Void = {}
    ) {
        self.init(ClosureSource(produce: next, abandoned: abandoned))
    }

    /// Pieces that are there already; each is let go of once it was read.
    public static func pieces(_ pieces: [[UInt8]]) -> HTTPBodyStream {
        let rest = Mutex(Array(pieces.reversed()))
        let stream = ClosureSource(produce: { rest.withLock { $0.popLast() } }, abandoned: {})
        return HTTPBodyStream(stream, expectedLength: pieces.reduce(0) { $0 + $1.count })
    }

    /// A bounded pipe: the writer waits while `capacity` bytes or more are unread.
    public static func pipe(capacity: Int = 64 * 1024) -> (HTTPBodyWriter, HTTPBodyStream) {
        let core = BodyPipe(capacity: capacity)
        return (HTTPBodyWriter(core), HTTPBodyStream(core))
    }
}

private struct HoldingSource: HTTPBodySource {
    let stream: HTTPBodyStream
    let object: any AnyObject & Sendable

    func next() async throws -> [UInt8]? { try await stream.next() }
    var trailers: HTTPHeaders { stream.trailers }
    func onAbort(_ body: @escaping @Sendable () -> Void) { stream.onAbort(body) }
    // The stream itself is let go of with this.
    func abandon() {}
}

private struct ClosureSource: HTTPBodySource {
    let produce: @Sendable () async throws -> [UInt8]?
    let abandoned: @Sendable () -> Void

    func next() async throws -> [UInt8]? {
        while let chunk = try await produce() {
            if !chunk.isEmpty { return chunk }
        }
        return nil
    }

    var trailers: HTTPHeaders { [:] }
    func abandon() { abandoned() }
}

/// The writing end of a body's pipe. Dropping it before `finish` ends the body with an error.
public final class HTTPBodyWriter: Sendable {
    private let pipe: BodyPipe

    init(_ pipe: BodyPipe) { self.pipe = pipe }

    deinit { pipe.finish(HTTPBodyUnfinished(), trailers: [:]) }

    /// Adds `bytes`; suspends while the reader is behind. Throws `HTTPBodyAbandoned` when it will not read any more,
    /// `CancellationError` when the task is cancelled.
    public func write(_ bytes: [UInt8]) async throws {
        if bytes.isEmpty { return }
        try await pipe.write(bytes)
    }

    /// Adds `pieces`, none of which is copied, and suspends until the reader has sent all of them on: nothing of them is
    /// held any more then. Throws as `write` does.
    public func writeThrough(_ pieces: [[UInt8]]) async throws {
        try Task.checkCancellation()
        try await pipe.writeThrough(pieces)
    }

    /// Breaks the body off, also where its reader waits for a peer that takes nothing: its connection is ended.
    public func abort() { pipe.abort() }

    /// Ends the body: with an error, the reader's `next` throws it after what was written before.
    public func finish(_ error: (any Error)? = nil, trailers: HTTPHeaders = [:]) {
        pipe.finish(error, trailers: trailers)
    }

    /// Whether the reader has gone away; further writes throw.
    public var isAbandoned: Bool { pipe.isAbandoned }

    /// Calls `body` once, when the reader goes away (at once when it has).
    public func onAbandon(_ body: @escaping @Sendable () -> Void) { pipe.onAbandon(body) }
}

/// A body's writer was dropped before it finished the body.
public struct HTTPBodyUnfinished: Error, CustomStringConvertible {
    public var description: String { "read a body: its writer went away before the end" }
}
