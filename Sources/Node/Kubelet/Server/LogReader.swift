// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Schema

/// What of a log a client wants (PodLogOptions).
struct LogOptions: Sendable, Equatable {
    var follow = false
    var timestamps = false
    var tailLines: Int?
    var limitBytes: Int?
    /// Entries before this are left out.
    var since: KubeTime?
    /// `Stdout`, `Stderr` or `All`.
    var stream = "All"
}

/// Turns the lines of a CRI log file (`<time> <stream> <tags> <text>`) into what a client reads. Pure.
struct LogFormatter {
    private let options: LogOptions
    private var remaining: Int
    /// Whether the limit of bytes is used up.
    private(set) var isFull = false
    /// Whether the next piece of each stream starts a line: only there does a timestamp go.
    private var startsLine: [UInt8: Bool] = [:]

    init(_ options: LogOptions) {
        self.options = options
        remaining = options.limitBytes ?? Int.max
    }

    /// The output for one line of the file, without its line feed; empty for what is filtered out or damaged.
    mutating func format(_ line: ArraySlice<UInt8>) -> [UInt8] {
        guard !isFull, let entry = LogEntry(line), wants(entry) else { return [] }
        var output: [UInt8] = []
        if options.timestamps, startsLine[entry.stream] ?? true { output += Array(entry.time) + [0x20] }
        output += entry.text
        if !entry.isPartial { output.append(0x0A) }
        startsLine[entry.stream] = !entry.isPartial
        if output.count >= remaining {
            output = Array(output.prefix(remaining))
            isFull = true
        }
        remaining -= output.count
        return output
    }

    private func wants(_ entry: LogEntry) -> Bool {
        switch options.stream {
        case "Stdout": if entry.stream != UInt8(ascii: "o") { return false }
        case "Stderr": if entry.stream != UInt8(ascii: "e") { return false }
        default: break
        }
        guard let since = options.since else { return true }
        guard let time = KubeTime(String(decoding: entry.time, as: UTF8.self)) else { return true }
        return time >= since
    }
}

/// One line of a CRI log.
struct LogEntry {
    var time: ArraySlice<UInt8>
    /// The letter that tells `stdout` from `stderr`: the fourth.
    var stream: UInt8
    var isPartial: Bool
    var text: ArraySlice<UInt8>

    init?(_ line: ArraySlice<UInt8>) {
        guard let first = line.firstIndex(of: 0x20) else { return nil }
        let afterTime = line[(first + 1)...]
        guard let second = afterTime.firstIndex(of: 0x20), second - afterTime.startIndex == 6 else { return nil }
        let afterStream = line[(second + 1)...]
        guard let third = afterStream.firstIndex(of: 0x20) else { return nil }
        time = line[..<first]
        stream = afterTime[afterTime.startIndex + 3]
        isPartial = afterStream[..<third].first == UInt8(ascii: "P")
        text = line[(third + 1)...]
    }
}

/// Finds where the last lines of a log begin, reading from its end.
enum LogTail {
    /// The offset at which the last `count` whole log lines start. A line of the program may be several in the file:
    /// partial ones belong to the next full one of their stream, and count once.
    static func offset(of count: Int, in file: borrowing FileDescriptor, size: Int) throws(Errno) -> Int {
        guard count > 0 else { return size }
        var end = size
        var carried: [UInt8] = []
        var seen = 0
        while end > 0 {
            let start = max(0, end - 64 * 1024)
            var block = [UInt8](repeating: 0, count: end - start)
            try read(&block, of: file, at: start)
            block += carried
            var lineEnd = block.count
            var cursor = lineEnd - 1
            // Every line is judged by its own start, so walk line starts backwards.
            while cursor >= 0 {
                if block[cursor] == 0x0A, cursor + 1 < lineEnd {
                    if let entry = LogEntry(block[(cursor + 1)..<lineEnd]), !entry.isPartial {
                        seen += 1
                        if seen > count { return start + lineEnd }
                    }
                    lineEnd = cursor + 1
                }
                cursor -= 1
            }
            carried = Array(block[..<lineEnd])
            end = start
        }
        if let entry = LogEntry(carried[...]), !entry.isPartial, seen == count { return carried.count }
        return 0
    }

    private static func read(
        _ block: inout [UInt8], of file: borrowing FileDescriptor, at offset: Int
    ) throws(Errno) {
        var done = 0
        let number = file.raw
        while done < block.count {
            let from = done
            let count = try systemCall("read log") {
                block.withUnsafeMutableBytes { pread(number, $0.baseAddress! + from, $0.count - from, offset + from) }
            }
            if count == 0 { throw Errno(EIO, "read log: it shrank") }
            done += count
        }
    }
}
