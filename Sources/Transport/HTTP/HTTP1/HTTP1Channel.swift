// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// The reading half of an HTTP/1 connection: heads and bodies out of its bytes. The task of the connection reads heads;
/// whoever holds a body's stream reads that. They take turns: a body's turn begins with its head and ends when it has been
/// read, or when the connection takes it back. Who reads out of turn gets an error, so that the connection never has two
/// readers, whatever the peer, the handler and the tasks it has started do.
final class HTTP1Channel: Sendable {
    /// The right to read, as long as no later one was given.
    struct Turn: Equatable {
        fileprivate let number: UInt64
    }

    private struct State {
        var decoder: HTTP1Decoder
        var turn: UInt64 = 0
        /// A read of the connection is under way.
        var isReading = false
        /// Woken when it has ended.
        var readEnded: Waiter?
    }

    let connection: any Connection
    private let state: Mutex<State>
    private let broken = Atomic(false)

    /// Whether a body could not be read: nobody knows where the next message starts.
    var isBroken: Bool { broken.load(ordering: .relaxed) }

    init(_ connection: any Connection, _ role: HTTP1Decoder.Role, _ limits: HTTPLimits) {
        self.connection = connection
        state = Mutex(State(decoder: HTTP1Decoder(role, limits)))
    }

    /// The next head; nil when the peer has ended between messages. `started` is called when its first bytes came. For
    /// the connection's own task.
    func nextHead(started: () -> Void = {}) async throws -> HTTP1Head? {
        let turn = state.withLock { Turn(number: $0.turn) }
        var isStarted = false
        while true {
            let (head, isAtEnd, hasInput) = try state.withLock { state in
                let head = try state.decoder.nextHead()
                return (head, state.decoder.isAtEnd, state.decoder.hasInput)
            }
            if let head { return head }
            if isAtEnd { return nil }
            if hasInput, !isStarted {
                isStarted = true
                started()
            }
            try await fill(turn, until: nil)
        }
    }

    /// Whether the client opens with HTTP/2's preface: waits for as many bytes as that takes.
    func startsHTTP2() async throws -> Bool {
        let turn = state.withLock { Turn(number: $0.turn) }
        while true {
            if let answer = state.withLock({ $0.decoder.startsHTTP2 }) { return answer }
            if state.withLock({ $0.decoder.isAtEnd }) { return false }
            try await fill(turn, until: nil)
        }
    }

    /// Begins the body after the head that was read, and the turn of whoever reads it.
    func startBody(_ framing: HTTP1Head.Framing) -> Turn {
        state.withLock { state in
            state.decoder.startBody(framing)
            state.turn += 1
            return Turn(number: state.turn)
        }
    }

    var isBodyComplete: Bool { state.withLock { $0.decoder.isBodyComplete } }

    /// Ends the turn of whoever reads the body: from here on the caller alone reads. Who waits for bytes is told
    /// `HTTPBodyTakenBack`; what he had from the connection is kept.
    func takeBack() async -> Turn {
        let (turn, ended) = state.withLock { state -> (Turn, Waiter?) in
            state.turn += 1
            if state.isReading { state.readEnded = Waiter() }
            return (Turn(number: state.turn), state.readEnded)
        }
        guard let ended else { return turn }
        connection.holdReading(true)
        await ended.wait()
        connection.holdReading(false)
        return turn
    }

    /// The next piece of the body; waits for it until `deadline`, if there is one.
    func nextPiece(_ turn: Turn, until deadline: Int64?) async throws -> HTTP1Decoder.Piece {
        while true {
            let piece = try state.withLock { state in
                guard turn.number == state.turn else { throw HTTPBodyTakenBack() }
                do {
                    return try state.decoder.nextPiece()
                } catch {
                    broken.store(true, ordering: .relaxed)
                    throw error
                }
            }
            if let piece { return piece }
            try await fill(turn, until: deadline)
        }
    }

    /// What was read beyond the messages.
    func takeRest() -> [UInt8] { state.withLock { $0.decoder.takeRest() } }

    var hasInput: Bool { state.withLock { $0.decoder.hasInput } }

    /// Reads on behalf of `turn`. The deadline is this read's alone: none is left to the connection by a turn that is over.
    private func fill(_ turn: Turn, until deadline: Int64?) async throws {
        try state.withLock { state in
            guard turn.number == state.turn else { throw HTTPBodyTakenBack() }
            guard !state.isReading else { throw HTTPBodyHasReader() }
            state.isReading = true
        }
        if let deadline { connection.setDeadline(deadline) }
        let result: Result<[UInt8], any Error>
        do {
            result = .success(try await connection.read(max: 256 * 1024))
        } catch {
            result = .failure(error is ReadingHeldBack ? HTTPBodyTakenBack() : error)
        }
        if deadline != nil { connection.setDeadline(nil) }
        let ended = state.withLock { state in
            state.isReading = false
            // Whose turn it is does not matter here: they are the next bytes of the connection.
            if case .success(let bytes) = result {
                if bytes.isEmpty { state.decoder.receivedEnd() } else { state.decoder.receive(bytes) }
            }
            return state.readEnded.take()
        }
        ended?.wake()
        _ = try result.get()
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
    private let turn: HTTP1Channel.Turn
    private let state: Mutex<State>
    /// How long the peer may be silent, when that is limited.
    private let patience: Duration?
    private let ended: @Sendable (_ isComplete: Bool) -> Void

    /// `beforeFirst` runs before the first read (it sends `100 Continue`); `ended` once, with true when the body was read
    /// to its end, with false when it failed or the reader went away before.
    init(
        _ channel: HTTP1Channel, _ turn: HTTP1Channel.Turn, patience: Duration?,
        beforeFirst: (@Sendable () throws -> Void)? = nil,
        ended: @escaping @Sendable (Bool) -> Void
    ) {
        self.channel = channel
        self.turn = turn
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
            switch try await channel.nextPiece(turn, until: deadline) {
            case .bytes(let bytes): return bytes
            case .end(let trailers):
                state.withLock { $0.trailers = trailers }
                finish(true)
                return nil
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
