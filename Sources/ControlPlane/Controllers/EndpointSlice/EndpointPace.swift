// SPDX-License-Identifier: Apache-2.0

import JSON
import Synchronization

/// How fast what is known of endpoints is written in one namespace, by size: everybody reads it, on every node. A pod that
/// is ready now and then, behind Services of 10,000 ports, would else be work for all without end. What is small does not
/// wait; what waits is written once, as it is by then.
///
/// A bucket of bytes for each namespace, which may be overdrawn by one object.
final class EndpointPace: Sendable {
    private struct Bucket {
        /// Negative where more was written than there was.
        var bytes: Int
        /// Of a monotonic clock, in nanoseconds.
        var since: Int64
    }

    private let rate: Int
    private let burst: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameters:
    ///   - rate: Bytes a second in the long run.
    ///   - burst: Bytes at once, after a time of rest.
    init(rate: Int = 256 << 10, burst: Int = 4 << 20) {
        self.rate = rate
        self.burst = burst
    }

    /// How long nothing is to be written in `namespace`; nil when something may.
    func wait(_ namespace: String, now: Int64) -> Duration? {
        buckets.withLock { buckets in
            guard let level = level(buckets[namespace], now), level < 0 else { return nil }
            return .milliseconds(-level * 1000 / rate + 1)
        }
    }

    /// Notes that about `bytes` were written.
    func charge(_ namespace: String, _ bytes: Int, now: Int64) {
        buckets.withLock { buckets in
            let left = level(buckets[namespace], now) ?? burst
            buckets[namespace] = Bucket(bytes: left - bytes, since: now)
            // What is full again need not be remembered.
            if buckets.count > 1024 { buckets = buckets.filter { (level($0.value, now) ?? burst) < burst } }
        }
    }

    private func level(_ bucket: Bucket?, _ now: Int64) -> Int? {
        bucket.map { bucket in
            let milliseconds = Int(clamping: max(0, now - bucket.since) / 1_000_000)
            return min(burst, bucket.bytes + min(milliseconds, 86_400_000) * rate / 1000)
        }
    }

    /// Notes that so many ports of pods were looked at, which is work whether anything is written or not: as what 8 bytes
    /// each are, so that a namespace has a twentieth of a processor in the long run.
    func charge(_ namespace: String, effort: Int, now: Int64) {
        charge(namespace, min(effort, 1 << 40) * 8, now: now)
    }

    /// About how many bytes an object of so many endpoints and ports is.
    static func size(endpoints: Int, ports: Int) -> Int { 512 + endpoints * 320 + ports * 64 }
}
