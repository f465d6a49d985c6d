// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Shows Endpoints that somebody keeps by hand as EndpointSlices, so that proxies see them.
final class EndpointSliceMirroringController: Controller {
    static let manager = "endpointslicemirroring-controller.k8s.io"

    let name = "endpointslice-mirroring"
    private let context: ControllerContext
    private let endpoints: Informer<DynamicObject>
    private let services: Informer<DynamicObject>
    private let slices: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    private let tracker = WriteTracker()

    init(_ context: ControllerContext) {
        self.context = context
        endpoints = context.informer(Kinds.endpoints)
        services = context.informer(Kinds.services)
        slices = context.informer(Kinds.endpointSlices)
        slices.addIndex("service") { slice in
            let name = slice.json.string("metadata", "labels", SlicePlan.serviceName)
            return name.isEmpty ? [] : ["\(slice.json.objectNamespace)/\(name)"]
        }
        endpoints.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        services.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        slices.addHandler { [queue] change in
            let labels = change.object.json.objectLabels
            guard labels[SlicePlan.managedBy] == Self.manager, let name = labels[SlicePlan.serviceName] else { return }
            queue.add(ObjectKey(change.object.json.objectNamespace, name))
        }
    }

    func run() async {
        await work(on: queue, workers: 2, after: [endpoints, services, slices], in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ key: ObjectKey) async throws {
        let newest = slices.lastResourceVersion
        let existing = slices.list(index: "service", value: "\(key.namespace)/\(key.name)").map(\.json).filter {
            $0.objectLabels[SlicePlan.managedBy] == Self.manager && !$0.objectIsBeingDeleted
        }
        try tracker.check(existing, for: key, newest: newest)
        var wanted: [JSONObject] = []
        if !ServiceMembership.isServers(key), let source = endpoints.get(key)?.json,
            let service = services.get(key)?.json,
            ServiceMembership.selector(service) == nil, Self.isMirrored(source)
        {
            wanted = Self.slices(of: source)
        }
        var spare = existing
        do {
            for slice in wanted {
                let index = spare.firstIndex {
                    $0.string("addressType") == slice.string("addressType")
                        && $0.array("ports") == slice.array("ports")
                }
                guard let index else {
                    let made = try await context.client.create(Kinds.endpointSlices, slice, namespace: key.namespace)
                    tracker.wrote(made, for: key)
                    continue
                }
                let old = spare.remove(at: index)
                if old.array("endpoints") == slice.array("endpoints"), old.objectLabels == slice.objectLabels {
                    continue
                }
                var updated = old
                updated["endpoints"] = slice["endpoints"]
                updated.set("metadata", "labels", to: slice.value("metadata", "labels"))
                tracker.wrote(try await context.client.update(Kinds.endpointSlices, updated), for: key)
            }
        } catch  where error.isNamespaceTerminating {
            return
        }
        for slice in spare {
            do {
                try await context.client.delete(
                    Kinds.endpointSlices, namespace: key.namespace, name: slice.objectName,
                    options: DeleteOptions(uid: slice.objectUID))
            } catch  where error.isNotFound {
                // Gone already.
            }
            tracker.deleted(slice.objectName, for: key)
        }
    }

    static func isMirrored(_ endpoints: JSONObject) -> Bool {
        endpoints.objectLabels[EndpointsObject.skipMirror] != "true" && !endpoints.objectIsBeingDeleted
            && endpoints.objectAnnotations["control-plane.alpha.kubernetes.io/leader"] == nil
    }

    /// One slice for each subset and address family, of at most 1000 addresses as upstream mirrors. No I/O.
    static func slices(of endpoints: JSONObject) -> [JSONObject] {
        var slices: [JSONObject] = []
        for subset in endpoints.array("subsets") {
            for family in ["IPv4", "IPv6"] {
                var rows: [JSONValue] = []
                for (field, isReady) in [("addresses", true), ("notReadyAddresses", false)] {
                    for address in subset[field]?.array ?? [] {
                        guard let ip = address["ip"]?.string, ServiceEndpoints.addressFamily(ip) == family else {
                            continue
                        }
                        var row: JSONObject = [
                            "addresses": [.string(ip)],
                            "conditions": ["ready": .bool(isReady), "serving": .bool(isReady), "terminating": false],
                        ]
                        for name in ["hostname", "nodeName", "targetRef"] { row[name] = address[name] }
                        rows.append(.object(row))
                    }
                }
                guard !rows.isEmpty else { continue }
                slices.append(slice(endpoints, family, rows, subset))
            }
        }
        return slices
    }

    private static func slice(
        _ endpoints: JSONObject, _ family: String, _ rows: [JSONValue], _ subset: JSONValue
    ) -> JSONObject {
        var labels = endpoints.objectLabels
        labels[SlicePlan.serviceName] = endpoints.objectName
        labels[SlicePlan.managedBy] = manager
        let ports = (subset["ports"]?.array ?? []).map { port -> JSONValue in
            var object: JSONObject = [
                "name": port["name"] ?? "", "protocol": port["protocol"] ?? "TCP", "port": port["port"] ?? 0,
            ]
            object["appProtocol"] = port["appProtocol"]
            return .object(object)
        }
        let metadata: JSONObject = [
            "generateName": .string(PodControl.podPrefix(endpoints.objectName)),
            "namespace": .string(endpoints.objectNamespace), "labels": JSONValue(labels),
            "ownerReferences": [OwnerReference(controller: endpoints, resource: Kinds.endpoints).json],
        ]
        return [
            "metadata": .object(metadata), "addressType": .string(family),
            "endpoints": .array(Array(rows.prefix(1000))), "ports": .array(ports),
        ]
    }
}
