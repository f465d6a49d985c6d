// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// The reading half of an HTTP/1 connection: heads and bodies out of its bytes. The task of the connection reads heads;
/// whoever holds a body's stream reads that. They take turns: no head is read before the body before it has ended.
final class HTTP1Channel: Sendable {
    let connection: any Connection
    private let decoder: Mutex<HTTP1Decoder>
    private let broken = Atomic(false)

    /// Whether a body could not be read: nobody knows where the next message starts.
    var isBroken: Bool { broken.load(ordering: .relaxed) }

    init(_ connection: any Connection, _ role: HTTP1Decoder.Role, _ limits: HTTPLimits) {
        self.connection = connection
        decoder = Mutex(HTTP1Decoder(role, limits))
    }

    /// The next head; nil when the peer has ended between messages. `started` is called when its first bytes came.
    func nextHead(started: () -> Void = {}) async throws -> HTTP1Head? {
        var isStarted = false
        while true {
            let (head, isAtEnd, hasInput) = try decoder.withLock { decoder in
                let head = try decoder.nextHead()
                return (head, decoder.isAtEnd, decoder.hasInput)
            }
            if let head { return head }
            if isAtEnd { return nil }
            if hasInput, !isStarted {
                isStarted = true
                started()
            }
            try await fill()
        }
    }

    /// Whether the client opens with HTTP/2's preface: waits for as many bytes as that takes.
    func startsHTTP2() async throws -> Bool {
        while true {
            if let answer = decoder.withLock({ $0.startsHTTP2 }) { return answer }
            if decoder.withLock({ $0.isAtEnd }) { return false }
            try await fill()
        }
    }

    func startBody(_ framing: HTTP1Head.Framing) { decoder.withLock { $0.startBody(framing) } }

    var isBodyComplete: Bool { decoder.withLock { $0.isBodyComplete } }

    func nextPiece() async throws -> HTTP1Decoder.Piece {
        while true {
            let piece: HTTP1Decoder.Piece
            do {
                piece = try decoder.withLock { try $0.nextPiece() }
            } catch {
                broken.store(true, ordering: .relaxed)
                throw error
            }
            guard case .needsInput = piece else { return piece }
            try await fill()
        }
    }

    /// What was read beyond the messages.
    func takeRest() -> [UInt8] { decoder.withLock { $0.takeRest() } }

    var hasInput: Bool { decoder.withLock { $0.hasInput } }

    private func fill() async throws {
        let bytes = try await connection.read(max: 256 * 1024)
        decoder.withLock { if bytes.isEmpty { $0.receivedEnd() } else { $0.receive(bytes) } }
    }
}

/// The body of a message on an HTTP/1 connection.
final class HTTP1BodySource: HTTPBodySource {
    private struct State {
        var trailers: HTTPHeaders = [:]
        var isOver = false
        var deadline: Int64?
        var beforeFirst: (@Sendable () throws -> Void)?
    }

    private let channel: HTTP1Channel
    private let state: Mutex<State>
    /// How long the peer may be silent, when that is limited.
    private let patience: Duration?
    private let ended: @Sendable (_ isComplete: Bool) -> Void

    /// `beforeFirst` runs before the first read (it sends `100 Continue`); `ended` once, with true when the body was read
    /// to its end, with false when it failed or the reader went away before.
    init(
        _ channel: HTTP1Channel, patience: Duration?, beforeFirst: (@Sendable () throws -> Void)? = nil,
        ended: @escaping @Sendable (Bool) -> Void
    ) {
        self.channel = channel
        self.patience = patience
        self.ended = ended
        state = Mutex(State(beforeFirst: beforeFirst))
    }

    var trailers: HTTPHeaders { state.withLock { $0.trailers } }

    func next() async throws -> [UInt8]? {
        if state.withLock({ $0.isOver }) { return nil }
        do {
            try state.withLock { $0.beforeFirst.take() }?()
            let last = state.withLock { $0.deadline }
            let deadline = [patience.map { KernelClock.deadline(after: $0) }, last].compactMap { $0 }.min()
            // Also when more is there already: a byte now and then does not keep a body coming.
            if let last, KernelClock.monotonic.now() >= last { throw DeadlineExceeded("read a body") }
            if let deadline { channel.connection.setDeadline(deadline) }
            defer { if deadline != nil { channel.connection.setDeadline(nil) } }
            switch try await channel.nextPiece() {
            case .bytes(let bytes): return bytes
            case .end(let trailers):
                state.withLock { $0.trailers = trailers }
                finish(true)
                return nil
            case .needsInput: preconditionFailure("a channel waits for its input")
            }
        } catch let error as CancellationError {
            throw error  // the stream is as it was: another task may go on
        } catch {
            finish(false)
            throw error
        }
    }

    func setDeadline(_ deadline: Int64) { state.withLock { $0.deadline = deadline } }

    func abandon() { finish(channel.isBodyComplete) }

    private func finish(_ isComplete: Bool) {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        if isFirst { ended(isComplete) }
    }
}

/// A connection that has left HTTP: what was read too much comes first.
final class UpgradedStream: ByteStream {
    private let connection: any Connection
    private let rest: Remainder

    init(_ connection: any Connection, rest: [UInt8]) {
        self.connection = connection
        self.rest = Remainder(rest[...])
    }

    deinit { connection.shut() }

    func read(max: Int) async throws -> [UInt8] {
        if let bytes = rest.take(max) { return bytes }
        return try await connection.read(max: max)
    }

    func write(_ bytes: [UInt8]) async throws { try await connection.write(bytes) }
    func closeWrite() async { await connection.closeWrite() }
    func close() async { await connection.close() }
}
