// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension String {
    /// Whether two strings hold the same bytes. Swift's `==` also takes two spellings of one text for the same (the Kelvin
    /// sign for a `K`), by which a name could stand for another.
    public func isExactly(_ other: String) -> Bool {
        utf8.count == other.utf8.count && hasExactPrefix(other)
    }

    /// Whether the first bytes are those of `prefix`.
    public func hasExactPrefix(_ prefix: String) -> Bool {
        guard utf8.count >= prefix.utf8.count else { return false }
        // Both are in one piece of memory, but for strings of other languages, which there are none of here.
        let compared: Bool?? = unsafe utf8.withContiguousStorageIfAvailable { left in
            unsafe prefix.utf8.withContiguousStorageIfAvailable { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return unsafe memcmp(left, right, prefix.utf8.count) == 0
            }
        }
        return (compared ?? nil) ?? utf8.starts(with: prefix.utf8)
    }

    /// Feeds the bytes to a hasher, as must every type that compares texts by `isExactly`. Swift's own hash is the same for
    /// all spellings of one text: thousands of them, which anybody can write, would share one place of a table.
    public func hashBytes(into hasher: inout Hasher) {
        let isDone: Void? = unsafe utf8.withContiguousStorageIfAvailable { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        if isDone == nil { for byte in utf8 { hasher.combine(byte) } }
        // Where the text ends, so that two in a row are not one.
        hasher.combine(UInt8(0xFF))
    }
}
