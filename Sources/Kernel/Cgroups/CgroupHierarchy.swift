// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Text

/// The cgroup2 hierarchy of this machine.
public struct CgroupHierarchy: Sendable, Hashable {
    /// Where it is mounted, `/sys/fs/cgroup` as a rule, `/sys/fs/cgroup/unified` beside version 1.
    public let mountPoint: String

    public init(mountPoint: String) { self.mountPoint = mountPoint }

    /// Finds it: the usual place when a cgroup2 is there, else through mountinfo.
    public static func discover() throws(CgroupError) -> CgroupHierarchy {
        for usual in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            // What cannot be read there is as good as not there: mountinfo decides.
            if let magic = try? Files.filesystem(usual).magic, magic == FilesystemStatus.cgroup2 {
                return CgroupHierarchy(mountPoint: usual)
            }
        }
        let text: String
        do { text = try Files.readText("/proc/self/mountinfo") } catch {
            throw CgroupError("find the hierarchy", "/", .kernel(error))
        }
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2, halves[1].hasPrefix("cgroup2 ") else { continue }
            let fields = halves[0].split(separator: " ")
            if fields.count > 4 { return CgroupHierarchy(mountPoint: String(fields[4])) }
        }
        throw CgroupError("find the hierarchy", "/", .noHierarchy)
    }

    /// The cgroup at `path` below the hierarchy's root (`/kubepods/pod1`); `..` is not allowed.
    public func cgroup(_ path: String) -> Cgroup {
        let parts = path.steps.filter { $0 != "." && $0 != ".." }
        return Cgroup(hierarchy: self, path: "/" + parts.joined(separator: "/"))
    }

    /// The cgroup of a process.
    public func cgroup(ofProcess process: String = "self") throws(CgroupError) -> Cgroup {
        do {
            for line in try Files.readText("/proc/\(process)/cgroup").split(separator: "\n")
            where line.hasPrefix("0::") { return cgroup(String(line.dropFirst(3))) }
        } catch { throw CgroupError("find the cgroup of process \(process)", "/", .kernel(error)) }
        throw CgroupError("find the cgroup of process \(process)", "/", .noHierarchy)
    }

    /// The controllers the kernel offers at the root. Empty when version 1 holds them all.
    public func controllers() throws(CgroupError) -> Set<String> { try cgroup("/").controllers() }
}
