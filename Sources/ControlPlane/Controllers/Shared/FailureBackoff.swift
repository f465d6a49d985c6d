// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How long to leave a place alone after failures there: 1 s doubled to 15 minutes, forgotten after twice that.
final class FailureBackoff: Sendable {
    private let entries = Mutex<[String: (delay: Duration, at: ContinuousClock.Instant)]>([:])
    private let first = Duration.seconds(1)
    private let longest = Duration.seconds(900)

    /// What is left to wait, or nil.
    func wait(_ place: String) -> Duration? {
        entries.withLock { entries in
            guard let entry = entries[place] else { return nil }
            let left = entry.delay - entry.at.duration(to: .now)
            return left > .zero ? left : nil
        }
    }

    func failed(_ place: String) {
        entries.withLock { entries in
            let now = ContinuousClock.now
            entries = entries.filter { $0.value.at.duration(to: now) < longest * 2 }
            let delay = entries[place].map { min(longest, $0.delay * 2) } ?? first
            entries[place] = (delay, now)
        }
    }
}
