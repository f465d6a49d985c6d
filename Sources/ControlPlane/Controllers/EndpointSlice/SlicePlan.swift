// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Which slices to make, change and delete so that they hold exactly a service's endpoints. No I/O.
struct SlicePlan {
    static let capacity = 100
    static let serviceName = "kubernetes.io/service-name"
    static let managedBy = "endpointslice.kubernetes.io/managed-by"
    static let manager = "endpointslice-controller.k8s.io"
    static let triggerTime = "endpoints.kubernetes.io/last-change-trigger-time"
    static let headless = "service.kubernetes.io/headless"

    var created: [JSONObject] = []
    var updated: [JSONObject] = []
    var deleted: [JSONObject] = []

    var isEmpty: Bool { created.isEmpty && updated.isEmpty && deleted.isEmpty }

    /// - Parameters:
    ///   - zone: The zone of a node.
    ///   - existing: The slices this controller manages for the service.
    init(
        service: JSONObject, pods: [JSONObject], existing: [JSONObject], trigger: String?,
        zone: (String) -> String?
    ) {
        let families = ServiceEndpoints.families(service)
        for family in families {
            var groups: [[EndpointPort]: [PodEndpoint]] = [:]
            for endpoint in ServiceEndpoints.resolve(service, pods: pods, family: family) {
                groups[endpoint.ports, default: []].append(endpoint)
            }
            let slices = existing.filter { $0.string("addressType") == family }
            var spare: [JSONObject] = []
            for (ports, slices) in Dictionary(grouping: slices, by: SlicePlan.ports) where groups[ports] == nil {
                _ = ports
                spare += slices
            }
            if groups.isEmpty {
                // A service without endpoints keeps one empty slice, so that it is seen to have none.
                reconcile(
                    [], ports: [], in: spare.isEmpty ? [] : [spare.removeFirst()], service, family, trigger, zone,
                    keepsOne: true)
            }
            for (ports, endpoints) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let own = slices.filter { SlicePlan.ports($0) == ports }
                reconcile(endpoints, ports: ports, in: own, service, family, trigger, zone, keepsOne: false)
            }
            deleted += spare
        }
        deleted += existing.filter { !families.contains($0.string("addressType")) }
    }

    private mutating func reconcile(
        _ wanted: [PodEndpoint], ports: [EndpointPort], in slices: [JSONObject], _ service: JSONObject,
        _ family: String, _ trigger: String?, _ zone: (String) -> String?, keepsOne: Bool
    ) {
        var missing: [String: JSONValue] = [:]
        var order: [String] = []
        for endpoint in wanted.sorted(by: { $0.podUID < $1.podUID }) {
            missing[endpoint.podUID] = SlicePlan.json(endpoint, zone: zone(endpoint.node))
            order.append(endpoint.podUID)
        }
        // Endpoints stay in the slice they are in.
        var kept: [(slice: JSONObject, endpoints: [JSONValue])] = slices.map { slice in
            let endpoints = slice.array("endpoints").compactMap { old in
                old["targetRef"]?["uid"]?.string.flatMap { missing.removeValue(forKey: $0) }
            }
            return (slice, endpoints)
        }
        var rest = order.compactMap { missing[$0] }
        // Changed slices are filled first, so that no other has to be written; then those with most room used.
        let byUse = kept.indices.sorted { kept[$0].endpoints.count > kept[$1].endpoints.count }
        for index in byUse where !rest.isEmpty {
            let room = min(rest.count, SlicePlan.capacity - kept[index].endpoints.count)
            guard room > 0 else { continue }
            kept[index].endpoints += rest.prefix(room)
            rest.removeFirst(room)
        }
        let labels = SlicePlan.labels(service)
        for (slice, endpoints) in kept {
            if endpoints.isEmpty, !(keepsOne && kept.count == 1) {
                deleted.append(slice)
                continue
            }
            var changed = slice
            changed["endpoints"] = .array(endpoints)
            changed["ports"] = SlicePlan.json(ports)
            changed.set("metadata", "labels", to: JSONValue(labels))
            let sameContent =
                slice.array("endpoints") == endpoints && SlicePlan.ports(slice) == ports
                && slice.objectLabels == labels
            if sameContent { continue }
            SlicePlan.stamp(&changed, trigger)
            updated.append(changed)
        }
        var isFirst = kept.isEmpty && keepsOne
        while !rest.isEmpty || isFirst {
            isFirst = false
            let part = Array(rest.prefix(SlicePlan.capacity))
            rest.removeFirst(part.count)
            var slice = SlicePlan.empty(service, family, labels)
            slice["endpoints"] = .array(part)
            slice["ports"] = SlicePlan.json(ports)
            SlicePlan.stamp(&slice, trigger)
            created.append(slice)
        }
    }

    private static func stamp(_ slice: inout JSONObject, _ trigger: String?) {
        slice.set("metadata", "annotations", triggerTime, to: trigger.map { .string($0) })
    }

    private static func empty(_ service: JSONObject, _ family: String, _ labels: [String: String]) -> JSONObject {
        let metadata: JSONObject = [
            "generateName": .string(PodControl.podPrefix(service.objectName)),
            "namespace": .string(service.objectNamespace), "labels": JSONValue(labels),
            "ownerReferences": [OwnerReference(controller: service, resource: Kinds.services).json],
        ]
        return ["metadata": .object(metadata), "addressType": .string(family)]
    }

    static func labels(_ service: JSONObject) -> [String: String] {
        var labels = service.objectLabels.filter { !$0.key.hasPrefix("endpointslice.kubernetes.io/") }
        labels[serviceName] = service.objectName
        labels[managedBy] = manager
        if service.string("spec", "clusterIP") == "None" { labels[headless] = "" } else { labels[headless] = nil }
        return labels
    }

    static func json(_ endpoint: PodEndpoint, zone: String?) -> JSONValue {
        var object: JSONObject = ["addresses": .array(endpoint.addresses.map { .string($0) })]
        object["conditions"] = [
            "ready": .bool(endpoint.isReady), "serving": .bool(endpoint.isServing),
            "terminating": .bool(endpoint.isTerminating),
        ]
        if let hostname = endpoint.hostname { object["hostname"] = .string(hostname) }
        if !endpoint.node.isEmpty { object["nodeName"] = .string(endpoint.node) }
        object["targetRef"] = [
            "kind": "Pod", "namespace": .string(endpoint.podNamespace), "name": .string(endpoint.podName),
            "uid": .string(endpoint.podUID),
        ]
        if let zone { object["zone"] = .string(zone) }
        return .object(object)
    }

    static func json(_ ports: [EndpointPort]) -> JSONValue {
        .array(
            ports.map { port in
                var object: JSONObject = [
                    "name": .string(port.name), "protocol": .string(port.transport), "port": .count(port.number),
                ]
                if let appProtocol = port.appProtocol { object["appProtocol"] = .string(appProtocol) }
                return .object(object)
            })
    }

    static func ports(_ slice: JSONObject) -> [EndpointPort] {
        slice.array("ports").map {
            EndpointPort(
                name: $0["name"]?.string ?? "", number: $0["port"]?.boundedInteger ?? 0,
                transport: $0["protocol"]?.string ?? "TCP", appProtocol: $0["appProtocol"]?.string)
        }.sorted()
    }
}
