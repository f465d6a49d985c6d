// SPDX-License-Identifier: Apache-2.0

/// Points in time as the API writes them, and how long ago they are.
public enum Age {
    /// Seconds since 1970 of an RFC 3339 time; fractions are dropped. Nil when the text is no time.
    public static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int64? {
            guard from + count <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[from..<from + count] {
                guard byte &- 48 < 10 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, bytes[10] | 0x20 == 0x74, bytes[13] == 58,
            bytes[16] == 58, let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month),
            (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var position = 19
        if bytes[position] == 46 {
            position += 1
            while position < bytes.count, bytes[position] &- 48 < 10 { position += 1 }
        }
        guard let offset = zone(Array(bytes[position...])) else { return nil }
        return daysSince1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
    }

    /// The offset of `Z` or `+02:00` in seconds.
    private static func zone(_ bytes: [UInt8]) -> Int64? {
        if bytes == [UInt8(ascii: "Z")] || bytes == [UInt8(ascii: "z")] { return 0 }
        guard bytes.count == 6, bytes[3] == 58, bytes[0] == 43 || bytes[0] == 45 else { return nil }
        let digits = [bytes[1], bytes[2], bytes[4], bytes[5]].map { Int64($0) - 48 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let offset = (digits[0] * 10 + digits[1]) * 3600 + (digits[2] * 10 + digits[3]) * 60
        return bytes[0] == 43 ? offset : -offset
    }

    /// Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that a leap day is the last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `5s`, `3m20s`, `7h5m`, `2d`, `3y12d`: the same rounding kubectl applies.
    public static func text(ofSeconds seconds: Int64) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        func pair(_ large: Int64, _ unit: String, _ small: Int64, _ part: String) -> String {
            small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(part)"
        }
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if hours < 192 { return pair(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        return days < 2920 ? pair(days / 365, "y", days % 365, "d") : "\(days / 365)y"
    }

    /// How long ago a stored time is; `<unknown>` where there is none.
    static func since(_ time: String?, now: Int64) -> String {
        guard let time, let then = seconds(time) else { return "<unknown>" }
        return text(ofSeconds: now - then)
    }
}
