// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What connections that change their protocol hold of their peers' input, all together: parts of messages, bytes that
/// nobody has read. Each may have a little without asking; more comes from what the process has for all of them, so that
/// many connections that hold much are not more than that.
final class InputAllowance: Sendable {
    /// For all connections of this process.
    static let shared = InputAllowance(total: 64 << 20)
    /// What every connection has.
    static let each = 64 << 10

    private let total: Int
    private let used = Mutex(0)

    init(total: Int) { self.total = total }

    var inUse: Int { used.withLock { $0 } }

    /// One connection's part.
    final class Part: Sendable {
        private let allowance: InputAllowance
        private let held = Mutex(0)

        init(of allowance: InputAllowance) { self.allowance = allowance }

        deinit { set(0) }

        /// Says how much the connection holds now. False, and nothing is changed, when that is more than there is.
        @discardableResult
        func set(_ count: Int) -> Bool {
            held.withLock { held in
                let (before, after) = (
                    max(0, held - InputAllowance.each), max(0, count - InputAllowance.each)
                )
                guard before != after else {
                    held = count
                    return true
                }
                let isGiven = allowance.used.withLock { used in
                    guard after <= before || used + after - before <= allowance.total else { return false }
                    used += after - before
                    return true
                }
                if isGiven { held = count }
                return isGiven
            }
        }
    }
}
