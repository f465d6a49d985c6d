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

    /// Made in pieces, with others' turns in between: a service may have 20,000 ports, and each pod others.
    ///
    /// - Parameters:
    ///   - zone: The zone of a node.
    ///   - existing: The slices this controller manages for the service.
    init(
        service: JSONObject, pods: [JSONObject], existing: [JSONObject], trigger: String?,
        zone: (String) -> String?
    ) async {
        var pieces = WorkPieces()
        let families = ServiceEndpoints.families(service)
        for family in families {
            var groups = await ServiceEndpoints.resolve(service, pods: pods, family: family, &pieces)
            var places: [[EndpointPort]: Int] = [:]
            for (place, group) in groups.enumerated() {
                await pieces.done(group.ports.count)
                places[group.ports] = place
            }
            var own: [Int: [JSONObject]] = [:]
            var spare: [JSONObject] = []
            for slice in existing where slice.string("addressType") == family {
                let ports = SlicePlan.ports(slice)
                await pieces.done(ports.count * 2)
                if let place = places[ports] { own[place, default: []].append(slice) } else { spare.append(slice) }
            }
            if groups.isEmpty {
                // A service without endpoints keeps one empty slice, so that it is seen to have none.
                reconcile(
                    EndpointGroup(ports: []), in: spare.isEmpty ? [] : [spare.removeFirst()], service, family, trigger,
                    zone, keepsOne: true)
            }
            for place in groups.indices {
                groups[place].members.sort { $0.podUID < $1.podUID }
                await pieces.done(groups[place].members.count)
            }
            // In an order that does not depend on chance: each pod is in one group.
            let order = groups.indices.sorted {
                (groups[$0].members.first?.podUID ?? "") < (groups[$1].members.first?.podUID ?? "")
            }
            for place in order {
                let group = groups[place]
                await pieces.done(group.members.count * 8 + group.ports.count)
                reconcile(group, in: own[place] ?? [], service, family, trigger, zone, keepsOne: false)
            }
            deleted += spare
        }
        deleted += existing.filter { !families.contains($0.string("addressType")) }
    }

    /// - Parameter slices: Of the group's ports, but where it has no members.
    private mutating func reconcile(
        _ group: EndpointGroup, in slices: [JSONObject], _ service: JSONObject, _ family: String, _ trigger: String?,
        _ zone: (String) -> String?, keepsOne: Bool
    ) {
        var missing: [String: JSONValue] = [:]
        var order: [String] = []
        for endpoint in group.members {
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
        lazy var ports = SlicePlan.json(group.ports)
        for (slice, endpoints) in kept {
            if endpoints.isEmpty, !(keepsOne && kept.count == 1) {
                deleted.append(slice)
                continue
            }
            let hasPorts = !group.members.isEmpty || slice.array("ports").isEmpty
            if hasPorts, slice.array("endpoints") == endpoints, slice.objectLabels == labels { continue }
            var changed = slice
            changed["endpoints"] = .array(endpoints)
            changed["ports"] = ports
            changed.set("metadata", "labels", to: JSONValue(labels))
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
            slice["ports"] = ports
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
