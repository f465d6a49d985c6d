// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Synchronization

/// A response that comes once and is awaited by one task.
final class ResponseWaiter: Sendable {
    private let waiter = Waiter()
    private let result = Mutex<Result<HTTPResponse, any Error>?>(nil)

    func resolve(_ value: Result<HTTPResponse, any Error>) {
        result.withLock { if $0 == nil { $0 = value } }
        waiter.wake()
    }

    /// Throws `CancellationError` when the task is cancelled first.
    func value() async throws -> HTTPResponse {
        await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.wake()
        }
        // Taken out: the response holds the stream of its body, and must be held by its reader alone.
        guard let result = result.withLock({ $0.take() }) else { throw CancellationError() }
        return try result.get()
    }
}
