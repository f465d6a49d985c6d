// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many pieces of work may be under way at a time. One task takes permits; any gives them back.
final class Permits: Sendable {
    private let state: Mutex<(free: Int, waiter: CheckedContinuation<Void, Never>?)>

    init(_ count: Int) { state = Mutex((count, nil)) }

    /// Waits for a permit. Who holds one gives it back also when cancelled, so that this ends.
    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    precondition(state.waiter == nil, "two tasks take permits")
                    state.waiter = continuation
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.free += 1
                return nil as CheckedContinuation<Void, Never>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }
}
