// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Schema
import Telemetry
import Testing

@testable import Controllers

/// What cannot be taken back is not decided by a cache that may be behind.
@Suite(.timeLimit(.minutes(3))) struct `A cache that is behind` {
    private static func names(_ resource: ResourceID, in cluster: Cluster) async throws -> [String] {
        try await cluster.list(resource).map(\.objectName)
    }

    // MARK: Namespaces

    /// Makes the namespace `off`, with a map in it, and then, when the controller sends a request, lets it go by force and
    /// makes another of its name.
    private static func replaceNamespace(before request: String, held: String? = nil) async throws {
        try await Cluster().run { cluster in
            let namespace: JSONObject = [
                "metadata": ["name": "off"], "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"],
            ]
            _ = try await cluster.client.create(Cluster.namespaces, namespace)
            _ = try await cluster.client.create(
                Cluster.configMaps, ["metadata": ["name": "old", "namespace": "off"]])
            try await cluster.eventually("it is known") {
                try await Self.names(Cluster.serviceAccounts, in: cluster) == ["default", "default"]
            }
            cluster.server.before(request) {
                if let held { cluster.server.hold(held) }
                var old = try await cluster.client.get(Cluster.namespaces, name: "off")
                old.set("spec", "finalizers", to: nil)
                _ = try await cluster.client.update(Cluster.namespaces, old, subresource: "finalize")
                _ = try await cluster.client.create(Cluster.namespaces, namespace)
                _ = try await cluster.client.create(
                    Cluster.configMaps, ["metadata": ["name": "new", "namespace": "off"]])
            }
            try await cluster.client.delete(Cluster.namespaces, name: "off")
            try await cluster.eventually("there is another") {
                try await Self.names(Cluster.configMaps, in: cluster).contains("new")
            }
            try await Task.sleep(for: .seconds(1))
            #expect(try await Self.names(Cluster.configMaps, in: cluster).contains("new"))
            let other = try await cluster.client.get(Cluster.namespaces, name: "off")
            #expect(other.array("spec", "finalizers") == ["kubernetes"] && !other.objectIsBeingDeleted)
        }
    }

    @Test(arguments: [
        "GET /api/v1/namespaces/off/pods", "GET /api/v1/namespaces/off/configmaps",
        "PUT /api/v1/namespaces/off/finalize",
    ])
    func `empties no namespace that was made under the name of the one that goes`(request: String) async throws {
        try await Self.replaceNamespace(before: request)
    }

    @Test func `empties no namespace for another that the cache still shows`() async throws {
        try await Self.replaceNamespace(before: "PUT /api/v1/namespaces/off/status", held: "v1/namespaces")
    }

    // MARK: Owners

    private static func map(_ name: String, owner: String, uid: String) -> JSONObject {
        [
            "metadata": [
                "name": .string(name), "namespace": "default",
                "ownerReferences": [
                    [
                        "apiVersion": "v1", "kind": "ServiceAccount", "name": .string(owner), "uid": .string(uid),
                        "blockOwnerDeletion": true,
                    ]
                ],
            ]
        ]
    }

    /// Waits until the collector has followed the maps so far: one without an owner is gone.
    private static func follow(_ cluster: Cluster, _ name: String) async throws {
        _ = try await cluster.client.create(Cluster.configMaps, map(name, owner: "nobody", uid: "none"))
        try await cluster.eventually("\(name) is collected") {
            try await !names(Cluster.configMaps, in: cluster).contains(name)
        }
    }

    private static func deleteOwner(
        _ policy: PropagationPolicy, _ body: @escaping @Sendable (Cluster) async throws -> Void
    ) async throws {
        try await Cluster().run { cluster in
            let owner = try await cluster.client.create(
                Cluster.serviceAccounts, ["metadata": ["name": "owner", "namespace": "default"]])
            try await follow(cluster, "first")
            // The collector does not see this one before its owner is deleted.
            cluster.server.hold("v1/configmaps")
            _ = try await cluster.client.create(
                Cluster.configMaps, map("young", owner: "owner", uid: owner.objectUID))
            try await cluster.client.delete(
                Cluster.serviceAccounts, namespace: "default", name: "owner",
                options: DeleteOptions(propagationPolicy: policy))
            try await body(cluster)
        }
    }

    @Test func `loses no dependent that was to be kept`() async throws {
        try await Self.deleteOwner(.orphan) { cluster in
            try await cluster.eventually("the owner goes") {
                try await !Self.names(Cluster.serviceAccounts, in: cluster).contains("owner")
            }
            cluster.server.release("v1/configmaps")
            try await Self.follow(cluster, "last")
            try await Task.sleep(for: .milliseconds(300))
            let kept = try await cluster.list(Cluster.configMaps).first { $0.objectName == "young" }
            #expect(kept?.array("metadata", "ownerReferences") == [])
        }
    }

    @Test func `lets no owner go before a dependent that it is to outlive`() async throws {
        try await Self.deleteOwner(.foreground) { cluster in
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await Self.names(Cluster.serviceAccounts, in: cluster).contains("owner"))
            #expect(try await Self.names(Cluster.configMaps, in: cluster).contains("young"))
            cluster.server.release("v1/configmaps")
            try await cluster.eventually("both go") {
                let accounts = try await Self.names(Cluster.serviceAccounts, in: cluster)
                let maps = try await Self.names(Cluster.configMaps, in: cluster)
                return !accounts.contains("owner") && !maps.contains("young")
            }
        }
    }

    // MARK: Nodes

    @Test func `evicts no pod for a taint that is gone`() async throws {
        try await Cluster().run(nodes: 1) { cluster in
            @Sendable func taint(_ taints: JSONValue) async throws {
                _ = try await cluster.client.patch(
                    Cluster.nodes, name: "node-1", body: ["spec": ["taints": taints]], kind: .merge)
            }
            _ = try await cluster.client.create(
                Cluster.pods,
                [
                    "metadata": ["name": "p", "namespace": "default"],
                    "spec": [
                        "nodeName": "node-1",
                        "tolerations": [
                            ["key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1]
                        ],
                    ],
                ])
            // It goes when the pod's time is over, and the cache is not told.
            cluster.server.before("GET /api/v1/namespaces/default/pods/p") {
                cluster.server.hold("v1/nodes")
                try await taint(.null)
            }
            try await taint([["key": "k", "effect": "NoExecute", "timeAdded": .string(Timestamp.now.description)]])
            try await cluster.eventually("the pod's time is over") {
                let names = try await Self.names(Cluster.pods, in: cluster)
                return names.isEmpty || cluster.server.requests.contains("GET /api/v1/nodes/node-1")
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await Self.names(Cluster.pods, in: cluster) == ["p"])
        }
    }

    @Test func `takes no node for silent that the server has heard of`() async throws {
        let server = FakeServer()
        let leases = Cluster.kind("coordination.k8s.io", "leases", "Lease")
        _ = try await server.client.create(
            leases, ["metadata": ["name": "n", "namespace": "kube-node-lease"], "spec": ["renewTime": "0"]])
        _ = try await server.client.create(
            Cluster.nodes,
            ["metadata": ["name": "n"], "status": ["conditions": [["type": "Ready", "status": "True"]]]])
        let logger = Logger(label: "test", level: .error)
        let informers = SharedInformerFactory(client: server.client, logger: logger)
        let context = ControllerContext(client: server.client, informers: informers, logger: logger)
        let controller = NodeLifecycleController(context, gracePeriod: .seconds(1))
        informers.start()
        let running = Task { await controller.run() }
        try await informers.waitForSync()
        server.hold("v1/leases")
        let asked = "GET /api/v1/nodes/n"
        for number in 1...3 {
            server.before(asked) {
                _ = try await server.client.patch(
                    leases, namespace: "kube-node-lease", name: "n",
                    body: ["spec": ["renewTime": .string("\(number)")]])
            }
        }
        func ready() async throws -> String? {
            try await server.client.list(Cluster.nodes).items.first?.condition("Ready")?["status"]?.string
        }
        try await Cluster().eventually("it seems silent") {
            let isReady = try await ready() == "True"
            return !isReady || server.requests.count { $0 == asked } == 3
        }
        #expect(try await ready() == "True")
        // Nobody renews it any more.
        try await Cluster().eventually("it is silent") { try await ready() == "Unknown" }
        running.cancel()
        await running.value
        informers.stop()
    }

    // MARK: Jobs and tokens

    @Test func `holds no pod of a job for another of its name`() async throws {
        try await Cluster().run { cluster in
            let job: JSONObject = [
                "metadata": ["name": "work", "namespace": "default"],
                "spec": [
                    "parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed",
                    "selector": ["matchLabels": ["app": "web"]], "template": Cluster.template(),
                ],
            ]
            let old = try await cluster.client.create(Cluster.jobs, job)
            func uids() async throws -> [String?] {
                try await cluster.list(Cluster.pods).map { $0.controllerReference?.uid }
            }
            try await cluster.eventually("its pod is there") { try await uids() == [old.objectUID] }
            cluster.server.hold("v1/jobs")
            try await cluster.client.delete(Cluster.jobs, namespace: "default", name: "work")
            let new = try await cluster.client.create(Cluster.jobs, job)
            cluster.server.release("v1/jobs")
            try await cluster.eventually("the other's pod is there alone") { try await uids() == [new.objectUID] }
        }
    }

    @Test func `takes no job away that was given more time at that moment`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.jobs,
                [
                    "metadata": ["name": "done", "namespace": "default"],
                    "spec": ["ttlSecondsAfterFinished": 1, "template": Cluster.template()],
                    "status": [
                        "conditions": [
                            [
                                "type": "Complete", "status": "True",
                                "lastTransitionTime": .string(Timestamp.now.description),
                            ]
                        ]
                    ],
                ])
            let path = "DELETE /apis/batch/v1/namespaces/default/jobs/done"
            cluster.server.before(path) {
                _ = try await cluster.client.patch(
                    Cluster.jobs, namespace: "default", name: "done",
                    body: ["spec": ["ttlSecondsAfterFinished": 3_600]])
            }
            try await cluster.eventually("it was to go") { cluster.server.requests.contains { $0.hasPrefix(path) } }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await Self.names(Cluster.jobs, in: cluster) == ["done"])
        }
    }

    @Test func `takes no token away that was given more time`() async throws {
        try await Cluster().run { cluster in
            let secrets = Cluster.kind("", "secrets", "Secret")
            @Sendable func data(_ lifetime: Duration) -> JSONValue {
                let texts = [
                    "token-id": "aaaaaa", "token-secret": "0123456789abcdef",
                    "expiration": (Timestamp.now + lifetime).description,
                ]
                return JSONValue(texts.mapValues { Base64.encode(Array($0.utf8)) })
            }
            let name = "bootstrap-token-aaaaaa"
            cluster.server.before("DELETE /api/v1/namespaces/kube-system/secrets/\(name)") {
                _ = try await cluster.client.patch(
                    secrets, namespace: "kube-system", name: name, body: ["data": data(.seconds(3_600))])
            }
            _ = try await cluster.client.create(
                secrets,
                [
                    "metadata": ["name": .string(name), "namespace": "kube-system"],
                    "type": "bootstrap.kubernetes.io/token", "data": data(.seconds(1)),
                ])
            try await cluster.eventually("it was to go") {
                cluster.server.requests.contains { $0.hasPrefix("DELETE") && $0.contains(name) }
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await Self.names(secrets, in: cluster) == [name])
        }
    }
}
