// SPDX-License-Identifier: Apache-2.0

/// A resource amount: an exact decimal number down to a billionth, and the family of suffixes it is shown with.
///
/// Values below a billionth round away from zero; values beyond ±10^29 are held at that bound.
public struct Quantity: Sendable, CustomStringConvertible {
    /// The family of suffixes a quantity was written with, and is shown with.
    public enum Format: Sendable, Hashable {
        /// `n u m k M G T P E`
        case decimalSI
        /// `Ki Mi Gi Ti Pi Ei`
        case binarySI
        /// `e3 E6`
        case decimalExponent
    }

    /// The amount in billionths: the one stored form, so that sums never drift.
    public var nanos: Int128
    public var format: Format

    static let unit: Int128 = 1_000_000_000
    /// The largest amount held, in billionths.
    static let bound: Int128 = 100_000_000_000_000_000_000_000_000_000 * unit

    public init(nanos: Int128, format: Format = .decimalSI) {
        self.nanos = min(max(nanos, -Self.bound), Self.bound)
        self.format = format
    }

    public init(_ value: Int64, format: Format = .decimalSI) {
        self.init(nanos: Int128(value) * Self.unit, format: format)
    }

    /// An amount in thousandths: `Quantity(milli: 250)` is `250m`.
    public init(milli: Int64, format: Format = .decimalSI) {
        self.init(nanos: Int128(milli) * 1_000_000, format: format)
    }

    public static let zero = Quantity(0)

    public var isZero: Bool { nanos == 0 }
    public var isNegative: Bool { nanos < 0 }
    /// -1, 0 or 1.
    public var sign: Int { nanos.signum() == 0 ? 0 : (nanos < 0 ? -1 : 1) }
    public var isInteger: Bool { nanos % Self.unit == 0 }

    /// The amount in whole units, fractions rounded away from zero, held within Int64.
    public var value: Int64 { scaled(to: Self.unit) }
    /// The amount in thousandths, rounded away from zero: what CPU is counted in.
    public var milliValue: Int64 { scaled(to: 1_000_000) }
    /// For scoring and metrics, where exactness does not matter.
    public var approximate: Double { Double(nanos) / 1e9 }

    private func scaled(to step: Int128) -> Int64 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: step)
        return Int64(clamping: quotient + (remainder == 0 ? 0 : (nanos < 0 ? -1 : 1)))
    }
}

extension Quantity: Hashable, Comparable {
    // The suffix family is how an amount looks, not what it is.
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity {
    /// The sum, in the format of the left side; of the right side where the left is zero.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        // Two amounts at the bound are more than the type holds.
        let (sum, overflow) = left.nanos.addingReportingOverflow(right.nanos)
        let held = left.isNegative ? -bound : bound
        return Quantity(nanos: overflow ? held : sum, format: left.isZero ? right.format : left.format)
    }

    public static func - (left: Quantity, right: Quantity) -> Quantity {
        let (difference, overflow) = left.nanos.subtractingReportingOverflow(right.nanos)
        let held = left.isNegative ? -bound : bound
        return Quantity(nanos: overflow ? held : difference, format: left.isZero ? right.format : left.format)
    }

    public static func += (left: inout Quantity, right: Quantity) { left = left + right }
    public static func -= (left: inout Quantity, right: Quantity) { left = left - right }
    public static prefix func - (quantity: Quantity) -> Quantity {
        Quantity(nanos: -quantity.nanos, format: quantity.format)
    }

    public static func * (quantity: Quantity, factor: Int64) -> Quantity {
        let (product, overflow) = quantity.nanos.multipliedReportingOverflow(by: Int128(factor))
        let negative = (quantity.nanos < 0) != (factor < 0)
        return Quantity(nanos: overflow ? (negative ? -bound : bound) : product, format: quantity.format)
    }
}

extension Quantity: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) { self.init(value) }
}
