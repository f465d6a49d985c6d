// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What is left of a chunk when its reader wanted less.
final class Remainder: Sendable {
    private let bytes = Mutex<ArraySlice<UInt8>>([])

    init() {}

    init(_ initial: ArraySlice<UInt8>) {
        bytes.withLock { $0 = initial }
    }

    /// Up to `max` of the bytes left, or nil when there are none.
    func take(_ max: Int) -> [UInt8]? {
        bytes.withLock { bytes in
            guard !bytes.isEmpty else { return nil }
            let part = Array(bytes.prefix(max))
            bytes = bytes.count == part.count ? [] : bytes.dropFirst(part.count)
            return part
        }
    }

    /// The first `max` bytes of `chunk`; the rest is kept for `take`.
    func split(_ chunk: [UInt8], _ max: Int) -> [UInt8] {
        if chunk.count <= max { return chunk }
        bytes.withLock { $0 = chunk[max...] }
        return Array(chunk[..<max])
    }
}
