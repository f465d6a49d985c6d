// SPDX-License-Identifier: Apache-2.0

internal import Numbers

/// Times as the kernel's clocks count them, made of numbers that users wrote.
enum Nanoseconds {
    /// Held at 73 years, which no clock of this node will come to: sums with a clock's reading fit in any case.
    static func of(seconds: Int) -> Int64 {
        min(max(Int64(seconds).saturatingProduct(1_000_000_000), .min / 4), .max / 4)
    }
}
