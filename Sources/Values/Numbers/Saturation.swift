// SPDX-License-Identifier: Apache-2.0

// Arithmetic on numbers that somebody else chose. The plain operators end the process when a result does not fit, which
// for a server is the denial of its service; a result held at the type's bound is as good as the true one wherever only
// comparisons follow: a deadline in the year 292,277,026,596 has not come, and the sum of too much is too much.

extension FixedWidthInteger {
    /// The sum, held at the type's bounds.
    public func saturatingSum(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, held at the type's bounds.
    public func saturatingDifference(_ other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    /// The product, held at the type's bounds.
    public func saturatingProduct(_ other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The whole number nearest to `real`, held at the type's bounds; 0 for what is no number.
    public init(saturating real: Double) {
        let rounded = real.rounded()
        if let exact = Self(exactly: rounded) {
            self = exact
        } else if rounded.isNaN {
            self = 0
        } else {
            self = rounded < 0 ? .min : .max
        }
    }
}

extension Sequence where Element: FixedWidthInteger {
    /// The sum, held at the type's bounds.
    public func saturatingSum() -> Element { reduce(0) { $0.saturatingSum($1) } }
}
