// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One writer at a time in each namespace that has a quota; the others wait in the order they came.
final class NamespaceLocks: Sendable {
    /// The namespaces that are locked, with those waiting for each.
    private let held = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    func lock(_ namespace: String) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFree = held.withLock { held in
                if held[namespace] == nil {
                    held[namespace] = []
                    return true
                }
                held[namespace]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func unlock(_ namespace: String) {
        let next: CheckedContinuation<Void, Never>? = held.withLock { held in
            guard let waiting = held[namespace], !waiting.isEmpty else {
                held[namespace] = nil
                return nil
            }
            return held[namespace]?.removeFirst()
        }
        next?.resume()
    }
}
