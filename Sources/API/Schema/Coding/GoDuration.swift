// SPDX-License-Identifier: Apache-2.0

/// Durations as Go writes them: `1h2m3.5s`.
public enum GoDuration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("\u{b5}s", 1e3), ("\u{3bc}s", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9),
        ("h", 3600e9),
    ]

    /// Nil for what is no duration, and beyond 292 years.
    public static func nanoseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        var negative = false
        if rest.hasPrefix("-") || rest.hasPrefix("+") { negative = rest.removeFirst() == "-" }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest[number.endIndex...]
            let name = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            rest = rest[name.endIndex...]
            guard let amount = Double(number), let unit = units.first(where: { $0.name == name }) else { return nil }
            total += amount * unit.nanoseconds
        }
        guard total < 9.22e18 else { return nil }
        return Int64(negative ? -total : total)
    }

    public static func text(nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        if magnitude < 1_000 { return "\(sign)\(magnitude)ns" }
        if magnitude < 1_000_000 { return sign + decimal(magnitude, 1_000) + "\u{b5}s" }
        if magnitude < 1_000_000_000 { return sign + decimal(magnitude, 1_000_000) + "ms" }
        let minutes = magnitude / 60_000_000_000
        var text = sign
        if minutes >= 60 { text += "\(minutes / 60)h" }
        if minutes > 0 { text += "\(minutes % 60)m" }
        return text + decimal(magnitude % 60_000_000_000, 1_000_000_000) + "s"
    }

    private static func decimal(_ value: UInt64, _ scale: UInt64) -> String {
        var digits = String(value % scale + scale).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return digits.isEmpty ? String(value / scale) : "\(value / scale).\(digits)"
    }
}
