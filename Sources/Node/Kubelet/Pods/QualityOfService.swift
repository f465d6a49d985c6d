// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Numbers

/// The class a pod's requests and limits put it in.
enum QualityOfService: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    init(_ pod: Pod) {
        // The API server has written it; a static pod's is worked out here.
        if let known = pod.status.qosClass.flatMap({ QualityOfService(rawValue: $0) }) {
            self = known
            return
        }
        var hasAny = false
        var isGuaranteed = true
        for container in pod.spec.containers + pod.spec.initContainers {
            for resource in ["cpu", "memory"] {
                let limit = Quantities.milli(container.resources?.limits[resource]) ?? 0
                let request = Quantities.milli(container.resources?.requests[resource]) ?? limit
                if limit > 0 || request > 0 { hasAny = true }
                if limit == 0 || request != limit { isGuaranteed = false }
            }
        }
        self = !hasAny ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }

    /// The pod's cgroup below the root, in upstream's layout for the cgroupfs driver.
    func cgroupPath(root: String, uid: String) -> String {
        let top = (root == "/" ? "" : root) + "/kubepods"
        switch self {
        case .guaranteed: return "\(top)/pod\(uid)"
        case .burstable: return "\(top)/burstable/pod\(uid)"
        case .bestEffort: return "\(top)/besteffort/pod\(uid)"
        }
    }

    /// How much sooner than others the kernel ends the container when memory runs out.
    func oomScoreAdjustment(memoryRequest: Int64, memoryCapacity: Int64) -> Int {
        switch self {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            guard memoryCapacity > 0 else { return 999 }
            let share = max(memoryRequest, 0).saturatingProduct(1000) / memoryCapacity
            return Int(min(max(1000 - share, 3), 999))
        }
    }
}
