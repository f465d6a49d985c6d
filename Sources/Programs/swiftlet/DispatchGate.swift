// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// Where the main thread of a command waits for the result of its task.
final class DispatchGate<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let semaphore = CountingSemaphore()

    func finish(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        semaphore.signal()
    }

    func wait() -> Result<Value, any Error> {
        while true {
            semaphore.wait()
            if let value = result.withLock({ $0 }) { return value }
        }
    }
}
