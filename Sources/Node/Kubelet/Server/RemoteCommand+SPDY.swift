// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP

/// Exec and attach over SPDY/3.1, as kubectl before 1.30 speaks it: one stream for each direction, named by its
/// `streamType` header.
struct SPDYCommand: Sendable {
    /// The protocols in upstream's order of preference (X-Stream-Protocol-Version).
    static let protocols = [
        "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io",
    ]

    let connection: SPDYConnection
    let version: String
    let request: ExecRequest
    /// Starts the process once the client's streams are there.
    let start: @Sendable () async throws(ContainerAccessError) -> any ContainerSession
    /// How long the client may take to open its streams.
    var patience: Duration = .seconds(30)

    /// The streams the client opens before anything runs.
    private struct Streams: Sendable {
        var error: SPDYStream?
        var stdin: SPDYStream?
        var stdout: SPDYStream?
        var stderr: SPDYStream?
        var resize: SPDYStream?
    }

    /// Moves bytes until the process ends or the client goes.
    func run() async {
        let moving = EventLoop.here.begin { try await connection.run() }
        let timer = EventLoop.here.begin { [connection, patience] in
            // Cancelled when all streams are there.
            do { try await sleep(for: patience) } catch { return }
            await connection.abort()
        }
        defer { timer.cancel() }
        if let streams = await collect() {
            timer.cancel()
            let result = await serve(streams)
            let status =
                version == "v4.channel.k8s.io"
                ? RemoteCommandStatus.json(result) : RemoteCommandStatus.text(result)
            // A client that has gone does not wait for the status.
            try? await streams.error?.write(status)
            await streams.error?.closeWrite()
        }
        await connection.close()
        // The error of a connection that broke has no reader any more.
        _ = try? await moving.value
    }

    private func collect() async -> Streams? {
        var streams = Streams()
        var missing = 1 + (request.stdin ? 1 : 0) + (request.stdout ? 1 : 0) + (request.stderr && !request.tty ? 1 : 0)
        if request.tty, version != "v2.channel.k8s.io", version != "channel.k8s.io" { missing += 1 }
        for await stream in connection.streams {
            switch stream.headers["streamtype"] {
            case "error": streams.error = stream
            case "stdin": streams.stdin = stream
            case "stdout": streams.stdout = stream
            case "stderr": streams.stderr = stream
            case "resize": streams.resize = stream
            default:
                await stream.reset(status: 1)
                continue
            }
            missing -= 1
            if missing == 0 { return streams }
        }
        return nil
    }

    private func serve(_ streams: Streams) async -> Result<Int32, any Error> {
        do {
            let session = try await start()
            let input = EventLoop.here.begin { await feed(session, streams) }
            defer { input.cancel() }
            let result = await outputAndResult(session, streams)
            await session.detach()
            return result
        } catch { return .failure(error) }
    }

    private func outputAndResult(_ session: any ContainerSession, _ streams: Streams) async -> Result<Int32, any Error>
    {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (source, target) in [(session.stdout, streams.stdout), (session.stderr, streams.stderr)] {
                    guard let source else { continue }
                    group.addTask {
                        try await drain(source) { try await target?.write($0) }
                        await target?.closeWrite()
                    }
                }
                try await group.waitForAll()
            }
            return .success(try await session.wait())
        } catch { return .failure(error) }
    }

    private func feed(_ session: any ContainerSession, _ streams: Streams) async {
        await withTaskGroup(of: Void.self) { group in
            if let source = streams.stdin, let target = session.stdin {
                group.addTask {
                    // Either side may go first: a process that reads no more, or a client that leaves.
                    try? await drain(source) { try await target.write($0) }
                    await target.closeWrite()
                }
            }
            if let source = streams.resize {
                group.addTask {
                    var splitter = JSONObjectSplitter()
                    // The size of a terminal whose process has ended matters to nobody.
                    try? await drain(source) { bytes in
                        for document in splitter.append(bytes) {
                            guard let size = TerminalSize(document) else { continue }
                            try await session.resize(rows: size.rows, columns: size.columns)
                        }
                    }
                }
            }
        }
    }
}
