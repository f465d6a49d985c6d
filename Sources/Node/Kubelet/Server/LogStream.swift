// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Glibc
internal import HTTP
internal import Linux
internal import Synchronization

/// Reads a container's log for a client: from the line wanted to the end, then, when following, what is added until
/// the container ends, across rotations.
struct LogStream: Sendable {
    let log: ContainerLog
    let options: LogOptions
    let access: any ContainerAccess
    var watches = DirectoryWatches.shared
    /// Where lines are read and formatted: there may be gigabytes of them.
    var executor: any TaskExecutor = EventLoop.here

    /// The body of the response. Nothing is read before the client does.
    func body() -> HTTPBody {
        let (writer, stream) = HTTPBodyStream.pipe(capacity: 256 << 10)
        let task = executor.begin {
            do {
                try await run(writer)
                writer.finish()
            } catch { writer.finish(error) }
        }
        writer.onAbandon { task.cancel() }
        return .stream(stream)
    }

    private func run(_ writer: HTTPBodyWriter) async throws {
        var formatter = LogFormatter(options)
        var cursor = try LogCursor(path: log.path, tail: options.tailLines)
        try await copy(&cursor, &formatter, writer)
        guard options.follow, !formatter.isFull else { return }
        // Of the directory, so that the new file of a rotation is seen as well as growth.
        let changes = watches.changes(in: Files.parent(of: log.path))
        let ended = Ended()
        let waiting = EventLoop.here.begin {
            await access.waitForEnd(of: log)
            ended.set()
            changes.wake()
        }
        defer { waiting.cancel() }
        while !formatter.isFull {
            // Asked before reading: what was written before the end is then still read after it.
            let isLast = ended.isSet
            try await copy(&cursor, &formatter, writer)
            if try cursor.reopenIfRotated() { continue }
            if isLast { return }
            try await changes.next()
        }
    }

    private func copy(
        _ cursor: inout LogCursor, _ formatter: inout LogFormatter, _ writer: HTTPBodyWriter
    ) async throws {
        while let lines = try cursor.next() {
            var output: [UInt8] = []
            for line in lines { output += formatter.format(line) }
            if !output.isEmpty { try await writer.write(output) }
            if formatter.isFull { return }
        }
    }
}

/// Whether the container has ended.
private final class Ended: Sendable {
    private let flag = Mutex(false)

    var isSet: Bool { flag.withLock { $0 } }
    func set() { flag.withLock { $0 = true } }
}

/// A place in a log file, moving forward by whole lines.
struct LogCursor: ~Copyable {
    private let path: String
    private var file: FileDescriptor
    private var inode: UInt64
    private var offset: Int
    private var rest: [UInt8] = []

    /// Starts at the last `tail` lines, or at the beginning.
    init(path: String, tail: Int?) throws(Errno) {
        let file = try LogFile.open(path)
        let status = try file.status()
        offset =
            try tail.map { (count) throws(Errno) in
                try LogTail.offset(of: count, in: file, size: Int(status.size))
            } ?? 0
        inode = status.inode
        self.path = path
        self.file = file
    }

    /// The next whole lines, some 64 KiB of them; nil when there are none yet.
    mutating func next() throws(Errno) -> [ArraySlice<UInt8>]? {
        while true {
            var block = [UInt8](repeating: 0, count: 64 * 1024)
            let number = file.raw
            let place = offset
            let count = try systemCall("read \(path)") {
                block.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, place) }
            }
            if count == 0 { return nil }
            offset += count
            let bytes = rest + block[..<count]
            guard let end = bytes.lastIndex(of: 0x0A) else {
                // The runtime cuts lines at 16 KiB: one without end this long is damage, and is passed over.
                rest = bytes.count > 1 << 20 ? [] : bytes
                continue
            }
            rest = Array(bytes[(end + 1)...])
            return bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: false)
        }
    }

    /// Goes on with the new file when the old one was renamed away and is read to its end.
    mutating func reopenIfRotated() throws(Errno) -> Bool {
        guard let status = try Files.statusIfPresent(path), status.inode != inode else { return false }
        file = try LogFile.open(path)
        inode = status.inode
        offset = 0
        rest = []
        return true
    }
}
