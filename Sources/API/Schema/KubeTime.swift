// SPDX-License-Identifier: Apache-2.0

import Glibc
import Numbers

/// A moment, as API objects hold it: RFC 3339 in UTC, with seconds (`Time`) or microseconds (`MicroTime`).
public struct KubeTime: Sendable, Hashable, Comparable {
    /// Seconds since 1970 in UTC, leap seconds not counted.
    public var seconds: Int64
    /// 0 to 999,999,999, added to the seconds.
    public var nanoseconds: Int32

    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public static var now: KubeTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return KubeTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// RFC 3339, with any offset and any fraction; nil for anything else, and outside the years 1 to 9999.
    public init?(_ text: String) {
        var text = text
        guard let parsed = text.withUTF8({ Self.parse($0) }) else { return nil }
        self = parsed
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> KubeTime? {
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[start..<start + count] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54, bytes[13] == 0x3A,
            bytes[16] == 0x3A, let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), day >= 1, day <= daysIn(month, year), hour < 24, minute < 60, second < 60
        else { return nil }
        var at = 19
        var nanoseconds: Int32 = 0
        if bytes[at] == 0x2E || bytes[at] == 0x2C {
            at += 1
            let first = at
            var scale: Int32 = 100_000_000
            while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
                nanoseconds += Int32(bytes[at] - 0x30) * scale
                scale /= 10
                at += 1
            }
            guard at > first else { return nil }
        }
        guard at < bytes.count else { return nil }
        var offset = 0
        if bytes[at] == 0x5A {
            at += 1
        } else {
            guard bytes[at] == 0x2B || bytes[at] == 0x2D, at + 6 == bytes.count, bytes[at + 3] == 0x3A,
                let hours = number(at + 1, 2), let minutes = number(at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (bytes[at] == 0x2D ? -1 : 1)
            at += 6
        }
        guard at == bytes.count else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        return KubeTime(
            seconds: Int64(days * 86400 + hour * 3600 + minute * 60 + second - offset), nanoseconds: nanoseconds)
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
    private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Year, month, day, hour, minute, second in UTC, and the day of the week with Sunday as 0.
    public var calendar: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, weekday: Int) {
        var days = Int(seconds / 86400)
        var rest = Int(seconds % 86400)
        if rest < 0 {
            rest += 86400
            days -= 1
        }
        let weekday = ((days + 4) % 7 + 7) % 7
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1,
            rest / 3600, rest / 60 % 60, rest % 60, weekday
        )
    }

    /// The moment of a date and time in UTC; nil when there is no such date.
    public init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard (1...12).contains(month), day >= 1, day <= Self.daysIn(month, year) else { return nil }
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        self.init(seconds: Int64(days * 86400 + hour * 3600 + minute * 60 + second))
    }

    /// `2026-11-21T08:37:56Z`: the form of `Time`.
    public var rfc3339: String { text(fraction: nil) }

    /// `2026-11-21T08:37:56.123456Z`: the form of `MicroTime`.
    public var rfc3339Micro: String { text(fraction: (Int(nanoseconds) / 1000, 6)) }

    /// With all nine digits, as container log lines have them.
    public var rfc3339Nano: String { text(fraction: (Int(nanoseconds), 9)) }

    private func text(fraction: (value: Int, width: Int)?) -> String {
        let date = KubeTime(seconds: Self.held(seconds)).calendar
        return String(unsafeUninitializedCapacity: 40) { buffer in
            var at = 0
            func put(_ byte: UInt8) {
                buffer[at] = byte
                at += 1
            }
            func put(_ number: Int, _ width: Int) {
                var scale = 1
                for _ in 1..<width { scale *= 10 }
                while scale > 0 {
                    put(0x30 + UInt8(number / scale % 10))
                    scale /= 10
                }
            }
            put(date.year, 4)
            put(0x2D)
            put(date.month, 2)
            put(0x2D)
            put(date.day, 2)
            put(0x54)
            put(date.hour, 2)
            put(0x3A)
            put(date.minute, 2)
            put(0x3A)
            put(date.second, 2)
            if let fraction {
                put(0x2E)
                put(fraction.value, fraction.width)
            }
            put(0x5A)
            return at
        }
    }

    public static func < (left: KubeTime, right: KubeTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// The moment that much later, held within the years 1 to 9999, beyond which there is no text for it.
    public static func + (time: KubeTime, duration: Duration) -> KubeTime {
        let parts = duration.components
        var seconds = held(time.seconds.saturatingSum(parts.seconds))
        var nanoseconds = Int64(time.nanoseconds) + parts.attoseconds / 1_000_000_000
        if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            seconds += 1
        } else if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            seconds -= 1
        }
        return KubeTime(seconds: held(seconds), nanoseconds: Int32(nanoseconds))
    }

    /// Seconds of the years 1 to 9999.
    public static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    private static func held(_ seconds: Int64) -> Int64 {
        min(max(seconds, range.lowerBound), range.upperBound)
    }

    /// Nanoseconds since 1970, held within what 64 bits hold (the years 1677 to 2262).
    public var nanosecondsSinceEpoch: Int64 {
        seconds.saturatingProduct(1_000_000_000).saturatingSum(Int64(nanoseconds))
    }

    public static func - (time: KubeTime, duration: Duration) -> KubeTime { time + (.zero - duration) }

    public static func - (left: KubeTime, right: KubeTime) -> Duration {
        .seconds(left.seconds.saturatingDifference(right.seconds))
            + .nanoseconds(Int64(left.nanoseconds) - Int64(right.nanoseconds))
    }

    /// Cut to whole seconds, as `Time` stores it.
    public var wholeSeconds: KubeTime { KubeTime(seconds: seconds) }
}

extension KubeTime: CustomStringConvertible {
    public var description: String { nanoseconds == 0 ? rfc3339 : rfc3339Nano }
}
