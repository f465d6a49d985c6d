// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import CLinux
internal import Glibc
internal import Linux
internal import Shim
internal import Synchronization

/// Descriptors received, closed unless taken.
final class ReceivedDescriptors: Sendable {
    private let numbers: Mutex<[Int32]>
    init(_ numbers: [Int32]) { self.numbers = Mutex(numbers) }
    deinit { for number in numbers.withLock({ $0 }) where number >= 0 { Glibc.close(number) } }

    /// The descriptor at `index`; nil when it was taken.
    func take(_ index: Int) -> FileDescriptor? {
        numbers.withLock { numbers in
            guard numbers.indices.contains(index), numbers[index] >= 0 else { return nil }
            defer { numbers[index] = -1 }
            return FileDescriptor(owning: numbers[index])
        }
    }
}

/// The daemon's end of a shim's socket.
final class ShimClient: Sendable {
    private struct State {
        var pending: [UInt32: CheckedContinuation<(ShimReply, ReceivedDescriptors), any Error>] = [:]
        var next: UInt32 = 0
        var isClosed = false
        /// Commands somebody wants to know the end of. That of any other, a probe given up for one, is nobody's.
        var execs: [String: Exec] = [:]
    }
    private struct Exec {
        var end: ExitRecord?
        var waiter: CheckedContinuation<ExitRecord, any Error>?
    }

    private let socket: AsyncDescriptor
    private let state = Mutex(State())
    /// What the shim says unasked; ends when the shim has gone.
    let events: AsyncStream<ShimEvent>
    private let eventsContinuation: AsyncStream<ShimEvent>.Continuation

    /// How long a shim may take to say what it holds: longer than any that works does, on the busiest machine.
    static let patience = Duration.seconds(20)

    /// Connects, says hello and returns what the shim holds. One that does not answer is given up: nobody else's pod may
    /// have to wait for it.
    static func connect(_ path: String) async throws -> (ShimClient, ShimState) {
        let client = ShimClient(try open(path))
        EventLoop.here.begin { await client.read() }
        let timer = EventLoop.here.begin {
            do { try await sleep(for: patience) } catch { return }
            client.ended(ShimFailure(.gone, "the shim at \(path) has not answered for \(patience)"))
        }
        defer { timer.cancel() }
        guard case .hello(let held) = try await client.ask(.hello(version: ShimMessage.version)).0 else {
            throw ShimFailure(.sequence, "the shim at \(path) does not say hello")
        }
        return (client, held)
    }

    private static func open(_ path: String) throws -> FileDescriptor {
        guard let address = unixAddress(path) else { throw Errno(ENAMETOOLONG, "connect \(path)") }
        var target = address
        let socket = FileDescriptor(
            owning: try kernelCall("socket") { clinux_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) })
        let raw = socket.raw
        try kernelCall("connect \(path)") { clinux_connect(raw, &target) }
        try socket.setNonBlocking(true)
        return socket
    }

    private static func unixAddress(_ path: String) -> clinux_address? {
        let bytes = Array(path.utf8)
        guard bytes.count < 108 else { return nil }
        var address = clinux_address()
        withUnsafeMutableBytes(of: &address.bytes) { target in
            target.storeBytes(of: UInt16(AF_UNIX), as: UInt16.self)
            for (index, byte) in bytes.enumerated() { target[2 + index] = byte }
        }
        address.length = UInt32(2 + bytes.count + 1)
        return address
    }

    private init(_ socket: consuming FileDescriptor) {
        self.socket = AsyncDescriptor(owning: socket)
        (events, eventsContinuation) = AsyncStream.makeStream(of: ShimEvent.self)
    }

    /// Ends the connection; the shim goes on.
    func close() { ended(CancellationError()) }

    // MARK: - Requests

    /// Asks and waits for the answer; a refusal is thrown.
    ///
    /// - Parameter endsWhenCancelled: Whether a cancelled task waits no longer. The answer is dropped when it comes, with
    ///   its descriptors.
    @discardableResult
    func ask(
        _ request: ShimRequest, endsWhenCancelled: Bool = false
    ) async throws -> (ShimReply, ReceivedDescriptors) {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let answer = try await withTaskCancellationHandler {
            try await send(request, number, endsWhenCancelled)
        } onCancel: {
            guard endsWhenCancelled else { return }
            state.withLock { $0.pending.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
        if case .failed(let failure) = answer.0 { throw failure }
        return answer
    }

    private func send(
        _ request: ShimRequest, _ number: UInt32, _ endsWhenCancelled: Bool
    ) async throws -> (ShimReply, ReceivedDescriptors) {
        try await withCheckedThrowingContinuation { continuation in
            let problem: (any Error)? = state.withLock { state in
                if state.isClosed { return ShimFailure(.gone, "the pod's shim has gone") }
                if endsWhenCancelled, Task.isCancelled { return CancellationError() }
                state.pending[number] = continuation
                return nil
            }
            if let problem {
                continuation.resume(throwing: problem)
                return
            }
            let bytes = ShimMessage.request(number, request).framed()
            // Requests are a few hundred bytes; a socket buffer that is full of them means a shim that does not read.
            let sent = socket.withDescriptor { file in
                bytes.withUnsafeBytes { clinux_send(file.raw, $0.baseAddress, $0.count, 0) }
            }
            if sent != bytes.count { ended(ShimFailure(.system, "send to the pod's shim: it does not take requests")) }
        }
    }

    /// The containers the shim has; none when it has gone.
    func held() async throws -> [String] {
        do {
            guard case .hello(let state) = try await ask(.hello(version: ShimMessage.version)).0 else {
                throw ShimFailure(.sequence, "the pod's shim does not say what it holds")
            }
            return state.containers.map(\.id)
        } catch let failure as ShimFailure where failure.kind == .gone { return [] }
    }

    /// Has the end of an exec session remembered, from before it begins, while the value lives.
    func end(ofExec exec: String) -> ExecEnd {
        state.withLock { $0.execs[exec] = Exec() }
        return ExecEnd(self, exec)
    }

    fileprivate func forget(_ exec: String) {
        // Whoever waits holds the value, so that nobody does.
        state.withLock { $0.execs[exec] = nil }
    }

    fileprivate func wait(for exec: String) async throws -> ExitRecord {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known: Result<ExitRecord, any Error>? = state.withLock { state in
                    if let record = state.execs[exec]?.end { return .success(record) }
                    if state.isClosed { return .failure(ShimFailure(.gone, "the pod's shim has gone")) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.execs[exec, default: Exec()].waiter = continuation
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            state.withLock { $0.execs[exec]?.waiter.take() }?.resume(throwing: CancellationError())
        }
    }

    /// How many exec sessions are remembered.
    var execCount: Int { state.withLock { $0.execs.count } }

    // MARK: - What comes

    private func read() async {
        var inbound: [UInt8] = []
        var descriptors: [Int32] = []
        do {
            while true {
                try await socket.readable()
                guard try receive(&inbound, &descriptors) else { throw ShimFailure(.gone, "the pod's shim has gone") }
                while let message = try ShimMessage.next(from: &inbound) {
                    handle(message, &descriptors)
                }
            }
        } catch {
            for descriptor in descriptors { Glibc.close(descriptor) }
            ended(error)
        }
    }

    /// False at the end of the stream.
    private func receive(_ inbound: inout [UInt8], _ descriptors: inout [Int32]) throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16384)
        var numbers = [Int32](repeating: -1, count: 16)
        var count = 16
        let got = socket.withDescriptor { file in
            let raw = file.raw
            return bytes.withUnsafeMutableBytes { bytes in
                numbers.withUnsafeMutableBufferPointer {
                    clinux_receive_descriptors(raw, bytes.baseAddress, bytes.count, $0.baseAddress, &count)
                }
            }
        }
        guard let got else { return false }
        if got == -Int(EAGAIN) || got == -Int(EINTR) { return true }
        guard got > 0 else { return false }
        inbound += bytes[..<got]
        descriptors += numbers[..<count]
        return true
    }

    private func handle(_ message: ShimMessage, _ descriptors: inout [Int32]) {
        switch message {
        case .request: return
        case .reply(let number, let reply):
            let count =
                switch reply {
                case .process(_, let streams), .attached(let streams): streams.count
                default: 0
                }
            let taken = ReceivedDescriptors(Array(descriptors.prefix(count)))
            descriptors.removeFirst(min(count, descriptors.count))
            state.withLock { $0.pending.removeValue(forKey: number) }?.resume(returning: (reply, taken))
        case .event(.execExited(_, let exec, let record)):
            let waiter = state.withLock { state in
                state.execs[exec]?.end = record
                return state.execs[exec]?.waiter.take()
            }
            waiter?.resume(returning: record)
        case .event(let event): eventsContinuation.yield(event)
        }
    }

    private func ended(_ error: any Error) {
        let (pending, waiters) = state.withLock { state in
            state.isClosed = true
            let waiters = Array(state.execs.keys).compactMap { state.execs[$0]?.waiter.take() }
            defer { state.pending = [:] }
            return (Array(state.pending.values), waiters)
        }
        for continuation in pending { continuation.resume(throwing: error) }
        for continuation in waiters { continuation.resume(throwing: error) }
        socket.close()
        eventsContinuation.finish()
    }
}

/// The end of one exec session, which is remembered while this lives. For one task at a time.
final class ExecEnd: Sendable {
    private let client: ShimClient
    private let exec: String

    fileprivate init(_ client: ShimClient, _ exec: String) {
        self.client = client
        self.exec = exec
    }

    deinit { client.forget(exec) }

    func wait() async throws -> ExitRecord { try await client.wait(for: exec) }
}
