// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
internal import Synchronization

/// Ends connections of commands and forwarded ports on which nothing has come or gone for a while
/// (`streamingConnectionIdleTimeout`): a client that has gone without a word holds no process, and no place, for ever.
enum IdleLimit {
    /// The response, with the connection that it takes over ended after `limit` without a byte; zero is no limit.
    static func apply(_ limit: Duration, to response: HTTPResponse) -> HTTPResponse {
        guard limit > .zero, let serve = response.upgrade else { return response }
        var response = response
        response.upgrade = { stream in
            let watched = WatchedStream(stream)
            let watch = EventLoop.here.begin {
                while true {
                    let left = limit - watched.idle
                    guard left > .zero else { break }
                    // Cancelled when the session has ended.
                    do { try await sleep(for: left) } catch { return }
                }
                // What reads and writes finds the connection broken, and ends what it serves.
                await watched.close()
            }
            await serve(watched)
            watch.cancel()
        }
        return response
    }
}

/// A stream that knows when it was last used.
private final class WatchedStream: ByteStream {
    private let stream: any ByteStream
    private let used = Mutex(ContinuousClock.now)

    init(_ stream: any ByteStream) { self.stream = stream }

    var idle: Duration { ContinuousClock.now - used.withLock { $0 } }

    private func use() { used.withLock { $0 = .now } }

    func read(max: Int) async throws -> [UInt8] {
        let bytes = try await stream.read(max: max)
        use()
        return bytes
    }

    func write(_ bytes: [UInt8]) async throws {
        try await stream.write(bytes)
        use()
    }

    func closeWrite() async { await stream.closeWrite() }
    func close() async { await stream.close() }
}
