// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization
internal import Telemetry

/// One accepted connection: shakes hands, finds out which HTTP it speaks, serves that.
final class SocketConnection: ServedConnection {
    private struct State {
        var task: Task<Void, Never>?
        var serving: (any ServedConnection)?
        var isStopping = false
        var isKilled = false
    }

    private let server: HTTPServer
    private let socket: AsyncSocket
    private let state = Mutex(State())

    init(_ server: HTTPServer, _ socket: AsyncSocket) {
        self.server = server
        self.socket = socket
    }

    var isIdle: Bool { state.withLock { $0.serving }?.isIdle ?? true }

    func start(_ tls: TLSServer?, _ id: UInt64) {
        let task = Task(executorPreference: socket.loop) {
            await self.run(tls, id)
            self.socket.shut()
            self.server.ended(id)
        }
        let isKilled = state.withLock { state in
            state.task = task
            return state.isKilled
        }
        if isKilled { task.cancel() }
    }

    func stop() {
        let serving = state.withLock { state in
            state.isStopping = true
            return state.serving
        }
        serving?.stop()
    }

    func kill() {
        let (task, serving) = state.withLock { state in
            state.isKilled = true
            return (state.task, state.serving)
        }
        serving?.kill()
        task?.cancel()
        socket.shut()
    }

    private func run(_ tls: TLSServer?, _ id: UInt64) async {
        do {
            var context = RequestContext(peer: socket.peerAddress, local: socket.localAddress)
            context.standing = ConnectionStanding(output: server.output) { [server] holder in
                server.vouch(for: id, holder)
            }
            let configuration = server.configuration
            socket.setDeadline(KernelClock.deadline(after: configuration.handshakeTimeout))
            guard let tls else {
                try await serve(socket, context, mayBeHTTP2: true)
                return
            }
            let session = try await tls.accept(socket)
            context.isTLS = true
            context.clientCertificate = session.peerCertificate
            if session.applicationProtocol == "h2" {
                await serveHTTP2(session, context, firstBytes: [])
            } else {
                try await serve(session, context, mayBeHTTP2: false)
            }
        } catch {
            // A handshake that fails, or a first request that never comes, is the client's affair.
            server.logger?.debug(
                "connection failed", ["peer": socket.peerAddress?.description ?? "?", "error": "\(error)"])
        }
    }

    private func serve(_ connection: any Connection, _ context: RequestContext, mayBeHTTP2: Bool) async throws {
        let channel = HTTP1Channel(connection, .server, server.configuration.limits)
        if mayBeHTTP2, try await channel.startsHTTP2() {
            await serveHTTP2(connection, context, firstBytes: channel.takeRest())
            return
        }
        let serving = HTTP1ServerConnection(server, channel, context) { [weak self] in self?.cancel() }
        adopt(serving)
        await serving.run()
    }

    private func serveHTTP2(_ connection: any Connection, _ context: RequestContext, firstBytes: [UInt8]) async {
        connection.setDeadline(nil)
        let serving = HTTP2ServerConnection(server, connection, context)
        adopt(serving)
        await serving.run(firstBytes: firstBytes)
    }

    private func adopt(_ serving: any ServedConnection) {
        let isStopping = state.withLock { state in
            state.serving = serving
            return state.isStopping
        }
        if isStopping { serving.stop() }
    }

    private func cancel() { state.withLock { $0.task }?.cancel() }
}
