// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// One reader of a container's output besides the log: an attached client's pipe.
final class Attachment {
    /// What may wait for a slow client before the container's own output waits too.
    static let highWater = 64 * 1024

    private let poll: Poll
    private let file: FileDescriptor
    private var token: UInt64 = 0
    private var pending: [UInt8] = []
    private var isFinishing = false
    var onEnd: (() -> Void)?
    var onDrained: (() -> Void)?

    init(poll: Poll, file: consuming FileDescriptor) throws(Errno) {
        self.poll = poll
        self.file = file
        let raw = self.file.raw
        token = try poll.add(raw, 0) { [unowned self] events in ready(events) }
    }

    deinit { poll.remove(file.raw, token) }

    var isFull: Bool { pending.count >= Attachment.highWater }

    func write(_ bytes: UnsafeRawBufferPointer) {
        pending += bytes
        drain()
    }

    /// Nothing more comes: ends when what is pending is written.
    func finish() {
        isFinishing = true
        drain()
    }

    private func ready(_ events: UInt32) {
        if events & hungUp != 0 {
            onEnd?()
        } else {
            drain()
        }
    }

    private func drain() {
        let wasFull = isFull
        do {
            var sent = 0
            while sent < pending.count, let count = try NonBlocking.write(file.raw, pending[sent...]) { sent += count }
            pending.removeFirst(sent)
            if pending.isEmpty { pending = [] }
            poll.change(file.raw, token, pending.isEmpty ? 0 : writable)
            if pending.isEmpty, isFinishing {
                onEnd?()
            } else if wasFull, !isFull {
                onDrained?()
            }
        } catch {
            onEnd?()
        }
    }
}

/// Copies one stream of a container to its log and to whoever is attached.
final class OutputPump {
    private let poll: Poll
    private var file: FileDescriptor?
    private var token: UInt64 = 0
    private let stream: ShimStream
    private let log: LogWriter
    private let buffer: UnsafeMutableRawBufferPointer
    private var attachments: [ObjectIdentifier: Attachment] = [:]
    var isOpen: Bool { file != nil }

    /// `buffer` is shared by all pumps: each empties it before it returns to the wait.
    init(
        poll: Poll, file: consuming FileDescriptor, stream: ShimStream, log: LogWriter,
        buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) {
        self.poll = poll
        self.stream = stream
        self.log = log
        self.buffer = buffer
        let raw = file.raw
        self.file = consume file
        token = try poll.add(raw, readable) { [unowned self] _ in pump(limit: 4) }
    }

    deinit { close() }

    func attach(_ attachment: Attachment) {
        let id = ObjectIdentifier(attachment)
        attachments[id] = attachment
        attachment.onEnd = { [unowned self] in
            attachments[id] = nil
            resume()
        }
        attachment.onDrained = { [unowned self] in resume() }
        if !isOpen { attachment.finish() }
    }

    /// Whether somebody attached must first read: the container's writes wait in its pipe until then.
    private var isHeld: Bool { attachments.values.contains { $0.isFull } }

    private func resume() {
        guard let raw = file?.raw else { return }
        poll.change(raw, token, isHeld ? 0 : readable)
    }

    /// Reads at most `limit` buffers, so that one loud container does not starve the rest.
    private func pump(limit: Int) {
        for _ in 0..<limit {
            guard let raw = file?.raw else { return }
            do {
                guard let count = try NonBlocking.read(raw, into: buffer) else { return }
                guard count > 0 else { return close() }
                deliver(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } catch {
                // A terminal says EIO when its last user is gone: that is its end of file.
                return close()
            }
            if isHeld { return resume() }
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        log.write(bytes, of: stream == .terminal ? .stdout : stream)
        for attachment in attachments.values { attachment.write(bytes) }
    }

    /// As much as a pipe holds at most (fs.pipe-max-size).
    private static let pipeCapacity = 1 << 20

    /// Takes what is in the pipe now, however slow those attached are: the process has ended. Another one that it has left
    /// behind may go on writing; what comes later is read in turn with all else.
    func drain() {
        var taken = 0
        while taken < Self.pipeCapacity, let raw = file?.raw {
            do {
                guard let count = try NonBlocking.read(raw, into: buffer) else { return }
                guard count > 0 else { return close() }
                deliver(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                taken += count
            } catch {
                return close()
            }
        }
    }

    /// The end of the stream: the log's last line is finished, those attached see the end.
    func close() {
        guard let closing = file.take() else { return }
        poll.remove(closing.raw, token)
        log.finish(stream == .terminal ? .stdout : stream)
        let ending = attachments.values
        for attachment in ending { attachment.finish() }
    }
}

/// Copies an attached client's input to a container's standard input or terminal.
final class InputPump {
    private let poll: Poll
    private let source: FileDescriptor
    private var token: UInt64 = 0
    private let target: InputTarget
    private let buffer: UnsafeMutableRawBufferPointer
    /// Said at the end of the client's input.
    var onEnd: (() -> Void)?

    init(
        poll: Poll, source: consuming FileDescriptor, target: InputTarget, buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) {
        self.poll = poll
        self.source = source
        self.target = target
        self.buffer = buffer
        let raw = self.source.raw
        token = try poll.add(raw, readable) { [unowned self] _ in pump() }
        target.onDrained[ObjectIdentifier(self)] = { [unowned self] in poll.change(self.source.raw, token, readable) }
    }

    deinit {
        target.onDrained[ObjectIdentifier(self)] = nil
        poll.remove(source.raw, token)
    }

    private func pump() {
        do {
            guard let count = try NonBlocking.read(source.raw, into: buffer) else { return }
            guard count > 0 else {
                onEnd?()
                return
            }
            target.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            if target.isFull { poll.change(source.raw, token, 0) }
        } catch {
            onEnd?()
        }
    }
}

/// The writing side of a container's standard input: its pipe, or its terminal.
final class InputTarget {
    private let poll: Poll
    private var file: FileDescriptor?
    private var token: UInt64 = 0
    private var pending: [UInt8] = []
    private var isFinishing = false
    var onDrained: [ObjectIdentifier: () -> Void] = [:]

    init(poll: Poll, file: consuming FileDescriptor) throws(Errno) {
        self.poll = poll
        let raw = file.raw
        self.file = consume file
        token = try poll.add(raw, 0) { [unowned self] events in
            if events & hungUp != 0 { close() } else { drain() }
        }
    }

    deinit { close() }

    var isFull: Bool { pending.count >= Attachment.highWater }

    func write(_ bytes: UnsafeRawBufferPointer) {
        guard file != nil, !isFinishing else { return }
        pending += bytes
        drain()
    }

    /// Ends the container's input when what is pending is written.
    func finish() {
        isFinishing = true
        drain()
    }

    private func drain() {
        guard let raw = file?.raw else { return }
        let wasFull = isFull
        do {
            var sent = 0
            while sent < pending.count, let count = try NonBlocking.write(raw, pending[sent...]) { sent += count }
            pending.removeFirst(sent)
            poll.change(raw, token, pending.isEmpty ? 0 : writable)
            if pending.isEmpty, isFinishing { close() }
            if wasFull, !isFull { for resume in onDrained.values { resume() } }
        } catch {
            close()
        }
    }

    func close() {
        guard let closing = file.take() else { return }
        poll.remove(closing.raw, token)
        pending = []
        for resume in onDrained.values { resume() }
    }
}
