// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Netlink
internal import Numbers
internal import Text

/// Whether this node takes a pod, whatever a scheduler thought. Pure.
struct PodAdmission {
    var allocatable: [String: String]
    var node: NodePlacement
    /// Pods that hold resources here already.
    var admitted: AdmittedPods
    var allowedUnsafeSysctls: [String]
    /// Ports the node itself listens on.
    var ownPorts: Set<TransportPort> = []

    /// Why the pod is refused; nil when it is not.
    func refusal(_ pod: Pod) -> PodVerdict? {
        if let os = pod.spec.os?.name, os != "linux" {
            return PodVerdict(
                reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS")
        }
        if let refusal = node.refusal(pod) { return refusal }
        if let profile = appArmorProfile(pod) {
            return PodVerdict(
                reason: "AppArmor",
                message: "Cannot enforce AppArmor: this node applies no profiles, and the pod asks for \(profile)")
        }
        if let sysctl = unsafeSysctl(pod) {
            return PodVerdict(reason: "SysctlForbidden", message: "forbidden sysctl: \"\(sysctl)\" not allowlisted")
        }
        if let port = ownPort(pod) {
            return PodVerdict(
                reason: "NodePorts", message: "Predicate NodePorts failed: host port \(port) is one of the node's own")
        }
        if let port = admitted.conflict(pod) {
            return PodVerdict(
                reason: "NodePorts",
                message:
                    "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports (\(port.port)/\(port.transport))"
            )
        }
        return resourceShortage(pod)
    }

    /// The first profile the pod would be confined by.
    private func appArmorProfile(_ pod: Pod) -> String? {
        let own = (pod.spec.initContainers + pod.spec.containers).map { $0.securityContext?.appArmorProfile }
        return ([pod.spec.securityContext?.appArmorProfile] + own).lazy.compactMap { $0?.type }
            .first { $0 != "Unconfined" }
    }

    private func resourceShortage(_ pod: Pod) -> PodVerdict? {
        let limit = Quantities.value(allocatable["pods"]) ?? 110
        if Int64(admitted.count) + 1 > limit {
            return PodVerdict(
                reason: "OutOfpods",
                message:
                    "Node didn't have enough resource: pods, requested: 1, used: \(admitted.count), capacity: \(limit)")
        }
        let asked = PodAdmission.requests(pod)
        for (name, amount) in asked.sorted(by: { $0.key < $1.key }) where amount > 0 {
            // One the node does not know, or not yet, is the cluster's: the scheduler has counted it.
            if allocatable[name] == nil, Self.isExtended(name) { continue }
            let capacity =
                (name == "cpu" ? Quantities.milli(allocatable[name]) : Quantities.value(allocatable[name])) ?? 0
            let used = admitted.used(name)
            if used.saturatingSum(amount) > capacity {
                return PodVerdict(
                    reason: "OutOf\(name)",
                    message:
                        "Node didn't have enough resource: \(name), requested: \(amount), used: \(used), capacity: \(capacity)"
                )
            }
        }
        return nil
    }

    /// Whether a resource is of others than Kubernetes itself, as `example.com/device` is.
    private static func isExtended(_ name: String) -> Bool { name.hasSlash && !name.contains("kubernetes.io/") }

    /// CPU in thousandths, the rest in units: the larger of what runs together, of what each init container needs, and of
    /// what the pod asks for as a whole.
    static func requests(_ pod: Pod) -> [String: Int64] {
        func amounts(_ container: Container) -> [String: Int64] {
            let requests = container.resources?.requests ?? [:]
            let limits = container.resources?.limits ?? [:]
            var result: [String: Int64] = [:]
            for (name, text) in limits.merging(requests, uniquingKeysWith: { $1 }) {
                result[name] = name == "cpu" ? Quantities.milli(text) : Quantities.value(text)
            }
            return result
        }
        var total: [String: Int64] = [:]
        for container in pod.spec.containers {
            total.merge(amounts(container), uniquingKeysWith: { $0.saturatingSum($1) })
        }
        var sidecars: [String: Int64] = [:]
        var peak: [String: Int64] = [:]
        for container in pod.spec.initContainers {
            let own = amounts(container)
            if container.restartPolicy == "Always" {
                sidecars.merge(own, uniquingKeysWith: { $0.saturatingSum($1) })
                peak.merge(sidecars, uniquingKeysWith: max)
            } else {
                peak.merge(own.merging(sidecars, uniquingKeysWith: { $0.saturatingSum($1) }), uniquingKeysWith: max)
            }
        }
        total.merge(sidecars, uniquingKeysWith: { $0.saturatingSum($1) })
        total.merge(peak, uniquingKeysWith: max)
        func read(_ name: String, _ text: String) -> Int64 {
            max((name == "cpu" ? Quantities.milli(text) : Quantities.value(text)) ?? 0, 0)
        }
        // What the pod asks for as a whole counts where that is more: no pod needs less than its parts.
        for (name, text) in pod.spec.resources?.requests ?? [:] where QuotaUsage.isSaidAtOnce(name) {
            total[name] = max(total[name] ?? 0, read(name, text))
        }
        for (name, text) in pod.spec.overhead { total[name] = (total[name] ?? 0).saturatingSum(read(name, text)) }
        // A pod that needs less than nothing would make room that is not there.
        return total.mapValues { max($0, 0) }
    }

    /// The first host port that would take what is sent to the node itself. On the node's network nothing is taken: there
    /// the port is not free to listen on.
    private func ownPort(_ pod: Pod) -> TransportPort? {
        guard pod.spec.hostNetwork != true else { return nil }
        return (pod.spec.initContainers + pod.spec.containers).lazy.flatMap(\.ports).compactMap { port in
            let numbers: [String: UInt8] = ["TCP": 6, "UDP": 17, "SCTP": 132]
            guard let number = port.hostPort.flatMap({ UInt16(exactly: $0) }), number > 0 else { return nil }
            return TransportPort(numbers[port.protocol ?? "TCP"] ?? 6, number)
        }.first { ownPorts.contains($0) }
    }

    private static let safeSysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]

    private func unsafeSysctl(_ pod: Pod) -> String? {
        for sysctl in pod.spec.securityContext?.sysctls ?? [] {
            let name = String(sysctl.name.map { $0 == "/" ? "." : $0 })
            let isAllowed = allowedUnsafeSysctls.contains {
                $0 == name || ($0.hasSuffix("*") && name.hasPrefix($0.dropLast()))
            }
            if !Self.safeSysctls.contains(name), !isAllowed { return sysctl.name }
            // A sysctl of a namespace the pod shares with the node would change the node.
            if name.hasPrefix("net."), pod.spec.hostNetwork == true { return sysctl.name }
            if name.hasPrefix("kernel.shm"), pod.spec.hostIPC == true { return sysctl.name }
        }
        return nil
    }
}
