// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The time of day as lines of a log need it: UTC, no calendar library.
struct WallClock {
    var seconds: Int
    var nanoseconds: Int

    static var now: WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    /// `2026-11-21T08:37:56.123Z`.
    var rfc3339Milliseconds: String {
        var broken = tm()
        var seconds = seconds
        gmtime_r(&seconds, &broken)
        func pad(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return pad(Int(broken.tm_year) + 1900, 4) + "-" + pad(broken.tm_mon + 1, 2) + "-" + pad(broken.tm_mday, 2) + "T"
            + pad(broken.tm_hour, 2) + ":" + pad(broken.tm_min, 2) + ":" + pad(broken.tm_sec, 2) + "."
            + pad(nanoseconds / 1_000_000, 3) + "Z"
    }
}
