// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Cgroups
internal import Glibc
internal import Linux
internal import Namespaces
internal import PodNetwork

/// `swiftlet check`: what this kernel can do, what it cannot, and what that costs.
enum CheckCommand {
    static let command = Command(
        "check", summary: "Say what this machine can and cannot do, and what that costs",
        discussion: "Ends with status 1 when something is missing without which no pod runs.")

    static func run(_ arguments: ParsedArguments) {
        let results = MachineCheck.all()
        for result in results {
            let mark = result.problem == nil ? "ok" : (result.isRequired ? "MISSING" : "limited")
            let padding = String(repeating: " ", count: max(1, 9 - mark.count))
            print("\(mark)\(padding)\(result.name)\(result.problem.map { ": \($0)" } ?? "")")
            if result.problem != nil { print("         \(result.cost)") }
        }
        if results.contains(where: { $0.isRequired && $0.problem != nil }) { exit(1) }
    }
}

/// One thing Swiftlet needs of the machine, tried rather than guessed from a version number.
struct MachineCheck {
    var name: String
    /// Whether no pod runs without it.
    var isRequired: Bool
    /// Why it is not there; nil when it is.
    var problem: String?
    /// What its absence means for the user.
    var cost: String

    static func all() -> [MachineCheck] {
        [root(), kernel(), namespaces(), overlay(), nfTables(), frames(), cgroups()] + controllers() + [
            resources(), forwarding(), watchdog(),
        ]
    }

    private static func root() -> MachineCheck {
        MachineCheck(
            name: "root", isRequired: true, problem: geteuid() == 0 ? nil : "running as user \(geteuid())",
            cost: "mounts, namespaces and the network need it: run as root")
    }

    private static func kernel() -> MachineCheck {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let isNew = numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 14)
        return MachineCheck(
            name: "kernel \(release)", isRequired: true, problem: isNew ? nil : "older than 5.14",
            cost: "cgroup.kill, openat2 and the mount API are needed")
    }

    private static func namespaces() -> MachineCheck {
        let wanted = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
        let missing = wanted.filter { !Files.exists("/proc/self/ns/\($0)") }
        return MachineCheck(
            name: "namespaces", isRequired: true,
            problem: missing.isEmpty ? nil : "the kernel has no \(missing.joined(separator: ", ")) namespace",
            cost: "containers are made of them")
    }

    private static func overlay() -> MachineCheck {
        // Loaded on first use where it is a module, so an entry here or the module file says it is there.
        let known = (try? Files.readText("/proc/filesystems"))?.contains("overlay") ?? false
        return MachineCheck(
            name: "overlayfs", isRequired: true, problem: known || moduleExists("overlay") ? nil : "not in the kernel",
            cost: "image layers are stacked with it")
    }

    private static func nfTables() -> MachineCheck {
        // Netlink family 12 is netfilter's; opening it loads the module.
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | 0o2_000_000, 12)
        let code = errno
        if descriptor >= 0 { close(descriptor) }
        return MachineCheck(
            name: "nf_tables", isRequired: true,
            problem: descriptor >= 0 ? nil : "netlink: \(Errno(code, "socket").reason)",
            cost: "Service addresses, host ports and masquerading are nf_tables rules")
    }

    private static func frames() -> MachineCheck {
        MachineCheck(
            name: "nf_tables for bridges", isRequired: false, problem: PodNetwork.frameFilterProblem(),
            cost: "a pod with CAP_NET_RAW can send under other pods' addresses (CONFIG_NF_TABLES_BRIDGE)")
    }

    private static func cgroups() -> MachineCheck {
        do throws(CgroupError) {
            let hierarchy = try CgroupHierarchy.discover()
            return MachineCheck(name: "cgroup v2 at \(hierarchy.mountPoint)", isRequired: true, cost: "")
        } catch {
            return MachineCheck(
                name: "cgroup v2", isRequired: true, problem: "\(error)",
                cost: "containers are counted, limited and killed by it: boot with systemd.unified_cgroup_hierarchy=1")
        }
    }

    private static func controllers() -> [MachineCheck] {
        let costs = [
            ("cpu", "cpu requests and limits are not in force"),
            ("memory", "memory limits, OOM kills and memory eviction are not in force"),
            ("pids", "the limit of processes per pod is not in force"),
            ("cpuset", "exclusive processors cannot be given"), ("io", "disk statistics per pod are missing"),
        ]
        // Without a hierarchy the check above has said so already.
        let present = (try? CgroupHierarchy.discover().controllers()) ?? []
        return costs.map { name, cost in
            MachineCheck(
                name: "\(name) controller", isRequired: false,
                problem: present.contains(name) ? nil : "not available in cgroup v2", cost: cost)
        }
    }

    private static func resources() -> MachineCheck {
        // Not readable is shown as missing: the cost named below is then what to expect.
        let status = (try? Files.readText("/proc/self/status")) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
        let mask = UInt64(line.dropFirst(7).filter(\.isHexDigit), radix: 16) ?? 0
        return MachineCheck(
            name: "CAP_SYS_RESOURCE", isRequired: false, problem: mask & 1 << 24 != 0 ? nil : "missing",
            cost: "a container's oom_score_adj cannot be lowered and hard rlimits not raised")
    }

    private static func forwarding() -> MachineCheck {
        let writable = access("/proc/sys/net/ipv4/ip_forward", W_OK) == 0
        return MachineCheck(
            name: "network sysctls", isRequired: true, problem: writable ? nil : "/proc/sys/net is read-only",
            cost: "packets are not forwarded to pods")
    }

    private static func watchdog() -> MachineCheck {
        MachineCheck(
            name: "systemd", isRequired: false,
            problem: Files.exists("/run/systemd/system") ? nil : "not running",
            cost: "nothing restarts the server when it dies or hangs; graceful shutdown of the node is not announced")
    }

    private static func moduleExists(_ name: String) -> Bool {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Files.exists("/lib/modules/\(release)/kernel/fs/\(name)fs") || Files.exists("/sys/module/\(name)")
    }
}
