// SPDX-License-Identifier: Apache-2.0

/// What a cgroup used, read from the files its controllers offer. What none offers is nil.
public struct CgroupStatistics: Sendable, Hashable {
    /// Microseconds, of cpu.stat (in every cgroup, with or without the controller).
    public var cpuUsage: UInt64?
    public var cpuUser: UInt64?
    public var cpuSystem: UInt64?
    public var cpuPeriods: UInt64?
    public var cpuThrottledPeriods: UInt64?
    public var cpuThrottled: UInt64?
    /// Bytes.
    public var memoryCurrent: UInt64?
    public var memoryPeak: UInt64?
    public var memoryMaximum: UInt64?
    public var swapCurrent: UInt64?
    public var swapMaximum: UInt64?
    /// memory.stat as it is.
    public var memory: [String: UInt64] = [:]
    /// memory.events: `oom_kill` counts killed processes.
    public var memoryEvents: [String: UInt64] = [:]
    public var processes: UInt64?
    public var processMaximum: UInt64?
    /// Device `8:0` to its counters of io.stat.
    public var io: [String: [String: UInt64]] = [:]
    /// Page size to bytes used.
    public var hugetlb: [String: UInt64] = [:]

    /// Memory in use that cannot be taken back at once: current less inactive file pages, as the kubelet counts.
    public var workingSet: UInt64? {
        memoryCurrent.map { $0 - min($0, memory["inactive_file"] ?? 0) }
    }

    public init() {}
}

extension Cgroup {
    /// Reads all that is offered here.
    public func statistics() throws(CgroupError) -> CgroupStatistics {
        var result = CgroupStatistics()
        let cpu = try events("cpu.stat")
        result.cpuUsage = cpu["usage_usec"]
        result.cpuUser = cpu["user_usec"]
        result.cpuSystem = cpu["system_usec"]
        result.cpuPeriods = cpu["nr_periods"]
        result.cpuThrottledPeriods = cpu["nr_throttled"]
        result.cpuThrottled = cpu["throttled_usec"]
        result.memoryCurrent = try number("memory.current")
        if result.memoryCurrent != nil {
            result.memoryPeak = try number("memory.peak")
            result.memoryMaximum = try number("memory.max")
            result.swapCurrent = try number("memory.swap.current")
            result.swapMaximum = try number("memory.swap.max")
            result.memory = try events("memory.stat")
            result.memoryEvents = try events("memory.events")
        }
        result.processes = try number("pids.current")
        result.processMaximum = try number("pids.max")
        result.io = try ioStatistics()
        return result
    }

    /// How many processes here or below the kernel killed for lack of memory; nil without the controller.
    public func memoryKills() throws(CgroupError) -> UInt64? { try events("memory.events")["oom_kill"] }

    private func number(_ file: String) throws(CgroupError) -> UInt64? {
        guard let word = try words(file).first else { return nil }
        return word == "max" ? .max : UInt64(word)
    }

    private func ioStatistics() throws(CgroupError) -> [String: [String: UInt64]] {
        var result: [String: [String: UInt64]] = [:]
        var device: String?
        for word in try words("io.stat") {
            let pair = word.split(separator: "=")
            if pair.count == 2, let device {
                result[device, default: [:]][String(pair[0])] = UInt64(pair[1])
            } else if word.contains(":") {
                device = word
            }
        }
        return result
    }
}
