// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Numbers
import Schema
internal import Text

/// A cron schedule: five fields, or one of `@hourly` and its like. No I/O.
struct CronSchedule: Sendable, Hashable {
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    private var minutes: UInt64 = 0
    private var hours: UInt64 = 0
    private var days: UInt64 = 0
    private var months: UInt64 = 0
    private var weekdays: UInt64 = 0
    /// Days of the month and of the week both restricted: either may match.
    private var daysAreAny = false
    private var weekdaysAreAny = false
    /// `@every`: seconds between runs.
    private var interval: Int64?

    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    init(_ text: String) throws(Malformed) {
        let shortcuts = [
            "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
            "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
        ]
        if text.hasPrefix("@every ") {
            guard let nanoseconds = GoDuration.nanoseconds(String(text.dropFirst(7))), nanoseconds > 0 else {
                throw Malformed(description: "the schedule \"\(text)\" names no duration")
            }
            // To the second, and never more often than each.
            interval = max(nanoseconds / 1_000_000_000, 1)
            return
        }
        let fields = (shortcuts[text] ?? text).split(separator: " ").map(String.init)
        guard fields.count == 5 else {
            throw Malformed(description: "the schedule \"\(text)\" has \(fields.count) fields, not 5")
        }
        minutes = try CronSchedule.field(fields[0], 0...59, [], text)
        hours = try CronSchedule.field(fields[1], 0...23, [], text)
        days = try CronSchedule.field(fields[2], 1...31, [], text)
        months = try CronSchedule.field(fields[3], 1...12, CronSchedule.monthNames, text, nameOffset: 1)
        weekdays = try CronSchedule.field(fields[4], 0...7, CronSchedule.dayNames, text)
        // Both 0 and 7 are Sunday.
        if weekdays & (1 << 7) != 0 { weekdays |= 1 }
        daysAreAny = fields[2].hasPrefix("*") || fields[2].hasPrefix("?")
        weekdaysAreAny = fields[4].hasPrefix("*") || fields[4].hasPrefix("?")
    }

    private static func field(
        _ field: String, _ range: ClosedRange<Int>, _ names: [String], _ text: String, nameOffset: Int = 0
    ) throws(Malformed) -> UInt64 {
        var bits: UInt64 = 0
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.steps(keepingEmpty: true)
            func refuse() -> Malformed {
                Malformed(description: "the schedule \"\(text)\" has the field \"\(field)\", which is none")
            }
            guard pieces.count <= 2, !pieces[0].isEmpty else { throw refuse() }
            var step = 1
            if pieces.count == 2 {
                guard let value = Int(pieces[1], in: 1...Int(Int32.max)) else { throw refuse() }
                step = value
            }
            func number(_ text: String) -> Int? {
                Int(text, in: 0...99) ?? names.firstIndex(of: text.lowercased()).map { $0 + nameOffset }
            }
            var low = range.lowerBound
            var high = names.count == 7 ? 6 : range.upperBound
            if pieces[0] != "*", pieces[0] != "?" {
                let ends = pieces[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
                guard ends.count <= 2, let first = number(ends[0]) else { throw refuse() }
                low = first
                if ends.count == 2 {
                    guard let last = number(ends[1]) else { throw refuse() }
                    high = last
                } else if pieces.count == 1 {
                    high = low
                }
            }
            guard range.contains(low), range.contains(high), low <= high else { throw refuse() }
            for value in stride(from: low, through: high, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }

    /// The first time after `time` that matches in `zone`; nil when none does within five years (30 February).
    func next(after time: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        if let interval { return time + .seconds(interval) }
        var seconds = (time.seconds / 60 + 1) * 60
        let end = seconds + 5 * 366 * 86_400
        while seconds < end {
            let local = seconds + zone.offset(at: seconds)
            let day = Int(local >= 0 ? local / 86_400 : (local - 86_399) / 86_400)
            let rest = local - Int64(day) * 86_400
            if !matches(CivilDate(daysSinceEpoch: day)) {
                // To the next hour, not to midnight: the offset may change on the way.
                let toMidnight = 86_400 - rest
                seconds += toMidnight > 7200 ? toMidnight - 3600 : 3600 - rest % 3600
                continue
            }
            if hours & (1 << UInt64(rest / 3600)) == 0 {
                seconds += 3600 - rest % 3600
                continue
            }
            if minutes & (1 << UInt64(rest / 60 % 60)) != 0 { return Timestamp(seconds: seconds) }
            seconds += 60
        }
        return nil
    }

    private func matches(_ date: CivilDate) -> Bool {
        guard months & (1 << UInt64(date.month)) != 0 else { return false }
        let byDay = days & (1 << UInt64(date.day)) != 0
        let byWeekday = weekdays & (1 << UInt64(date.weekday)) != 0
        return daysAreAny || weekdaysAreAny ? byDay && byWeekday : byDay || byWeekday
    }
}
