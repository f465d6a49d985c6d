// SPDX-License-Identifier: Apache-2.0

import CLinux
import Cgroups
import Glibc
import Linux
import Processes
import Testing

@Suite struct CgroupTests {
    @Test(arguments: [(2, 1), (1024, 100), (262_144, 10_000), (1, 1), (512, 60), (999_999, 10_000)])
    func `shares become a weight`(shares: UInt64, weight: UInt64) {
        let result = CgroupLimits.weight(shares: shares) ?? 0
        #expect(result >= weight - weight / 5 && result <= weight + weight / 5, "\(result)")
    }

    @Test func `shares of zero set nothing`() { #expect(CgroupLimits.weight(shares: 0) == nil) }

    @Test func `limits name the controllers they need`() {
        var limits = CgroupLimits()
        limits.memoryMaximum = 1
        limits.unified = ["cpu.pressure": "x", "cgroup.max.depth": "1"]
        #expect(limits.controllers == ["memory", "cpu"])
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `a child starts in its cgroup and goes with it`() throws {
        let cgroup = try CgroupHierarchy.discover().cgroup("/swiftlet-kerneltest-\(getpid())/inner")
        try cgroup.create()
        let directory = try cgroup.open()
        var options = SpawnOptions()
        options.cgroup = directory.raw
        let child = try Child.spawn(
            executable: "/bin/sh", arguments: ["sh", "-c", "sleep 100 & sleep 100"], environment: ["PATH=/bin"],
            options: options)
        for _ in 0..<200 where try cgroup.processes().count < 2 { usleep(5000) }
        #expect(try cgroup.processes().contains(child.pid))
        #expect(try cgroup.isPopulated())
        #expect(try cgroup.statistics().cpuUsage != nil)
        try cgroup.setFrozen(true)
        #expect(try cgroup.isFrozen())
        try cgroup.setFrozen(false)
        #expect(throws: CgroupError.self) { try cgroup.waitUntilEmpty(milliseconds: 20) }
        try cgroup.parent?.delete()
        #expect(!cgroup.exists)
        #expect(try child.wait() == .signaled(signal: SIGKILL, coreDumped: false))
        try cgroup.delete()
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `a limit without its controller is an error of its own kind`()
        throws
    {
        let cgroup = try CgroupHierarchy.discover().cgroup("/swiftlet-kerneltest-limit-\(getpid())")
        try cgroup.create()
        var limits = CgroupLimits()
        limits.unified = ["nothing.max": "1"]
        let failures = cgroup.apply(limits)
        #expect(failures.map(\.isMissingController) == [true])
        #expect(failures.first?.description.hasSuffix("the controller nothing is not available") == true)
        try cgroup.delete()
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `the last device rule that fits decides`() throws {
        let cgroup = try CgroupHierarchy.discover().cgroup("/swiftlet-kerneltest-devices-\(getpid())")
        try cgroup.create()
        defer { do { try cgroup.delete() } catch { Issue.record(error) } }
        func opens(_ path: String, _ rules: [DeviceRule]) throws -> Bool {
            try cgroup.apply(DeviceProgram(rules))
            var options = SpawnOptions()
            let directory = try cgroup.open()
            options.cgroup = directory.raw
            let child = try Child.spawn(
                executable: "/bin/head", arguments: ["head", "-c1", path], environment: [], options: options)
            _ = directory.raw
            return try child.wait().isSuccess
        }
        // What /dev/null of the child's own standard streams needs.
        let base = [
            DeviceRule(allow: false), DeviceRule(allow: true, kind: .character, major: 1, minor: 3),
        ]
        #expect(try !opens("/dev/zero", base))
        #expect(
            try opens("/dev/zero", base + [DeviceRule(allow: true, kind: .character, major: 1, minor: 5, access: "r")]))
        #expect(
            try !opens(
                "/dev/zero", base + [DeviceRule(allow: true, kind: .character, major: 1, minor: 5, access: "wm")]))
        #expect(try !opens("/dev/zero", base + [DeviceRule(allow: true, kind: .block, major: 1, minor: 5)]))
        #expect(try opens("/dev/zero", [DeviceRule(allow: true)]))
        #expect(
            try !opens(
                "/dev/zero", [DeviceRule(allow: true), DeviceRule(allow: false, kind: .character, major: 1, minor: 5)]))
    }
}
