// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// What an `AsyncSocket` knows, under its lock. Readiness is edge-triggered: a flag is set by an event and cleared by
/// the call that found the kernel empty or full, both under the lock, so no edge is lost.
struct SocketState: ~Copyable {
    /// Waiters to resume once the lock is free.
    struct Wake {
        var reader: UnsafeContinuation<Void, Never>?
        var writers: [UnsafeContinuation<Void, Never>] = []

        func resume() {
            reader?.resume()
            for writer in writers { writer.resume() }
        }
    }

    var socket: Socket?
    var token: UInt64?
    var isReadable = true
    var isWritable = true
    var isPeerClosed = false
    var isWriteClosed = false
    /// A broken writing direction leaves what has arrived readable: often the peer's reason for breaking it.
    var readFailure: Errno?
    var writeFailure: Errno?
    /// The deadline has passed; moving it makes the socket usable again.
    var isLate = false
    /// Nobody may read for now; see `AsyncSocket.holdReading`.
    var isReadingHeld = false
    var reader: UnsafeContinuation<Void, Never>?
    var writers: [(id: UInt64, continuation: UnsafeContinuation<Void, Never>)] = []
    var queue = OutputQueue()
    var drainHandler: (@Sendable () -> Void)?
    var hangUpHandler: (@Sendable () -> Void)?
    var deadline: Int64?
    var timer: (fires: Int64, id: TimerID)?
    /// How much room a read gets: grows with a stream that fills it, shrinks with one that does not.
    var readSize = 4096
    private var nextID: UInt64 = 0

    init(socket: consuming Socket) { self.socket = consume socket }

    static func closed(_ call: String) -> Errno { Errno(EBADF, "\(call): the socket is closed") }

    var queued: Int { queue.count }

    mutating func newWaiterID() -> UInt64 {
        nextID += 1
        return nextID
    }

    mutating func takeWaiters() -> Wake {
        let wake = Wake(reader: reader.take(), writers: writers.map(\.continuation))
        writers = []
        return wake
    }

    mutating func receive(max: Int) throws -> [UInt8]? {
        if let readFailure { throw readFailure }
        guard socket != nil else { throw Self.closed("read") }
        if isLate { throw DeadlineExceeded("wait for the peer") }
        if isReadingHeld { throw ReadingHeldBack() }
        guard isReadable else { return nil }
        let room = min(max, readSize)
        var failed: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            do throws(Errno) {
                count = try Self.read(socket!, UnsafeMutableRawBufferPointer(buffer))
            } catch { failed = error }
        }
        if let failed {
            if failed.isWouldBlock {
                isReadable = false
                return nil
            }
            readFailure = failed
            throw failed
        }
        if bytes.count == room {
            readSize = min(readSize * 4, 256 * 1024)
        } else {
            // A short read has emptied the kernel's buffer; but once the peer has closed there is always the end to
            // read, for which no further event comes.
            if !isPeerClosed { isReadable = false }
            if bytes.count < readSize / 8, readSize > 4096 { readSize /= 2 }
        }
        return bytes
    }

    private static func read(
        _ socket: borrowing Socket, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try socket.descriptor.read(into: buffer)
    }

    mutating func send(_ bytes: [UInt8]) throws -> Int {
        if let writeFailure { throw writeFailure }
        guard socket != nil, !isWriteClosed else { throw Self.closed("write") }
        if bytes.isEmpty { return queue.count }
        queue.append(bytes)
        if isWritable { flush() }
        if let writeFailure { throw writeFailure }
        return queue.count
    }

    /// Gives the kernel what it takes. Sets `failure` when it refuses.
    mutating func flush() {
        guard socket != nil, isWritable else { return }
        while queue.count > 0, writeFailure == nil {
            let sent = queue.withFirst { bytes -> Int? in
                do throws(Errno) {
                    return try socket!.send(bytes)
                } catch {
                    if error.isWouldBlock { isWritable = false } else { writeFailure = error.during("write") }
                    return nil
                }
            }
            guard let sent else { break }
            queue.removeFirst(sent)
        }
        if writeFailure != nil { queue = OutputQueue() }
        if queue.count == 0, isWriteClosed { shutWrite() }
    }

    mutating func closeWrite() {
        guard socket != nil, !isWriteClosed else { return }
        isWriteClosed = true
        if queue.count == 0 { shutWrite() }
    }

    private func shutWrite() {
        // Fails only when the connection is gone, which ends the direction as well.
        try? socket!.closeWrite()
    }
}

/// Bytes to be written, in the arrays they came in.
struct OutputQueue {
    private var chunks: [[UInt8]] = []
    private var head = 0
    private var offset = 0
    private(set) var count = 0

    mutating func append(_ bytes: [UInt8]) {
        chunks.append(bytes)
        count += bytes.count
    }

    func withFirst<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        chunks[head].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    mutating func removeFirst(_ sent: Int) {
        count -= sent
        offset += sent
        guard offset == chunks[head].count else { return }
        chunks[head] = []
        head += 1
        offset = 0
        if head == chunks.count {
            // An idle connection keeps no buffers.
            chunks = []
            head = 0
        }
    }
}
