// SPDX-License-Identifier: Apache-2.0

extension FixedWidthInteger {
    /// Reads decimal digits, with a minus before them where `range` goes below zero; nil for anything else, and for what
    /// lies outside `range`. No sign `+`, no blanks, no underscores: what two readers could take for two numbers is none.
    ///
    /// The one way a number from outside is read: whoever reads says what it may be.
    public init?(_ text: some StringProtocol, in range: ClosedRange<Self>) {
        var digits = Substring(text).utf8[...]
        var isNegative = false
        if digits.first == UInt8(ascii: "-") {
            guard range.lowerBound < 0 else { return nil }
            isNegative = true
            digits.removeFirst()
        }
        guard !digits.isEmpty else { return nil }
        var value: Self = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let digit = Self(truncatingIfNeeded: byte - UInt8(ascii: "0"))
            let (product, isLarge) = value.multipliedReportingOverflow(by: 10)
            // Counted downwards where negative, so that the smallest number can be read too.
            let (sum, isLarger) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !isLarge, !isLarger else { return nil }
            value = sum
        }
        guard range.contains(value) else { return nil }
        self = value
    }

    /// The number where it lies in `range`; nil where it does not, or is no whole number at all.
    public init?(_ number: some BinaryInteger, in range: ClosedRange<Self>) {
        guard let exact = Self(exactly: number), range.contains(exact) else { return nil }
        self = exact
    }
}
