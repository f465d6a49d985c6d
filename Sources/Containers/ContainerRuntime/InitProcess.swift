// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
import JSON
import Linux
import Namespaces
import OCI
import Processes

/// The container's first process, between clone3 and exec. It runs as a copy of the single-threaded runtime.
struct InitProcess: ~Copyable {
    let bundle: Bundle
    let id: String
    let plan: NamespacePlan
    let joined: [Int32]
    let channel: Channel
    /// The number of the socket that `start` connects to; nil: `run` says when on the channel.
    let listener: Int32?
    /// The number of the socket that takes the terminal.
    let console: Int32?
    let cgroupDirectory: String?
    let state: JSONValue

    /// Returns only when it failed, as the exit code: what goes wrong is told on the channel (or, once started, on the connection of `start`).
    borrowing func run() -> Int32 {
        do { try prepare() } catch {
            // Nobody listens any more: there is nobody to tell.
            try? channel.send(.failed("\(error)"))
        }
        return 1
    }

    private borrowing func prepare() throws {
        // Dies with the runtime until the container is whole.
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        // No process of a joined pid namespace may look into this one.
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        // With a user namespace to join, an intermediate process did so before.
        if !plan.joins(.user) { try Self.join(plan, joined) }
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
        try systemCall("setsid") { setsid() }
        // Keys of the host's session are none of the container's; a kernel without keyrings has none.
        let code = clinux_join_session_keyring("_ses.\(id)")
        if code < 0, code != -ENOSYS, code != -EPERM, code != -EDQUOT, code != -EACCES {
            throw Errno(-code, "join a session keyring")
        }
        try setNames()
        umask(0)
        try buildRoot()
        try finish()
    }

    /// Joins what is to be joined, a user namespace first: it gives the rights over those it owns.
    static func join(_ plan: NamespacePlan, _ joined: [Int32]) throws {
        let order = plan.joined.indices.sorted {
            (plan.joined[$0].kind == .user ? 0 : 1) < (plan.joined[$1].kind == .user ? 0 : 1)
        }
        for index in order {
            let entry = plan.joined[index]
            let number = joined[index]
            let kind = Int32(truncatingIfNeeded: entry.kind.rawValue)
            // The pid and time namespaces were entered by the parent: they hold for its children.
            if entry.kind == .process || entry.kind == .time { continue }
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

    private borrowing func buildRoot() throws {
        let spec = bundle.spec
        let filesystem = try RootFilesystem(
            spec: spec, bundle: bundle.path, path: bundle.rootfs, plan: plan, cgroupDirectory: cgroupDirectory)
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
        }
        try Sysctl.apply(spec.linux.sysctl)
        try filesystem.protect()
    }

    /// From the built root to the program.
    private borrowing func finish() throws {
        guard let process = bundle.spec.process else { throw RuntimeError("process", "is required") }
        let environment = ProcessSettings.completeEnvironment(process.environment, user: process.user.user)
        // Found now, as root of the container, so that a missing program fails `create`.
        _ = chdir(process.workingDirectory)
        let program = try ProcessSettings.findExecutable(process.arguments[0], environment: environment)
        try ProcessSettings.checkExecutable(program, name: process.arguments[0])
        try systemCall("chdir /") { chdir("/") }
        try channel.send(.waiting)
        try awaitProceed()
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, 0, 0, 0, 0) }
        if listener != nil { try channel.send(.independent) }
        let report = try awaitStart()
        do {
            try Hooks.run(bundle.spec.hooks.startContainer, "startContainer", state: state)
            try ProcessSettings.apply(
                process, seccomp: bundle.spec.linux.seccomp, personality: bundle.spec.linux.personality)
            try kernelCall("reset signals") { clinux_signals_reset() }
            // Close-on-exec on all that is left: the runtime's own descriptors, whoever opened them.
            let error = execute(program, arguments: process.arguments, environment: environment)
            throw RuntimeError("exec \"\(process.arguments[0])\"", error.reason)
        } catch {
            // `start` or `run` reads it; when they are gone there is nobody left to tell.
            switch report {
            case .some(let socket): try? socket.descriptor.writeAll(Array("\(error)".utf8))
            case .none: try? channel.send(.failed("\(error)"))
            }
        }
    }

    /// Waits until `start` connects, and returns the connection, which tells it of a failure, or closes with exec. With
    /// `run`, the message before was the start.
    private borrowing func awaitStart() throws -> Socket? {
        guard let listener else { return nil }
        let socket = Socket(owning: FileDescriptor(owning: listener))
        while true {
            guard let connection = try socket.accept(nonBlocking: false) else { continue }
            // A `start` that was killed before it said so starts nothing.
            if try connection.descriptor.read(upTo: 1) == [1] { return connection }
        }
    }
}
