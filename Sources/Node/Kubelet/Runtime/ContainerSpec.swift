// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Numbers
internal import OCI
internal import Shim

/// A bind mount of a container.
struct ContainerMount: Sendable, Hashable {
    var source: String
    var destination: String
    var isReadOnly = false
    var isRecursivelyReadOnly = false
    /// `private`, `rslave` or `rshared`.
    var propagation = "rprivate"
}

/// Everything the OCI configuration of a container is made of, found out before.
struct ContainerSpec {
    var pod: Pod
    var container: Container
    var image: KubeletImage
    var identity: ContainerUserIdentity
    var environment: [(name: String, value: String)]
    var mounts: [ContainerMount]
    var rootPath: String
    /// Paths of the pod's namespaces; those missing here are the host's.
    var namespaces: [SandboxNamespace: String]
    /// Which pid namespace the one to join is (its inode), where the path names it by a process's number.
    var joinedProcessNamespace: UInt64?
    var hostname: String
    /// Below the cgroup root; nil leaves the container where the runtime is.
    var cgroupPath: String?
    var cgroups: ContainerResources?
    var seccompDefault = false
    /// The machine's processors by name (`cpu0`), those with figures of their temperature.
    var processors: [String] = []
    /// Reads a localhost seccomp profile.
    var localhostProfile: JSONValue?
    var oomScoreAdjustment: Int?

    private var context: SecurityContext? { container.securityContext }
    private var podContext: PodSecurityContext? { pod.spec.securityContext }
    private var isPrivileged: Bool { context?.privileged == true }

    /// The configuration of a container that runs `arguments`.
    func configuration(arguments: [String]) -> JSONValue {
        var linux: JSONObject = [
            "namespaces": .array(namespaceEntries()),
            "maskedPaths": .array(maskedPaths().map { .string($0) }),
            "readonlyPaths": .array(readOnlyPaths().map { .string($0) }),
        ]
        linux["resources"] = .object(resources())
        if let cgroupPath { linux["cgroupsPath"] = .string(cgroupPath) }
        if let seccomp = seccomp() { linux["seccomp"] = seccomp }
        let propagations = Set(mounts.map(\.propagation))
        linux["rootfsPropagation"] = .string(
            propagations.contains("rshared") ? "rshared" : propagations.contains("rslave") ? "rslave" : "rprivate")
        var config: JSONObject = [
            "ociVersion": "1.1.0", "process": process(terminal: container.tty == true, arguments: arguments),
            "root": ["path": .string(rootPath), "readonly": .bool(context?.readOnlyRootFilesystem == true)],
            "mounts": .array(systemMounts() + mounts.map(entry)), "linux": .object(linux),
        ]
        var annotations: JSONObject = [
            "io.kubernetes.pod.name": .string(pod.metadata.name ?? ""),
            "io.kubernetes.pod.namespace": .string(pod.metadata.namespace ?? ""),
            "io.kubernetes.pod.uid": .string(pod.metadata.uid ?? ""),
            "io.kubernetes.container.name": .string(container.name),
        ]
        if let joinedProcessNamespace {
            annotations[Annotations.processNamespace] = .string(String(joinedProcessNamespace))
        }
        config["annotations"] = .object(annotations)
        return .object(config)
    }

    /// The `process` object: the container's own, or of a command run in it later.
    func process(terminal: Bool, arguments: [String]) -> JSONValue {
        let capabilities = Capability.effective(context?.capabilities, privileged: isPrivileged)
        let names = JSONValue.array(capabilities.sorted().map { .string($0) })
        // Only root keeps them over exec; another user gets them by file capabilities, within the bounding set.
        let held: JSONValue = identity.user.isRoot ? names : []
        var process: JSONObject = [
            "terminal": .bool(terminal),
            "user": [
                "uid": .integer(Int64(identity.user.number)), "gid": .integer(Int64(identity.group.number)),
                "additionalGids": .array(groups().map { .integer(Int64($0.number)) }),
            ],
            "args": .array(arguments.map { .string($0) }),
            "env": .array(environmentWithDefaults(terminal: terminal).map { .string("\($0.name)=\($0.value)") }),
            "cwd": .string(workingDirectory),
            "capabilities": ["bounding": names, "effective": held, "permitted": held],
            "noNewPrivileges": .bool(context?.allowPrivilegeEscalation == false && !isPrivileged),
        ]
        if let oomScoreAdjustment { process["oomScoreAdj"] = .integer(Int64(oomScoreAdjustment)) }
        return .object(process)
    }

    var workingDirectory: String {
        if let given = container.workingDir, !given.isEmpty { return given }
        return image.workingDirectory.isEmpty ? "/" : image.workingDirectory
    }

    /// The command and its arguments: the pod's where given, else the image's.
    func arguments() throws -> [String] {
        let variables = Dictionary(environment.map { ($0.name, $0.value) }) { $1 }
        var size = 0
        func expanded(_ texts: [String], _ field: String) throws -> [String] {
            try texts.enumerated().map { index, text in
                let result: String
                do throws(VariableExpansion.TooLong) { result = try VariableExpansion.expand(text, variables) } catch {
                    throw ContainerStartFailure(
                        reason: "CreateContainerConfigError",
                        message: "\(field)[\(index)] with what it refers to is longer than the "
                            + "\(VariableExpansion.longest) bytes that the kernel takes")
                }
                size += result.utf8.count + 1
                guard size <= VariableExpansion.longestTogether else {
                    throw ContainerStartFailure(
                        reason: "CreateContainerConfigError",
                        message: "the arguments are longer than \(VariableExpansion.longestTogether) bytes with "
                            + "\(field)[\(index)]")
                }
                return result
            }
        }
        let command = try expanded(container.command, "command")
        let arguments = try expanded(container.args, "args")
        if !command.isEmpty { return command + arguments }
        return image.entrypoint + (arguments.isEmpty ? image.command : arguments)
    }

    /// Numbers out of range were refused before, see `ContainerMaker`.
    private func groups() -> [GroupID] {
        var groups = podContext?.supplementalGroupsPolicy == "Strict" ? [] : identity.additionalGroups
        groups += podContext?.supplementalGroups.compactMap { GroupID(named: $0) } ?? []
        if let group = podContext?.fsGroup.flatMap({ GroupID(named: $0) }) { groups.append(group) }
        var seen: Set<GroupID> = []
        return groups.filter { seen.insert($0).inserted }
    }

    private func environmentWithDefaults(terminal: Bool) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        let given = Set(environment.map(\.name))
        let imageNames = image.environment.map { String($0.prefix { $0 != "=" }) }
        if !given.contains("PATH"), !imageNames.contains("PATH") {
            result.append(("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
        }
        if !given.contains("HOSTNAME") { result.append(("HOSTNAME", hostname)) }
        if terminal, !given.contains("TERM") { result.append(("TERM", "xterm")) }
        if !given.contains("HOME"), !imageNames.contains("HOME"), !identity.home.isEmpty {
            result.append(("HOME", identity.home))
        }
        for entry in image.environment {
            let name = String(entry.prefix { $0 != "=" })
            if !given.contains(name) { result.append((name, String(entry.dropFirst(name.count + 1)))) }
        }
        return result + environment
    }

    private func namespaceEntries() -> [JSONValue] {
        var entries: [JSONValue] = [["type": "mount"]]
        if !isPrivileged { entries.append(["type": "cgroup"]) }
        for (kind, name) in [(SandboxNamespace.net, "network"), (.ipc, "ipc"), (.uts, "uts"), (.pid, "pid")] {
            if let path = namespaces[kind] { entries.append(["type": .string(name), "path": .string(path)]) }
        }
        if namespaces[.pid] == nil, pod.spec.hostPID != true { entries.append(["type": "pid"]) }
        return entries
    }

    private func systemMounts() -> [JSONValue] {
        var mounts: [JSONValue] = [
            Self.mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            Self.mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Self.mount(
                "/dev/pts", "devpts", "devpts",
                ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            Self.mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        ]
        let access = isPrivileged ? "rw" : "ro"
        // Also in the host's network: a bind of the host's would bring what is mounted below it, writable.
        mounts.append(Self.mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]))
        if cgroupPath != nil {
            mounts.append(
                Self.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", access]))
        }
        if !self.mounts.contains(where: { $0.destination == "/dev/shm" }) {
            mounts.append(
                Self.mount("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]))
        }
        return mounts
    }

    private static func mount(_ at: String, _ type: String, _ source: String, _ options: [String]) -> JSONValue {
        [
            "destination": .string(at), "type": .string(type), "source": .string(source),
            "options": .array(options.map { .string($0) }),
        ]
    }

    private func entry(_ mount: ContainerMount) -> JSONValue {
        var options = ["rbind", mount.propagation]
        if mount.isRecursivelyReadOnly {
            options.append("rro")
        } else {
            options.append(mount.isReadOnly ? "ro" : "rw")
        }
        return Self.mount(mount.destination, "bind", mount.source, options)
    }

    private func maskedPaths() -> [String] {
        if showsAll { return [] }
        return [
            "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
            "/sys/devices/virtual/powercap",
        ] + processors.map { "/sys/devices/system/cpu/\($0)/thermal_throttle" }
    }

    /// Root of the machine never gets an unmasked procfs, whoever let the pod in.
    private var showsAll: Bool {
        isPrivileged || context?.procMount == "Unmasked" && pod.spec.hostUsers == false
    }

    private func readOnlyPaths() -> [String] {
        if showsAll { return [] }
        return ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    }

    private func seccomp() -> JSONValue? {
        if isPrivileged { return nil }
        let profile = context?.seccompProfile ?? podContext?.seccompProfile
        switch profile?.type {
        case "Localhost": return localhostProfile
        case nil where !seccompDefault: return nil
        case nil, "RuntimeDefault":
            let capabilities = Capability.effective(context?.capabilities, privileged: false)
            return RuntimeDefaultProfile.profile(capabilities: capabilities).json
        default: return nil
        }
    }

    private func resources() -> JSONObject {
        var resources: JSONObject = [
            "devices": .array(
                isPrivileged
                    ? [["allow": true, "access": "rwm"]]
                    : [["allow": false, "access": "rwm"]])
        ]
        guard let cgroups else { return resources }
        var cpu: JSONObject = ["shares": .integer(cgroups.cpuShares)]
        if let quota = cgroups.cpuQuota {
            cpu["quota"] = .integer(quota)
            cpu["period"] = 100_000
        }
        resources["cpu"] = .object(cpu)
        if let limit = cgroups.memoryLimit { resources["memory"] = ["limit": .integer(limit)] }
        if let pids = cgroups.processLimit { resources["pids"] = ["limit": .integer(pids)] }
        if !cgroups.hugePageLimits.isEmpty {
            resources["hugepageLimits"] = .array(
                cgroups.hugePageLimits.sorted { $0.key < $1.key }
                    .map { ["pageSize": .string($0.key), "limit": .integer($0.value)] })
        }
        if !cgroups.unified.isEmpty {
            resources["unified"] = .object(JSONObject(cgroups.unified.map { ($0.key, .string($0.value)) }))
        }
        return resources
    }
}

/// The limits of one container, as its cgroup has them.
struct ContainerResources: Sendable, Hashable {
    var cpuShares: Int64 = 2
    /// Microseconds in each 100 ms.
    var cpuQuota: Int64?
    var memoryLimit: Int64?
    var processLimit: Int64?
    /// Bytes by the kernel's name of the size.
    var hugePageLimits: [String: Int64] = [:]
    var unified: [String: String] = [:]

    /// - Parameter hugePageSizes: Those the kernel can limit. A container gets what it has asked for: of the others none.
    init(_ requirements: ResourceRequirements?, cpuQuotaEnforced: Bool, hugePageSizes: [HugePageSize] = []) {
        let limits = requirements?.limits ?? [:]
        let requests = requirements?.requests ?? [:]
        if let milli = Quantities.milli(requests["cpu"] ?? limits["cpu"]), milli > 0 {
            cpuShares = min(max(milli.saturatingProduct(1024) / 1000, 2), 262_144)
        }
        if cpuQuotaEnforced, let milli = Quantities.milli(limits["cpu"]), milli > 0 {
            cpuQuota = max(CPUQuota.microseconds(milli: milli), 1000)
        }
        if let bytes = Quantities.value(limits["memory"]), bytes > 0 {
            memoryLimit = bytes
            // A container without some of its processes is worse than one that is restarted whole.
            unified["memory.oom.group"] = "1"
        }
        for size in hugePageSizes { hugePageLimits[size.cgroupName] = Quantities.value(limits[size.resource]) ?? 0 }
    }
}

/// What the kernel calls a quota.
enum CPUQuota {
    /// The microseconds in each 100 ms that `milli` thousandths of a processor are, no more than the kernel takes (2^44 in
    /// units of its own): who asks for more processors than there are has them all.
    static func microseconds(milli: Int64) -> Int64 { min(milli.saturatingProduct(100), 1 << 43) }
}

/// The capabilities of containers.
enum Capability {
    /// What a container has without asking.
    static let usual: Set<String> = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT",
    ]

    static let all: Set<String> = usual.union([
        "CAP_AUDIT_CONTROL", "CAP_AUDIT_READ", "CAP_BLOCK_SUSPEND", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
        "CAP_DAC_READ_SEARCH", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_LEASE", "CAP_LINUX_IMMUTABLE", "CAP_MAC_ADMIN",
        "CAP_MAC_OVERRIDE", "CAP_NET_ADMIN", "CAP_NET_BROADCAST", "CAP_PERFMON", "CAP_SYSLOG", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_MODULE", "CAP_SYS_NICE", "CAP_SYS_PACCT", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_WAKE_ALARM",
    ])

    static func effective(_ asked: Capabilities?, privileged: Bool) -> Set<String> {
        if privileged { return all }
        func named(_ name: String) -> String {
            name.uppercased().hasPrefix("CAP_") ? name.uppercased() : "CAP_" + name.uppercased()
        }
        let add = Set((asked?.add ?? []).map(named))
        let drop = Set((asked?.drop ?? []).map(named))
        let base = drop.contains("CAP_ALL") ? [] : add.contains("CAP_ALL") ? all : usual
        // Dropped by its name, one stays away, also when it is added by its name.
        return base.union(add.subtracting(["CAP_ALL"])).subtracting(drop)
    }
}
