// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Names that rights are given to are the same when their bytes are.
extension [String] {
    func containsExactly(_ text: String) -> Bool { contains { $0.isExactly(text) } }

    func isExactly(_ other: [String]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.isExactly($1) }
    }
}
