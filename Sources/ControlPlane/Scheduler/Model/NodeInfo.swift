// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Numbers

/// A node with the pods on it and what they take. A value: trying a pod on a copy changes nothing.
struct NodeInfo: Sendable {
    var name: String
    var labels: [String: String] = [:]
    var taints: [NodeTaint] = []
    var isUnschedulable = false
    var allocatable = ResourceAmounts()
    var allowedPods: Int64 = 0
    /// The bytes of each image the node has, by every name it goes by.
    var images: [String: Int64] = [:]
    var pods: [String: PodInfo] = [:]
    var requested = ResourceAmounts()
    var nonZeroMilliCPU: Int64 = 0
    var nonZeroMemory: Int64 = 0
    var usedPorts = UsedPorts()
    /// How many of the pods carry a required anti-affinity: none is the common case, and cheap.
    var antiAffinityPods = 0
    var affinityPods = 0
    /// False while only pods of the node are known, or after the node is gone.
    var exists = false

    init(name: String) { self.name = name }

    init(_ json: JSONObject) {
        self.init(name: json.objectName)
        update(json)
    }

    mutating func update(_ json: JSONObject) {
        exists = true
        labels = json.objectLabels
        taints = (json["spec"]?["taints"]?.array ?? []).map(NodeTaint.init)
        isUnschedulable = json["spec"]?["unschedulable"]?.bool ?? false
        let status = json["status"]
        let map = status?["allocatable"] ?? status?["capacity"]
        allocatable = ResourceAmounts(map)
        allowedPods = map?["pods"]?.quantity?.value ?? 0
        images = [:]
        for image in status?["images"]?.array ?? [] {
            let size = image["sizeBytes"]?.boundedInteger.map(Int64.init) ?? 0
            for name in image["names"]?.array ?? [] {
                if let name = name.string { images[name] = size }
            }
        }
    }

    mutating func add(_ pod: PodInfo) {
        remove(uid: pod.uid)
        pods[pod.uid] = pod
        count(pod, sign: 1)
    }

    @discardableResult
    mutating func remove(uid: String) -> PodInfo? {
        guard let pod = pods.removeValue(forKey: uid) else { return nil }
        count(pod, sign: -1)
        return pod
    }

    private mutating func count(_ pod: PodInfo, sign: Int64) {
        if sign > 0 { requested += pod.requests.amounts } else { requested -= pod.requests.amounts }
        nonZeroMilliCPU = nonZeroMilliCPU.saturatingSum(sign * pod.requests.nonZeroMilliCPU)
        nonZeroMemory = nonZeroMemory.saturatingSum(sign * pod.requests.nonZeroMemory)
        for port in pod.hostPorts { usedPorts.count(port, Int(sign)) }
        if pod.hasRequiredAntiAffinity { antiAffinityPods += Int(sign) }
        if pod.hasPodTerms { affinityPods += Int(sign) }
    }
}
