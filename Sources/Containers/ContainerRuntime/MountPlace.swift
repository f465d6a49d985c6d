// SPDX-License-Identifier: Apache-2.0

internal import Text

/// Where in a container's root something may be mounted. The root's procfs says what a process is, takes its security
/// labels and the kernel's parameters: what covers a part of it would be believed or written to in its place
/// (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881).
enum MountPlace {
    /// Files that show numbers only, which some emulate for a container (lxcfs).
    static let emulated: Set<String> = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/net/dev", "/proc/slabinfo",
        "/proc/stat", "/proc/swaps", "/proc/sys/crypto/fips_enabled", "/proc/sys/kernel/ns_last_pid", "/proc/uptime",
    ]

    /// Why nothing of `type` may be mounted at `path`, which holds no links; nil when it may.
    /// - Parameter isProcfs: Whether it is a bind of the root of a procfs.
    static func refusal(of type: String, at path: String, isProcfs: Bool = false) -> String? {
        if path == "/" { return "nothing can be mounted over the container's root" }
        if path == "/proc" { return type == "proc" || isProcfs ? nil : "only a procfs can be mounted there" }
        guard path.hasExactPrefix("/proc/"), !emulated.contains(path) else { return nil }
        return "nothing can be mounted inside /proc"
    }

    /// `path`, as the kernel tells it of a handle, as seen from `root`; nil when it is not inside.
    static func path(_ path: String, below root: String) -> String? {
        if path == root { return "/" }
        let prefix = root == "/" ? root : root + "/"
        return path.after(exactPrefix: prefix).map { "/" + $0 }
    }
}
