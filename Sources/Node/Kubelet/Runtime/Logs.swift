// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// The end of a log, as a termination message has it.
enum TerminationLog {
    /// At most `lines` lines and `bytes` bytes of output from the end of a CRI log.
    static func text(_ path: String, lines: Int, bytes: Int) -> String {
        // No log, no message.
        guard let content = try? end(of: path, bytes: 256 * 1024) else { return "" }
        let output = content.split(separator: 10).suffix(lines).map { CRILine($0)?.output ?? [] }
        return String(decoding: output.joined().suffix(bytes), as: UTF8.self)
    }

    private static func end(of path: String, bytes: Int) throws(Errno) -> ArraySlice<UInt8> {
        let file = try LogFile.open(path)
        let size = Int(try file.status().size)
        if size > bytes { try file.seek(to: size - bytes) }
        // Not to its end: it may grow while it is read.
        let content = try file.read(upTo: bytes)
        // The first line is most likely not whole.
        guard size > bytes, let feed = content.firstIndex(of: 10) else { return content[...] }
        return content[(feed + 1)...]
    }
}

/// The log files of containers, `<log directory>/<pod>/<container>/<number>.log`.
enum LogFile {
    /// Opens one for reading. A pod may have the log directory among its volumes and put links there: none is followed,
    /// or whoever reads the log would read a file of the host.
    static func open(_ path: String) throws(Errno) -> FileDescriptor {
        try Files.open(path, plain: 3, O_RDONLY)
    }
}

/// One line of a CRI log, taken apart.
struct CRILine {
    var time: ArraySlice<UInt8>
    var stream: ArraySlice<UInt8>
    var isPartial: Bool
    var content: ArraySlice<UInt8>

    /// `line` without its line feed; nil when it is not a log line.
    init?(_ line: ArraySlice<UInt8>) {
        let parts = line.split(separator: 32, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        time = parts[0]
        stream = parts[1]
        isPartial = parts[2].first == UInt8(ascii: "P")
        content = parts[3]
    }

    /// What the container wrote: with its line feed, unless the line goes on.
    var output: [UInt8] { isPartial ? Array(content) : content + [10] }
}

/// Keeps the last few files of a log: `0.log.<time>`, newest last.
enum LogRotation {
    static func rotate(_ path: String, keep: Int) throws(Errno) {
        let directory = Files.parent(of: path)
        let name = Files.name(of: path)
        let stamp = KernelClock.wall.now()
        try Files.rename(path, to: "\(path).\(stamp)")
        let old = try Files.list(directory).map(\.name).filter { $0.hasPrefix(name + ".") }.sorted()
        for extra in old.dropLast(max(keep - 1, 0)) { try Files.removeIfPresent("\(directory)/\(extra)") }
    }
}
