// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A value behind a lock, for what has no other state.
final class Synchronized<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func change(_ body: (inout sending Value) -> Void) { state.withLock { body(&$0) } }
}
