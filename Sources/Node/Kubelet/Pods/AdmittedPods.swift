// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// What the pods of the node hold of it, counted as they come and go: what it costs to look at the next one does not grow with
/// how many containers, ports and resources the others have.
struct AdmittedPods: ExpressibleByArrayLiteral {
    /// A port of the node's.
    struct HostPort: Hashable {
        var port: Int
        var transport: String
    }

    private struct Part {
        var requests: [String: Int64]
        var burstableRequest: Int64
        var ports: [(port: HostPort, address: String)]
        var shown: Set<ReferredObject>
    }

    private var parts: [String: Part] = [:]
    // Wider than what is added, so that what was added can be taken away again.
    private var used: [String: Int128] = [:]
    private var burstable: Int128 = 0
    /// How often each port is held, by its addresses.
    private var ports: [HostPort: [String: Int]] = [:]

    init(_ pods: [Pod] = []) {
        for (number, pod) in pods.enumerated() { add(pod, as: "\(number)") }
    }

    init(arrayLiteral pods: Pod...) { self.init(pods) }

    var count: Int { parts.count }

    /// CPU in thousandths, the rest in units.
    func used(_ resource: String) -> Int64 { Int64(clamping: used[resource] ?? 0) }

    /// What the pods of the Burstable class have requested of CPU together, in thousandths: as a class they weigh that much
    /// beside each Guaranteed pod, or one of them could take the processors from who has paid for them.
    var burstableRequest: Int64 { Int64(clamping: burstable) }

    /// The objects that volumes of the pods show.
    var shown: Set<ReferredObject> { parts.values.reduce(into: []) { $0.formUnion($1.shown) } }

    mutating func add(_ pod: Pod, as uid: String) {
        remove(uid)
        let requests = PodAdmission.requests(pod)
        let part = Part(
            requests: requests,
            burstableRequest: QualityOfService(pod) == .burstable ? requests["cpu"] ?? 0 : 0,
            ports: Self.ports(pod), shown: References.shown(by: pod))
        for (name, amount) in part.requests { used[name, default: 0] += Int128(amount) }
        burstable += Int128(part.burstableRequest)
        for (port, address) in part.ports { ports[port, default: [:]][address, default: 0] += 1 }
        parts[uid] = part
    }

    mutating func remove(_ uid: String) {
        guard let part = parts.removeValue(forKey: uid) else { return }
        for (name, amount) in part.requests {
            let left = (used[name] ?? 0) - Int128(amount)
            used[name] = left == 0 ? nil : left
        }
        burstable -= Int128(part.burstableRequest)
        for (port, address) in part.ports {
            guard var holders = ports.removeValue(forKey: port), let count = holders[address] else { continue }
            holders[address] = count > 1 ? count - 1 : nil
            if !holders.isEmpty { ports[port] = holders }
        }
    }

    /// The first port of the pod that another holds.
    func conflict(_ pod: Pod) -> HostPort? {
        Self.ports(pod).first { port, address in
            guard let holders = ports[port] else { return false }
            return Self.isEvery(address) || holders.keys.contains { $0 == address || Self.isEvery($0) }
        }?.port
    }

    private static func isEvery(_ address: String) -> Bool { ["", "0.0.0.0", "::"].contains(address) }

    private static func ports(_ pod: Pod) -> [(port: HostPort, address: String)] {
        let isOnNode = pod.spec.hostNetwork == true
        return pod.spec.containers.flatMap(\.ports).compactMap { port in
            let number = port.hostPort ?? (isOnNode ? port.containerPort : 0)
            guard number > 0 else { return nil }
            return (HostPort(port: number, transport: port.protocol ?? "TCP"), port.hostIP ?? "")
        }
    }
}
