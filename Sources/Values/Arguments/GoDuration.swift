// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// A duration as Go writes it: `1h30m`, `1.5s`, `-250ms`, `0`; a bare number counts seconds. Nil for anything else,
    /// and for more than 2^63 nanoseconds.
    public init?(goDuration text: String) {
        var rest = Substring(text)
        var negative = false
        if rest.hasPrefix("-") || rest.hasPrefix("+") { negative = rest.removeFirst() == "-" }
        guard !rest.isEmpty else { return nil }
        var nanoseconds = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            guard let amount = Double(number) else { return nil }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            rest = rest[unit.endIndex...]
            let scale: Double
            switch unit {
            case "ns": scale = 1
            case "us", "\u{b5}s", "\u{3bc}s": scale = 1e3
            case "ms": scale = 1e6
            case "s": scale = 1e9
            case "m": scale = 60e9
            case "h": scale = 3600e9
            case "" where number.endIndex == text.endIndex && nanoseconds == 0: scale = 1e9
            default: return nil
            }
            nanoseconds += amount * scale
        }
        guard nanoseconds < 9.2e18 else { return nil }
        self = .nanoseconds(Int64(negative ? -nanoseconds : nanoseconds))
    }
}
