// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Linux

/// Keeps the Endpoints object of services with a selector, for clients older than EndpointSlice.
final class EndpointsController: Controller {
    let name = "endpoints"
    private let context: ControllerContext
    private let services: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let endpoints: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    private let pace = EndpointPace()

    init(_ context: ControllerContext) {
        self.context = context
        services = context.informer(Kinds.services)
        pods = context.informer(Kinds.pods)
        endpoints = context.informer(Kinds.endpoints)
        ServiceMembership.index(services, pods)
        services.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        endpoints.addHandler { [queue] change in
            // Only an object that went needs to be made anew; changes are ours or the owner's wish.
            if case .deleted(let object) = change { queue.add(object.json.objectKey) }
            if case .added(let object) = change { queue.add(object.json.objectKey) }
        }
        pods.addHandler { [weak self] in self?.podChanged($0) }
    }

    func run() async {
        await work(on: queue, workers: 5, after: [services, pods, endpoints], logger: context.logger) {
            [self] in try await sync($0)
        }
    }

    private func podChanged(_ change: InformerChange<DynamicObject>) {
        if case .updated(let old, let new) = change {
            guard ServiceMembership.matters(old.json, new.json) else { return }
            if old.json.objectLabels != new.json.objectLabels {
                ServiceMembership.wake(services, old.json) { queue.add($0) }
            }
        }
        ServiceMembership.wake(services, change.object.json) { queue.add($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let service = services.get(key)?.json else {
            guard let existing = endpoints.get(key)?.json,
                existing.objectLabels[EndpointsObject.managedBy] == EndpointsObject.manager
            else { return }
            do {
                try await context.client.delete(
                    Kinds.endpoints, namespace: key.namespace, name: key.name,
                    options: DeleteOptions(uid: existing.objectUID))
            } catch  where error.isNotFound {
                // Gone already.
            }
            return
        }
        guard service.string("spec", "type") != "ExternalName", let wanted = ServiceMembership.selector(service) else {
            return
        }
        if let wait = pace.wait(key.namespace, now: KernelClock.monotonic.now()) {
            queue.add(key, after: wait)
            return
        }
        let members = ServiceMembership.pods(pods, of: service).filter { wanted.matches($0.objectLabels) }
        let current = endpoints.get(key)?.json
        let desired = EndpointsObject.make(
            service, members, current: current, trigger: ServiceMembership.trigger(service, members))
        do {
            if let current {
                guard !EndpointsObject.same(current, desired) else { return }
                charge(key, desired)
                _ = try await context.client.update(Kinds.endpoints, desired)
            } else {
                charge(key, desired)
                _ = try await context.client.create(Kinds.endpoints, desired)
            }
        } catch  where error.isNamespaceTerminating {
            // The namespace goes, and the service with it.
        }
    }
}

extension EndpointsController {
    private func charge(_ key: ObjectKey, _ object: JSONObject) {
        let size = object.array("subsets").reduce(0) { sum, subset in
            let endpoints = (subset["addresses"]?.array?.count ?? 0) + (subset["notReadyAddresses"]?.array?.count ?? 0)
            return sum + EndpointPace.size(endpoints: endpoints, ports: subset["ports"]?.array?.count ?? 0)
        }
        pace.charge(key.namespace, size, now: KernelClock.monotonic.now())
    }
}

/// The Endpoints object a service should have. No I/O.
enum EndpointsObject {
    static let managedBy = "endpoints.kubernetes.io/managed-by"
    static let manager = "endpoint-controller"
    static let skipMirror = "endpointslice.kubernetes.io/skip-mirror"
    static let overCapacity = "endpoints.kubernetes.io/over-capacity"
    static let capacity = 1000

    static func make(
        _ service: JSONObject, _ pods: [JSONObject], current: JSONObject?, trigger: String?
    ) -> JSONObject {
        let family = ServiceEndpoints.families(service).first ?? "IPv4"
        var all = ServiceEndpoints.resolve(service, pods: pods, family: family).filter {
            !$0.isTerminating || $0.isReady
        }
        let isOver = all.count > capacity
        if isOver {
            // Ready ones first: what is cut should be what is of least use.
            all = Array((all.filter(\.isReady) + all.filter { !$0.isReady }).prefix(capacity))
        }
        var object =
            current ?? [
                "metadata": ["name": .string(service.objectName), "namespace": .string(service.objectNamespace)]
            ]
        var labels = service.objectLabels
        labels[managedBy] = manager
        labels[skipMirror] = "true"
        labels[SlicePlan.headless] = service.string("spec", "clusterIP") == "None" ? "" : nil
        object.set("metadata", "labels", to: JSONValue(labels))
        object.set("metadata", "annotations", SlicePlan.triggerTime, to: trigger.map { .string($0) })
        object.set("metadata", "annotations", overCapacity, to: isOver ? "truncated" : nil)
        object["subsets"] = subsets(all)
        return object
    }

    /// Addresses grouped by the ports they offer, sorted by address.
    private static func subsets(_ endpoints: [PodEndpoint]) -> JSONValue? {
        guard !endpoints.isEmpty else { return nil }
        let groups = Dictionary(grouping: endpoints, by: \.ports)
        let subsets = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ports, members -> JSONValue in
            var subset = JSONObject()
            let sorted = members.sorted { ($0.addresses[0], $0.podUID) < ($1.addresses[0], $1.podUID) }
            let ready = sorted.filter(\.isReady).map(address)
            let waiting = sorted.filter { !$0.isReady }.map(address)
            if !ready.isEmpty { subset["addresses"] = .array(ready) }
            if !waiting.isEmpty { subset["notReadyAddresses"] = .array(waiting) }
            if !ports.isEmpty {
                subset["ports"] = .array(
                    ports.map { port in
                        var object = JSONObject()
                        if !port.name.isEmpty { object["name"] = .string(port.name) }
                        object["port"] = .count(port.number)
                        object["protocol"] = .string(port.transport)
                        if let appProtocol = port.appProtocol { object["appProtocol"] = .string(appProtocol) }
                        return .object(object)
                    })
            }
            return .object(subset)
        }
        return .array(subsets)
    }

    private static func address(_ endpoint: PodEndpoint) -> JSONValue {
        var object: JSONObject = ["ip": .string(endpoint.addresses[0])]
        if let hostname = endpoint.hostname { object["hostname"] = .string(hostname) }
        if !endpoint.node.isEmpty { object["nodeName"] = .string(endpoint.node) }
        object["targetRef"] = [
            "kind": "Pod", "namespace": .string(endpoint.podNamespace), "name": .string(endpoint.podName),
            "uid": .string(endpoint.podUID),
        ]
        return .object(object)
    }

    static func same(_ current: JSONObject, _ desired: JSONObject) -> Bool {
        current.array("subsets") == desired.array("subsets") && current.objectLabels == desired.objectLabels
            && current.objectAnnotations[overCapacity] == desired.objectAnnotations[overCapacity]
    }
}
