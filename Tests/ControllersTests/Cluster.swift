// SPDX-License-Identifier: Apache-2.0

import Controllers
import JSON
import KubeClient
import Scheduler
import Schema
import Telemetry
import Testing

/// A control plane over the model server, with a kubelet that makes every pod of its nodes ready at once.
struct Cluster {
    let server = FakeServer()
    var client: KubeClient { server.client }

    static let pods = kind("", "pods", "Pod")
    static let nodes = kind("", "nodes", "Node", namespaced: false)
    static let namespaces = kind("", "namespaces", "Namespace", namespaced: false)
    static let services = kind("", "services", "Service")
    static let deployments = kind("apps", "deployments", "Deployment")
    static let replicaSets = kind("apps", "replicasets", "ReplicaSet")
    static let daemonSets = kind("apps", "daemonsets", "DaemonSet")
    static let statefulSets = kind("apps", "statefulsets", "StatefulSet")
    static let jobs = kind("batch", "jobs", "Job")
    static let slices = kind("discovery.k8s.io", "endpointslices", "EndpointSlice")
    static let endpoints = kind("", "endpoints", "Endpoints")
    static let serviceAccounts = kind("", "serviceaccounts", "ServiceAccount")
    static let claims = kind("", "persistentvolumeclaims", "PersistentVolumeClaim")
    static let configMaps = kind("", "configmaps", "ConfigMap")

    static func kind(_ group: String, _ plural: String, _ kind: String, namespaced: Bool = true) -> ResourceID {
        ResourceID(group: group, version: "v1", plural: plural, kind: kind, namespaced: namespaced)
    }

    /// Runs the control plane while `body` runs.
    func run(nodes: Int = 2, _ body: @escaping @Sendable (Cluster) async throws -> Void) async throws {
        for index in 1...max(nodes, 1) where nodes > 0 { try await addNode("node-\(index)") }
        _ = try await client.create(Self.namespaces, ["metadata": ["name": "default"], "status": ["phase": "Active"]])
        let logger = Logger(label: "test", level: .error)
        let informers = SharedInformerFactory(client: client, logger: logger)
        var settings = ControllerManager.Settings(identity: "test")
        settings.rootCertificates = "PEM"
        let manager = try ControllerManager(client: client, informers: informers, logger: logger, settings: settings)
        let scheduler = PodScheduler(client: client, informers: informers, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await manager.run() }
            group.addTask { await scheduler.run() }
            group.addTask { await kubelet() }
            group.addTask { try await body(self) }
            defer {
                group.cancelAll()
                informers.stop()
            }
            // The first to end is the body: all others run until cancelled.
            try await group.next()
        }
    }

    func addNode(_ name: String, cpu: String = "4") async throws {
        _ = try await client.create(
            Self.nodes,
            [
                "metadata": ["name": .string(name), "labels": ["kubernetes.io/hostname": .string(name)]],
                "status": [
                    "allocatable": ["cpu": .string(cpu), "memory": "8Gi", "pods": "110"],
                    "conditions": [["type": "Ready", "status": "True"]],
                ],
            ])
    }

    /// Gives pods on nodes an address and makes them ready.
    private func kubelet() async {
        let pods = Informer<DynamicObject>(client: client, resource: Self.pods)
        async let running: Void = pods.run()
        var next = 1
        for await change in pods.changes() {
            let pod = change.object.json
            if case .deleted = change { continue }
            guard !pod.string("spec", "nodeName").isEmpty, pod.string("status", "podIP").isEmpty else { continue }
            next += 1
            let address = "10.42.0.\(next)"
            let status: JSONValue = [
                "phase": "Running", "podIP": .string(address), "podIPs": [["ip": .string(address)]],
                "conditions": [
                    ["type": "Ready", "status": "True", "lastTransitionTime": .string(Timestamp.now.description)]
                ],
            ]
            // A pod deleted meanwhile needs no status.
            _ = try? await client.patch(
                Self.pods, namespace: pod.objectNamespace, name: pod.objectName, body: ["status": status],
                subresource: "status")
        }
        _ = await running
    }

    /// Waits until `condition` holds, failing the test after a minute.
    func eventually(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < end {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("did not happen: \(what)", sourceLocation: sourceLocation)
    }

    func list(_ resource: ResourceID) async throws -> [JSONObject] { try await client.list(resource).items }

    static func template(image: String = "app:1") -> JSONValue {
        [
            "metadata": ["labels": ["app": "web"]],
            "spec": [
                "containers": [["name": "app", "image": .string(image), "resources": ["requests": ["cpu": "100m"]]]]
            ],
        ]
    }

    static func deployment(replicas: Int, image: String = "app:1") -> JSONObject {
        [
            "metadata": ["name": "web", "namespace": "default"],
            "spec": [
                "replicas": .count(replicas), "selector": ["matchLabels": ["app": "web"]],
                "template": template(image: image), "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "25%", "maxUnavailable": "25%"]],
            ],
        ]
    }
}
