// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// One container of the pod: its process, its streams, its log, its exec sessions.
final class ShimContainer {
    let creation: ContainerCreation
    let log: LogWriter
    var process: ProcessIdentity?
    var startedAt: Int64 = 0
    var exit: ExitRecord?
    /// An end that came before the runtime said it had started the container: told after the start's reply.
    var isExitHeld = false
    var outputs: [ShimStream: OutputPump] = [:]
    var input: InputTarget?
    /// The master of its terminal, for resizing; the pumps read and write duplicates.
    var terminal: FileDescriptor?
    var inputs: [ObjectIdentifier: InputPump] = [:]
    var execs: [String: ShimExec] = [:]

    init(_ creation: ContainerCreation) throws(Errno) {
        self.creation = creation
        log = try LogWriter(path: creation.logPath, limit: creation.logLimit)
    }

    /// Takes the terminal the runtime has handed over.
    func connect(
        _ master: consuming FileDescriptor, poll: Poll, buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) {
        outputs[.terminal] = try OutputPump(
            poll: poll, file: try master.duplicate(), stream: .terminal, log: log, buffer: buffer)
        if creation.stdin { input = try InputTarget(poll: poll, file: try master.duplicate()) }
        terminal = consume master
    }

    /// The process has ended: everything it wrote goes to the log now.
    func drain() {
        for output in outputs.values { output.drain() }
        input?.close()
        inputs = [:]
    }

    func closeStreams() {
        for output in outputs.values { output.close() }
        outputs = [:]
        inputs = [:]
        input?.close()
        input = nil
        terminal = nil
    }

    func resize(rows: UInt16, columns: UInt16, exec: String?) throws(ShimFailure) {
        let raw: Int32
        if let exec {
            guard let session = execs[exec], let terminal = session.terminal?.raw else {
                throw ShimFailure(.sequence, "exec session \(exec) has no terminal")
            }
            raw = terminal
        } else {
            guard let terminal = terminal?.raw else {
                throw ShimFailure(.sequence, "container \(creation.id) has no terminal")
            }
            raw = terminal
        }
        let result = clinux_terminal_resize(raw, rows, columns)
        guard result >= 0 else { throw ShimFailure(.system, "\(Errno(-result, "resize the terminal"))") }
    }
}

/// A process run beside the container's first.
final class ShimExec {
    let request: ContainerExec
    /// The runtime that is beginning it; nil before and after.
    var runtime: Int32?
    var process: ProcessIdentity?
    var startedAt: Int64 = 0
    var terminal: FileDescriptor?

    init(_ request: ContainerExec) { self.request = request }
}
