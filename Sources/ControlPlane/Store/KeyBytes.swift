// SPDX-License-Identifier: Apache-2.0

internal import Text

/// A key as an element of sets and dictionaries. Two spellings of one character (composed and decomposed) are one String
/// to Swift and two keys to the store.
struct KeyBytes: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: KeyBytes, right: KeyBytes) -> Bool { left.text.isExactly(right.text) }

    func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
