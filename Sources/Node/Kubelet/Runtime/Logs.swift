// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Text

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

    /// The directory of one, as carefully.
    static func directory(of path: String) throws(Errno) -> FileDescriptor {
        let names = path.steps
        guard names.count > 3, path.hasExactPrefix("/") else { throw Errno(EINVAL, "open the directory of \(path)") }
        let root = try FileDescriptor.handle("/" + names.dropLast(3).joined(separator: "/"), directory: true)
        let below = names.suffix(3).dropLast().joined(separator: "/")
        return try root.open(
            below: below, O_RDONLY | O_DIRECTORY, resolve: [.beneath, .noSymlinks, .noMagicLinks])
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
    /// Renames the log at `path` and removes what is more than `keep` files of it with the one to come. All in its
    /// directory as it is found without following a link: a pod may have the log directory among its volumes.
    static func rotate(_ path: String, keep: Int) throws(Errno) {
        let directory = try LogFile.directory(of: path)
        let name = Files.name(of: path)
        let below = directory.procPath
        try Files.rename("\(below)/\(name)", to: "\(below)/\(name).\(KernelClock.wall.now())")
        let old = try directory.entries().map(\.name).filter { $0.hasPrefix(name + ".") }.sorted()
        for extra in old.dropLast(max(keep - 1, 0)) { try Files.removeIfPresent("\(below)/\(extra)") }
        _ = directory.raw  // open until here
    }
}
