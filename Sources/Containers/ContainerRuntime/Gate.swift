// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Processes

/// The runtime's side of the ways between it and a process that others of a container may reach already. They are pipes:
/// a socket would tell who holds its other end (SO_PEERPIDFD), and with SYS_PTRACE a container would go on from there to
/// all that this one has open (pidfd_getfd(2)).
///
/// Nothing that comes by them is believed. A byte only lets go on what could as well have gone on by itself, and words are
/// a message for people, of bounded length.
struct Gate: ~Copyable {
    /// Kept open as well, so that the end of the other side is no SIGPIPE.
    private let permitReader: FileDescriptor
    private let permit: FileDescriptor
    private let report: FileDescriptor

    fileprivate init(
        permitReader: consuming FileDescriptor, permit: consuming FileDescriptor, report: consuming FileDescriptor
    ) {
        self.permitReader = permitReader
        self.permit = permit
        self.report = report
    }

    /// Lets the process inside go on.
    func open() throws {
        // The pipe may have been filled by somebody else, and is not to be waited for.
        try permit.setNonBlocking(true)
        try during("let it go on") { try permit.writeAll([1]) }
    }

    /// Waits until `process` does not end with the runtime any more; otherwise what went wrong.
    func awaitIndependence(of process: borrowing ProcessDescriptor) throws -> String? {
        let said = try Report.next(report, of: process)
        if said.first == Report.independent { return nil }
        return said.isEmpty ? "init ended" : Report.text(said)
    }

    /// What went wrong with `process` up to its program; empty when that has begun.
    func outcome(of process: borrowing ProcessDescriptor, runsHooks: Bool = false) throws -> String {
        Report.text(try Report.all(report, of: process, runsHooks: runsHooks))
    }

    /// What was said until now, by a process that has ended.
    func lastWords() throws -> String {
        guard try report.waitUntilReady(.readable, milliseconds: 0) else { return "" }
        return Report.text(try report.read(upTo: Report.limit))
    }
}

/// Both sides of a `Gate`.
struct GatePair: ~Copyable {
    private let outer: Gate
    private let permit: FileDescriptor
    private let report: FileDescriptor
    private let start: StartPipe?

    private struct StartPipe: ~Copyable {
        let reader: FileDescriptor
        let writer: FileDescriptor
    }

    /// - Parameter waitsForStart: Whether the program waits for the runtime's `start`, which comes to it by a third pipe.
    init(waitsForStart: Bool) throws {
        let permits = try FileDescriptor.pipe().release()
        let permitReader = FileDescriptor(owning: permits.reader)
        let permitWriter = FileDescriptor(owning: permits.writer)
        let kept = try permitReader.duplicate()
        let reports = try FileDescriptor.pipe().release()
        let reportReader = FileDescriptor(owning: reports.reader)
        let reportWriter = FileDescriptor(owning: reports.writer)
        let starts = waitsForStart ? try FileDescriptor.pipe().split { StartPipe(reader: $0, writer: $1) } : nil
        start = starts
        outer = Gate(permitReader: kept, permit: permitWriter, report: reportReader)
        permit = permitReader
        report = reportWriter
    }

    /// How `start` finds the process, while that waits.
    func waitingPlace() throws -> WaitingPlace? {
        switch start {
        case .some(let pipe):
            return WaitingPlace(
                start: .init(number: pipe.reader.raw, inode: try pipe.reader.status().inode),
                report: .init(number: report.raw, inode: try report.status().inode))
        case .none: return nil
        }
    }

    consuming func intoRuntime() -> Gate { outer }

    /// In the copy of the runtime: the numbers of what it keeps. The rest is closed.
    consuming func intoCopy() -> InnerGate {
        let numbers: [Int32]
        switch consume start {
        // Both ends, so that nobody's end is the end of the wait.
        case .some(let pipe): numbers = [pipe.reader.release(), pipe.writer.release()]
        case .none: numbers = []
        }
        return InnerGate(permit: permit.release(), report: report.release(), start: numbers)
    }
}

/// The other side, in the process that becomes the container's program: plain numbers, since it hands over to exec.
struct InnerGate {
    let permit: Int32
    let report: Int32
    /// The pipe of `start`, to read and to write; empty when it does not wait for that.
    let start: [Int32]

    var descriptors: [Int32] { [permit, report] + start }
    var waitsForStart: Bool { !start.isEmpty }

    /// Waits for `Gate.open`.
    func awaitPermit() throws {
        guard try Self.byte(from: permit) else { throw RuntimeError("init", "the runtime has ended") }
    }

    func awaitStart() throws {
        guard try Self.byte(from: start[0]) else { throw RuntimeError("init", "its start has ended") }
    }

    func sayIndependent() throws { try say([Report.independent]) }

    /// Tells what went wrong. When nobody reads, there is nobody left to tell.
    func fail(_ error: any Error) { try? say(Array("\(error)".utf8.prefix(Report.limit))) }

    private func say(_ bytes: [UInt8]) throws {
        let number = report
        // At most PIPE_BUF, and so in one piece.
        try systemCall("write to the runtime") { write(number, bytes, bytes.count) }
    }

    private static func byte(from number: Int32) throws -> Bool {
        var byte: UInt8 = 0
        return try systemCall("read from the runtime") { read(number, &byte, 1) } == 1
    }
}

/// What is said by a pipe whose other end may be in a container's hands.
enum Report {
    static let limit = 4096
    /// How long a process that others can reach may take to its next word or to its program. They may have stopped it, and
    /// whoever waits for the runtime waits for them then. It has next to nothing left to do.
    static let patience: Int64 = 30_000_000_000
    /// Instead of words: it does not end with the runtime any more.
    static let independent: UInt8 = 0

    /// What is said next; empty at the end of the pipe or of the process.
    static func next(_ pipe: borrowing FileDescriptor, of process: borrowing ProcessDescriptor) throws -> [UInt8] {
        try next(pipe, of: process, until: KernelClock.monotonic.now() + patience)
    }

    private static func next(
        _ pipe: borrowing FileDescriptor, of process: borrowing ProcessDescriptor, until end: Int64?
    ) throws -> [UInt8] {
        guard try isReadable(pipe, before: process, until: end) else { return [] }
        return try pipe.read(upTo: limit)
    }

    /// All that is said until the end of the pipe or of the process, as far as it is anything like a message.
    ///
    /// - Parameter runsHooks: Whether hooks of the configuration come before the program: they have limits of their own.
    static func all(
        _ pipe: borrowing FileDescriptor, of process: borrowing ProcessDescriptor, runsHooks: Bool
    ) throws -> [UInt8] {
        var said: [UInt8] = []
        let end = runsHooks ? nil : KernelClock.monotonic.now() + patience
        while said.count < limit {
            let more = try next(pipe, of: process, until: end)
            if more.isEmpty { break }
            said += more.prefix(limit - said.count)
        }
        return said
    }

    static func text(_ bytes: [UInt8]) -> String {
        // It may be shown on a terminal, and stands in logs of lines.
        String(decoding: bytes.map { $0 < 0x20 && $0 != 10 && $0 != 9 || $0 == 0x7f ? 0x3f : $0 }, as: UTF8.self)
    }

    /// Waits until there is something to read, or the process has ended without.
    private static func isReadable(
        _ pipe: borrowing FileDescriptor, before process: borrowing ProcessDescriptor, until end: Int64?
    ) throws -> Bool {
        let numbers = (pipe.raw, process.descriptor.raw)
        var wanted = [
            pollfd(fd: numbers.0, events: Int16(POLLIN), revents: 0),
            pollfd(fd: numbers.1, events: Int16(POLLIN), revents: 0),
        ]
        let left = end.map { Int32(clamping: max(0, $0 - KernelClock.monotonic.now()) / 1_000_000) } ?? -1
        guard try systemCall("poll", { poll(&wanted, 2, left) }) > 0 else {
            throw RuntimeError(
                "its process", "has not begun its program for \(patience / 1_000_000_000) s: it is held up")
        }
        if wanted[0].revents != 0 { return true }
        // It may have written before it ended.
        return try pipe.waitUntilReady(.readable, milliseconds: 0)
    }
}

/// Where a container waits for its start: two pipes that only its init has. Their numbers are found again through procfs,
/// and are opened only if they are still these pipes.
struct WaitingPlace: Equatable {
    struct End: Equatable {
        var number: Int32
        var inode: UInt64
    }

    var start: End
    var report: End

    var text: String { "\(start.number) \(start.inode) \(report.number) \(report.inode)\n" }

    init(start: End, report: End) {
        self.start = start
        self.report = report
    }

    init?(_ text: String) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, let start = Int32(words[0]), let startInode = UInt64(words[1]),
            let report = Int32(words[2]), let reportInode = UInt64(words[3])
        else { return nil }
        self.start = End(number: start, inode: startInode)
        self.report = End(number: report, inode: reportInode)
    }

    /// Starts the program of process `pid`, and waits until it runs. Returns what went wrong; empty when nothing did.
    func begin(_ pid: Int32, _ process: borrowing ProcessDescriptor, runsHooks: Bool) throws -> String {
        // To write and to read, so that it is no SIGPIPE when the process ends meanwhile.
        let permit = try Self.open(start, of: pid, O_RDWR)
        let words = try Self.open(report, of: pid, O_RDONLY)
        try permit.writeAll([1])
        // The end of the pipe is exec's: the descriptor closes with it. This one is no writer.
        return Report.text(try Report.all(words, of: process, runsHooks: runsHooks))
    }

    private static func open(_ end: End, of pid: Int32, _ flags: Int32) throws -> FileDescriptor {
        let handle = try FileDescriptor.handle("/proc/\(pid)/fd/\(end.number)")
        let status = try handle.status()
        // Whoever may trace the process can put there what he likes, and opening that could do anything.
        guard status.kind == .fifo, status.inode == end.inode, try handle.filesystem().magic == FilesystemStatus.pipe
        else { throw RuntimeError("descriptor \(end.number) of init", "is another than it was") }
        return try FileDescriptor.open(handle.procPath, flags | O_NONBLOCK)
    }
}

extension Pipe {
    /// Both numbers, owned by the caller.
    consuming func release() -> (reader: Int32, writer: Int32) { split { ($0.release(), $1.release()) } }
}

/// A word of memory that a process shares with the copy it makes of itself, and that copy with no further one. By it an
/// intermediate process, which no container can reach, says which process goes on in its place, inside.
struct SharedWord: ~Copyable {
    private let pointer: UnsafeMutableRawPointer
    private static let size = 4096

    init() throws {
        let made = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let made, made != MAP_FAILED else { throw Errno(errno, "map a shared page") }
        pointer = made
    }

    deinit { munmap(pointer, Self.size) }

    /// From here on copies of this process are without it.
    func keepFromCopies() throws {
        let place = pointer
        try systemCall("madvise MADV_DONTFORK") { madvise(place, Self.size, MADV_DONTFORK) }
    }

    var value: Int32 {
        get { pointer.load(as: Int32.self) }
        nonmutating set { pointer.storeBytes(of: newValue, as: Int32.self) }
    }
}
