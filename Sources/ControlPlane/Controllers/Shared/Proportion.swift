// SPDX-License-Identifier: Apache-2.0

import JSON
import Numbers

/// A field that holds a number or a percentage (`25%`), scaled to a total.
///
/// - Returns: nil for text that is neither.
/// - Parameter value: Held, as the result is, within 32 bits: what is counted here is objects.
func scaled(_ value: JSONValue?, of total: Int, roundUp: Bool) -> Int? {
    guard let value else { return nil }
    if let number = value.integer { return Int(Int32(clamping: number)) }
    guard let text = value.string, text.hasSuffix("%") else {
        return value.string.flatMap { Int($0, in: bounds) }
    }
    // A percentage of many digits is more than any total has.
    let digits = text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let percent = Int(digits, in: 0...Int.max) ?? .max
    let product = percent.saturatingProduct(total)
    let share = product / 100 + (roundUp && product % 100 > 0 ? 1 : 0)
    return min(max(share, bounds.lowerBound), bounds.upperBound)
}

private let bounds = -Int(Int32.max)...Int(Int32.max)
