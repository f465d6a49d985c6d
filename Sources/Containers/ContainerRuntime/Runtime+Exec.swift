// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
public import JSON
import Linux
import Namespaces
import OCI
import Processes
internal import Text

/// How `exec` is to run a process.
public struct ExecOptions: Sendable {
    public var consoleSocket: String?
    public var pidFile: String?
    public var detach = false
    /// A cgroup below the container's own.
    public var subCgroup: String?
    /// How many descriptors from 3 on the program gets.
    public var preservedDescriptors: Int32 = 0

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
        let started = try startProcess(record, spec, process, terminal?.childSide, options)
        let running = try finishExec(started, process, options.pidFile)
        if options.detach {
            _ = try running.detach()
            return 0
        }
        return try Foreground.wait(for: running, signals: signals, terminal: terminal).shellCode
    }

    /// Accompanies the process to its program. What works outside of the container's pid namespace gets its limits, with the
    /// runtime's rights; what then goes on inside is written down before it may run anything.
    private mutating func finishExec(
        _ started: consuming StartedInit, _ process: ProcessSpec, _ pidFile: String?
    ) throws -> Child {
        while true {
            switch try started.channel.receive() {
            case .ready?:
                try ResourceLimits.apply(process.limits, to: started.process.pid)
                setOOMScore(started.process.pid, process)
                try started.channel.send(.proceed)
            case .waiting?:
                try started.channel.send(.proceed)
                let inside = try follow(started, "exec")
                try writePidFile(pidFile, inside.process.pid)
                try inside.gate.open()
                let words = try inside.gate.outcome(of: inside.process.pidfd)
                guard words.isEmpty else { throw RuntimeError("exec", words) }
                return inside.process
            case .failed(let text)?: throw RuntimeError("exec", text)
            case .warning(let text)?: warnings.add(text)
            case nil: throw RuntimeError("exec", "the process ended before it ran anything")
            default: throw RuntimeError("exec", "unexpected message")
            }
        }
    }

    private mutating func startProcess(
        _ record: ContainerRecord, _ spec: RuntimeSpec, _ process: ProcessSpec, _ console: Int32?,
        _ options: ExecOptions
    ) throws -> StartedInit {
        let target = try ProcessDescriptor(process: record.pid)
        guard store.isInitAlive(record) else { throw RuntimeError("exec in \(record.id)", "init has ended") }
        let kinds = try differingNamespaces(record.pid)
        let directory = try execCgroup(record, options.subCgroup)
        let filter = try compiledFilter(spec)
        let ends = try CopyEnds(waitsForStart: false)
        let successor = try SharedWord()
        var pidfd: Int32 = -1
        let made = clinux_fork(0, number(directory) ?? -1, &pidfd)
        if made < 0 { throw Errno(-made, "exec in \(record.id): clone3") }
        if made == 0 {
            let inner = ends.intoCopy()
            let copy = ExecProcess(
                process: process, linux: spec.linux, filter: filter, kinds: kinds, channel: inner.channel,
                gate: inner.gate, successor: successor, console: console,
                preservedDescriptors: options.preservedDescriptors)
            endCopy(copy.run(target))
            throw RuntimeError("exec", "a copy went on")
        }
        _ = number(directory)  // open until here
        let child = Child.adopt(pid: made, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: pidfd)))
        return ends.started(child, successor)
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
        guard !sub.steps.contains("..") else { throw RuntimeError("--cgroup \(sub)", "holds ..") }
        return try cgroup.child(sub).open()
    }
}

/// A process in a running container, between clone3 and exec. It joins the container's namespaces and becomes what its
/// program will be while it is still outside of the pid namespace, where no process of the container sees it. What enters
/// that, last, is a copy without rights, descriptors or a root that a container's process may not have (CVE-2016-9962,
/// CVE-2024-21626).
struct ExecProcess: ~Copyable {
    let process: ProcessSpec
    let linux: LinuxSpec
    let filter: SystemCallFilter?
    let kinds: [NamespaceKind]
    let channel: Channel
    let gate: InnerGate
    let successor: SharedWord
    let console: Int32?
    let preservedDescriptors: Int32

    /// Returns only when it failed, which it told: the exit code.
    borrowing func run(_ target: borrowing ProcessDescriptor) -> Int32 {
        let ready: Ready
        do { ready = try prepare(target) } catch {
            try? channel.send(.failed("\(error)"))  // nobody else to tell
            return 1
        }
        do { try finish(ready) } catch { gate.fail(error) }
        return 1
    }

    /// What the outer part of the work leaves for the inner one.
    private struct Ready: ~Copyable {
        let host: HostProcess
        let confinement: Confinement
        let program: String
        let environment: [String]
        let hasTerminal: Bool
    }

    /// Outside of the pid namespace, with the channel.
    private borrowing func prepare(_ target: borrowing ProcessDescriptor) throws -> Ready {
        try successor.keepFromCopies()
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        let host = try HostProcess()
        try channel.send(.ready)
        try awaitProceed()
        // The pid namespace is among them: it holds for the copy that this process makes.
        if !kinds.isEmpty { try enter(kinds, of: target) }
        if kinds.contains(.user) {
            try kernelCall("become root of the user namespace") { clinux_setresgid(0, 0, 0) }
            try kernelCall("become root of the user namespace") { clinux_setresuid(0, 0, 0) }
        }
        let code = clinux_join_session_keyring("_ses.exec")
        if code < 0, code != -ENOSYS, code != -EPERM, code != -EDQUOT, code != -EACCES {
            throw Errno(-code, "join a session keyring")
        }
        try systemCall("chdir /") { chdir("/") }
        let hasTerminal = process.terminal && console != nil
        if process.terminal, let console {
            let socket = Socket(owning: FileDescriptor(owning: console))
            try during("terminal") { try Console.attach(process, socket: socket, makeConsole: false) }
        }
        try StandardStreams.replaceNull(host)
        let environment = ProcessSettings.completeEnvironment(
            process.environment, user: process.user.user, root: try FileDescriptor.handle("/", directory: true),
            host: host)
        _ = chdir(process.workingDirectory)  // for a relative PATH; a missing one is told later
        let program = try ProcessSettings.findExecutable(process.arguments[0], environment: environment)
        let confinement = Confinement(
            process, linux, filter, calls: Confinement.calls + Confinement.siblingCalls(terminal: hasTerminal),
            isAlone: false, runsHooks: false)
        if confinement.isStricterThanAsked {
            try channel.send(.warning("seccomp: the profile refuses calls that exec needs: no_new_privs is set"))
        }
        try channel.send(.waiting)
        try awaitProceed()
        return Ready(
            host: host, confinement: confinement, program: program, environment: environment, hasTerminal: hasTerminal)
    }

    /// Gives up what the container has not, the channel with it, and goes on inside.
    private borrowing func finish(_ ready: borrowing Ready) throws {
        try ready.confinement.apply(ready.host)
        try Descriptors.closeAll(except: Array(0..<3 + preservedDescriptors) + gate.descriptors)
        try Sibling.goOn(successor, terminal: ready.hasTerminal)
        try gate.awaitPermit()
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, 0, 0, 0, 0) }
        try kernelCall("reset signals") { clinux_signals_reset() }
        try ready.confinement.applyLate()
        let error = execute(ready.program, arguments: process.arguments, environment: ready.environment)
        throw RuntimeError("exec \"\(process.arguments[0])\"", error.reason)
    }

    private borrowing func awaitProceed() throws {
        guard case .proceed? = try channel.receive() else { throw RuntimeError("exec", "the runtime ended") }
    }
}
