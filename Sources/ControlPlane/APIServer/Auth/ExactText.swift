// SPDX-License-Identifier: Apache-2.0

/// Names that rights are given to are the same when their bytes are. Swift's `==` also takes two spellings of one text for
/// the same (the Kelvin sign for a `K`), by which somebody could go by another's name.
extension String {
    func isExactly(_ other: String) -> Bool {
        // The first comparison is the fast one, and nearly always decides.
        self == other && utf8.elementsEqual(other.utf8)
    }
}

extension [String] {
    func containsExactly(_ text: String) -> Bool { contains { $0.isExactly(text) } }

    func isExactly(_ other: [String]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.isExactly($1) }
    }
}
