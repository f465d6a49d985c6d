// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Numbers
import OCI
import Seccomp
internal import Text

/// The names of capabilities, by number.
enum Capabilities {
    static let names = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]

    static let numbers: [String: Int] = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { ($0.element, $0.offset) })

    /// The bits of `names`, less those the machine does not have. Unknown names are left out, as the specification
    /// wants ("should warn").
    static func bits(_ names: [String], within available: UInt64) -> UInt64 {
        names.reduce(UInt64(0)) { sum, name in numbers[name].map { sum | 1 << UInt64($0) } ?? sum } & available
    }

    /// The bounding set now.
    static func bounding() -> UInt64 {
        var set: UInt64 = 0
        for number in 0..<64 {
            let answer = clinux_prctl(23, UInt(number), 0, 0, 0)  // PR_CAPBSET_READ
            if answer < 0 { break }  // beyond the last the kernel has
            if answer == 1 { set |= 1 << UInt64(number) }
        }
        return set
    }

    /// The last steps of a process: drops the bounding set, changes the user, sets the four others. Order: the bounding
    /// set can only be dropped with CAP_SETPCAP; a change of user clears permitted capabilities unless kept; ambient ones
    /// need both permitted and inheritable ones.
    static func apply(_ sets: ProcessSpec.Capabilities, user: ProcessSpec.User) throws {
        let had = bounding()
        let kept = bits(sets.bounding, within: had)
        for number in 0..<64 where had & ~kept & (1 << UInt64(number)) != 0 {
            try kernelCall("drop \(number < names.count ? names[number] : "capability \(number)")") {
                clinux_prctl(24, UInt(number), 0, 0, 0)  // PR_CAPBSET_DROP
            }
        }
        try kernelCall("prctl PR_SET_KEEPCAPS") { clinux_prctl(8, 1, 0, 0, 0) }
        try changeUser(user)
        try kernelCall("prctl PR_SET_KEEPCAPS") { clinux_prctl(8, 0, 0, 0, 0) }
        var raw = clinux_capabilities()
        try kernelCall("capget") { clinux_capget(0, &raw) }
        raw.permitted = bits(sets.permitted, within: raw.permitted)
        raw.effective = bits(sets.effective, within: raw.permitted)
        raw.inheritable = bits(sets.inheritable, within: had)
        // Inheritable ones beyond the bounding set are refused; those of the bounding set dropped above are not wanted.
        raw.inheritable &= kept
        try kernelCall("capset") { clinux_capset(&raw) }
        _ = clinux_prctl(47, 4, 0, 0, 0)  // PR_CAP_AMBIENT_CLEAR_ALL
        let ambient = bits(sets.ambient, within: raw.permitted & raw.inheritable)
        for number in 0..<names.count where ambient & (1 << UInt64(number)) != 0 {
            try kernelCall("raise ambient \(names[number])") { clinux_prctl(47, 2, UInt(number), 0, 0) }
        }
    }

    static func changeUser(_ user: ProcessSpec.User) throws {
        let groups = user.additionalGroups.map(\.number)
        let (id, group) = (user.user.number, user.group.number)
        do { try kernelCall("setgroups") { clinux_setgroups(groups, groups.count) } } catch {
            // A user namespace that denies setgroups(2): there is nothing to drop then, and nothing to add.
            let denied = (try? Files.readText("/proc/self/setgroups"))?.hasPrefix("deny") ?? false
            guard denied, groups.isEmpty else { throw error }
        }
        try kernelCall("set the group \(group)") { clinux_setresgid(group, group, group) }
        try kernelCall("set the user \(id)") { clinux_setresuid(id, id, id) }
    }
}

/// Names of resource limits, by number.
enum ResourceLimits {
    static let numbers: [String: Int32] = [
        "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5,
        "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
        "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
    ]

    /// Sets the limits of a process from outside, with the runtime's own rights.
    static func apply(_ limits: [ProcessSpec.Limit], to process: Int32) throws {
        for limit in limits {
            guard let number = numbers[limit.type] else { throw RuntimeError("limit \(limit.type)", "unknown") }
            do {
                try kernelCall("prlimit") { clinux_set_limit(process, number, limit.soft, limit.hard) }
            } catch {
                var (soft, hard) = (UInt64(0), UInt64(0))
                _ = clinux_get_limit(0, number, &soft, &hard)
                let cause =
                    error.code == EPERM && limit.hard > hard
                    ? "raising the hard limit from \(hard) to \(limit.hard) needs CAP_SYS_RESOURCE" : error.reason
                throw RuntimeError("set \(limit.type) to \(limit.soft):\(limit.hard)", cause)
            }
        }
    }
}

/// Execution domains of personality(2).
enum Personality {
    static let domains: [String: UInt] = ["LINUX": 0, "LINUX32": 8]

    static func check(_ name: String?) throws(SpecError) {
        if let name, domains[name] == nil { throw SpecError("linux.personality.domain", "unknown domain \(name)") }
    }

    static func apply(_ name: String?) throws {
        guard let name, let value = domains[name] else { return }
        try kernelCall("personality \(name)") { clinux_personality(value) }
    }
}

/// Scheduling of a process.
enum Scheduling {
    static let policies: [String: UInt32] = [
        "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
        "SCHED_DEADLINE": 6,
    ]
    static let flags: [String: UInt64] = [
        "SCHED_FLAG_RESET_ON_FORK": 1, "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4, "SCHED_FLAG_KEEP_POLICY": 8,
        "SCHED_FLAG_KEEP_PARAMS": 16, "SCHED_FLAG_UTIL_CLAMP_MIN": 32, "SCHED_FLAG_UTIL_CLAMP_MAX": 64,
    ]
    static let classes: [String: Int32] = ["IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]

    static func apply(_ process: ProcessSpec) throws {
        if let scheduler = process.scheduler {
            guard let policy = policies[scheduler.policy] else {
                throw RuntimeError("scheduler policy \(scheduler.policy)", "unknown")
            }
            var bits: UInt64 = 0
            for name in scheduler.flags {
                guard let flag = flags[name] else { throw RuntimeError("scheduler flag \(name)", "unknown") }
                bits |= flag
            }
            let combined = bits
            try kernelCall("sched_setattr \(scheduler.policy)") {
                clinux_set_scheduler(
                    0, policy, combined, scheduler.nice, UInt32(max(0, scheduler.priority)), scheduler.runtime,
                    scheduler.deadline, scheduler.period)
            }
        }
        if let priority = process.ioPriority {
            guard let number = classes[priority.className] else {
                throw RuntimeError("I/O priority class \(priority.className)", "unknown")
            }
            try kernelCall("ioprio_set") { clinux_set_io_priority(number, Int32(priority.priority)) }
        }
    }
}

/// The last part of a container's process: from its namespaces to its program.
enum ProcessSettings {
    /// Finds the program as execvp(3) does, in the environment's PATH, from the working directory.
    static func findExecutable(_ name: String, environment: [String]) throws -> String {
        if name.hasSlash { return name }
        let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
        for directory in (path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        {
            let candidate = directory.isEmpty ? "./\(name)" : "\(directory)/\(name)"
            guard let status = try? Files.status(candidate), status.kind == .regular else { continue }  // not here
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw RuntimeError("exec \"\(name)\"", "executable file not found in $PATH")
    }

    /// A program given by its path must be there and executable, so that `create` fails and not `start`.
    static func checkExecutable(_ path: String, name: String) throws {
        let status: FileStatus
        do { status = try Files.status(path) } catch { throw RuntimeError("exec \"\(name)\"", error.reason) }
        guard status.kind == .regular else { throw RuntimeError("exec \"\(name)\"", "is not a regular file") }
        guard status.permissions & 0o111 != 0 else { throw RuntimeError("exec \"\(name)\"", "permission denied") }
    }

    /// Moves to the working directory and makes sure it is inside the root: a descriptor of a host directory passed in
    /// as `/proc/self/fd/N` would otherwise be a way out (CVE-2024-21626).
    static func enterDirectory(_ path: String) throws {
        try systemCall("chdir \(path)") { chdir(path) }
        guard let text = getcwd(nil, 0) else {
            throw RuntimeError("chdir \(path)", "the directory is outside of the container's root")
        }
        defer { free(text) }
        guard text[0] == 47 else {  // "/"; "(unreachable)" otherwise
            throw RuntimeError("chdir \(path)", "the directory is outside of the container's root")
        }
    }

    /// HOME from the container's own /etc/passwd when the environment has none.
    static func completeEnvironment(
        _ environment: [String], user: UserID, root: borrowing FileDescriptor, host: borrowing HostProcess
    ) -> [String] {
        if environment.contains(where: { $0.hasPrefix("HOME=") && $0.count > 5 }) { return environment }
        var home = "/"
        // No such file, or one that cannot be read: "/" it is.
        if let bytes = try? host.readFile(of: root, "/etc/passwd", limit: 1 << 20) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                if fields.count > 5, UserID(fields[2]) == user, !fields[5].isEmpty {
                    home = String(fields[5])
                    break
                }
            }
        }
        return environment.filter { !$0.hasPrefix("HOME=") } + ["HOME=\(home)"]
    }
}
