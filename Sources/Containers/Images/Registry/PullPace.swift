// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// How fast a blob comes, over all the connections that bring it. A registry that sends a byte now and then is never silent,
/// and would be waited for as long as it likes.
struct PullPace: Sendable {
    /// What has to come in each interval.
    static let bytes = 64 * 1024

    private let interval: Int64
    private var began: Int64
    private var count = 0

    /// `now` is of the monotonic clock, in nanoseconds.
    init(interval: Int64, now: Int64) {
        self.interval = interval
        began = now
    }

    /// Notes bytes that have come; false once an interval has brought too few.
    mutating func take(_ bytes: Int, at now: Int64) -> Bool {
        count += bytes
        guard now - began >= interval else { return true }
        guard count >= Self.bytes else { return false }
        began = now
        count = 0
        return true
    }
}
