// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Linux

/// Keeps the EndpointSlices of services with a selector.
final class EndpointSliceController: Controller {
    let name = "endpointslice"
    private let context: ControllerContext
    private let services: Informer<DynamicObject>
    private let pods: Informer<DynamicObject>
    private let nodes: Informer<DynamicObject>
    private let slices: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    /// Pods that may be behind other services than before, or otherwise.
    private let changed = ChangesByNamespace()
    private let tracker = WriteTracker()
    private let pace = EndpointPace()
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        services = context.informer(Kinds.services)
        pods = context.informer(Kinds.pods)
        nodes = context.informer(Kinds.nodes)
        slices = context.informer(Kinds.endpointSlices)
        recorder = context.recorder("endpoint-slice-controller")
        slices.addIndex("service") { slice in
            let name = slice.json.string("metadata", "labels", SlicePlan.serviceName)
            return name.isEmpty ? [] : ["\(slice.json.objectNamespace)/\(name)"]
        }
        ServiceMembership.index(services)
        services.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        slices.addHandler { [queue] change in
            let labels = change.object.json.objectLabels
            guard labels[SlicePlan.managedBy] == SlicePlan.manager, let service = labels[SlicePlan.serviceName] else {
                return
            }
            queue.add(ObjectKey(change.object.json.objectNamespace, service))
        }
        ServiceMembership.follow(pods, into: changed, services, queue)
    }

    func run() async {
        await work(
            on: queue, workers: 5, after: [services, pods, nodes, slices], recorder: recorder, in: context,
            matching: [changed]
        ) { [self] in try await sync($0) }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let service = services.get(key)?.json, service.string("spec", "type") != "ExternalName" else {
            // Slices of a service that is gone are the garbage collector's.
            tracker.forget(key)
            return
        }
        guard !ServiceMembership.isServers(key) else {
            // What was made of a selector that somebody gave it.
            let newest = slices.lastResourceVersion
            let made = managed(key)
            try tracker.check(made, for: key, newest: newest)
            return try await remove(made, key)
        }
        guard let wanted = ServiceMembership.selector(service) else { return }
        if let wait = pace.wait(key.namespace, now: KernelClock.monotonic.now()) {
            queue.add(key, after: wait)
            return
        }
        let newest = slices.lastResourceVersion
        let existing = managed(key)
        try tracker.check(existing, for: key, newest: newest)
        let members = ServiceMembership.pods(pods, of: service).filter { wanted.matches($0.objectLabels) }
        // Before it is done: several of a namespace's services are worked on at once.
        let effort = existing.reduce(ServiceEndpoints.effort(service, members)) { $0 + $1.array("ports").count }
        pace.charge(key.namespace, effort: effort, now: KernelClock.monotonic.now())
        let plan = await SlicePlan(
            service: service, pods: members, existing: existing,
            trigger: ServiceMembership.trigger(service, members)
        ) { [nodes] in nodes.get($0)?.json.objectLabels["topology.kubernetes.io/zone"] }
        do {
            try await apply(plan, key)
        } catch {
            if error.isNamespaceTerminating || service.objectIsBeingDeleted { return }
            recorder.event(
                EventTarget(service, Kinds.services), .warning, reason: "FailedToUpdateEndpointSlices",
                "Error updating Endpoint Slices for Service \(key): \(error)")
            throw error
        }
    }

    private func apply(_ plan: SlicePlan, _ key: ObjectKey) async throws {
        for slice in plan.created + plan.updated {
            let size = EndpointPace.size(endpoints: slice.array("endpoints").count, ports: slice.array("ports").count)
            pace.charge(key.namespace, size, now: KernelClock.monotonic.now())
        }
        // Created first: an endpoint that moves must not be missing in between.
        for slice in plan.created {
            let made = try await context.client.create(Kinds.endpointSlices, slice, namespace: key.namespace)
            tracker.wrote(made, for: key)
        }
        for slice in plan.updated {
            tracker.wrote(try await context.client.update(Kinds.endpointSlices, slice), for: key)
        }
        try await remove(plan.deleted, key)
    }

    /// The slices of a service that this controller makes.
    private func managed(_ key: ObjectKey) -> [JSONObject] {
        slices.list(index: "service", value: "\(key.namespace)/\(key.name)").map(\.json).filter {
            $0.objectLabels[SlicePlan.managedBy] == SlicePlan.manager && !$0.objectIsBeingDeleted
        }
    }

    private func remove(_ gone: [JSONObject], _ key: ObjectKey) async throws {
        for slice in gone {
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
}

/// Which services a pod belongs to.
enum ServiceMembership {
    /// Whether it is the API server's own service, whose endpoints are that server's to say and nobody else's.
    static func isServers(_ key: ObjectKey) -> Bool { key == ObjectKey("default", "kubernetes") }

    /// The selector of a service; nil for one whose endpoints are somebody else's.
    static func selector(_ service: JSONObject) -> LabelSelector? {
        guard let labels = service.value("spec", "selector")?.object, !labels.isEmpty else { return nil }
        return LabelSelector(matching: labels)
    }

    /// Whether a service asks for labels that a pod has: for one pod no selector is made.
    private static func selects(_ service: JSONObject, _ labels: [String: String]) -> Bool {
        guard let wanted = service.value("spec", "selector")?.object, !wanted.isEmpty else { return false }
        return wanted.allSatisfy { labels[$0.key] == ($0.value.string ?? "") }
    }

    /// Finds services by a label they ask for: with thousands of services a pod's change must not ask them all. Pods are not
    /// found by their labels, which are as many as anybody likes: that took more memory than the pods.
    static func index(_ services: Informer<DynamicObject>) {
        services.addIndex("selector") { service in
            firstLabel(service.json).map { [term(service.json.objectNamespace, $0.name, $0.value)] } ?? []
        }
    }

    private static func term(_ namespace: String, _ label: String, _ value: String) -> String {
        "\(namespace)/\(label)=\(value)"
    }

    /// One of the labels the service asks for: a pod without it is not its.
    private static func firstLabel(_ service: JSONObject) -> (name: String, value: String)? {
        guard let labels = service.value("spec", "selector")?.object,
            let first = labels.min(by: { $0.key < $1.key }), let value = first.value.string
        else { return nil }
        return (first.key, value)
    }

    /// Pods that may be the service's, all that are among them.
    static func pods(_ pods: Informer<DynamicObject>, of service: JSONObject) -> [JSONObject] {
        guard let (label, value) = firstLabel(service) else { return [] }
        return pods.list(namespace: service.objectNamespace).map(\.json).filter {
            $0.value("metadata", "labels", label)?.string == value
        }
    }

    /// Notes the pods that change in what endpoints show, and queues the services that select them.
    static func follow(
        _ pods: Informer<DynamicObject>, into changed: ChangesByNamespace, _ services: Informer<DynamicObject>,
        _ queue: WorkQueue<ObjectKey>
    ) {
        pods.addHandler { [changed] change in
            switch change {
            case .added(let pod): changed.note(pod.json)
            case .updated(let old, let new):
                guard matters(old.json, new.json) else { return }
                if old.json.value("metadata", "labels") != new.json.value("metadata", "labels") {
                    changed.note(former: old.json)
                }
                changed.note(new.json)
            case .deleted(let pod): changed.note(former: pod.json)
            }
        }
        changed.find { [pods, services, queue] namespace, noted in
            if noted.isAll {
                for service in services.list(namespace: namespace) { queue.add(service.json.objectKey) }
                return
            }
            for labels in noted.labels(of: { pods.get($0, namespace: namespace) }) {
                wake(services, namespace, labels) { queue.add($0) }
            }
        }
    }

    private static func wake(
        _ services: Informer<DynamicObject>, _ namespace: String, _ labels: [String: String], _ add: (ObjectKey) -> Void
    ) {
        for (label, value) in labels {
            for service in services.list(index: "selector", value: term(namespace, label, value))
            where selects(service.json, labels) {
                add(service.json.objectKey)
            }
        }
    }

    /// Whether a pod changed in what endpoints show.
    static func matters(_ old: JSONObject, _ new: JSONObject) -> Bool {
        old.objectIsBeingDeleted != new.objectIsBeingDeleted || old.podIsReady != new.podIsReady
            || old.podIsFinished != new.podIsFinished || old.podNode != new.podNode
            || old.value("status", "podIPs") != new.value("status", "podIPs")
            || old.string("status", "podIP") != new.string("status", "podIP")
            || old.value("metadata", "labels") != new.value("metadata", "labels")
            || old.string("spec", "hostname") != new.string("spec", "hostname")
            || old.string("spec", "subdomain") != new.string("spec", "subdomain")
    }

    /// When the newest of the changes that led here happened: for measuring how long programming takes.
    static func trigger(_ service: JSONObject, _ pods: [JSONObject]) -> String? {
        let times = pods.compactMap { pod in
            pod.objectIsBeingDeleted
                ? pod.time("metadata", "deletionTimestamp") : pod.condition("Ready")?.time("lastTransitionTime")
        }
        return (times.max() ?? service.time("metadata", "creationTimestamp"))?.description
    }
}
