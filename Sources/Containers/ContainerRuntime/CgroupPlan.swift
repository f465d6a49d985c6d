// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Linux
import OCI
internal import Text

/// Where a container's cgroup is and what holds in it.
enum CgroupPlan {
    /// The path for `linux.cgroupsPath`: as given; `slice:prefix:name` as systemd lays its tree out, when told to.
    static func path(_ given: String?, id: String, systemd: Bool) throws -> String {
        guard let given, !given.isEmpty else { return "/swiftlet-oci/\(id)" }
        let parts = given.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if systemd || parts.count == 3 {
            guard parts.count == 3 else {
                throw RuntimeError("linux.cgroupsPath \(given)", "is not of the form slice:prefix:name")
            }
            let unit = parts[2].hasSuffix(".slice") ? parts[2] : "\(parts[1])-\(parts[2]).scope"
            return slicePath(parts[0].isEmpty ? "system.slice" : parts[0]) + "/" + unit
        }
        guard !given.steps.contains("..") else {
            throw RuntimeError("linux.cgroupsPath \(given)", "holds ..")
        }
        return given.hasExactPrefix("/") ? given : "/swiftlet-oci/" + given
    }

    /// `a-b.slice` lies in `a.slice`: `/a.slice/a-b.slice`.
    static func slicePath(_ slice: String) -> String {
        guard slice.hasSuffix(".slice"), slice != "-.slice" else { return slice == "-.slice" ? "" : "/" + slice }
        var path = ""
        var prefix = ""
        for part in slice.dropLast(6).split(separator: "-") {
            prefix += prefix.isEmpty ? String(part) : "-\(part)"
            path += "/\(prefix).slice"
        }
        return path
    }

    /// The kernel's terms for the specification's.
    static func limits(_ resources: ResourcesSpec) throws(SpecError) -> CgroupLimits {
        var limits = CgroupLimits()
        func bytes(_ value: Int64?) -> UInt64? { value.map { $0 < 0 ? .max : UInt64($0) } }
        let cpu = resources.cpu
        limits.cpuWeight = cpu.shares.flatMap(CgroupLimits.weight(shares:))
        if cpu.quota != nil || cpu.period != nil {
            let quota = cpu.quota.flatMap { $0 > 0 ? UInt64($0) : nil }
            limits.cpuMaximum = .init(quota: quota, period: cpu.period.flatMap { $0 == 0 ? nil : $0 } ?? 100_000)
        }
        limits.cpuMaximumBurst = cpu.burst
        limits.cpuIdle = cpu.idle.map { $0 == 1 }
        limits.cpusetCPUs = cpu.cpus.flatMap { $0.isEmpty ? nil : $0 }
        limits.cpusetNodes = cpu.nodes.flatMap { $0.isEmpty ? nil : $0 }
        if let runtime = cpu.realtimeRuntime, runtime != 0 {
            throw SpecError("linux.resources.cpu.realtimeRuntime", "has no counterpart in cgroup version 2")
        }
        limits.memoryMaximum = bytes(resources.memory.limit.flatMap { $0 == 0 ? nil : $0 })
        limits.memoryLow = bytes(resources.memory.reservation.flatMap { $0 == 0 ? nil : $0 })
        if let swap = resources.memory.swap, swap != 0 {
            if swap < 0 {
                limits.swapMaximum = .max
            } else {
                // Version 1 counted memory and swap together.
                guard let memory = resources.memory.limit, memory > 0, swap >= memory else {
                    throw SpecError("linux.resources.memory.swap", "needs a limit of memory that is not above it")
                }
                limits.swapMaximum = UInt64(swap - memory)
            }
        }
        limits.processMaximum = bytes(resources.processLimit.flatMap { $0 == 0 ? nil : $0 })
        limits.ioWeight = resources.blockIO.weight.flatMap(CgroupLimits.ioWeight(blockWeight:))
        limits.ioMaximum = resources.blockIO.throttles.map {
            "\($0.major):\($0.minor) \($0.key)=\($0.rate == 0 ? "max" : String($0.rate))"
        }
        limits.hugetlb = resources.hugepages
        for (device, limit) in resources.rdma {
            limits.rdma[device] =
                "hca_handle=\(limit.handles.map(String.init) ?? "max") "
                + "hca_object=\(limit.objects.map(String.init) ?? "max")"
        }
        limits.unified = resources.unified
        return limits
    }

    /// The rules given, then what every container may use.
    static func deviceRules(_ resources: ResourcesSpec) throws(SpecError) -> [DeviceRule] {
        var rules = [DeviceRule(allow: false)]
        for rule in resources.devices {
            let kind: DeviceRule.Kind
            switch rule.type {
            case "", "a": kind = .all
            case "b": kind = .block
            case "c", "u": kind = .character
            default: throw SpecError("linux.resources.devices", "unknown type \(rule.type)")
            }
            guard rule.access.allSatisfy({ "rwm".contains($0) }) else {
                throw SpecError("linux.resources.devices", "unknown access \(rule.access)")
            }
            func number(_ value: Int64?) -> UInt32? { value.flatMap { $0 < 0 ? nil : UInt32(truncatingIfNeeded: $0) } }
            rules.append(
                DeviceRule(
                    allow: rule.allow, kind: kind, major: number(rule.major), minor: number(rule.minor),
                    access: rule.access.isEmpty ? "rwm" : rule.access))
        }
        // Making a node gives no access to the device behind it.
        rules.append(DeviceRule(allow: true, kind: .character, access: "m"))
        rules.append(DeviceRule(allow: true, kind: .block, access: "m"))
        for device in DefaultDevices.all {
            rules.append(DeviceRule(allow: true, kind: .character, major: device.major, minor: device.minor))
        }
        rules.append(DeviceRule(allow: true, kind: .character, major: 136))  // /dev/pts/*
        rules.append(DeviceRule(allow: true, kind: .character, major: 5, minor: 2))  // /dev/ptmx
        return rules
    }

    /// Makes the cgroup with its limits in force, but for devices. Limits whose controller this machine lacks are
    /// warnings.
    static func set(_ cgroup: Cgroup, _ resources: ResourcesSpec, warnings: inout Warnings) throws {
        let limits = try limits(resources)
        try cgroup.create(controllers: limits.controllers)
        try apply(limits, to: cgroup, warnings: &warnings)
    }

    /// Puts the rules about devices in force. Apart from the other limits, because the kernel takes longer to check the
    /// program than to make a cgroup.
    static func restrictDevices(_ cgroup: Cgroup, _ resources: ResourcesSpec) throws {
        try cgroup.apply(DeviceProgram(deviceRules(resources)))
    }

    static func apply(_ limits: CgroupLimits, to cgroup: Cgroup, warnings: inout Warnings) throws {
        for failure in cgroup.apply(limits) {
            guard failure.isMissingController else { throw failure }
            warnings.add("\(failure)")
        }
    }
}
