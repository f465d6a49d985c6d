// SPDX-License-Identifier: Apache-2.0

/// A byte stream whose two ends are in this process: what one end writes, the other reads.
public final class MemoryStream: ByteStream {
    private let incoming: BodyPipe
    private let outgoing: BodyPipe
    private let remainder = Remainder()

    private init(incoming: BodyPipe, outgoing: BodyPipe) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    deinit { shut() }

    /// Two connected ends; a writer waits while `capacity` bytes are unread.
    public static func pair(capacity: Int = 64 * 1024) -> (MemoryStream, MemoryStream) {
        let one = BodyPipe(capacity: capacity)
        let other = BodyPipe(capacity: capacity)
        return (MemoryStream(incoming: one, outgoing: other), MemoryStream(incoming: other, outgoing: one))
    }

    public func read(max: Int) async throws -> [UInt8] {
        if let rest = remainder.take(max) { return rest }
        guard let chunk = try await incoming.next() else { return [] }
        return remainder.split(chunk, max)
    }

    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await outgoing.write(bytes) }
    }

    public func closeWrite() async { outgoing.finish(nil, trailers: [:]) }

    public func close() async { shut() }

    private func shut() {
        outgoing.finish(nil, trailers: [:])
        incoming.abandon()
    }
}
