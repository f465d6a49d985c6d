// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO

/// What a connection knows of one stream. Belongs to the session's state and is guarded by its lock.
final class HTTP2Stream {
    let id: Int32
    /// The body the peer sends, once there is one.
    var input: BodyPipe?
    var isInputOver = false
    /// It is one of those that the session has counted.
    var isCounted = false
    /// Bytes received and not yet given back to the peer as window.
    var unreadWindow = 0

    /// The body for the peer.
    private var output: [[UInt8]] = []
    private var head = 0
    private var offset = 0
    private(set) var queued = 0
    var isOutputOver = false
    /// How much has been taken, when it was last looked at, and how often nothing had been.
    private var taken = 0
    private var takenBefore = 0
    private var stalls = 0
    var trailers: HTTPHeaders = [:]
    /// The session waits for more output.
    var isDeferred = false
    /// A writer that waits for the output to shrink.
    var writer: Waiter?

    /// Server: the handler at work. Client: the upload.
    var task: Task<Void, Never>?
    /// Client: who waits for the response.
    var response: ResponseWaiter?

    /// How much of its output may wait when a writer goes on.
    static let kept = 64 * 1024

    init(id: Int32) { self.id = id }

    func append(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        output.append(bytes)
        queued += bytes.count
    }

    /// Copies what is queued into `buffer` and returns how much that was.
    func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count, head < output.count {
            let part = min(buffer.count - filled, output[head].count - offset)
            output[head].withUnsafeBytes {
                (buffer.baseAddress! + filled).copyMemory(from: $0.baseAddress! + offset, byteCount: part)
            }
            filled += part
            offset += part
            if offset == output[head].count {
                output[head] = []
                head += 1
                offset = 0
            }
        }
        // The writer goes on when little is left, and counts on nothing large being held for that little.
        if head < output.count, offset > Self.kept, output[head].count - offset <= Self.kept {
            output[head] = Array(output[head][offset...])
            offset = 0
        }
        if head == output.count {
            output = []
            head = 0
        }
        queued -= filled
        taken += filled
        return filled
    }

    /// Whether something waits and nothing of it has been taken, for the third time now.
    func noteStall() -> Bool {
        stalls = queued > 0 && taken == takenBefore ? stalls + 1 : 0
        takenBefore = taken
        return stalls >= 2
    }

    /// Ends everything that waits for this stream.
    func fail(_ error: any Error) {
        if !isInputOver { input?.finish(error, trailers: [:]) }
        isInputOver = true
        writer?.wake()
        writer = nil
        response?.resolve(.failure(error))
        response = nil
    }
}
