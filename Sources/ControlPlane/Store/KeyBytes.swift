// SPDX-License-Identifier: Apache-2.0

/// A key as an element of sets and dictionaries. Two spellings of one character (composed and decomposed) are one String
/// to Swift and two keys to the store.
struct KeyBytes: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: KeyBytes, right: KeyBytes) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        precondition(isHashed != nil, "a native string is contiguous")
    }
}
