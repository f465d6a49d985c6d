// SPDX-License-Identifier: Apache-2.0

/// A connected pair of byte directions: a socket, a TLS session, one stream of a multiplexed connection.
///
/// One task may read while another writes; two readers, or two writers, at the same time are a caller's error.
/// Cancelling the task ends a suspended call with `CancellationError`.
public protocol ByteStream: Sendable {
    /// Waits for bytes and returns between 1 and `max` of them; an empty result is the end of the stream.
    func read(max: Int) async throws -> [UInt8]

    /// Hands all of `bytes` over in order; suspends while the peer does not take what was written before.
    func write(_ bytes: [UInt8]) async throws

    /// Ends the writing direction: the peer reads an end of stream once it has read what was written.
    func closeWrite() async

    /// Ends both directions and frees what the stream holds. Suspended calls end with an error. Idempotent.
    func close() async
}

extension ByteStream {
    /// Reads until `count` bytes are there, or throws `StreamEnded` when the stream ends before.
    public func readExactly(_ count: Int) async throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            let chunk = try await read(max: count - result.count)
            if chunk.isEmpty { throw StreamEnded(wanted: count, received: result.count) }
            result += chunk
        }
        return result
    }
}

/// A stream ended before all the bytes that were expected of it.
public struct StreamEnded: Error, CustomStringConvertible {
    /// How many bytes were wanted, and how many came.
    public let wanted, received: Int

    /// Describes a stream that ended after `received` of `wanted` bytes.
    public init(wanted: Int, received: Int) {
        self.wanted = wanted
        self.received = received
    }

    public var description: String { "read \(wanted) bytes: the stream ended after \(received)" }
}
