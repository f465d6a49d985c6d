// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Small files of the shim.
enum ShimFiles {
    static func write(_ text: String, to path: String) throws(Errno) {
        try Files.replace(path, with: Array(text.utf8), durable: false)
    }
}

extension ProcessIdentity {
    /// The process that has the number `pid` now; nil when there is none (or it is a zombie and `orZombie` is false).
    public static func current(_ pid: Int32, orZombie: Bool = true) -> ProcessIdentity? {
        // A process that ends while it is looked at is one that is not there: the error says nothing more.
        guard let stat = try? Files.readText("/proc/\(pid)/stat"),
            // The name is in parentheses and may hold anything, parentheses and blanks too: count from the last one.
            let close = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        if !orZombie, fields[0] == "Z" || fields[0] == "X" { return nil }
        return ProcessIdentity(pid: pid, startTime: start)
    }

    /// Whether this very process still runs.
    public var isAlive: Bool { ProcessIdentity.current(pid, orZombie: false) == self }

    /// As written to a file: `<pid> <start time>`.
    public var text: String { "\(pid) \(startTime)\n" }

    public init?(text: String) {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let pid = Int32(fields[0]), let start = UInt64(fields[1]), pid > 0 else { return nil }
        self.init(pid: pid, startTime: start)
    }

    /// Reads the file that a shim keeps of itself or of a container; nil when there is none or it is not whole.
    public static func recorded(at path: String) -> ProcessIdentity? {
        // No file is the same answer as a broken one: nothing that may be trusted.
        guard let text = try? Files.readText(path) else { return nil }
        return ProcessIdentity(text: text)
    }
}

/// The clock of records and logs, in nanoseconds since the epoch.
func wallClock() -> Int64 { clinux_clock(CLOCK_REALTIME) }
