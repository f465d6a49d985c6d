// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Text

/// Limits of a cgroup, in the kernel's terms of version 2. What is nil is left as it is.
public struct CgroupLimits: Sendable, Hashable {
    public struct CPUMaximum: Sendable, Hashable {
        /// Microseconds of each period; nil: no limit.
        public var quota: UInt64?
        public var period: UInt64
        public init(quota: UInt64?, period: UInt64 = 100_000) {
            self.quota = quota
            self.period = period
        }
    }

    /// cpu.weight, 1 to 10000.
    public var cpuWeight: UInt64?
    public var cpuMaximum: CPUMaximum?
    /// Microseconds that unused quota may add up to.
    public var cpuMaximumBurst: UInt64?
    public var cpuIdle: Bool?
    public var cpusetCPUs: String?
    public var cpusetNodes: String?
    /// Bytes; `.max` is no limit.
    public var memoryMaximum: UInt64?
    public var memoryHigh: UInt64?
    public var memoryLow: UInt64?
    public var memoryMinimum: UInt64?
    /// Bytes of swap alone (version 1 counted memory with it).
    public var swapMaximum: UInt64?
    /// memory.oom.group: one killed kills all.
    public var killAsGroup: Bool?
    public var processMaximum: UInt64?
    /// io.weight, 1 to 10000.
    public var ioWeight: UInt64?
    /// Lines of io.max: `8:0 rbps=1048576`.
    public var ioMaximum: [String] = []
    /// Page size (`2MB`) to bytes.
    public var hugetlb: [String: UInt64] = [:]
    /// Device to (handles, objects), of rdma.max.
    public var rdma: [String: String] = [:]
    /// Any other file and its value, written last, as the OCI specification's `unified`.
    public var unified: [String: String] = [:]

    public init() {}

    /// The controllers that these limits need.
    public var controllers: Set<String> {
        var names: Set<String> = []
        if cpuWeight != nil || cpuMaximum != nil || cpuMaximumBurst != nil || cpuIdle != nil { names.insert("cpu") }
        if cpusetCPUs != nil || cpusetNodes != nil { names.insert("cpuset") }
        if memoryMaximum != nil || memoryHigh != nil || memoryLow != nil || memoryMinimum != nil || swapMaximum != nil
            || killAsGroup != nil
        {
            names.insert("memory")
        }
        if processMaximum != nil { names.insert("pids") }
        if ioWeight != nil || !ioMaximum.isEmpty { names.insert("io") }
        if !hugetlb.isEmpty { names.insert("hugetlb") }
        if !rdma.isEmpty { names.insert("rdma") }
        for file in unified.keys where !file.hasPrefix("cgroup.") {
            if let name = file.split(separator: ".").first { names.insert(String(name)) }
        }
        return names
    }

    /// cpu.weight for the shares of version 1 (2 to 262144): the curve that runtimes agreed on, which keeps 2 at 1, 1024
    /// at 100 and 262144 at 10000. 0 is unset.
    public static func weight(shares: UInt64) -> UInt64? {
        if shares == 0 { return nil }
        let clamped = min(max(shares, 2), 262_144)
        if clamped == 2 { return 1 }
        if clamped == 262_144 { return 10_000 }
        let logarithm = log2(Double(clamped))
        let exponent = (logarithm * logarithm + 125 * logarithm) / 612 - 7.0 / 34
        return UInt64(ceil(pow(10, exponent)))
    }

    /// io.weight for the block weight of version 1 (10 to 1000). 0 is unset.
    public static func ioWeight(blockWeight: UInt64) -> UInt64? {
        blockWeight == 0 ? nil : 1 + (min(max(blockWeight, 10), 1000) - 10) * 9999 / 990
    }
}

extension Cgroup {
    /// Writes `limits`, in an order in which a raised pair never collides. Each one that cannot be set is collected:
    /// the caller decides which of them it can do without (`isMissingController`).
    public func apply(_ limits: CgroupLimits) -> [CgroupError] {
        var failures: [CgroupError] = []
        func set(_ file: String, _ value: String?, _ operation: String) {
            guard let value else { return }
            do { try write(file, value, operation) } catch { failures.append(error) }
        }
        func bytes(_ value: UInt64?) -> String? { value.map { $0 == .max ? "max" : String($0) } }

        set("cpu.idle", limits.cpuIdle.map { $0 ? "1" : "0" }, "set cpu.idle")
        // An idle cgroup has no weight of its own: the kernel refuses one.
        if limits.cpuIdle != true { set("cpu.weight", limits.cpuWeight.map(String.init), "set the CPU weight") }
        if let maximum = limits.cpuMaximum {
            // The burst must not exceed the quota at any moment: it is cleared first when it is set as well.
            if limits.cpuMaximumBurst != nil { set("cpu.max.burst", "0", "clear the CPU burst") }
            set(
                "cpu.max", "\(maximum.quota.map(String.init) ?? "max") \(maximum.period)", "set the CPU limit")
        }
        set("cpu.max.burst", limits.cpuMaximumBurst.map(String.init), "set the CPU burst")
        set("cpuset.cpus", limits.cpusetCPUs, "set the CPUs")
        set("cpuset.mems", limits.cpusetNodes, "set the memory nodes")
        set("memory.max", bytes(limits.memoryMaximum), "set the memory limit")
        set("memory.swap.max", bytes(limits.swapMaximum), "set the swap limit")
        set("memory.high", bytes(limits.memoryHigh), "set memory.high")
        set("memory.low", bytes(limits.memoryLow), "set memory.low")
        set("memory.min", bytes(limits.memoryMinimum), "set memory.min")
        set("memory.oom.group", limits.killAsGroup.map { $0 ? "1" : "0" }, "set memory.oom.group")
        set("pids.max", bytes(limits.processMaximum), "set the process limit")
        set("io.weight", limits.ioWeight.map { "default \($0)" }, "set the I/O weight")
        for line in limits.ioMaximum { set("io.max", line, "set an I/O limit") }
        for (size, value) in limits.hugetlb.sorted(by: { $0.key < $1.key }) {
            set("hugetlb.\(size).max", bytes(value), "set the huge page limit of \(size)")
        }
        for (device, value) in limits.rdma.sorted(by: { $0.key < $1.key }) {
            set("rdma.max", "\(device) \(value)", "set the RDMA limit of \(device)")
        }
        for (file, value) in limits.unified.sorted(by: { $0.key < $1.key }) {
            guard !file.hasSlash else {
                failures.append(CgroupError("set \(file)", path, .invalid("a cgroup file has no / in its name")))
                continue
            }
            set(file, value, "set \(file)")
        }
        return failures
    }
}
