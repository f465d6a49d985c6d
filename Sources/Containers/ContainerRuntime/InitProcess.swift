// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
import JSON
import Linux
import Mounts
import Namespaces
import Numbers
import OCI
import Processes

/// The container's first process, between clone3 and exec. It runs as a copy of the single-threaded runtime.
///
/// Where the pid namespace is one that others use already, the work is done outside of it, and what enters it in the end is
/// a sibling with nothing but what the container's program will have (`enterProcessNamespace`).
struct InitProcess: ~Copyable {
    let bundle: Bundle
    let filter: SystemCallFilter?
    let id: String
    let plan: NamespacePlan
    let joined: [Int32]
    let channel: Channel
    /// What takes the channel's place once others can reach the process.
    let gate: InnerGate
    /// Where a process that goes on in the place of this one is told.
    let successor: SharedWord
    /// The number of the socket that takes the terminal.
    let console: Int32?
    let cgroupDirectory: String?
    let state: JSONValue
    /// How many descriptors from 3 on are the program's.
    let preservedDescriptors: Int32

    /// Returns only when it failed, as the exit code: what goes wrong is told on the channel, and from the confinement on at
    /// the gate.
    borrowing func run() -> Int32 {
        let ready: Ready
        do { ready = try prepare() } catch {
            // Nobody listens any more: there is nobody to tell.
            try? channel.send(.failed("\(error)"))
            return 1
        }
        do { try finish(ready) } catch { gate.fail(error) }
        return 1
    }

    /// What the work before the confinement leaves for that after it.
    private struct Ready: ~Copyable {
        let host: HostProcess
        let confinement: Confinement
        let program: String
        let environment: [String]
    }

    private borrowing func prepare() throws -> Ready {
        try successor.keepFromCopies()
        // Dies with the runtime until the container is whole.
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        let host = try HostProcess()
        // With the rights and in the pid namespace of the host: what is made later is made for, or born in, the other.
        let procMounts = try makeProcMounts()
        if plan.joins(.process) {
            try Self.join(plan, joined)
            // The time namespace was made before, for children.
            try unshare(plan.made.filter { $0 != .time })
        } else if !plan.joins(.user) {
            // With a user namespace to join, an intermediate process did so before.
            try Self.join(plan, joined)
        }
        if plan.makes(.user) {
            try channel.send(.ready)
            try awaitProceed()
        }
        if plan.has(.user) {
            // Root of the user namespace: what is made from now on belongs to it.
            try kernelCall("become root of the user namespace") { clinux_setresgid(0, 0, 0) }
            try kernelCall("become root of the user namespace") { clinux_setresuid(0, 0, 0) }
            // A change of user makes the process undumpable again, and clears the parent-death signal.
            try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        }
        // For a sibling that goes on, it is done there.
        if !plan.joins(.process) { try systemCall("setsid") { setsid() } }
        // Keys of the host's session are none of the container's; a kernel without keyrings has none.
        let code = clinux_join_session_keyring("_ses.\(id)")
        if code < 0, code != -ENOSYS, code != -EPERM, code != -EDQUOT, code != -EACCES {
            throw Errno(-code, "join a session keyring")
        }
        try setNames()
        umask(0)
        let environment = try buildRoot(host, procMounts)
        return try ready(environment, host)
    }

    private borrowing func makeProcMounts() throws -> [String: Int32] {
        guard let index = plan.joined.firstIndex(where: { $0.kind == .process }) else { return [:] }
        var made: [String: Int32] = [:]
        for mount in bundle.spec.mounts where mount.type == "proc" && made[mount.destination] == nil {
            try during("mount \(mount.destination)") {
                let tree = try ProcMount.make(of: joined[index], options: MountOptions(mount.options).data)
                made[mount.destination] = tree.intoDescriptor().release()
            }
        }
        return made
    }

    /// Joins what is to be joined. The pid namespace first, with the rights of the host's root over it: it holds for
    /// children only. Then a user namespace: it gives the rights over those it owns.
    static func join(_ plan: NamespacePlan, _ joined: [Int32]) throws {
        func rank(_ kind: NamespaceKind) -> Int { kind == .process ? 0 : kind == .user ? 1 : 2 }
        let order = plan.joined.indices.sorted { rank(plan.joined[$0].kind) < rank(plan.joined[$1].kind) }
        for index in order {
            let entry = plan.joined[index]
            let number = joined[index]
            let kind = Int32(truncatingIfNeeded: entry.kind.rawValue)
            // Entered by the parent: it holds for its children.
            if entry.kind == .time { continue }
            try kernelCall("join \(entry.kind.procName) namespace \(entry.path)") { clinux_setns(number, kind) }
        }
    }

    private borrowing func awaitProceed() throws {
        guard case .proceed? = try channel.receive() else { throw RuntimeError("init", "the runtime has ended") }
    }

    private borrowing func setNames() throws {
        if let name = bundle.spec.hostname {
            try kernelCall("set the host name \(name)") { clinux_sethostname(name, name.utf8.count) }
        }
        if let name = bundle.spec.domainname {
            try kernelCall("set the domain name \(name)") { clinux_setdomainname(name, name.utf8.count) }
        }
    }

    /// Returns the environment of the program.
    private borrowing func buildRoot(
        _ host: borrowing HostProcess, _ procMounts: [String: Int32]
    ) throws -> [String] {
        let spec = bundle.spec
        let filesystem = try RootFilesystem(
            spec: spec, bundle: bundle.path, path: bundle.rootfs, plan: plan, cgroupDirectory: cgroupDirectory,
            procMounts: procMounts)
        try filesystem.build()
        if spec.hooks.runsInRuntime {
            try channel.send(.built)
            try awaitProceed()
        }
        try Hooks.run(spec.hooks.createContainer, "createContainer", state: state)
        try filesystem.enter()
        if let process = spec.process, process.terminal, let console {
            let socket = Socket(owning: FileDescriptor(owning: console))
            try during("terminal") { try Console.attach(process, socket: socket, makeConsole: filesystem.fillsDev) }
            if !plan.joins(.process) { try during("terminal") { try Console.takeControl() } }
        }
        try StandardStreams.replaceNull(host)
        try Sysctl.apply(spec.linux.sysctl)
        try filesystem.protect()
        let process = spec.process
        return ProcessSettings.completeEnvironment(
            process?.environment ?? [], user: process?.user.user ?? .root,
            root: try FileDescriptor.handle("/", directory: true), host: host)
    }

    /// From the built root to all that is done before the confinement.
    private borrowing func ready(_ environment: [String], _ host: consuming HostProcess) throws -> Ready {
        guard let process = bundle.spec.process else { throw RuntimeError("process", "is required") }
        // Found now, as root of the container, so that a missing program fails `create`.
        _ = chdir(process.workingDirectory)
        let program = try ProcessSettings.findExecutable(process.arguments[0], environment: environment)
        try ProcessSettings.checkExecutable(program, name: process.arguments[0])
        try systemCall("chdir /") { chdir("/") }
        let confinement = confinement(process)
        if confinement.isStricterThanAsked {
            try channel.send(
                .warning("seccomp: the profile refuses calls that joining a pid namespace needs: no_new_privs is set"))
        }
        try channel.send(.waiting)
        try awaitProceed()
        return Ready(host: host, confinement: confinement, program: program, environment: environment)
    }

    /// Gives up what the container has not, the channel with it, and goes on to the program.
    private borrowing func finish(_ ready: borrowing Ready) throws {
        guard let process = bundle.spec.process else { throw RuntimeError("process", "is required") }
        let confinement = ready.confinement
        if confinement.isDeferred {
            close(channel.socket.descriptor.raw)
        } else {
            try confinement.apply(ready.host)
            try Descriptors.closeAll(except: Array(0..<3 + preservedDescriptors) + gate.descriptors)
        }
        if plan.joins(.process) { try Sibling.goOn(successor, terminal: process.terminal) }
        // The runtime has written down which process this is.
        try gate.awaitPermit()
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, 0, 0, 0, 0) }
        if gate.waitsForStart {
            try gate.sayIndependent()
            try gate.awaitStart()
        }
        try Hooks.run(bundle.spec.hooks.startContainer, "startContainer", state: state)
        if confinement.isDeferred { try confinement.apply(ready.host) }
        try kernelCall("reset signals") { clinux_signals_reset() }
        try confinement.applyLate()
        // Close-on-exec on all that is left: the runtime's own descriptors, whoever opened them.
        let error = execute(ready.program, arguments: process.arguments, environment: ready.environment)
        throw RuntimeError("exec \"\(process.arguments[0])\"", error.reason)
    }

    private borrowing func confinement(_ process: ProcessSpec) -> Confinement {
        var calls = Confinement.calls
        if plan.joins(.process) { calls += Confinement.siblingCalls(terminal: process.terminal) }
        return Confinement(
            process, bundle.spec.linux, filter, calls: calls, isAlone: !plan.joins(.process),
            runsHooks: !bundle.spec.hooks.startContainer.isEmpty)
    }
}

/// The last step into a pid namespace whose other processes may look into the newcomer.
enum Sibling {
    /// Makes a copy of this process as its sibling, which is where the children of this one belong, tells the runtime by
    /// memory that the copy has not, and ends. Returns in the copy, with its own session and, if it has one, its terminal.
    static func goOn(_ successor: borrowing SharedWord, terminal: Bool) throws {
        let made = clinux_clone(UInt(CLINUX_CLONE_PARENT))
        if made == -ENOMEM {
            // What clone(2) says of a pid namespace without a first process.
            throw RuntimeError("enter the pid namespace", "no memory, or its first process has ended")
        }
        if made < 0 { throw Errno(-made, "enter the pid namespace: clone") }
        if made > 0 {
            successor.value = made
            endCopy(0)
        }
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try systemCall("setsid") { setsid() }
        if terminal { try during("terminal") { try Console.takeControl() } }
    }
}
