// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
public import JSON
import Linux
import Namespaces
import OCI
import Processes

/// The OCI runtime: each command of `swiftlet-oci` is a method. Synchronous, for a single-threaded process: it forks and
/// enters namespaces.
public struct Runtime {
    public let store: ContainerStore
    public var systemdCgroup = false
    /// What went wrong without stopping a command.
    public internal(set) var warnings = Warnings()

    public init(root: String) { store = ContainerStore(root: root) }

    /// Notes what went wrong without stopping a command.
    public mutating func warn(_ message: String) { warnings.add(message) }

    /// The configuration's filter of system calls as the kernel takes it, compiled on the host's side: what of it went
    /// wrong is told before there is a process.
    mutating func compiledFilter(_ spec: RuntimeSpec) throws -> SystemCallFilter? {
        try spec.linux.seccomp.map { try FilterCache(store).program($0, warnings: &warnings) }
    }

    // MARK: State

    public func state(_ id: String) throws -> JSONValue { try store.stateDocument(store.record(id)) }

    /// Every container's state document; one whose state cannot be read is told in `problems`.
    public func list() throws -> (documents: [JSONValue], problems: [String]) {
        var documents: [JSONValue] = []
        var problems: [String] = []
        for id in try store.identifiers() {
            do { documents.append(try state(id)) } catch {
                // Removed since it was listed.
                if store.exists(id) { problems.append("\(error)") }
            }
        }
        return (documents, problems)
    }

    /// The ids of the container's processes, as the runtime's namespace numbers them.
    public func processes(_ id: String) throws -> [Int32] {
        let record = try store.record(id)
        guard let cgroup = store.cgroup(record) else {
            return store.isInitAlive(record) ? [record.pid] : []
        }
        return try cgroup.processes(recursive: true).filter { $0 > 0 }.sorted()
    }

    // MARK: Signals

    /// Sends `signal` to init, or to every process of the container.
    public func kill(_ id: String, signal: Int32, all: Bool) throws {
        let record = try store.record(id)
        if all, let cgroup = store.cgroup(record) {
            if signal == SIGKILL { try cgroup.kill() } else { try cgroup.signalAll(signal) }
            return
        }
        let status = try store.status(record)
        guard status != .stopped, record.pid > 0 else {
            throw RuntimeError("kill \(id)", "the container is not running")
        }
        try during("kill \(id)") {
            // A pidfd, checked after it was opened, cannot hit another process that got the number.
            let process = try ProcessDescriptor(process: record.pid)
            guard store.isInitAlive(record) else { throw RuntimeError("init", "has ended") }
            try process.signal(signal)
            // A frozen container would keep its SIGKILL for later.
            if signal == SIGKILL, status == .paused { try store.cgroup(record)?.setFrozen(false) }
        }
    }

    public func pause(_ id: String) throws { try setFrozen(id, true) }
    public func resume(_ id: String) throws { try setFrozen(id, false) }

    private func setFrozen(_ id: String, _ frozen: Bool) throws {
        let record = try store.record(id)
        let status = try store.status(record)
        let legal: [ContainerStatus] = frozen ? [.running, .created] : [.paused]
        guard legal.contains(status) else {
            throw RuntimeError("\(frozen ? "pause" : "resume") \(id)", "the container is \(status.rawValue)")
        }
        guard let cgroup = store.cgroup(record) else {
            throw RuntimeError("\(frozen ? "pause" : "resume") \(id)", "the container has no cgroup")
        }
        try cgroup.setFrozen(frozen)
    }

    // MARK: End

    /// Removes the container. With `force`, a running one is killed, and one that is not there is fine. Whatever a killed
    /// runtime left is cleaned: nothing but the record is needed for it.
    public mutating func delete(_ id: String, force: Bool) throws {
        let record: ContainerRecord
        do { record = try store.record(id) } catch {
            guard force, !store.exists(id) || !Files.exists(store.directory(id) + "/state.json") else { throw error }
            try store.remove(id)
            try store.removeRemnants(id)
            return
        }
        let status = try store.status(record)
        // One that was never started runs nothing of its own yet: callers that give up on a start delete it as it is,
        // which runc and crun let them.
        if status != .stopped, status != .created {
            guard force else {
                throw RuntimeError("delete \(id)", "the container is \(status.rawValue): stop it first, or use --force")
            }
        }
        try destroy(record)
        if force { try store.removeRemnants(id) }
    }

    /// Kills what is left, removes the cgroup, runs the poststop hooks and forgets the container, in this order: a runtime
    /// killed in between leaves a record from which the rest can be done.
    mutating func destroy(_ record: ContainerRecord, hooks: RuntimeSpec.Hooks? = nil) throws {
        if let process = try? ProcessDescriptor(process: record.pid), store.isInitAlive(record) {
            try during("kill \(record.id)") { try process.signal(SIGKILL) }
            if let cgroup = store.cgroup(record), cgroup.exists {
                if try cgroup.isFrozen() { try cgroup.setFrozen(false) }
                try cgroup.kill()
            }
            guard try process.waitUntilEnded(milliseconds: 10_000) || !store.isInitAlive(record) else {
                throw RuntimeError("kill \(record.id)", "init has not ended after 10 s")
            }
        }
        if let cgroup = store.cgroup(record), cgroup.path != "/" { try cgroup.delete() }
        // A configuration that cannot be read has no hooks to run; the container goes all the same.
        if let hooks = hooks ?? (try? store.configuration(record.id))?.hooks, !hooks.poststop.isEmpty {
            let state = try store.stateDocument(record, status: .stopped)
            for hook in hooks.poststop {
                // The specification: log and go on.
                do { try Hooks.run([hook], "poststop", state: state) } catch { warnings.add("\(error)") }
            }
        }
        try store.remove(record.id)
    }

    // MARK: Resources

    /// Changes the limits of a running container: `linux.resources` of the specification.
    public mutating func update(_ id: String, resources value: JSONValue) throws {
        let record = try store.record(id)
        guard try store.status(record) != .stopped else {
            throw RuntimeError("update \(id)", "the container is stopped")
        }
        guard let cgroup = store.cgroup(record) else {
            throw RuntimeError("update \(id)", "the container has no cgroup")
        }
        let limits = try CgroupPlan.limits(ResourcesSpec(value))
        try cgroup.parent?.enable(limits.controllers)
        try CgroupPlan.apply(limits, to: cgroup, warnings: &warnings)
    }

    /// The numbers of `events --stats`, in the layout other runtimes print.
    public func statistics(_ id: String) throws -> JSONValue {
        let record = try store.record(id)
        guard let cgroup = store.cgroup(record) else {
            throw RuntimeError("stats \(id)", "the container has no cgroup")
        }
        return StatisticsDocument.make(id: id, try cgroup.statistics())
    }
}
