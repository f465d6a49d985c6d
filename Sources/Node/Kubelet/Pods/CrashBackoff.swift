// SPDX-License-Identifier: Apache-2.0

/// How long a container that keeps ending waits: not at all the first time, then 10 s, doubled up to the maximum, and
/// forgotten after it has run twice the maximum.
struct CrashBackoff: Sendable, Hashable {
    var initial: Int64 = 10_000_000_000
    var maximum: Int64
    private(set) var current: Int64 = 0
    private var hasFailed = false
    private var lastEnd: Int64 = 0

    init(maximum: Int64) { self.maximum = maximum }

    /// Notes an end at `now` (nanoseconds) and returns how long to wait.
    mutating func ended(at now: Int64, ranFor: Int64) -> Int64 {
        if hasFailed, ranFor > 2 * maximum { self = CrashBackoff(maximum: maximum) }
        lastEnd = now
        if !hasFailed {
            hasFailed = true
            return 0
        }
        current = current == 0 ? min(initial, maximum) : min(current * 2, maximum)
        return current
    }
}
