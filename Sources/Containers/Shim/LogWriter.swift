// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Turns output into the lines of a CRI log: `<time> stdout F <line>`, with `P` for a part of a line.
struct LogFormatter {
    /// A line longer than this is cut into parts.
    static let maximumLine = 16 * 1024

    /// What came after the last line feed, by stream: nothing mostly, and then no memory.
    private var partial: [[UInt8]] = [[], []]

    /// Appends to `output` the log lines that `bytes` of `stream` complete.
    mutating func format(
        _ bytes: UnsafeRawBufferPointer, of stream: ShimStream, at time: [UInt8], into output: inout [UInt8]
    ) {
        let index = stream == .stderr ? 1 : 0
        var start = 0
        while start < bytes.count {
            let room = LogFormatter.maximumLine - partial[index].count
            let end = min(bytes.count, start + room)
            if let feed = bytes[start..<end].firstIndex(of: 0x0a) {
                LogFormatter.header(of: stream, full: true, at: time, into: &output)
                output += partial[index]
                output += bytes[start..<feed]
                output.append(0x0a)
                if !partial[index].isEmpty { partial[index] = [] }
                start = feed + 1
            } else if end - start == room {
                LogFormatter.header(of: stream, full: false, at: time, into: &output)
                output += partial[index]
                output += bytes[start..<end]
                output.append(0x0a)
                partial[index] = []
                start = end
            } else {
                partial[index] += bytes[start..<end]
                start = end
            }
        }
    }

    /// The end of a stream: what is left is a line without its line feed.
    mutating func finish(_ stream: ShimStream, at time: [UInt8], into output: inout [UInt8]) {
        let index = stream == .stderr ? 1 : 0
        guard !partial[index].isEmpty else { return }
        LogFormatter.header(of: stream, full: false, at: time, into: &output)
        output += partial[index]
        output.append(0x0a)
        partial[index] = []
    }

    private static func header(of stream: ShimStream, full: Bool, at time: [UInt8], into output: inout [UInt8]) {
        output += time
        output += stream == .stderr ? Array(" stderr ".utf8) : Array(" stdout ".utf8)
        output += full ? Array("F ".utf8) : Array("P ".utf8)
    }
}

/// Nanoseconds since the epoch as RFC 3339 in UTC, always with nine digits: `2026-01-02T03:04:05.000000006Z`.
public func logTimestamp(_ nanoseconds: Int64) -> [UInt8] {
    let seconds = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
    let fraction = nanoseconds - seconds * 1_000_000_000
    let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
    let second = seconds - days * 86400
    // Days since the epoch to a Gregorian date, with years that begin in March so that leap days come last.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)

    var text: [UInt8] = []
    text.reserveCapacity(30)
    func digits(_ value: Int64, _ count: Int) {
        var divisor: Int64 = 1
        for _ in 1..<count { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            text.append(0x30 + UInt8(truncatingIfNeeded: rest / divisor % 10))
            rest %= divisor
            divisor /= 10
        }
    }
    digits(year, 4)
    text.append(0x2d)
    digits(month, 2)
    text.append(0x2d)
    digits(day, 2)
    text.append(0x54)
    digits(second / 3600, 2)
    text.append(0x3a)
    digits(second / 60 % 60, 2)
    text.append(0x3a)
    digits(second % 60, 2)
    text.append(0x2e)
    digits(fraction, 9)
    text.append(0x5a)
    return text
}

/// A container's log file. A write that fails loses the output and says so once; the container is never held up by a
/// full disk.
final class LogWriter {
    private let path: String
    private let limit: UInt64
    private var file: FileDescriptor?
    private var size: UInt64 = 0
    private var saidLimit = false
    private var saidFailure = false
    private var formatter = LogFormatter()
    private var output: [UInt8] = []

    /// Said when the file has grown past the limit, once per file.
    var onLimit: ((UInt64) -> Void)?
    /// Said when output begins to be lost.
    var onFailure: ((Errno) -> Void)?

    /// Opens the log for appending, and makes it when it is missing.
    init(path: String, limit: UInt64) throws(Errno) {
        self.path = path
        self.limit = limit
        try open()
    }

    private func open() throws(Errno) {
        guard !path.isEmpty else { return }
        // <log directory>/<pod>/<container>/<number>.log: a pod may have the log directory among its volumes.
        let opened = try Files.open(path, plain: 3, O_WRONLY | O_CREAT | O_APPEND, mode: 0o640)
        let raw = opened.raw
        size = UInt64(try systemCall("lseek \(path)") { lseek(raw, 0, SEEK_END) })
        file = consume opened
        saidLimit = false
        saidFailure = false
    }

    /// After a rename: the name is opened again. On failure the renamed file stays in use.
    func reopen() throws(Errno) { try open() }

    func write(_ bytes: UnsafeRawBufferPointer, of stream: ShimStream) {
        formatter.format(bytes, of: stream, at: logTimestamp(wallClock()), into: &output)
        flush()
    }

    func finish(_ stream: ShimStream) {
        formatter.finish(stream, at: logTimestamp(wallClock()), into: &output)
        flush()
    }

    private func flush() {
        guard !output.isEmpty else { return }
        defer { output.count > 8192 ? (output = []) : output.removeAll(keepingCapacity: true) }
        guard file != nil else { return }
        do {
            try file?.writeAll(output)
            size += UInt64(output.count)
        } catch {
            if !saidFailure { onFailure?(error) }
            saidFailure = true
        }
        if limit > 0, size > limit, !saidLimit {
            saidLimit = true
            onLimit?(size)
        }
    }
}
