// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A bounded queue of byte chunks between one writer and one reader, who may be in different tasks.
final class BodyPipe: HTTPBodySource {
    private struct State {
        var chunks: [[UInt8]] = []
        var head = 0
        var buffered = 0
        var reader: CheckedContinuation<Void, Never>?
        var writers: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        var nextWriter: UInt64 = 0
        var finished = false
        var failure: (any Error)?
        var trailers: HTTPHeaders = [:]
        var abandoned = false
        var abandonHandler: (@Sendable () -> Void)?
        var abortHandler: (@Sendable () -> Void)?
        var isAborted = false
        /// Who waits for the reader to come back for more.
        var through: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []

        /// The reader has passed on everything, and waits.
        var isThrough: Bool { reader != nil && head == chunks.count }

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            var waiters = writers.map(\.continuation) + through.map(\.continuation)
            writers = []
            through = []
            if let reader { waiters.append(reader) }
            reader = nil
            return waiters
        }

        mutating func popFirst() -> [UInt8]? {
            guard head < chunks.count else { return nil }
            let chunk = chunks[head]
            chunks[head] = []
            head += 1
            if head == chunks.count {
                chunks.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 64 {
                chunks.removeFirst(head)
                head = 0
            }
            buffered -= chunk.count
            return chunk
        }
    }

    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var trailers: HTTPHeaders { state.withLock { $0.trailers } }
    var isAbandoned: Bool { state.withLock { $0.abandoned } }

    // MARK: Reading

    func next() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            enum Step { case chunk([UInt8], [CheckedContinuation<Void, Never>]), end, failed(any Error), wait }
            let step = state.withLock { state -> Step in
                if let chunk = state.popFirst() {
                    guard state.buffered < self.capacity else { return .chunk(chunk, []) }
                    let writers = state.writers.map(\.continuation)
                    state.writers = []
                    return .chunk(chunk, writers)
                }
                if let failure = state.failure { return .failed(failure) }
                return state.finished || state.abandoned ? .end : .wait
            }
            switch step {
            case .chunk(let chunk, let writers):
                for writer in writers { writer.resume() }
                return chunk
            case .end: return nil
            case .failed(let error): throw error
            case .wait: await waitForChunk()
            }
        }
    }

    private func waitForChunk() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (resumeNow, others) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
                    if state.head < state.chunks.count || state.finished || state.abandoned || Task.isCancelled {
                        return (true, [])
                    }
                    // A bug of ours, and one that a peer may have found: the body fails for both, and nothing else does.
                    guard state.reader == nil else {
                        state.finished = true
                        state.failure = HTTPBodyHasReader()
                        return (true, state.takeWaiters())
                    }
                    state.reader = continuation
                    defer { state.through = [] }
                    return (false, state.through.map(\.continuation))
                }
                for other in others { other.resume() }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }?.resume()
        }
    }

    func abandon() {
        let (waiters, handler) = state.withLock { state in
            guard !state.abandoned else {
                return ([CheckedContinuation<Void, Never>](), nil as (@Sendable () -> Void)?)
            }
            state.abandoned = true
            state.chunks = []
            state.head = 0
            state.buffered = 0
            let handler = state.finished ? nil : state.abandonHandler
            state.abandonHandler = nil
            state.abortHandler = nil
            return (state.takeWaiters(), handler)
        }
        for waiter in waiters { waiter.resume() }
        handler?()
    }

    // MARK: Writing

    func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        enum Step { case failed, done(CheckedContinuation<Void, Never>?), full(CheckedContinuation<Void, Never>?) }
        let step = state.withLock { state -> Step in
            if state.abandoned || state.finished { return .failed }
            state.chunks.append(bytes)
            state.buffered += bytes.count
            let reader = state.reader
            state.reader = nil
            return state.buffered < self.capacity ? .done(reader) : .full(reader)
        }
        switch step {
        case .failed: throw HTTPBodyAbandoned()
        case .done(let reader): reader?.resume()
        case .full(let reader):
            reader?.resume()
            await wait(in: \.writers) { [capacity] in $0.buffered < capacity }
            try Task.checkCancellation()
            if isAbandoned { throw HTTPBodyAbandoned() }
        }
    }

    /// Adds `pieces` and waits until the reader comes back for more than them.
    func writeThrough(_ pieces: [[UInt8]]) async throws {
        let reader = try state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.abandoned || state.finished { throw HTTPBodyAbandoned() }
            for piece in pieces where !piece.isEmpty {
                state.chunks.append(piece)
                state.buffered += piece.count
            }
            return state.head < state.chunks.count ? state.reader.take() : nil
        }
        reader?.resume()
        await wait(in: \.through) { $0.isThrough }
        try Task.checkCancellation()
        if state.withLock({ $0.abandoned || $0.isAborted }) { throw HTTPBodyAbandoned() }
    }

    /// Ends the body with an error, throws away what waits, and calls the reader's handler.
    func abort() {
        let (waiters, handler) = state.withLock { state in
            guard !state.isAborted, !state.abandoned else {
                return ([CheckedContinuation<Void, Never>](), nil as (@Sendable () -> Void)?)
            }
            state.isAborted = true
            state.finished = true
            state.failure = HTTPBodyUnfinished()
            state.abandonHandler = nil
            state.chunks = []
            state.head = 0
            state.buffered = 0
            return (state.takeWaiters(), state.abortHandler.take())
        }
        for waiter in waiters { waiter.resume() }
        handler?()
    }

    func onAbort(_ body: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            if !state.isAborted { state.abortHandler = body }
            return state.isAborted
        }
        if now { body() }
    }

    /// Adds `bytes` without waiting: for who has another way to hold its peer back.
    func push(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        let reader = state.withLock { state in
            guard !state.abandoned, !state.finished else { return nil as CheckedContinuation<Void, Never>? }
            state.chunks.append(bytes)
            state.buffered += bytes.count
            return state.reader.take()
        }
        reader?.resume()
    }

    private typealias Waiting = [(id: UInt64, continuation: CheckedContinuation<Void, Never>)]

    /// Waits among others until somebody takes them out of the list, unless what they wait for is so already, or the body
    /// has ended.
    private func wait(
        in list: any WritableKeyPath<State, Waiting> & Sendable, unless isSo: @Sendable (State) -> Bool
    ) async {
        let id = state.withLock { state in
            state.nextWriter += 1
            return state.nextWriter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if isSo(state) || state.abandoned || state.finished || Task.isCancelled { return true }
                    state[keyPath: list].append((id, continuation))
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                guard let index = state[keyPath: list].firstIndex(where: { $0.id == id }) else {
                    return nil as CheckedContinuation<Void, Never>?
                }
                return state[keyPath: list].remove(at: index).continuation
            }?.resume()
        }
    }

    func finish(_ error: (any Error)?, trailers: HTTPHeaders) {
        let waiters = state.withLock { state in
            guard !state.finished else { return [CheckedContinuation<Void, Never>]() }
            state.finished = true
            state.failure = error
            state.trailers = trailers
            state.abandonHandler = nil
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    func onAbandon(_ body: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            if state.abandoned { return true }
            if !state.finished { state.abandonHandler = body }
            return false
        }
        if now { body() }
    }
}
