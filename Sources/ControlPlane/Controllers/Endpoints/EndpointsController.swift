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
    /// Pods that may be behind other services than before, or otherwise.
    private let changed = ChangesByNamespace()
    private let pace = EndpointPace()

    init(_ context: ControllerContext) {
        self.context = context
        services = context.informer(Kinds.services)
        pods = context.informer(Kinds.pods)
        endpoints = context.informer(Kinds.endpoints)
        ServiceMembership.index(services)
        services.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        endpoints.addHandler { [queue] change in
            // Only an object that went needs to be made anew; changes are ours or the owner's wish.
            if case .deleted(let object) = change { queue.add(object.json.objectKey) }
            if case .added(let object) = change { queue.add(object.json.objectKey) }
        }
        ServiceMembership.follow(pods, into: changed, services, queue)
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [services, pods, endpoints], in: context, matching: [changed]
        ) { [self] in try await sync($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        if ServiceMembership.isServers(key) { return }
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
        // Before it is done: several of a namespace's services are worked on at once.
        let written = current?.array("subsets").reduce(0) { $0 + ($1["ports"]?.array?.count ?? 0) } ?? 0
        pace.charge(
            key.namespace, effort: ServiceEndpoints.effort(service, members) + written,
            now: KernelClock.monotonic.now())
        let desired = await EndpointsObject.make(
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
    ) async -> JSONObject {
        let family = ServiceEndpoints.families(service).first ?? "IPv4"
        var pieces = WorkPieces()
        var groups = await ServiceEndpoints.resolve(service, pods: pods, family: family, &pieces)
        for place in groups.indices { groups[place].members.removeAll { $0.isTerminating && !$0.isReady } }
        let isOver = groups.reduce(0) { $0 + $1.members.count } > capacity
        if isOver { cut(&groups) }
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
        object["subsets"] = await subsets(groups, &pieces)
        return object
    }

    /// Ready ones first: what is cut should be what is of least use.
    private static func cut(_ groups: inout [EndpointGroup]) {
        var room = capacity
        var kept = groups.map { EndpointGroup(ports: $0.ports) }
        for isReady in [true, false] {
            for place in groups.indices {
                let some = groups[place].members.filter { $0.isReady == isReady }.prefix(room)
                kept[place].members += some
                room -= some.count
            }
        }
        groups = kept
    }

    /// Addresses grouped by the ports they offer, sorted by address.
    private static func subsets(_ groups: [EndpointGroup], _ pieces: inout WorkPieces) async -> JSONValue? {
        var sorted: [EndpointGroup] = []
        for var group in groups where !group.members.isEmpty {
            group.members.sort { ($0.addresses[0], $0.podUID) < ($1.addresses[0], $1.podUID) }
            sorted.append(group)
        }
        // In an order that does not depend on chance: each pod is in one group.
        func first(_ group: EndpointGroup) -> (String, String) {
            (group.members[0].addresses[0], group.members[0].podUID)
        }
        sorted.sort { first($0) < first($1) }
        var subsets: [JSONValue] = []
        for group in sorted {
            var subset = JSONObject()
            let ready = group.members.filter(\.isReady).map(address)
            let waiting = group.members.filter { !$0.isReady }.map(address)
            if !ready.isEmpty { subset["addresses"] = .array(ready) }
            if !waiting.isEmpty { subset["notReadyAddresses"] = .array(waiting) }
            await pieces.done(group.members.count * 8)
            var ports: [JSONValue] = []
            for port in group.ports {
                await pieces.done()
                var object = JSONObject()
                if !port.name.isEmpty { object["name"] = .string(port.name) }
                object["port"] = .count(port.number)
                object["protocol"] = .string(port.transport)
                if let appProtocol = port.appProtocol { object["appProtocol"] = .string(appProtocol) }
                ports.append(.object(object))
            }
            if !ports.isEmpty { subset["ports"] = .array(ports) }
            subsets.append(.object(subset))
        }
        return subsets.isEmpty ? nil : .array(subsets)
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
