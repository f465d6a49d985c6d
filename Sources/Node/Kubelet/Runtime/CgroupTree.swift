// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import KubeAPI
internal import Linux

/// The kubelet's part of the cgroup hierarchy: `kubepods` with its classes, and a place for shims.
struct CgroupTree: Sendable {
    let hierarchy: CgroupHierarchy
    let root: String
    /// Controllers that are here: without one its limits are not in force, and the node says so.
    let controllers: Set<String>
    /// Sizes of huge pages whose use can be limited.
    let hugePageSizes: [HugePageSize]
    static let wanted: Set<String> = ["cpu", "memory", "pids", "cpuset", "io", "hugetlb"]

    init(mount: String?, root: String) throws {
        hierarchy = try mount.map { CgroupHierarchy(mountPoint: $0) } ?? CgroupHierarchy.discover()
        self.root = root
        controllers = try hierarchy.controllers().intersection(CgroupTree.wanted)
        hugePageSizes = controllers.contains("hugetlb") ? HugePageSize.offered() : []
        for path in ["/kubepods/burstable", "/kubepods/besteffort"] {
            _ = try hierarchy.cgroup(prefix + path).create(controllers: controllers)
        }
        _ = try shims.create()
        // Who asked for no CPU gets what others leave.
        var least = CgroupLimits()
        least.cpuWeight = 1
        try CgroupTree.apply(least, to: hierarchy.cgroup(prefix + "/kubepods/besteffort"))
    }

    private var prefix: String { root == "/" ? "" : root }

    var missing: Set<String> { Set(["cpu", "memory", "pids"]).subtracting(controllers) }
    var shims: Cgroup { hierarchy.cgroup(prefix + "/swiftlet-shims") }

    func path(of pod: Pod) -> String { QualityOfService(pod).cgroupPath(root: root, uid: pod.uid) }

    /// Makes the pod's cgroup, which holds all its containers together to `limits`.
    func create(_ pod: Pod, limits: PodLimits) throws {
        let cgroup = hierarchy.cgroup(path(of: pod))
        _ = try cgroup.create(controllers: controllers)
        try CgroupTree.apply(limits.cgroup, to: cgroup)
    }

    /// Holds all pods together to `limits`.
    func limitPods(_ limits: CgroupLimits) throws {
        try CgroupTree.apply(limits, to: hierarchy.cgroup(prefix + "/kubepods"))
    }

    /// Weighs the Burstable class by what its pods have requested, in thousandths of a processor.
    func weighBurstable(_ request: Int64) throws {
        var limits = CgroupLimits()
        limits.cpuWeight = PodLimits.weight(milli: request)
        try CgroupTree.apply(limits, to: hierarchy.cgroup(prefix + "/kubepods/burstable"))
    }

    /// A limit whose controller is missing is not in force, which the node has told; any other failure is one.
    private static func apply(_ limits: CgroupLimits, to cgroup: Cgroup) throws {
        if let failure = cgroup.apply(limits).first(where: { !$0.isMissingController }) { throw failure }
    }

    func container(_ id: String, of pod: Pod) -> Cgroup { hierarchy.cgroup(path(of: pod) + "/" + id) }

    /// Ends every process of the pod and removes its cgroup.
    func remove(_ path: String) throws {
        let cgroup = hierarchy.cgroup(path)
        if cgroup.exists { try cgroup.delete() }
    }

    /// Every pod's cgroup that is there.
    func pods() throws -> [String: String] {
        var found: [String: String] = [:]
        for parent in ["/kubepods", "/kubepods/burstable", "/kubepods/besteffort"] {
            for child in try hierarchy.cgroup(prefix + parent).children() {
                let name = Files.name(of: child.path)
                if name.hasPrefix("pod") { found[String(name.dropFirst(3))] = child.path }
            }
        }
        return found
    }
}
