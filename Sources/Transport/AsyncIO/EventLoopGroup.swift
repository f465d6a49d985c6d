// SPDX-License-Identifier: Apache-2.0

public import Linux
internal import Synchronization

/// Several loops among which connections are dealt out in turn.
public final class EventLoopGroup: Sendable {
    /// The loops, at least one.
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// Starts `count` loops.
    public init(count: Int) throws(Errno) {
        var loops: [EventLoop] = []
        for _ in 0..<max(1, count) { loops.append(try EventLoop()) }
        self.loops = loops
    }

    /// The group of one loop that runs already.
    public init(_ loop: EventLoop) { loops = [loop] }

    /// The next loop in turn.
    public func next() -> EventLoop {
        if loops.count == 1 { return loops[0] }
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: number) % UInt(loops.count))]
    }

    /// Ends the threads; see `EventLoop.stop`.
    public func stop() {
        for loop in loops { loop.stop() }
    }

    // MARK: The group of this process

    private struct Shared {
        var count = 1
        var group: EventLoopGroup?
    }

    private static let sharedState = Mutex(Shared())

    /// The group everything uses that is not told another: one loop, unless `configureShared` said otherwise.
    public static var shared: EventLoopGroup {
        sharedState.withLock { state in
            if let group = state.group { return group }
            do {
                let group = try EventLoopGroup(count: state.count)
                state.group = group
                return group
            } catch {
                // Out of descriptors or threads at start-up: nothing of this program can run.
                preconditionFailure("start the event loops: \(error)")
            }
        }
    }

    /// How many loops the shared group shall have. False when it is running already with another number.
    @discardableResult
    public static func configureShared(count: Int) -> Bool {
        sharedState.withLock { state in
            if let group = state.group { return group.loops.count == max(1, count) }
            state.count = max(1, count)
            return true
        }
    }
}
