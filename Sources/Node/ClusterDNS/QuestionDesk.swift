// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux
internal import Synchronization

/// Where questions wait for the server's one thread, over UDP and TCP: each client has the same share of it, whatever the
/// questions of others cost and however many they are.
final class QuestionDesk: Sendable {
    struct Question: Sendable {
        var bytes: [UInt8]
        var isStream: Bool
        var isIPv6: Bool
        /// Of a monotonic clock, in nanoseconds.
        var arrived: Int64
        /// Gets the answer; `none` when there is no time for one.
        var answer: @Sendable (DNSResponder.Response) -> Void
    }

    /// How many questions wait at most, by UDP and TCP together: some hundred bytes each.
    private static let waitingLimit = 4096
    /// Who has waited for longer asks again, or elsewhere: an answer would only keep the others waiting.
    private static let patience: Int64 = 3_000_000_000
    /// For how long answers are made before others, and the sockets, have their turn.
    private static let slice: Int64 = 1_000_000

    private struct State: Sendable {
        var turns = ClientTurns<Question>(limit: waitingLimit)
        var isClosed = false
    }

    private let state = Mutex(State())
    private let responder: DNSResponder
    private let wakeups: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    init(_ responder: DNSResponder) {
        self.responder = responder
        (wakeups, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// False when the client has its part waiting already, or nobody answers any more.
    func add(_ question: Question, of client: [UInt8]) -> Bool {
        let isTaken = state.withLock { !$0.isClosed && $0.turns.add(question, of: client) }
        if isTaken { waker.yield() }
        return isTaken
    }

    /// Answers until cancelled, then tells those who wait that nobody does.
    func run() async {
        for await _ in wakeups {
            while !Task.isCancelled, serve() { await Task.yield() }
        }
        state.withLock { $0.isClosed = true }
        while let (question, _) = state.withLock({ $0.turns.next() }) { question.answer(.none) }
    }

    /// Answers for as long as a slice is; false when nothing waits any more.
    private func serve() -> Bool {
        var began = KernelClock.monotonic.now()
        let end = began + Self.slice
        while let (question, client) = state.withLock({ $0.turns.next() }) {
            if began - question.arrived > Self.patience {
                question.answer(.none)
            } else {
                question.answer(
                    responder.respond(question.bytes, isStream: question.isStream, isIPv6: question.isIPv6))
            }
            let now = KernelClock.monotonic.now()
            let took = now - began
            state.withLock { $0.turns.charge(client, took) }
            began = now
            if now >= end { return true }
        }
        return false
    }
}
