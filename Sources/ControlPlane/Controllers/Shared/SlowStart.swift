// SPDX-License-Identifier: Apache-2.0

/// Calls `body` `count` times in batches of 1, 2, 4, …, stopping after the first batch with a failure: a quota that
/// refuses one pod is not asked a thousand times. Returns how many succeeded, and the first error.
func slowStartBatch(
    _ count: Int, first: Int = 1, _ body: @escaping @Sendable (Int) async throws -> Void
) async -> (succeeded: Int, error: (any Error)?) {
    var succeeded = 0
    var started = 0
    var size = min(first, count)
    while size > 0 {
        let range = started..<(started + size)
        let results = await withTaskGroup(of: (any Error)?.self) { group in
            for index in range {
                group.addTask {
                    do {
                        try await body(index)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var errors: [any Error] = []
            for await error in group {
                if let error { errors.append(error) }
            }
            return errors
        }
        succeeded += size - results.count
        if let error = results.first { return (succeeded, error) }
        started += size
        size = min(2 * size, count - started)
    }
    return (succeeded, nil)
}
