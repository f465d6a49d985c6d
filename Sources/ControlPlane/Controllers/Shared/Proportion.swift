// SPDX-License-Identifier: Apache-2.0

import JSON

/// A field that holds a number or a percentage (`25%`), scaled to a total.
///
/// - Returns: nil for text that is neither.
func scaled(_ value: JSONValue?, of total: Int, roundUp: Bool) -> Int? {
    guard let value else { return nil }
    if let number = value.integer { return Int(number) }
    guard let text = value.string, text.hasSuffix("%"), let percent = Int(text.dropLast()) else {
        return value.string.flatMap { Int($0) }
    }
    let product = percent * total
    return roundUp ? (product + 99) / 100 : product / 100
}
