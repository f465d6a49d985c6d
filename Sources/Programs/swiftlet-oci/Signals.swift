// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Signals by number or name, with or without SIG.
enum Signals {
    static let names: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17,
        "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26,
        "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
    ]

    static func parse(_ text: String) throws -> Int32 {
        if let number = Int32(text), (0...64).contains(number) { return number }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let number = names[name] { return number }
        // RTMIN is 34 for programs: libc keeps the first two for itself.
        if name.hasPrefix("RTMIN"), let offset = Int32(name.dropFirst(5).isEmpty ? "0" : String(name.dropFirst(5))),
            (0...30).contains(offset)
        {
            return 34 + offset
        }
        if name.hasPrefix("RTMAX"), let offset = Int32(name.dropFirst(5).isEmpty ? "0" : String(name.dropFirst(5))),
            (-30...0).contains(offset)
        {
            return 64 + offset
        }
        throw UsageError(description: "unknown signal \(text)")
    }
}
