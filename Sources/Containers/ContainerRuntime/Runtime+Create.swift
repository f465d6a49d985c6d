// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
import JSON
import Linux
import Namespaces
import OCI
import Processes

/// How `create` and `run` are to make a container.
public struct CreateOptions: Sendable {
    public var bundle = "."
    public var consoleSocket: String?
    public var pidFile: String?
    public var detach = false
    public var keep = false
    /// How many descriptors from 3 on the program gets.
    public var preservedDescriptors: Int32 = 0

    public init() {}
}

/// A container whose init waits for its start. Dropped before `disarm`, everything made for it is undone.
struct PreparedContainer: ~Copyable {
    let record: ContainerRecord
    let spec: RuntimeSpec
    let gate: Gate
    let process: Child
}

extension Runtime {
    /// Makes a container up to the point where only its program's start is missing.
    public mutating func create(_ id: String, _ options: CreateOptions) throws {
        let bundle = try Bundle.load(options.bundle)
        let console = try connectConsole(bundle, options)
        let prepared = try prepare(
            id, bundle, console: number(console), preserved: options.preservedDescriptors, waitsForStart: true)
        do {
            try writePidFile(options.pidFile, prepared.record.pid)
            try prepared.gate.open()
            _ = number(console)  // open until here
            // Until it has said so, the end of this process would be its own.
            if let words = try prepared.gate.awaitIndependence(of: prepared.process.pidfd) {
                throw RuntimeError("create \(id)", words)
            }
            _ = try prepared.process.detach()
        } catch {
            try? destroy(store.record(id))  // the first error is the one to tell
            throw error
        }
    }

    func writePidFile(_ path: String?, _ pid: Int32) throws {
        guard let path else { return }
        try during("write the pid file") {
            try Files.replace(path, with: Array(String(pid).utf8), mode: 0o644, durable: false)
        }
    }

    /// The socket that gets the terminal; a terminal without one, or one without a terminal, is a mistake.
    private func connectConsole(_ bundle: Bundle, _ options: CreateOptions) throws -> Socket? {
        let terminal = bundle.spec.process?.terminal ?? false
        guard let path = options.consoleSocket else {
            if terminal { throw RuntimeError("process.terminal", "needs --console-socket") }
            return nil
        }
        guard terminal else { throw RuntimeError("--console-socket", "is given without process.terminal") }
        return try during("console socket") { try Socket.connected(to: .unix(path)) }
    }

    /// Makes record, cgroup and init, in this order: each step can be undone from what the steps before have written.
    mutating func prepare(
        _ id: String, _ bundle: Bundle, console: Int32?, preserved: Int32, waitsForStart: Bool
    ) throws -> PreparedContainer {
        try ContainerStore.checkID(id)
        let spec = bundle.spec
        let plan = try NamespacePlan(spec.linux.namespaces)
        var path: String?
        do {
            _ = try CgroupHierarchy.discover()
            path = try CgroupPlan.path(spec.linux.cgroupsPath, id: id, systemd: systemdCgroup)
        } catch let error as CgroupError { warnings.add("\(error)") }
        let record = try ContainerRecord(
            id: id, version: spec.version, bundle: bundle.path, rootfs: bundle.rootfs, annotations: spec.annotations,
            cgroup: path)
        try store.add(record, configuration: bundle.bytes)
        do {
            return try prepare(
                record, bundle, plan, console: console, preserved: preserved, waitsForStart: waitsForStart)
        } catch {
            // The first error is the one to tell; what cannot be undone now, `delete --force` undoes.
            do { try destroy(store.record(id)) } catch { warnings.add("clean up \(id): \(error)") }
            throw error
        }
    }

    private mutating func prepare(
        _ record: ContainerRecord, _ bundle: Bundle, _ plan: NamespacePlan, console: Int32?, preserved: Int32,
        waitsForStart: Bool
    ) throws -> PreparedContainer {
        var record = record
        let spec = bundle.spec
        let cgroup = store.cgroup(record)
        var directory: FileDescriptor?
        if let cgroup {
            guard try cgroup.path == "/" || cgroup.processes(recursive: true).isEmpty else {
                throw RuntimeError("cgroup \(cgroup.path)", "is in use by other processes")
            }
            try CgroupPlan.set(cgroup, spec.linux.resources, warnings: &warnings)
            directory = try cgroup.open()
        }
        let ends = try CopyEnds(waitsForStart: waitsForStart)
        if let place = try ends.gates.waitingPlace() { try store.add(place, to: record.id) }
        let init_ = try startInit(
            record, bundle, plan, cgroup: number(directory) ?? -1, cgroupDirectory: cgroup?.directory,
            console: console, preserved: preserved, ends: ends)
        _ = number(directory)  // open until here
        try writeDown(&record, init_)
        // Beside init, which builds its root meanwhile. None of the container's own programs runs before both are done.
        if let cgroup { try CgroupPlan.restrictDevices(cgroup, spec.linux.resources) }
        try converse(record, spec, init_.channel)
        try init_.channel.send(.proceed)
        guard plan.joins(.process) else { return PreparedContainer(record: record, spec: spec, init_) }
        // It has worked outside of the pid namespace, and is to go on inside.
        let inside = try follow(init_, "create \(record.id)")
        try writeDown(&record, inside)
        return PreparedContainer(record: record, spec: spec, inside)
    }

    private func writeDown(_ record: inout ContainerRecord, _ init_: borrowing StartedInit) throws {
        record.pid = init_.process.pid
        record.startTime = ProcessStatus.read(record.pid)?.startTime ?? 0
        try store.update(record)
    }

    /// The runtime's side of the conversation until init waits.
    private mutating func converse(
        _ record: ContainerRecord, _ spec: RuntimeSpec, _ channel: borrowing Channel
    ) throws {
        while true {
            guard let message = try channel.receive() else {
                throw RuntimeError("init", "ended before the container was made")
            }
            switch message {
            case .ready:
                try mapUsers(record.pid, spec)
                try channel.send(.proceed)
            case .built:
                let state = try store.stateDocument(record, status: .creating)
                try Hooks.run(spec.hooks.prestart, "prestart", state: state)
                try Hooks.run(spec.hooks.createRuntime, "createRuntime", state: state)
                try channel.send(.proceed)
            case .waiting:
                // Not earlier: the container's limits are none for the work before.
                try setAttributes(record.pid, spec)
                return
            case .warning(let text): warnings.add(text)
            case .failed(let text): throw RuntimeError("create \(record.id)", text)
            case .proceed: throw RuntimeError("init", "unexpected message")
            }
        }
    }

    private func mapUsers(_ pid: Int32, _ spec: RuntimeSpec) throws {
        try during("map groups") { try Files.write("/proc/\(pid)/gid_map", IDMapping.text(spec.linux.gidMappings)) }
        try during("map users") { try Files.write("/proc/\(pid)/uid_map", IDMapping.text(spec.linux.uidMappings)) }
    }

    /// What needs the runtime's own rights rather than the container's.
    private mutating func setAttributes(_ pid: Int32, _ spec: RuntimeSpec) throws {
        guard let process = spec.process else { return }
        try ResourceLimits.apply(process.limits, to: pid)
        setOOMScore(pid, process)
    }

    mutating func setOOMScore(_ pid: Int32, _ process: ProcessSpec) {
        guard let value = process.oomScoreAdjustment else { return }
        do { try Files.write("/proc/\(pid)/oom_score_adj", String(value)) } catch {
            // Lowering it needs CAP_SYS_RESOURCE, which a runtime in a container may lack: the container runs all the same.
            warnings.add("set oom_score_adj to \(value): \(error.reason)")
        }
    }
}

/// The number of a descriptor that may be missing; using it also keeps the owner alive until there.
func number(_ file: borrowing FileDescriptor?) -> Int32? {
    switch file {
    case .some(let file): file.raw
    case .none: nil
    }
}

func number(_ socket: borrowing Socket?) -> Int32? {
    switch socket {
    case .some(let socket): socket.descriptor.raw
    case .none: nil
    }
}

/// Ends a forked copy of the runtime. (Not declared to never return: the compiler then complains of the owners in scope
/// that it would have ended after it.)
func endCopy(_ code: Int32) { _exit(code) }

extension SocketPair {
    /// Both ends as channels.
    consuming func channels() -> ChannelPair {
        split { ChannelPair(parent: Channel(socket: $0), child: Channel(socket: $1)) }
    }
}

/// The two ends of the conversation.
struct ChannelPair: ~Copyable {
    let parent: Channel
    let child: Channel
}

/// All ways between the runtime and the copy it is about to make.
struct CopyEnds: ~Copyable {
    let channels: ChannelPair
    let gates: GatePair

    init(waitsForStart: Bool) throws {
        let channels = try Socket.pair(.sequentialPackets).channels()
        let gates = try GatePair(waitsForStart: waitsForStart)
        self.channels = channels
        self.gates = gates
    }

    /// In the copy. The runtime's ends are closed.
    consuming func intoCopy() -> CopySide { CopySide(channel: channels.child, gate: gates.intoCopy()) }

    consuming func started(_ process: consuming Child, _ successor: consuming SharedWord) -> StartedInit {
        StartedInit(process: process, channel: channels.parent, gate: gates.intoRuntime(), successor: successor)
    }
}

struct CopySide: ~Copyable {
    let channel: Channel
    let gate: InnerGate
}

/// An init process and the ways to it.
struct StartedInit: ~Copyable {
    let process: Child
    let channel: Channel
    let gate: Gate
    let successor: SharedWord
}

extension PreparedContainer {
    init(record: ContainerRecord, spec: RuntimeSpec, _ started: consuming StartedInit) {
        self.record = record
        self.spec = spec
        gate = started.gate
        process = started.process
    }
}
