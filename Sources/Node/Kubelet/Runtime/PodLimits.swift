// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import KubeAPI
internal import Numbers

/// What a pod's own cgroup is held to: the sums of its containers, where they add up to a bound.
struct PodLimits: Sendable, Hashable {
    /// CPU requested, in thousandths.
    var cpuRequest: Int64
    /// CPU and bytes the pod may use; nil when a container has no limit of its own.
    var cpuLimit: Int64?
    var memoryLimit: Int64?
    var processLimit: Int64?
    /// Bytes by the kernel's name of the size.
    var hugePages: [String: UInt64] = [:]
    var qualityOfService: QualityOfService

    init(_ pod: Pod, cpuQuotaEnforced: Bool, processLimit: Int64, hugePageSizes: [HugePageSize] = []) {
        qualityOfService = QualityOfService(pod)
        let requests = PodAdmission.requests(pod)
        cpuRequest = requests["cpu"] ?? 0
        // Requests and limits of huge pages are the same, and who asks for none gets none.
        for size in hugePageSizes { hugePages[size.cgroupName] = UInt64(max(requests[size.resource] ?? 0, 0)) }
        cpuLimit = cpuQuotaEnforced ? Self.limit("cpu", of: pod) : nil
        memoryLimit = Self.limit("memory", of: pod)
        // Negative or zero in the kubelet's configuration: as many as the node has.
        self.processLimit = processLimit > 0 ? processLimit : nil
    }

    /// The larger of what runs together and of what each init container may use, with the pod's overhead; nil when one
    /// of them may use any amount.
    private static func limit(_ resource: String, of pod: Pod) -> Int64? {
        func amount(_ text: String?) -> Int64? {
            resource == "cpu" ? Quantities.milli(text) : Quantities.value(text)
        }
        // A limit of the pod as a whole is the limit, whatever its containers say.
        if let whole = amount(pod.spec.resources?.limits[resource]), whole > 0 { return whole }
        var total: Int64 = 0
        var sidecars: Int64 = 0
        var peak: Int64 = 0
        for container in pod.spec.containers {
            guard let own = amount(container.resources?.limits[resource]), own > 0 else { return nil }
            total = total.saturatingSum(own)
        }
        for container in pod.spec.initContainers {
            guard let own = amount(container.resources?.limits[resource]), own > 0 else { return nil }
            if container.restartPolicy == "Always" {
                sidecars = sidecars.saturatingSum(own)
                peak = max(peak, sidecars)
            } else {
                peak = max(peak, own.saturatingSum(sidecars))
            }
        }
        return max(total.saturatingSum(sidecars), peak).saturatingSum(amount(pod.spec.overhead[resource]) ?? 0)
    }

    /// As the kernel has them.
    var cgroup: CgroupLimits {
        var limits = CgroupLimits()
        limits.cpuWeight = Self.weight(milli: qualityOfService == .bestEffort ? 0 : cpuRequest)
        if let cpuLimit { limits.cpuMaximum = .init(quota: UInt64(max(CPUQuota.microseconds(milli: cpuLimit), 1000))) }
        limits.memoryMaximum = memoryLimit.map { UInt64(clamping: $0) }
        limits.processMaximum = processLimit.map { UInt64($0) }
        limits.hugetlb = hugePages
        return limits
    }

    /// The weight of CPU requested, in thousandths.
    static func weight(milli: Int64) -> UInt64? {
        CgroupLimits.weight(shares: UInt64(min(max(milli.saturatingProduct(1024) / 1000, 2), 262_144)))
    }
}
