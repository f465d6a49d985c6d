// SPDX-License-Identifier: Apache-2.0

/// A frame that cannot be read: its sender speaks another language, or is broken.
public struct ShimCodingError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}

extension ShimMessage {
    /// The longest body a frame may have.
    public static let maximumLength = 1 << 20

    /// The message as it goes over the socket: its length in four bytes, then its fields, all little endian.
    public func framed() -> [UInt8] {
        var writer = ShimWriter()
        writer.uint32(0)
        write(to: &writer)
        let length = UInt32(writer.bytes.count - 4)
        for index in 0..<4 { writer.bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(index))) }
        return writer.bytes
    }

    /// Takes the first whole message off `buffer`; nil when it is not all there yet.
    public static func next(from buffer: inout [UInt8]) throws(ShimCodingError) -> ShimMessage? {
        guard buffer.count >= 4 else { return nil }
        var length = 0
        for index in 0..<4 { length |= Int(buffer[index]) << (8 * index) }
        guard length <= maximumLength else { throw ShimCodingError("a frame of \(length) bytes") }
        guard buffer.count >= 4 + length else { return nil }
        var reader = ShimReader(bytes: buffer[4..<(4 + length)])
        let message = try ShimMessage(from: &reader)
        guard reader.bytes.isEmpty else { throw ShimCodingError("\(reader.bytes.count) bytes after a message") }
        buffer.removeFirst(4 + length)
        return message
    }

    func write(to writer: inout ShimWriter) {
        switch self {
        case .request(let number, let request):
            writer.uint8(1)
            writer.uint32(number)
            request.write(to: &writer)
        case .reply(let number, let reply):
            writer.uint8(2)
            writer.uint32(number)
            reply.write(to: &writer)
        case .event(let event):
            writer.uint8(3)
            event.write(to: &writer)
        }
    }

    init(from reader: inout ShimReader) throws(ShimCodingError) {
        switch try reader.uint8() {
        case 1: self = .request(try reader.uint32(), try ShimRequest(from: &reader))
        case 2: self = .reply(try reader.uint32(), try ShimReply(from: &reader))
        case 3: self = .event(try ShimEvent(from: &reader))
        case let kind: throw ShimCodingError("a message of kind \(kind)")
        }
    }
}

extension ShimRequest {
    func write(to writer: inout ShimWriter) {
        switch self {
        case .hello(let version):
            writer.uint8(0)
            writer.uint32(version)
        case .create(let creation):
            writer.uint8(1)
            writer.string(creation.id)
            writer.string(creation.bundle)
            writer.string(creation.logPath)
            writer.bool(creation.terminal)
            writer.bool(creation.stdin)
            writer.bool(creation.stdinOnce)
            writer.uint64(creation.logLimit)
        case .start(let container):
            writer.uint8(2)
            writer.string(container)
        case .signal(let container, let exec, let signal):
            writer.uint8(3)
            writer.string(container)
            writer.optional(exec)
            writer.int32(signal)
        case .delete(let container):
            writer.uint8(4)
            writer.string(container)
        case .exec(let exec):
            writer.uint8(5)
            writer.string(exec.container)
            writer.string(exec.exec)
            writer.string(exec.processFile)
            writer.bool(exec.terminal)
            writer.bool(exec.stdin)
        case .resize(let container, let exec, let rows, let columns):
            writer.uint8(6)
            writer.string(container)
            writer.optional(exec)
            writer.uint32(UInt32(rows))
            writer.uint32(UInt32(columns))
        case .attach(let attach):
            writer.uint8(7)
            writer.string(attach.container)
            writer.bool(attach.stdin)
            writer.bool(attach.stdout)
            writer.bool(attach.stderr)
        case .reopenLog(let container):
            writer.uint8(8)
            writer.string(container)
        case .shutdown:
            writer.uint8(9)
        }
    }

    init(from reader: inout ShimReader) throws(ShimCodingError) {
        switch try reader.uint8() {
        case 0: self = .hello(version: try reader.uint32())
        case 1:
            self = .create(
                ContainerCreation(
                    id: try reader.string(), bundle: try reader.string(), logPath: try reader.string(),
                    terminal: try reader.bool(), stdin: try reader.bool(), stdinOnce: try reader.bool(),
                    logLimit: try reader.uint64()))
        case 2: self = .start(container: try reader.string())
        case 3:
            self = .signal(
                container: try reader.string(), exec: try reader.optional(), signal: try reader.int32())
        case 4: self = .delete(container: try reader.string())
        case 5:
            self = .exec(
                ContainerExec(
                    container: try reader.string(), exec: try reader.string(), processFile: try reader.string(),
                    terminal: try reader.bool(), stdin: try reader.bool()))
        case 6:
            self = .resize(
                container: try reader.string(), exec: try reader.optional(),
                rows: UInt16(truncatingIfNeeded: try reader.uint32()),
                columns: UInt16(truncatingIfNeeded: try reader.uint32()))
        case 7:
            self = .attach(
                ContainerAttach(
                    container: try reader.string(), stdin: try reader.bool(), stdout: try reader.bool(),
                    stderr: try reader.bool()))
        case 8: self = .reopenLog(container: try reader.string())
        case 9: self = .shutdown
        case let kind: throw ShimCodingError("a request of kind \(kind)")
        }
    }
}

extension ShimReply {
    func write(to writer: inout ShimWriter) {
        switch self {
        case .hello(let state):
            writer.uint8(0)
            writer.uint32(state.version)
            writer.string(state.podUID)
            writer.process(state.shim)
            writer.uint32(UInt32(state.containers.count))
            for container in state.containers { container.write(to: &writer) }
        case .done: writer.uint8(1)
        case .process(let process, let streams):
            writer.uint8(2)
            writer.process(process)
            writer.streams(streams)
        case .attached(let streams):
            writer.uint8(3)
            writer.streams(streams)
        case .failed(let failure):
            writer.uint8(4)
            writer.uint8(failure.kind.rawValue)
            writer.string(failure.message)
        }
    }

    init(from reader: inout ShimReader) throws(ShimCodingError) {
        switch try reader.uint8() {
        case 0:
            let version = try reader.uint32()
            let podUID = try reader.string()
            let shim = try reader.process()
            var containers: [ShimContainerState] = []
            for _ in 0..<(try reader.uint32()) { containers.append(try ShimContainerState(from: &reader)) }
            self = .hello(ShimState(version: version, podUID: podUID, shim: shim, containers: containers))
        case 1: self = .done
        case 2: self = .process(try reader.process(), streams: try reader.streams())
        case 3: self = .attached(streams: try reader.streams())
        case 4:
            let raw = try reader.uint8()
            guard let kind = ShimFailure.Kind(rawValue: raw) else { throw ShimCodingError("a failure of kind \(raw)") }
            self = .failed(ShimFailure(kind, try reader.string()))
        case let kind: throw ShimCodingError("a reply of kind \(kind)")
        }
    }
}

extension ShimEvent {
    func write(to writer: inout ShimWriter) {
        switch self {
        case .exited(let record):
            writer.uint8(0)
            writer.exit(record)
        case .execExited(let container, let exec, let record):
            writer.uint8(1)
            writer.string(container)
            writer.string(exec)
            writer.exit(record)
        case .logLimitReached(let container, let bytes):
            writer.uint8(2)
            writer.string(container)
            writer.uint64(bytes)
        case .logFailed(let container, let message):
            writer.uint8(3)
            writer.string(container)
            writer.string(message)
        }
    }

    init(from reader: inout ShimReader) throws(ShimCodingError) {
        switch try reader.uint8() {
        case 0: self = .exited(try reader.exit())
        case 1: self = .execExited(container: try reader.string(), exec: try reader.string(), try reader.exit())
        case 2: self = .logLimitReached(container: try reader.string(), bytes: try reader.uint64())
        case 3: self = .logFailed(container: try reader.string(), message: try reader.string())
        case let kind: throw ShimCodingError("an event of kind \(kind)")
        }
    }
}

extension ShimContainerState {
    func write(to writer: inout ShimWriter) {
        writer.string(id)
        writer.uint8(phase.rawValue)
        writer.bool(process != nil)
        if let process { writer.process(process) }
        writer.int64(startedAt)
        writer.bool(exit != nil)
        if let exit { writer.exit(exit) }
    }

    init(from reader: inout ShimReader) throws(ShimCodingError) {
        let id = try reader.string()
        let raw = try reader.uint8()
        guard let phase = ContainerPhase(rawValue: raw) else { throw ShimCodingError("a container phase \(raw)") }
        let process = try reader.bool() ? try reader.process() : nil
        let startedAt = try reader.int64()
        let exit = try reader.bool() ? try reader.exit() : nil
        self.init(id: id, phase: phase, process: process, startedAt: startedAt, exit: exit)
    }
}
