// SPDX-License-Identifier: Apache-2.0

/// Exponential back-off with jitter, forgotten after a quiet time.
public struct Backoff: Sendable {
    public var initial: Duration
    public var maximum: Duration
    public var factor: Double
    /// A step of d takes between d and d·(1+jitter).
    public var jitter: Double
    /// Back to `initial` when this long passed since the last step.
    public var resetAfter: Duration

    private var current: Duration
    private var last: ContinuousClock.Instant?

    public init(
        initial: Duration, maximum: Duration, factor: Double = 2, jitter: Double = 1,
        resetAfter: Duration = .seconds(120)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.factor = factor
        self.jitter = jitter
        self.resetAfter = resetAfter
        current = initial
    }

    /// The next wait.
    public mutating func next() -> Duration {
        let now = ContinuousClock.now
        if let last, last.duration(to: now) > resetAfter { current = initial }
        last = now
        let step = current
        current = min(maximum, current * factor)
        return jitter > 0 ? step * (1 + Double.random(in: 0..<jitter)) : step
    }

    public mutating func reset() {
        current = initial
        last = nil
    }
}

/// Runs `body` again while it throws a Conflict, as upstream's default: 5 tries, 10 ms apart, with jitter.
///
/// `body` must read the object anew each time.
public func retryOnConflict<T>(
    tries: Int = 5, _ body: () async throws -> T
) async throws -> T {
    var backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(100), factor: 1, jitter: 0.1)
    for _ in 1..<max(tries, 1) {
        do {
            return try await body()
        } catch  where error.isConflict {
            try await Task.sleep(for: backoff.next())
        }
    }
    return try await body()
}
