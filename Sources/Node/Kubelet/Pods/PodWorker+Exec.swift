// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Glibc
internal import JSON
internal import KubeAPI
internal import Linux
internal import Shim
internal import TLS

/// What a command run in a container gave.
struct CommandResult: Sendable {
    var code: Int32
    /// Standard output and error, at most 10 KiB.
    var output: String
}

/// A process started in a container, with its ends of the streams.
struct ExecSession: Sendable {
    var id: String
    var streams: [ShimStream: AsyncDescriptor]
    var shim: ShimClient
    var container: String
    /// Nil for a container's own process.
    var end: ExecEnd?
}

extension PodWorker {
    /// Starts a command in a running container.
    func exec(_ command: [String], in name: String, terminal: Bool, stdin: Bool) async throws -> ExecSession {
        guard let shim, let record = records[name],
            record.situation.phase == .running || record.situation.phase == .stopping
        else { throw SandboxError("container \(name) is not running") }
        let bundle = services.settings.podRunDirectory(uid) + "/" + record.id
        guard var process = try JSONValue.parse(try Files.read(bundle + "/process.json")).object else {
            throw SandboxError("the process of container \(name) cannot be read")
        }
        process["args"] = .array(command.map { .string($0) })
        process["terminal"] = .bool(terminal)
        if terminal, var environment = process["env"]?.array,
            !environment.contains(where: { $0.string?.hasPrefix("TERM=") == true })
        {
            environment.append("TERM=xterm")
            process["env"] = .array(environment)
        }
        let id = Hex.encode(try randomBytes(8))
        let file = "\(bundle)/exec-\(id).json"
        try Files.replace(file, with: JSONValue.object(process).encoded(), mode: 0o600, durable: false)
        defer { try? Files.removeIfPresent(file) }  // Left behind, it goes with the bundle.
        let request = ContainerExec(
            container: record.id, exec: id, processFile: file, terminal: terminal, stdin: stdin)
        let end = shim.end(ofExec: id)
        let (reply, descriptors): (ShimReply, ReceivedDescriptors)
        do { (reply, descriptors) = try await shim.ask(.exec(request), endsWhenCancelled: true) } catch {
            // A process of the container can hold up what comes into its pid namespace: it is not waited for.
            if error is CancellationError { await Self.end(id, of: record.id, shim) }
            throw error
        }
        guard case .process(_, let streams) = reply else { throw SandboxError("the shim gave no process") }
        return ExecSession(
            id: id, streams: try Self.open(streams, descriptors), shim: shim, container: record.id, end: end)
    }

    /// Joins a container's own streams.
    func attach(_ name: String, stdin: Bool, stdout: Bool, stderr: Bool) async throws -> ExecSession {
        guard let shim, let record = records[name], record.situation.phase == .running else {
            throw SandboxError("container \(name) is not running")
        }
        let (reply, descriptors) = try await shim.ask(
            .attach(ContainerAttach(container: record.id, stdin: stdin, stdout: stdout, stderr: stderr)))
        guard case .attached(let streams) = reply else { throw SandboxError("the shim gave no streams") }
        return ExecSession(id: "", streams: try Self.open(streams, descriptors), shim: shim, container: record.id)
    }

    private static func open(
        _ streams: [ShimStream], _ descriptors: ReceivedDescriptors
    ) throws -> [ShimStream: AsyncDescriptor] {
        var opened: [ShimStream: AsyncDescriptor] = [:]
        for (index, stream) in streams.enumerated() {
            guard let file = descriptors.take(index) else { throw SandboxError("a descriptor is missing") }
            try file.setNonBlocking(true)
            opened[stream] = AsyncDescriptor(owning: file)
        }
        return opened
    }

    func resize(_ session: ExecSession, rows: UInt16, columns: UInt16) async throws {
        try await session.shim.ask(
            .resize(
                container: session.container, exec: session.id.isEmpty ? nil : session.id, rows: rows,
                columns: columns))
    }

    /// Runs a command to its end. After `timeout` it is killed, and that is an error.
    func run(_ command: [String], in name: String, timeout: Duration?) async throws -> CommandResult {
        let work: @Sendable () async throws -> CommandResult = { [self] in
            let session = try await exec(command, in: name, terminal: false, stdin: false)
            do {
                async let output = PipeReader.collect(session.streams[.stdout], limit: 10 << 10)
                async let errors = PipeReader.collect(session.streams[.stderr], limit: 10 << 10)
                guard let record = try await session.end?.wait() else { throw SandboxError("the command has no end") }
                let text = try await output + errors
                return CommandResult(code: record.code, output: String(decoding: text, as: UTF8.self))
            } catch {
                await Self.end(session.id, of: session.container, session.shim)
                throw error
            }
        }
        guard let timeout else { return try await work() }
        return try await withDeadline(timeout, "command \(command.first ?? "")", work)
    }

    /// Kills a command, however far it has come.
    private static func end(_ exec: String, of container: String, _ shim: ShimClient) async {
        // It may have ended in the same moment.
        _ = try? await shim.ask(.signal(container: container, exec: exec, signal: SIGKILL))
    }

    /// Where a probe or hook connects to.
    func target(
        _ host: String?, port: JSONValue?, of container: Container
    ) throws -> (host: String, port: UInt16) {
        let number: Int
        if let integer = port?.integer {
            number = Int(integer)
        } else if let text = port?.string {
            guard let named = Int(text) ?? container.ports.first(where: { $0.name == text })?.containerPort else {
                throw ProbeUnsupported(description: "couldn't find port: \(text)")
            }
            number = named
        } else {
            throw ProbeUnsupported(description: "the handler names no port")
        }
        let target = host.flatMap { $0.isEmpty ? nil : $0 } ?? addresses?.first ?? "127.0.0.1"
        guard (1...65535).contains(number) else {
            throw ProbeUnsupported(description: "\(target) port \(number) is no address")
        }
        return (target, UInt16(number))
    }

    /// The path of the pod's own network; nil when it is the node's.
    var networkNamespacePath: String? {
        pod.spec.hostNetwork == true ? nil : Sandbox(services: services, pod: pod).options().namespacePath(.net)
    }

    /// Returns once the run with this id has ended; false at once when it is none of this pod's.
    func waitForEnd(ofContainer id: String) async -> Bool {
        guard records.values.contains(where: { $0.id == id }) else { return false }
        while let record = records.values.first(where: { $0.id == id }), !isFinished {
            if case .exited = record.situation.phase { return true }
            await withCheckedContinuation { endWaiters.append($0) }
        }
        return true
    }

    /// The exit code of the run with this id, once it has ended.
    func waitForCode(ofContainer id: String, _ name: String) async -> Int32 {
        _ = await waitForEnd(ofContainer: id)
        guard let record = records[name] else { return 137 }
        return (record.end?.id == id ? record.end?.code : record.previous?.code) ?? 137
    }

    func tellWaiters() {
        let waiting = endWaiters
        endWaiters = []
        for waiter in waiting { waiter.resume() }
    }

    func unhealthy(_ name: String, _ kind: ProbeKind, _ message: String) {
        let title = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
        services.events.warning(pod, "Unhealthy", "\(title) probe failed: \(message)", container: name)
    }
}

/// Reads pipes to their end.
enum PipeReader {
    static func collect(_ pipe: AsyncDescriptor?, limit: Int) async throws -> [UInt8] {
        guard let pipe else { return [] }
        var all: [UInt8] = []
        while let bytes = try await read(pipe, max: 16384) {
            // What is too much is read all the same: the writer must not stand still.
            if all.count < limit { all += bytes.prefix(limit - all.count) }
        }
        return all
    }

    /// Waits for bytes; nil at the end.
    static func read(_ pipe: AsyncDescriptor, max: Int) async throws -> [UInt8]? {
        while true {
            try await pipe.readable()
            var buffer = [UInt8](repeating: 0, count: max)
            let count = pipe.withDescriptor { file in
                let raw = file.raw
                let count = buffer.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
                return count < 0 ? -Int(errno) : count
            }
            guard let count else { return nil }
            if count == -Int(EAGAIN) || count == -Int(EINTR) { continue }
            // EIO is a terminal's end of file.
            if count == -Int(EIO) || count == 0 { return nil }
            guard count > 0 else { throw Errno(Int32(-count), "read") }
            return Array(buffer[..<count])
        }
    }

    /// Writes all of `bytes`; false when nobody reads any more.
    static func write(_ pipe: AsyncDescriptor, _ bytes: [UInt8]) async throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            try await pipe.writable()
            let chunk = rest
            let count = pipe.withDescriptor { file in
                let raw = file.raw
                let count = chunk.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) }
                return count < 0 ? -Int(errno) : count
            }
            guard let count else { return false }
            if count == -Int(EAGAIN) || count == -Int(EINTR) { continue }
            if count == -Int(EPIPE) || count == -Int(EIO) { return false }
            guard count >= 0 else { throw Errno(Int32(-count), "write") }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
