// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Volumes

/// The downward API: what a pod may know of itself.
extension PodObjects {
    func field(_ path: String, of pod: Pod) async throws -> String {
        switch path {
        case "metadata.name": return pod.metadata.name ?? ""
        case "metadata.namespace": return pod.metadata.namespace ?? ""
        case "metadata.uid": return pod.uid
        case "metadata.labels": return lines(pod.metadata.labels)
        case "metadata.annotations": return lines(pod.metadata.annotations)
        case "spec.nodeName": return nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName ?? ""
        case "status.hostIP": return nodeAddresses.first ?? ""
        case "status.hostIPs": return nodeAddresses.joined(separator: ",")
        case "status.podIP": return pod.status.podIP ?? ""
        case "status.podIPs": return pod.status.podIPs.map(\.ip).joined(separator: ",")
        default: break
        }
        for (prefix, map) in [
            ("metadata.labels['", pod.metadata.labels), ("metadata.annotations['", pod.metadata.annotations),
        ] where path.hasPrefix(prefix) && path.hasSuffix("']") {
            return map[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
        }
        throw MountFailure(.refused, volume: "", "unsupported fieldPath: \(path)")
    }

    /// One `key="value"` a line, sorted, with what is special escaped.
    private func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSONValue.quoted($0.value))" }.joined(separator: "\n")
    }

    /// How many of `unit` an amount is, rounded up; the amount itself for no unit.
    static func count(of unit: Int64, in amount: Int64) -> Int64 {
        guard unit > 0 else { return amount }
        return amount / unit + (amount % unit > 0 ? 1 : 0)
    }

    func resource(_ reference: ResourceFieldSelector, of pod: Pod) async throws -> String {
        let containers = pod.spec.containers + pod.spec.initContainers
        guard let container = containers.first(where: { $0.name == reference.containerName }) ?? containers.first else {
            return "0"
        }
        let parts = reference.resource.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, ["limits", "requests"].contains(parts[0]) else {
            throw MountFailure(.refused, volume: "", "unsupported resource: \(reference.resource)")
        }
        let amounts = parts[0] == "limits" ? container.resources?.limits : container.resources?.requests
        // Without a limit the node's allocatable amount is the limit.
        let text = amounts?[parts[1]] ?? (parts[0] == "limits" ? allocatableAmounts()[parts[1]] : nil) ?? "0"
        let isCPU = parts[1] == "cpu"
        let amount = (isCPU ? Quantities.milli(text) : Quantities.value(text)) ?? 0
        let divisor = reference.divisor.flatMap { $0 == "0" ? nil : $0 }
        let unit = (isCPU ? Quantities.milli(divisor ?? "1") : Quantities.value(divisor ?? "1")) ?? 1
        return "\(Self.count(of: unit, in: amount))"
    }
}
