// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Numbers
internal import Synchronization

/// Wall time, as Kubernetes writes it.
enum WallClock {
    /// Seconds since 1970.
    static func seconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec)
    }

    /// The times that RFC 3339 has texts for: the years 1 to 9999.
    static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// RFC 3339 in UTC, with seconds: `2026-01-02T03:04:05Z`. Held within `range`.
    static func text(_ seconds: Int64 = WallClock.seconds()) -> String {
        let seconds = min(max(seconds, range.lowerBound), range.upperBound)
        let (year, month, day) = date(days: Int((seconds - floorMod(seconds, 86_400)) / 86_400))
        let rest = Int(floorMod(seconds, 86_400))
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
            + "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))Z"
    }

    /// The seconds of an RFC 3339 text; nil when it is none.
    static func parse(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[13] == 0x3a, bytes[16] == 0x3a else {
            return nil
        }
        func number(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self), in: 0...9999) }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var zone = 0
        var rest = bytes[19...]
        if rest.first == 0x2e { rest = rest.dropFirst().drop { $0 >= 0x30 && $0 <= 0x39 } }
        if rest.first == 0x2b || rest.first == 0x2d {
            let digits = rest.dropFirst()
            guard digits.count == 5, let hours = Int(String(decoding: digits.prefix(2), as: UTF8.self), in: 0...23),
                let minutes = Int(String(decoding: digits.suffix(2), as: UTF8.self), in: 0...59)
            else { return nil }
            zone = (hours * 3600 + minutes * 60) * (rest.first == 0x2d ? -1 : 1)
        } else if rest.first != 0x5a || rest.count != 1 {
            return nil
        }
        return Int64(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone)
    }

    private static func floorMod(_ a: Int64, _ b: Int64) -> Int64 { ((a % b) + b) % b }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// The civil date of a day counted from 1970-01-01, by eras of 400 years.
    private static func date(days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Names and identifiers made by the server.
enum Fresh {
    /// A random (version 4) UUID.
    static func uid() -> String {
        let (high, low) = randomWords.withLock { ($0.next(), $0.next()) }
        let words = (high & 0xffff_ffff_ffff_0fff | 0x4000, low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
        return String(unsafeUninitializedCapacity: 36) { text in
            var place = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    text[place] = 0x2d
                    place += 1
                }
                let nibble = UInt8(truncatingIfNeeded: (digit < 16 ? words.0 : words.1) >> (60 - 4 * (digit & 15))) & 15
                text[place] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
                place += 1
            }
            return place
        }
    }

    private static let randomWords = Mutex(RandomWords())

    /// The kernel's random numbers, a block at a time: every request has an identifier, and a system call for each would
    /// be most of its cost.
    private struct RandomWords {
        private var words: [UInt64] = []

        mutating func next() -> UInt64 {
            if let word = words.popLast() { return word }
            words = [UInt64](repeating: 0, count: 32)
            // Up to 256 bytes come whole, whatever signals do (getentropy(3)).
            let result = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
            precondition(result == 0, "the kernel has random numbers")
            return words.removeLast()
        }
    }

    /// Five characters that spell no words, as generated names end.
    static func suffix(_ count: Int = 5) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
        return String(decoding: (0..<count).map { _ in alphabet.randomElement() ?? 0x62 }, as: UTF8.self)
    }

    /// `base` with a random end, at most 63 bytes.
    static func name(_ base: String) -> String {
        String(decoding: Array(base.utf8.prefix(58)), as: UTF8.self) + suffix()
    }
}
