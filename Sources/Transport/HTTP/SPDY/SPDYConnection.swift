// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Synchronization

/// A SPDY/3.1 session over an upgraded connection, as kubectl before 1.30 speaks it for exec, attach and port-forward.
///
/// The peers of that world know no flow control (they neither send nor heed WINDOW_UPDATE), so neither does this: once as
/// much is unread as a connection may hold, on one stream or on all of them, the whole connection waits for readers.
public final class SPDYConnection: Sendable {
    /// Which side made the connection: it gives its streams odd numbers.
    public enum Role: Sendable { case client, server }

    private let stream: any ByteStream
    private let role: Role
    private let state: Mutex<State>
    private let outgoing: HTTPBodyWriter
    private let frames: HTTPBodyStream
    private let incoming: AsyncStream<SPDYStream>
    private let announce: AsyncStream<SPDYStream>.Continuation
    /// Streams that may wait to be taken: a peer can open and reset them for ever.
    private static let waitingLimit = 1024
    /// How much may be unread, of all streams together.
    private static let unreadLimit = 512 << 10
    /// How long the fields of a stream may be, which it keeps.
    private static let fieldLimit = 512
    private let part: InputAllowance.Part

    fileprivate struct State: ~Copyable {
        var streams: [UInt32: SPDYStream] = [:]
        var nextID: UInt32
        var lastRemoteID: UInt32 = 0
        var deflater = SPDYDeflater()
        var isClosed = false
        var unread = 0
        /// The session's reader, when it waits for streams to be read.
        var reader: Waiter?
    }

    /// Speaks over `stream`, which is past the upgrade. Nothing moves until `run` is called.
    public convenience init(stream: any ByteStream, role: Role) {
        self.init(stream: stream, role: role, allowance: .shared)
    }

    init(stream: any ByteStream, role: Role, allowance: InputAllowance) {
        part = InputAllowance.Part(of: allowance)
        self.stream = stream
        self.role = role
        state = Mutex(State(nextID: role == .client ? 1 : 2))
        (outgoing, frames) = HTTPBodyStream.pipe(capacity: 256 << 10)
        (incoming, announce) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingLimit))
    }

    /// The streams the peer opens, each accepted already, in order. One consumer.
    public var streams: AsyncStream<SPDYStream> { incoming }

    /// Moves frames both ways until either side ends the session, then ends every stream.
    public func run() async throws {
        let stream = stream
        let frames = frames
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let bytes = try await frames.next() { try await stream.write(bytes) }
                    await stream.closeWrite()
                }
                try await self.receive()
                self.outgoing.finish()
                try await group.waitForAll()
            }
            await end(nil)
        } catch {
            await end(error)
            throw error
        }
    }

    /// Opens a stream.
    public func open(_ headers: HTTPHeaders) async throws -> SPDYStream {
        let (opened, frame) = state.withLock { state in
            let id = state.nextID
            state.nextID += 2
            let opened = SPDYStream(id: id, headers: headers, connection: self)
            state.streams[id] = opened
            // Compressed under the lock: blocks must leave in the order they went through zlib.
            return (opened, SPDYFrame.synStream(id: id, block: state.compress(headers), isFinal: false))
        }
        try await send(frame)
        return opened
    }

    /// Says goodbye and ends the session once what was sent has left.
    public func close() async {
        let last: UInt32? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return state.lastRemoteID
        }
        guard let last else { return }
        // A peer that is gone needs no goodbye.
        try? await send(.goAway(lastGood: last, status: 0))
        outgoing.finish()
        announce.finish()
    }

    /// Ends the session at once: `run` throws.
    public func abort() async {
        let reader = state.withLock { state in
            state.isClosed = true
            return state.reader.take()
        }
        reader?.wake()
        outgoing.finish()
        await stream.close()
    }

    func send(_ frame: SPDYFrame) async throws { try await outgoing.write(frame.encoded) }

    func forget(_ id: UInt32) {
        let gone = state.withLock { $0.streams.removeValue(forKey: id) }
        // Let go of here and not under the lock, which its end takes.
        withExtendedLifetime(gone) {}
    }

    private func end(_ error: (any Error)?) async {
        let open = state.withLock { state in
            state.isClosed = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in open { stream.finishIncoming(error) }
        announce.finish()
        outgoing.finish()
        await stream.close()
    }
}

// MARK: - Receiving

extension SPDYConnection {
    private func receive() async throws {
        var decoder = SPDYFrameDecoder()
        let inflater = SPDYInflater()
        while true {
            while let frame = try decoder.next() {
                guard try await handle(frame, inflater) else { return }
            }
            let bytes = try await stream.read(max: 64 << 10)
            if bytes.isEmpty { return }
            decoder.append(bytes)
        }
    }

    /// Returns false when the peer ends the session.
    private func handle(_ frame: SPDYFrame, _ inflater: borrowing SPDYInflater) async throws -> Bool {
        switch frame {
        case .synStream(let id, let block, let isFinal):
            let headers = try SPDYHeaders.decode(try inflater.decompress(block))
            try await accept(id, headers, isFinal)
        case .synReply(let id, let block, let isFinal), .headers(let id, let block, let isFinal):
            // The block goes through zlib whether the fields matter or not: the stream runs through all of them.
            _ = try inflater.decompress(block)
            if isFinal { find(id)?.finishIncoming(nil) }
        case .data(let id, let bytes, let isFinal):
            guard let target = find(id) else {
                // Data may still be under way when a stream was reset from here.
                return true
            }
            if !bytes.isEmpty {
                try await target.receive(bytes)
                try await waitForReaders()
            }
            if isFinal { target.finishIncoming(nil) }
        case .reset(let id, _):
            find(id)?.finishIncoming(nil)
            forget(id)
        case .ping(let id):
            // Even numbers are the server's own: an answer, not a question.
            let mine = (id % 2 == 0) == (role == .server)
            if !mine { try await send(.ping(id)) }
        case .goAway: return false
        case .windowUpdate, .settings, .unknown: break
        }
        return true
    }

    private func accept(_ id: UInt32, _ headers: HTTPHeaders, _ isFinal: Bool) async throws {
        guard headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }) <= Self.fieldLimit else {
            throw SPDYViolation(reason: "the fields of stream \(id) are longer than \(Self.fieldLimit) bytes")
        }
        let opened = SPDYStream(id: id, headers: headers, connection: self)
        let reply = try state.withLock { state throws(SPDYViolation) in
            let odd = id % 2 == 1
            guard odd == (role == .server), id > state.lastRemoteID else {
                throw SPDYViolation(reason: "stream \(id) may not be opened now")
            }
            guard state.streams.count < 1024 else { throw SPDYViolation(reason: "too many streams are open") }
            state.lastRemoteID = id
            state.streams[id] = opened
            return SPDYFrame.synReply(id: id, block: state.compress([:]), isFinal: false)
        }
        try await send(reply)
        if isFinal { opened.finishIncoming(nil) }
        if case .dropped = announce.yield(opened) { throw SPDYViolation(reason: "too many streams wait to be taken") }
    }

    /// A stream holds `count` bytes more that nobody has read.
    fileprivate func held(_ count: Int) { state.withLock { $0.unread += count } }

    /// And so many less.
    fileprivate func released(_ count: Int) {
        let reader = state.withLock { state -> Waiter? in
            state.unread -= count
            part.set(state.unread)  // Less is never refused.
            return state.unread <= InputAllowance.each || state.isClosed ? state.reader.take() : nil
        }
        reader?.wake()
    }

    /// Suspends while the streams hold more than they may, until most of it has been read.
    private func waitForReaders() async throws {
        let waiter = state.withLock { state -> Waiter? in
            if state.isClosed || state.unread <= InputAllowance.each { return nil }
            if part.set(state.unread), state.unread < Self.unreadLimit { return nil }
            let waiter = Waiter()
            state.reader = waiter
            return waiter
        }
        guard let waiter else { return }
        await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.wake()
        }
        try Task.checkCancellation()
    }

    private func find(_ id: UInt32) -> SPDYStream? { state.withLock { $0.streams[id] } }
}

extension SPDYConnection.State {
    fileprivate func compress(_ headers: HTTPHeaders) -> [UInt8] { deflater.compress(SPDYHeaders.encode(headers)) }
}

/// One stream of a session. Both directions end on their own; `close` ends both.
public final class SPDYStream: ByteStream {
    /// The number the frames carry.
    public let id: UInt32
    /// What the stream was opened with; names in lower case.
    public let headers: HTTPHeaders
    private let connection: SPDYConnection
    private let received: HTTPBodyStream
    private let receiver: HTTPBodyWriter
    private let state = Mutex(State())

    private struct State {
        var rest: ArraySlice<UInt8> = []
        /// What the connection counts as unread of this stream.
        var held = 0
        var writeClosed = false
        var readClosed = false
    }

    init(id: UInt32, headers: HTTPHeaders, connection: SPDYConnection) {
        self.id = id
        self.headers = headers
        self.connection = connection
        // The connection's limit is what bounds it.
        (receiver, received) = HTTPBodyStream.pipe(capacity: .max)
    }

    deinit { connection.released(state.withLock { $0.held }) }

    /// See `ByteStream`. For one task at a time.
    public func read(max: Int) async throws -> [UInt8] {
        if let bytes = take(max) { return bytes }
        guard let chunk = try await received.next() else { return [] }
        state.withLock { state in
            state.rest = chunk[...]
            state.held -= chunk.count
        }
        connection.released(chunk.count)
        return take(max) ?? []
    }

    /// See `ByteStream`.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        // Frames stay short, so that streams of one connection take turns.
        while !rest.isEmpty {
            let part = rest.prefix(32 << 10)
            try await connection.send(.data(id: id, bytes: Array(part), isFinal: false))
            rest = rest.dropFirst(part.count)
        }
    }

    /// See `ByteStream`.
    public func closeWrite() async {
        let (first, done) = state.withLock { state in
            defer { state.writeClosed = true }
            return (!state.writeClosed, state.readClosed)
        }
        guard first else { return }
        // When the connection is gone, so is the need to end the stream on it.
        try? await connection.send(.data(id: id, bytes: [], isFinal: true))
        if done { connection.forget(id) }
    }

    /// See `ByteStream`.
    public func close() async {
        await closeWrite()
        finishIncoming(nil)
        connection.forget(id)
    }

    /// Tells the peer that the stream ends here, for the reason `status` (§2.4.2).
    public func reset(status: UInt32 = 5) async {
        // As in `closeWrite`.
        try? await connection.send(.reset(id: id, status: status))
        finishIncoming(nil)
        connection.forget(id)
    }

    func receive(_ bytes: [UInt8]) async throws {
        state.withLock { $0.held += bytes.count }
        connection.held(bytes.count)
        do { try await receiver.write(bytes) } catch is HTTPBodyAbandoned {
            // A reader that went away wants nothing more; what comes for it is dropped, the other streams go on.
            state.withLock { $0.held -= bytes.count }
            connection.released(bytes.count)
        }
    }

    func finishIncoming(_ error: (any Error)?) {
        receiver.finish(error)
        let done = state.withLock { state in
            state.readClosed = true
            return state.writeClosed
        }
        if done { connection.forget(id) }
    }

    private func take(_ max: Int) -> [UInt8]? {
        state.withLock { state in
            guard !state.rest.isEmpty else { return nil }
            let part = state.rest.prefix(max)
            state.rest = state.rest.dropFirst(part.count)
            return Array(part)
        }
    }
}
