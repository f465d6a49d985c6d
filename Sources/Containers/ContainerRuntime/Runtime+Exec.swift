// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
public import JSON
import Linux
import Namespaces
import OCI
import Processes

/// How `exec` is to run a process.
public struct ExecOptions: Sendable {
    public var consoleSocket: String?
    public var pidFile: String?
    public var detach = false
    /// A cgroup below the container's own.
    public var subCgroup: String?

    public init() {}
}

extension Runtime {
    /// The process that `exec` without a process file starts from: the container's own, less its arguments.
    public func processTemplate(_ id: String) throws -> JSONValue {
        let bytes = try during("read the configuration of \(id)") {
            try Files.read(store.directory(id) + "/config.json")
        }
        return try JSONValue.parse(bytes)["process"] ?? .object([:])
    }

    /// Runs a process in a container. Returns its exit code, or 0 when detached.
    public mutating func exec(_ id: String, process value: JSONValue, _ options: ExecOptions) throws -> Int32 {
        let process = try ProcessSpec(value)
        guard !process.arguments.isEmpty else { throw SpecError("process.args", "is empty") }
        let record = try store.record(id)
        let status = try store.status(record)
        guard status == .running || status == .created else {
            throw RuntimeError("exec in \(id)", "the container is \(status.rawValue)")
        }
        let spec = try store.configuration(id)
        let terminal = try TerminalRelay.make(
            wanted: process.terminal, socket: options.consoleSocket, detach: options.detach)
        let signals = options.detach ? nil : try SignalDescriptor(Foreground.signals)
        let started = try startProcess(record, spec, process, terminal?.childSide, options.subCgroup)
        try finishExec(started, process, options.pidFile)
        if options.detach {
            _ = try started.process.detach()
            return 0
        }
        return try Foreground.wait(for: started.process, signals: signals, terminal: terminal).shellCode
    }

    private mutating func finishExec(
        _ started: borrowing StartedInit, _ process: ProcessSpec, _ pidFile: String?
    ) throws {
        let pid = started.process.pid
        while let message = try started.channel.receive() {
            switch message {
            case .ready:
                try ResourceLimits.apply(process.limits, to: pid)
                setOOMScore(pid, process)
                try writePidFile(pidFile, pid)
                try started.channel.send(.proceed)
            case .failed(let text): throw RuntimeError("exec", text)
            case .warning(let text): warnings.add(text)
            default: throw RuntimeError("exec", "unexpected message")
            }
        }
    }

    private func startProcess(
        _ record: ContainerRecord, _ spec: RuntimeSpec, _ process: ProcessSpec, _ console: Int32?, _ sub: String?
    ) throws -> StartedInit {
        let target = try ProcessDescriptor(process: record.pid)
        guard store.isInitAlive(record) else { throw RuntimeError("exec in \(record.id)", "init has ended") }
        let kinds = try differingNamespaces(record.pid)
        let directory = try execCgroup(record, sub)
        let pair = try Socket.pair(.sequentialPackets)
        let ends = pair.channels()
        var own = OwnNamespaces()
        // The pid namespace holds for children: entered here, and left again below.
        if kinds.contains(.process) {
            try own.keep(.process)
            try enter([.process], of: target)
        }
        var pidfd: Int32 = -1
        let made = clinux_fork(0, number(directory) ?? -1, &pidfd)
        if made < 0 { throw Errno(-made, "exec in \(record.id): clone3") }
        if made == 0 {
            let copy = ExecProcess(
                process: process, spec: spec, kinds: kinds.filter { $0 != .process }, channel: ends.intoChild(),
                console: console)
            endCopy(copy.run(target))
            throw RuntimeError("exec", "a copy went on")
        }
        try own.restore()
        _ = number(directory)  // open until here
        let child = Child.adopt(pid: made, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: pidfd)))
        return StartedInit(process: child, channel: ends.intoParent())
    }

    /// Joining one's own user namespace is an error, and joining any other of one's own needless.
    private func differingNamespaces(_ pid: Int32) throws -> [NamespaceKind] {
        var result: [NamespaceKind] = []
        for kind in NamespaceKind.allCases {
            // A kernel without this kind has no such file.
            guard let own = try Files.statusIfPresent("/proc/self/ns/\(kind.procName)") else { continue }
            if try Files.status("/proc/\(pid)/ns/\(kind.procName)").inode != own.inode { result.append(kind) }
        }
        return result
    }

    private func execCgroup(_ record: ContainerRecord, _ sub: String?) throws -> FileDescriptor? {
        guard let cgroup = store.cgroup(record) else { return nil }
        guard let sub, !sub.isEmpty, sub != "/" else {
            do { return try cgroup.open() } catch {
                // The container moved its init into a cgroup below, which forbids processes here: go where init is.
                return try cgroup.hierarchy.cgroup(ofProcess: String(record.pid)).open()
            }
        }
        guard !sub.split(separator: "/").contains("..") else { throw RuntimeError("--cgroup \(sub)", "holds ..") }
        return try cgroup.child(sub).open()
    }
}

/// A process in a running container, between clone3 and exec.
struct ExecProcess: ~Copyable {
    let process: ProcessSpec
    let spec: RuntimeSpec
    let kinds: [NamespaceKind]
    let channel: Channel
    let console: Int32?

    /// Returns only when it failed, which it told: the exit code.
    borrowing func run(_ target: borrowing ProcessDescriptor) -> Int32 {
        do { try start(target) } catch {
            try? channel.send(.failed("\(error)"))  // nobody else to tell
        }
        return 1
    }

    private borrowing func start(_ target: borrowing ProcessDescriptor) throws {
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        // Before any namespace of the container: none of its processes may look into this one.
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        try channel.send(.ready)
        guard case .proceed? = try channel.receive() else { throw RuntimeError("exec", "the runtime ended") }
        if !kinds.isEmpty { try enter(kinds, of: target) }
        try systemCall("setsid") { setsid() }
        if kinds.contains(.user) {
            try kernelCall("become root of the user namespace") { clinux_setresgid(0, 0, 0) }
            try kernelCall("become root of the user namespace") { clinux_setresuid(0, 0, 0) }
        }
        let code = clinux_join_session_keyring("_ses.exec")
        if code < 0, code != -ENOSYS, code != -EPERM, code != -EDQUOT, code != -EACCES {
            throw Errno(-code, "join a session keyring")
        }
        try systemCall("chdir /") { chdir("/") }
        if process.terminal, let console {
            let socket = Socket(owning: FileDescriptor(owning: console))
            try during("terminal") { try Console.attach(process, socket: socket, makeConsole: false) }
        }
        let environment = ProcessSettings.completeEnvironment(process.environment, user: process.user.user)
        _ = chdir(process.workingDirectory)  // for a relative PATH; `apply` reports a missing one
        let program = try ProcessSettings.findExecutable(process.arguments[0], environment: environment)
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, 0, 0, 0, 0) }
        try ProcessSettings.apply(process, seccomp: spec.linux.seccomp, personality: spec.linux.personality)
        try kernelCall("reset signals") { clinux_signals_reset() }
        let error = execute(program, arguments: process.arguments, environment: environment)
        throw RuntimeError("exec \"\(process.arguments[0])\"", error.reason)
    }
}
