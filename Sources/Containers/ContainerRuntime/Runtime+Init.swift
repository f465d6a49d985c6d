// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import JSON
import Linux
import Namespaces
import OCI
import Processes

extension Runtime {
    /// Makes the init process in its namespaces and its cgroup.
    mutating func startInit(
        _ record: ContainerRecord, _ bundle: Bundle, _ plan: NamespacePlan, cgroup: Int32, cgroupDirectory: String?,
        console: Int32?, preserved: Int32, ends: consuming CopyEnds
    ) throws -> StartedInit {
        let filter = try compiledFilter(bundle.spec)
        let joined = try openNamespaces(plan, bundle.spec.annotations)
        let state = try store.stateDocument(record, status: .creating)
        let own = try enterForChildren(plan, joined, offsets: bundle.spec.linux.timeOffsets)
        // The time namespace of an offset was made by `enterForChildren`; all others by clone3, unless something has to be
        // joined before.
        let bits = NamespaceKind.bits(plan.made.filter { $0 != .time })
        let isIntermediate = plan.joins(.user) && !plan.joins(.process)
        let successor = try SharedWord()
        var pidfd: Int32 = -1
        let made = clinux_fork(isIntermediate || plan.joins(.process) ? 0 : bits, cgroup, &pidfd)
        if made < 0 { throw Errno(-made, "make init: clone3") }
        if made == 0 {
            if isIntermediate { goOnInUserNamespace(plan, joined, bits, ends.channels.child, successor) }
            let inner = ends.intoCopy()
            let copy = InitProcess(
                bundle: bundle, filter: filter, id: record.id, plan: plan, joined: joined, channel: inner.channel,
                gate: inner.gate, successor: successor, console: console, cgroupDirectory: cgroupDirectory,
                state: state, preservedDescriptors: preserved)
            endCopy(copy.run())
            throw RuntimeError("init", "a copy went on")
        }
        try own.restore()
        for number in joined { close(number) }
        let child = Child.adopt(pid: made, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: pidfd)))
        let started = ends.started(child, successor)
        return isIntermediate ? try follow(started, "make init") : started
    }

    /// Numbers of descriptors of the namespaces to join, in the plan's order.
    private func openNamespaces(_ plan: NamespacePlan, _ annotations: [String: String]) throws -> [Int32] {
        var numbers: [Int32] = []
        for entry in plan.joined {
            numbers.append(
                try during("join \(entry.kind.procName) namespace") {
                    let namespace = try Namespace(entry.kind, path: entry.path)
                    if entry.kind == .process, let wanted = annotations[Annotations.processNamespace],
                        try String(namespace.identity()) != wanted
                    {
                        throw RuntimeError(entry.path, "is another namespace than \(wanted)")
                    }
                    return namespace.intoDescriptor().release()
                })
        }
        return numbers
    }

    /// The time namespace holds for children only: the runtime enters it for the one child, and comes back. So does the pid
    /// namespace, which is left to the child: what is born in it is in its processes' reach.
    private func enterForChildren(
        _ plan: NamespacePlan, _ joined: [Int32], offsets: [String: (seconds: Int64, nanoseconds: UInt32)]
    ) throws -> OwnNamespaces {
        var own = OwnNamespaces()
        for (index, entry) in plan.joined.enumerated() where entry.kind == .time {
            try own.keep(entry.kind)
            let (number, kind) = (joined[index], Int32(truncatingIfNeeded: entry.kind.rawValue))
            try kernelCall("join \(entry.kind.procName) namespace \(entry.path)") { clinux_setns(number, kind) }
        }
        if plan.makes(.time) {
            try own.keep(.time)
            try unshare([.time])
            let lines = try offsets.sorted { $0.key < $1.key }.map { clock, offset in
                guard clock == "monotonic" || clock == "boottime" else {
                    throw RuntimeError("linux.timeOffsets", "unknown clock \(clock)")
                }
                return "\(clock) \(offset.seconds) \(offset.nanoseconds)\n"
            }
            if !lines.isEmpty { try Files.write("/proc/self/timens_offsets", lines.joined()) }
        } else if !offsets.isEmpty {
            throw RuntimeError("linux.timeOffsets", "needs a new time namespace")
        }
        return own
    }

    /// In the intermediate process: joins the user namespace and all others with the rights it gives, then makes init as
    /// a sibling of its own and ends. Returns in init.
    private func goOnInUserNamespace(
        _ plan: NamespacePlan, _ joined: [Int32], _ bits: UInt64, _ channel: borrowing Channel,
        _ successor: borrowing SharedWord
    ) {
        do {
            try InitProcess.join(plan, joined)
            let made = clinux_fork(bits | 0x8000, -1, nil)  // CLONE_PARENT
            if made < 0 { throw Errno(-made, "make init: clone3") }
            if made == 0 { return }
            successor.value = made
            endCopy(0)
        } catch {
            try? channel.send(.failed("\(error)"))  // nobody else to tell
            endCopy(1)
        }
    }

    /// The process that an intermediate one has made as its sibling. No container can reach the intermediate process: that
    /// it ended well, and what it wrote to memory that its sibling has not, holds.
    mutating func follow(_ started: consuming StartedInit, _ step: String) throws -> StartedInit {
        let channel = started.channel
        let gate = started.gate
        let successor = started.successor
        let status = try started.process.wait()
        let pid = successor.value
        guard status.isSuccess, pid > 0 else {
            while try channel.socket.descriptor.waitUntilReady(.readable, milliseconds: 0),
                let message = try channel.receive()
            {
                switch message {
                case .warning(let text): warnings.add(text)
                case .failed(let text): throw RuntimeError(step, text)
                default: throw RuntimeError("init", "unexpected message")
                }
            }
            let words = try gate.lastWords()
            throw RuntimeError(step, words.isEmpty ? "it ended: \(status)" : words)
        }
        let descriptor = try ProcessDescriptor(process: pid)
        // A child of ours: its number is its own until it is waited for.
        let number = descriptor.descriptor.raw
        var ended = clinux_exit()
        try kernelCall("wait for \(pid)") { clinux_wait_pidfd(number, 1, 1, &ended) }
        return StartedInit(
            process: Child.adopt(pid: pid, pidfd: descriptor), channel: channel, gate: gate, successor: successor)
    }
}

/// The runtime's own namespaces, to come back to.
struct OwnNamespaces: ~Copyable {
    private var kept: [(kind: NamespaceKind, number: Int32)] = []

    init() {}

    mutating func keep(_ kind: NamespaceKind) throws {
        kept.append((kind, try Namespace(kind, path: "/proc/self/ns/\(kind.procName)").intoDescriptor().release()))
    }

    consuming func restore() throws {
        for (kind, number) in kept {
            let bits = Int32(truncatingIfNeeded: kind.rawValue)
            try kernelCall("come back to the own \(kind.procName) namespace") { clinux_setns(number, bits) }
            close(number)
        }
        kept = []
    }

    deinit { for (_, number) in kept { close(number) } }
}
