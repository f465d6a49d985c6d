// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// The shim: one loop over its socket, its children and its containers' output.
public final class ShimServer {
    let options: ShimOptions
    let poll: Poll
    var sandbox: Sandbox
    let identity: ProcessIdentity
    var sequence = ShimSequence()
    var containers: [String: ShimContainer] = [:]
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var operations: [Int32: RuntimeOperation] = [:]
    /// Ends of processes nobody has claimed yet: an exec session may end before the runtime has said its number.
    private var unclaimed: [(pid: Int32, code: Int32, signal: Int32, at: Int64)] = []
    private var nextOperation = 0
    var consoles = 0
    private var isEnding = false
    private let listener: FileDescriptor
    private let signals: FileDescriptor
    /// The one read buffer, for every stream.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)

    /// Becomes the pod's reaper, makes its namespaces, listens. When it returns the shim can be connected to.
    public init(_ options: ShimOptions) throws(ShimFailure) {
        self.options = options
        sandbox = Sandbox(options)
        do {
            try kernelCall("set child subreaper") { clinux_prctl(36, 1, 0, 0, 0) }
            // SIGPIPE is blocked rather than ignored: an ignored signal stays ignored in what we start.
            let watched: [Int32] = [SIGCHLD, SIGTERM, SIGINT]
            let blocked = watched + [SIGPIPE, SIGHUP]
            try kernelCall("block signals") { clinux_signal_mask(1, blocked, blocked.count) }
            signals = FileDescriptor(
                owning: try kernelCall("signalfd") { clinux_signalfd(-1, watched, watched.count, 0) })
            poll = try Poll()
            try Files.makeDirectories(options.directory, mode: 0o700)
            try Files.makeDirectories(options.exitDirectory, mode: 0o700)
        } catch {
            throw ShimFailure(.system, "start the shim: \(error)")
        }
        try sandbox.enter()
        guard let identity = ProcessIdentity.current(getpid()) else {
            throw ShimFailure(.system, "read /proc/self/stat: is /proc mounted")
        }
        self.identity = identity
        do {
            try ShimFiles.write(identity.text, to: options.processPath)
            listener = try UnixListener.open(options.socketPath)
            let socket = listener.raw
            let signal = signals.raw
            _ = try poll.add(socket, readable) { [unowned self] _ in accept() }
            _ = try poll.add(signal, readable) { [unowned self] _ in reap() }
        } catch {
            throw ShimFailure(.system, "start the shim: \(error)")
        }
    }

    /// Serves until told to end.
    public func run() throws(ShimFailure) {
        while !isEnding {
            do { try poll.run() } catch { throw ShimFailure(.system, "wait for events: \(error)") }
        }
        unlink(options.socketPath)
        unlink(options.processPath)
        sandbox.unpinAll()
    }

    // MARK: - Connections

    private func accept() {
        while true {
            let number = clinux_accept(listener.raw, 1, nil)
            guard number >= 0 else { return }
            let socket = FileDescriptor(owning: number)
            var (process, user, group): (Int32, UInt32, UInt32) = (0, .max, .max)
            // The path's mode keeps others out already; a descriptor that was passed on does not.
            guard clinux_peer_credentials(number, &process, &user, &group) >= 0, user == 0 || user == geteuid()
            else { continue }
            // When epoll cannot take it the daemon sees the connection close, and tries again.
            guard let connection = try? Connection(poll: poll, socket: socket) else { continue }
            let id = ObjectIdentifier(connection)
            connections[id] = connection
            connection.onEnd = { [unowned self] in connections[id] = nil }
            connection.onRequest = { [unowned self, unowned connection] number, request in
                handle(request, Reply(server: self, connection: connection, number: number))
            }
        }
    }

    func say(_ event: ShimEvent) {
        for connection in Array(connections.values) where connection.isGreeted { connection.send(.event(event)) }
    }

    private func handle(_ request: ShimRequest, _ reply: Reply) {
        do {
            try sequence.begin(request)
            switch request {
            case .hello: hello(reply)
            case .create(let creation): create(creation, reply)
            case .start(let container): start(container, reply)
            case .signal(let container, let exec, let signal):
                try send(signal, to: container, exec: exec)
                reply.send(.done)
            case .delete(let container): delete(container, reply)
            case .exec(let exec): self.exec(exec, reply)
            case .resize(let container, let exec, let rows, let columns):
                try known(container).resize(rows: rows, columns: columns, exec: exec)
                reply.send(.done)
            case .attach(let attach): try self.attach(attach, reply)
            case .reopenLog(let container):
                do { try known(container).log.reopen() } catch let error as Errno {
                    throw ShimFailure(.system, "\(error)")
                }
                reply.send(.done)
            case .shutdown:
                reply.send(.done)
                isEnding = true
            }
        } catch let failure as ShimFailure {
            reply.send(.failed(failure))
        } catch {
            reply.send(.failed(ShimFailure(.system, "\(error)")))
        }
    }

    func known(_ container: String) throws(ShimFailure) -> ShimContainer {
        guard let known = containers[container] else { throw ShimFailure(.unknown, "no container \(container)") }
        return known
    }

    private func hello(_ reply: Reply) {
        reply.connection?.isGreeted = true
        let states = containers.values.map { container in
            ShimContainerState(
                id: container.creation.id, phase: sequence.phase(of: container.creation.id) ?? .exited,
                process: container.process, startedAt: container.startedAt, exit: container.exit)
        }
        reply.send(
            .hello(
                ShimState(
                    version: ShimMessage.version, podUID: options.podUID, shim: identity,
                    containers: states.sorted { $0.id < $1.id })))
    }

    // MARK: - The runtime

    /// Runs `runtime <global> verb <arguments>`; `finish` is called when it has ended. Returns its process, which is a child
    /// of ours until then.
    @discardableResult
    func runtime(
        _ verb: String, _ arguments: [String], stdio: [Int32]? = nil,
        _ finish: @escaping (Result<Void, ShimFailure>) -> Void
    ) -> Int32? {
        nextOperation += 1
        let log = "\(options.directory)/runtime.\(nextOperation).log"
        let operation = RuntimeOperation(verb: verb, logPath: log, finish: finish)
        let words = ["--root", options.runtimeRoot, "--log", log, verb] + arguments
        do {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            let pid = try Spawn.start(
                executable: options.runtime, arguments: words, descriptors: stdio ?? [null.raw, null.raw, null.raw])
            operations[pid] = operation
            return pid
        } catch {
            finish(.failure(ShimFailure(.system, "\(error)")))
            return nil
        }
    }

    // MARK: - Children

    private func reap() {
        var signal = clinux_signal()
        while clinux_signalfd_read(signals.raw, &signal) > 0 {
            // A polite end is refused while the pod has containers: only the daemon ends a pod.
            if signal.number != SIGCHLD, sequence.isEmpty { isEnding = true }
        }
        var ended = clinux_exit()
        while clinux_wait_any(1, &ended) > 0 { childEnded(ended.process, ended.code, ended.signal) }
    }

    private func childEnded(_ pid: Int32, _ code: Int32, _ signal: Int32) {
        let now = wallClock()
        if let operation = operations.removeValue(forKey: pid) {
            operation.ended(code: code, signal: signal)
        } else if let container = containers.values.first(where: { $0.process?.pid == pid && $0.exit == nil }) {
            containerEnded(container, pid, code, signal, now)
        } else if let (container, exec) = session(pid) {
            execEnded(container, exec, pid, code, signal, now)
        } else if !operations.isEmpty {
            unclaimed.append((pid, code, signal, now))
        }
        if operations.isEmpty { unclaimed = [] }
    }

    private func session(_ pid: Int32) -> (ShimContainer, ShimExec)? {
        for container in containers.values {
            if let exec = container.execs.values.first(where: { $0.process?.pid == pid }) { return (container, exec) }
        }
        return nil
    }

    /// The end of `pid` when it came before anybody knew the number.
    func claim(_ pid: Int32) -> (code: Int32, signal: Int32, at: Int64)? {
        guard let index = unclaimed.firstIndex(where: { $0.pid == pid }) else { return nil }
        let found = unclaimed.remove(at: index)
        return (found.code, found.signal, found.at)
    }

    func containerEnded(_ container: ShimContainer, _ pid: Int32, _ code: Int32, _ signal: Int32, _ at: Int64) {
        // Its output first: whoever hears of the end may read the log.
        container.drain()
        let record = ExitRecord(
            container: container.creation.id, pid: pid, code: signal != 0 ? 128 + signal : code, signal: signal,
            startedAt: container.startedAt, finishedAt: at)
        container.exit = record
        do {
            try record.write(in: options.exitDirectory)
        } catch {
            // The record lives on in memory, and in the hello of the next daemon.
            say(.logFailed(container: container.creation.id, message: "write the exit record: \(error)"))
        }
        container.isExitHeld = sequence.phase(of: container.creation.id) == .starting
        sequence.exited(container.creation.id)
        if !container.isExitHeld { say(.exited(record)) }
    }

    func execEnded(
        _ container: ShimContainer, _ exec: ShimExec, _ pid: Int32, _ code: Int32, _ signal: Int32, _ at: Int64
    ) {
        container.execs[exec.request.exec] = nil
        sequence.execEnded(exec.request.exec, of: container.creation.id)
        let record = ExitRecord(
            container: container.creation.id, pid: pid, code: signal != 0 ? 128 + signal : code, signal: signal,
            startedAt: exec.startedAt, finishedAt: at)
        say(.execExited(container: container.creation.id, exec: exec.request.exec, record))
    }
}

/// Where an answer goes, which may be after the one who asked has gone.
struct Reply {
    unowned let server: ShimServer
    weak var connection: Connection?
    let number: UInt32

    func send(_ reply: ShimReply, _ descriptors: [Int32] = []) {
        guard let connection else {
            for descriptor in descriptors { Glibc.close(descriptor) }
            return
        }
        connection.send(.reply(number, reply), descriptors)
    }
}
