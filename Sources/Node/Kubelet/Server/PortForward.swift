// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Synchronization

/// Port-forward over SPDY/3.1, bare or tunnelled through a WebSocket (KEP-4006): for each connection the client opens an
/// error stream and a data stream with the same request id.
struct PortForward: Sendable {
    static let spdyProtocols = ["portforward.k8s.io"]
    /// SPDY frames in binary messages.
    static let tunnelProtocols = ["SPDY/3.1+portforward.k8s.io"]

    let connection: SPDYConnection
    let access: any ContainerAccess
    let namespace: String
    let pod: String
    /// How long a stream waits for the other of its pair.
    var patience: Duration = .seconds(30)

    /// Serves until the client ends the session.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // A connection that broke ends the streams, and with them this session.
                try? await connection.run()
            }
            let waiting = WaitingStreams()
            defer { waiting.clear() }
            for await stream in connection.streams {
                let id = stream.headers["requestid"] ?? ""
                guard let first = waiting.partner(of: stream, id, patience: patience) else { continue }
                let isError = stream.headers["streamtype"] == "error"
                let (error, data) = isError ? (stream, first) : (first, stream)
                group.addTask { await forward(data: data, error: error) }
            }
        }
    }

    private func forward(data: SPDYStream, error: SPDYStream) async {
        guard let port = UInt16(data.headers["port"] ?? ""), port > 0 else {
            await report("port \"\(data.headers["port"] ?? "")\" is not a port number", error)
            return await data.close()
        }
        do throws(ContainerAccessError) {
            let target = try await access.connect(namespace: namespace, pod: pod, port: port)
            await error.closeWrite()
            await splice(data, target)
        } catch let failure {
            await report("error forwarding port \(port) to pod \(pod): \(failure)", error)
        }
        await data.close()
        await error.close()
    }

    private func report(_ message: String, _ stream: SPDYStream) async {
        // A client that has gone needs no reason.
        try? await stream.write(Array(message.utf8))
        await stream.closeWrite()
    }
}

/// Streams whose partner has not come.
private final class WaitingStreams: Sendable {
    private let state = Mutex<[String: (stream: SPDYStream, timer: Task<Void, Never>)]>([:])

    /// The stream that came first with this id. Without one, `stream` waits for its own, and is given up after `patience`.
    func partner(of stream: SPDYStream, _ id: String, patience: Duration) -> SPDYStream? {
        let first = state.withLock { state -> (stream: SPDYStream, timer: Task<Void, Never>)? in
            if let first = state.removeValue(forKey: id) { return first }
            let timer = EventLoop.here.begin { [weak self] in
                // Cancelled when the partner came, or the session has ended.
                do { try await sleep(for: patience) } catch { return }
                guard let late = self?.take(id, stream.id) else { return }
                await late.reset()
            }
            state[id] = (stream, timer)
            return nil
        }
        first?.timer.cancel()
        return first?.stream
    }

    private func take(_ id: String, _ number: UInt32) -> SPDYStream? {
        state.withLock { $0[id]?.stream.id == number ? $0.removeValue(forKey: id)?.stream : nil }
    }

    func clear() {
        let all = state.withLock { state in
            defer { state = [:] }
            return Array(state.values)
        }
        for entry in all { entry.timer.cancel() }
    }
}

/// Copies both ways until both directions have ended, then closes both streams.
func splice(_ left: any ByteStream, _ right: any ByteStream) async {
    await withTaskGroup(of: Void.self) { group in
        for (source, target) in [(left, right), (right, left)] {
            group.addTask {
                // The end of one direction, by design or by a broken connection, is all there is to tell the other side.
                try? await drain(source) { try await target.write($0) }
                await target.closeWrite()
            }
        }
    }
    await left.close()
    await right.close()
}

/// The binary messages of a WebSocket as one stream of bytes.
final class WebSocketByteStream: ByteStream {
    private let socket: WebSocketConnection
    private let rest = Mutex<ArraySlice<UInt8>>([])

    init(_ socket: WebSocketConnection) { self.socket = socket }

    func read(max: Int) async throws -> [UInt8] {
        while true {
            let bytes = rest.withLock { rest -> [UInt8] in
                let part = rest.prefix(max)
                rest = rest.dropFirst(part.count)
                return Array(part)
            }
            if !bytes.isEmpty { return bytes }
            guard let message = try await socket.receive() else { return [] }
            rest.withLock { $0 = message.payload[...] }
        }
    }

    func write(_ bytes: [UInt8]) async throws { try await socket.send(binary: bytes) }
    func closeWrite() async { await socket.close() }
    func close() async {
        await socket.close()
        await socket.flush()
        await socket.abort()
    }
}
