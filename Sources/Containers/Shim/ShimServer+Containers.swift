// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

extension ShimServer {
    // MARK: - Create

    func create(_ creation: ContainerCreation, _ reply: Reply) {
        do {
            let container = try ShimContainer(creation)
            container.log.onLimit = { [unowned self] in say(.logLimitReached(container: creation.id, bytes: $0)) }
            container.log.onFailure = { [unowned self] error in
                say(.logFailed(container: creation.id, message: "\(error)"))
            }
            containers[creation.id] = container
            creation.terminal ? try createTerminal(container, reply) : try createPipes(container, reply)
        } catch {
            containers[creation.id] = nil
            sequence.created(creation.id, success: false)
            reply.send(.failed(ShimFailure(.system, "create container \(creation.id): \(error)")))
        }
    }

    private func createPipes(_ container: ShimContainer, _ reply: Reply) throws(Errno) {
        let output = try NonBlocking.pipe(nonBlockingRead: true, nonBlockingWrite: false)
        let errors = try NonBlocking.pipe(nonBlockingRead: true, nonBlockingWrite: false)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let outputWrite = output.write.raw
        let errorWrite = errors.write.raw
        container.outputs[.stdout] = try OutputPump(
            poll: poll, file: output.read, stream: .stdout, log: container.log, buffer: buffer)
        container.outputs[.stderr] = try OutputPump(
            poll: poll, file: try errors.read.duplicate(), stream: .stderr, log: container.log, buffer: buffer)
        if container.creation.stdin {
            let input = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: true)
            container.input = try InputTarget(poll: poll, file: try input.write.duplicate())
            runCreate(container, [], [input.read.raw, outputWrite, errorWrite], reply)
        } else {
            runCreate(container, [], [null.raw, outputWrite, errorWrite], reply)
        }
    }

    private func createTerminal(_ container: ShimContainer, _ reply: Reply) throws(Errno) {
        let console = Box(try ConsoleSocket(path: consolePath()))
        let poll = poll
        let buffer = buffer
        runCreate(container, ["--console-socket", console.path], nil, reply) { () throws(Errno) in
            try container.connect(try console.receive(), poll: poll, buffer: buffer)
        }
    }

    /// Short, for a socket's name may have 107 bytes; the pod's directory is.
    private func consolePath() -> String {
        consoles += 1
        return "\(options.directory)/tty\(consoles)"
    }

    private func runCreate(
        _ container: ShimContainer, _ arguments: [String], _ stdio: [Int32]?, _ reply: Reply,
        connect: @escaping () throws(Errno) -> Void = {}
    ) {
        let creation = container.creation
        let pidFile = creation.bundle + "/init.pid"
        let words = ["--bundle", creation.bundle, "--pid-file", pidFile] + arguments + [creation.id]
        runtime("create", words, stdio: stdio) { [unowned self] result in
            do {
                try result.get()
                let pid = try self.pid(in: pidFile)
                try Self.failing { () throws(Errno) in try connect() }
                container.process = pid
                try Self.failing { () throws(Errno) in
                    try ShimFiles.write(pid.text, to: creation.bundle + "/process")
                }
                sequence.created(creation.id, success: true)
                reply.send(.process(pid, streams: []))
                if let end = claim(pid.pid) { containerEnded(container, pid.pid, end.code, end.signal, end.at) }
            } catch {
                container.closeStreams()
                containers[creation.id] = nil
                sequence.created(creation.id, success: false)
                reply.send(.failed((error as? ShimFailure) ?? ShimFailure(.system, "\(error)")))
            }
        }
    }

    private func pid(in path: String) throws(ShimFailure) -> ProcessIdentity {
        let text = try Self.failing { () throws(Errno) in try Files.readText(path) }
        guard let pid = Int32(text.split(whereSeparator: \.isWhitespace).first ?? "") else {
            throw ShimFailure(.runtime, "the runtime wrote no process id to \(path)")
        }
        // A process that has ended is still a zombie of ours here, or has been reaped: then only its number is known.
        return ProcessIdentity.current(pid) ?? ProcessIdentity(pid: pid, startTime: 0)
    }

    private static func failing<Value>(_ body: () throws(Errno) -> Value) throws(ShimFailure) -> Value {
        do { return try body() } catch { throw ShimFailure(.system, "\(error)") }
    }

    // MARK: - Start, signal, delete

    func start(_ id: String, _ reply: Reply) {
        guard let container = containers[id] else { return }
        container.startedAt = wallClock()
        runtime("start", [id]) { [unowned self] result in
            switch result {
            case .success:
                sequence.started(id, success: true)
                guard let process = container.process else { return }
                reply.send(.process(process, streams: []))
            case .failure(let failure):
                sequence.started(id, success: false)
                reply.send(.failed(failure))
            }
            if container.isExitHeld, let record = container.exit {
                container.isExitHeld = false
                say(.exited(record))
            }
        }
    }

    func send(_ signal: Int32, to id: String, exec: String?) throws(ShimFailure) {
        let container = try known(id)
        if let exec, let runtime = container.execs[exec]?.runtime {
            // Not begun yet, and perhaps held up by the container. What is on its way in ends with the runtime.
            guard kill(runtime, signal) == 0 else { throw ShimFailure(.system, "\(Errno(errno, "kill the runtime"))") }
            return
        }
        let process = exec.map { container.execs[$0]?.process } ?? container.process
        // A child of ours keeps its number until we have waited for it, so the number cannot be another's.
        guard let process, kill(process.pid, signal) == 0 || errno == ESRCH else {
            throw ShimFailure(.system, "\(Errno(errno, "kill \(id)"))")
        }
    }

    func delete(_ id: String, _ reply: Reply) {
        runtime("delete", ["--force", id]) { [unowned self] result in
            switch result {
            case .success:
                containers.removeValue(forKey: id)?.closeStreams()
                sequence.deleted(id, success: true)
                reply.send(.done)
            case .failure(let failure):
                sequence.deleted(id, success: false)
                reply.send(.failed(failure))
            }
        }
    }

    // MARK: - Attach

    func attach(_ request: ContainerAttach, _ reply: Reply) throws(ShimFailure) {
        let container = try known(request.container)
        do {
            var streams: [ShimStream] = []
            var descriptors: [Int32] = []
            if request.stdin {
                guard let target = container.input else {
                    throw ShimFailure(.sequence, "container \(request.container) has no standard input")
                }
                let pipe = try NonBlocking.pipe(nonBlockingRead: true, nonBlockingWrite: false)
                let pump = try InputPump(
                    poll: poll, source: try pipe.read.duplicate(), target: target, buffer: buffer)
                let id = ObjectIdentifier(pump)
                container.inputs[id] = pump
                pump.onEnd = { [unowned container] in
                    if container.creation.stdinOnce { container.input?.finish() }
                    container.inputs[id] = nil
                }
                streams.append(.stdin)
                descriptors.append(try pipe.write.duplicate().release())
            }
            for (wanted, stream) in [(request.stdout, ShimStream.stdout), (request.stderr, .stderr)] where wanted {
                // A terminal is one stream, whichever was asked for.
                let key = container.creation.terminal ? ShimStream.terminal : stream
                guard let output = container.outputs[key], key != .terminal || stream == .stdout else { continue }
                let pipe = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: true)
                output.attach(try Attachment(poll: poll, file: try pipe.write.duplicate()))
                streams.append(stream)
                descriptors.append(try pipe.read.duplicate().release())
            }
            reply.send(.attached(streams: streams), descriptors)
        } catch let failure as ShimFailure {
            throw failure
        } catch {
            throw ShimFailure(.system, "attach to container \(request.container): \(error)")
        }
    }

    // MARK: - Exec

    func exec(_ request: ContainerExec, _ reply: Reply) {
        guard let container = containers[request.container] else { return }
        let session = ShimExec(request)
        do {
            request.terminal
                ? try execTerminal(container, session, reply) : try execPipes(container, session, reply)
        } catch {
            sequence.execEnded(request.exec, of: request.container)
            reply.send(.failed(ShimFailure(.system, "exec in container \(request.container): \(error)")))
        }
    }

    private func execPipes(_ container: ShimContainer, _ session: ShimExec, _ reply: Reply) throws(Errno) {
        let output = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: false)
        let errors = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: false)
        let handed = Descriptors()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let outputWrite = output.write.raw
        let errorWrite = errors.write.raw
        if session.request.stdin {
            let input = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: false)
            handed.add(.stdin, try input.write.duplicate())
            handed.add(.stdout, output.read)
            handed.add(.stderr, try errors.read.duplicate())
            runExec(container, session, [], [input.read.raw, outputWrite, errorWrite], reply) { () in handed }
        } else {
            handed.add(.stdout, output.read)
            handed.add(.stderr, try errors.read.duplicate())
            runExec(container, session, [], [null.raw, outputWrite, errorWrite], reply) { () in handed }
        }
    }

    private func execTerminal(_ container: ShimContainer, _ session: ShimExec, _ reply: Reply) throws(Errno) {
        let console = Box(try ConsoleSocket(path: consolePath()))
        runExec(container, session, ["--tty", "--console-socket", console.path], nil, reply) { () throws(Errno) in
            let handed = Descriptors()
            let master = try console.receive()
            handed.add(.terminal, try master.duplicate())
            session.terminal = consume master
            return handed
        }
    }

    private func runExec(
        _ container: ShimContainer, _ session: ShimExec, _ arguments: [String], _ stdio: [Int32]?, _ reply: Reply,
        connect: @escaping () throws(Errno) -> Descriptors
    ) {
        let request = session.request
        let pidFile = request.processFile + ".pid"
        let words =
            ["--detach", "--process", request.processFile, "--pid-file", pidFile] + arguments + [request.container]
        container.execs[request.exec] = session
        session.runtime = runtime("exec", words, stdio: stdio) { [unowned self] result in
            session.runtime = nil
            defer { unlink(pidFile) }
            do {
                try result.get()
                let pid = try self.pid(in: pidFile)
                let handed = try Self.failing { () throws(Errno) in try connect() }
                session.process = pid
                session.startedAt = wallClock()
                reply.send(.process(pid, streams: handed.streams), handed.release())
                if let end = claim(pid.pid) { execEnded(container, session, pid.pid, end.code, end.signal, end.at) }
            } catch {
                container.execs[request.exec] = nil
                sequence.execEnded(request.exec, of: request.container)
                reply.send(.failed((error as? ShimFailure) ?? ShimFailure(.system, "\(error)")))
            }
        }
    }
}

/// Descriptors on their way to a daemon; closed when they do not get there.
final class Descriptors {
    private(set) var streams: [ShimStream] = []
    private var numbers: [Int32] = []

    func add(_ stream: ShimStream, _ file: consuming FileDescriptor) {
        streams.append(stream)
        numbers.append(file.release())
    }

    func release() -> [Int32] {
        defer { numbers = [] }
        return numbers
    }

    deinit { for number in numbers { Glibc.close(number) } }
}

/// Lets a closure keep the socket.
final class Box {
    private let socket: ConsoleSocket
    var path: String { socket.path }
    init(_ socket: consuming ConsoleSocket) { self.socket = socket }
    func receive() throws(Errno) -> FileDescriptor { try socket.receive() }
}
