// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@Suite struct WorkloadTests {
    /// Ends a pod as its containers would.
    private func finish(_ pod: JSONObject, _ phase: String, exitCode: Int, in cluster: Cluster) async throws {
        let status: JSONValue = [
            "phase": .string(phase),
            "containerStatuses": [
                [
                    "name": "app",
                    "state": [
                        "terminated": [
                            "exitCode": .count(exitCode),
                            // Long ago, so that the back-off after failures is over.
                            "finishedAt": "2020-01-01T00:00:00Z",
                        ]
                    ],
                ]
            ],
            "conditions": [["type": "Ready", "status": "False"]],
        ]
        _ = try await cluster.client.patch(
            Cluster.pods, namespace: "default", name: pod.objectName, body: ["status": status],
            subresource: "status")
    }

    private func job(_ spec: JSONObject) -> JSONObject {
        var job: JSONObject = ["metadata": ["name": "work", "namespace": "default"]]
        var full = spec
        full["selector"] = ["matchLabels": ["app": "web"]]
        full["template"] = Cluster.template()
        job["spec"] = .object(full)
        return job
    }

    private func running(_ cluster: Cluster) async throws -> [JSONObject] {
        try await cluster.list(Cluster.pods).filter {
            $0.string("status", "phase") == "Running" && !$0.objectIsBeingDeleted
        }
    }

    @Test func `a job counts each completion once and lets its pods go`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.jobs, job(["completions": 3, "parallelism": 2, "backoffLimit": 6]))
            for done in 0..<3 {
                try await cluster.eventually("pods run") { try await running(cluster).count == min(2, 3 - done) }
                try await finish(running(cluster)[0], "Succeeded", exitCode: 0, in: cluster)
                try await cluster.eventually("it is counted") {
                    try await cluster.list(Cluster.jobs)[0].int("status", "succeeded") == done + 1
                }
            }
            try await cluster.eventually("the job is complete") {
                let job = try await cluster.list(Cluster.jobs)[0]
                return job.array("status", "conditions").contains {
                    $0["type"]?.string == "Complete" && $0["status"]?.string == "True"
                } && job.string("status", "completionTime") != ""
            }
            let pods = try await cluster.list(Cluster.pods)
            #expect(pods.count == 3)
            #expect(pods.allSatisfy { $0.array("metadata", "finalizers").isEmpty })
        }
    }

    @Test func `an indexed job runs every index, and fails one that exceeds its own limit`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.jobs,
                job([
                    "completions": 3, "parallelism": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 0,
                    "maxFailedIndexes": 2,
                ]))
            try await cluster.eventually("three indexes run") { try await running(cluster).count == 3 }
            for pod in try await running(cluster) {
                let index = pod.objectAnnotations["batch.kubernetes.io/job-completion-index"]
                let fails = index == "1"
                try await finish(pod, fails ? "Failed" : "Succeeded", exitCode: fails ? 1 : 0, in: cluster)
            }
            try await cluster.eventually("the job fails for its failed index") {
                let job = try await cluster.list(Cluster.jobs)[0]
                return job.array("status", "conditions").contains {
                    $0["type"]?.string == "Failed" && $0["reason"]?.string == "FailedIndexes"
                }
            }
            let status = try await cluster.list(Cluster.jobs)[0].object("status")
            #expect(status.string("completedIndexes") == "0,2")
            #expect(status.string("failedIndexes") == "1")
        }
    }

    @Test func `a job over its back-off limit fails and stops its pods`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.jobs, job(["completions": 2, "parallelism": 2, "backoffLimit": 0]))
            try await cluster.eventually("two pods run") { try await running(cluster).count == 2 }
            try await finish(running(cluster)[0], "Failed", exitCode: 1, in: cluster)
            try await cluster.eventually("the job has failed") {
                let job = try await cluster.list(Cluster.jobs)[0]
                return job.array("status", "conditions").contains {
                    $0["type"]?.string == "Failed" && $0["reason"]?.string == "BackoffLimitExceeded"
                }
            }
            #expect(try await running(cluster).isEmpty)
        }
    }

    @Test func `a daemon set has one pod on each node that suits it, and follows new nodes`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.daemonSets,
                [
                    "metadata": ["name": "agent", "namespace": "default"],
                    "spec": ["selector": ["matchLabels": ["app": "web"]], "template": Cluster.template()],
                ])
            try await cluster.eventually("two are ready") {
                try await cluster.list(Cluster.daemonSets)[0].int("status", "numberReady") == 2
            }
            try await cluster.addNode("node-3")
            try await cluster.eventually("three are ready") {
                try await cluster.list(Cluster.daemonSets)[0].int("status", "numberReady") == 3
            }
            let nodes = try await cluster.list(Cluster.pods).map { $0.string("spec", "nodeName") }
            #expect(nodes.sorted() == ["node-1", "node-2", "node-3"])
            try await retryOnConflict {
                var set = try await cluster.list(Cluster.daemonSets)[0]
                set.set("spec", "template", to: Cluster.template(image: "app:2"))
                _ = try await cluster.client.update(Cluster.daemonSets, set)
            }
            try await cluster.eventually("all are updated") {
                let images = try await cluster.list(Cluster.pods).compactMap {
                    $0.array("spec", "containers").first?["image"]?.string
                }
                return images == ["app:2", "app:2", "app:2"]
            }
        }
    }

    @Test func `deleting a deployment collects its sets and pods`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 2))
            try await cluster.eventually("two pods run") { try await running(cluster).count == 2 }
            try await cluster.client.delete(Cluster.deployments, namespace: "default", name: "web")
            try await cluster.eventually("nothing is left") {
                let sets = try await cluster.list(Cluster.replicaSets)
                let pods = try await cluster.list(Cluster.pods)
                return sets.isEmpty && pods.isEmpty
            }
        }
    }

    @Test func `a foreground deletion ends with the owner`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 2))
            try await cluster.eventually("two pods run") { try await running(cluster).count == 2 }
            try await cluster.client.delete(
                Cluster.deployments, namespace: "default", name: "web",
                options: DeleteOptions(propagationPolicy: .foreground))
            try await cluster.eventually("all are gone") {
                let owners = try await cluster.list(Cluster.deployments)
                let pods = try await cluster.list(Cluster.pods)
                return owners.isEmpty && pods.isEmpty
            }
        }
    }

    @Test func `a circle of owners goes when one of them does`() async throws {
        try await Cluster().run { cluster in
            var uids: [String] = []
            for index in 0..<3 {
                let made = try await cluster.client.create(
                    Cluster.configMaps, ["metadata": ["name": "c\(index)", "namespace": "default"]])
                uids.append(made.objectUID)
            }
            for index in 0..<3 {
                let owner: JSONValue = [
                    "apiVersion": "v1", "kind": "ConfigMap", "name": .string("c\((index + 1) % 3)"),
                    "uid": .string(uids[(index + 1) % 3]), "blockOwnerDeletion": true,
                ]
                _ = try await cluster.client.patch(
                    Cluster.configMaps, namespace: "default", name: "c\(index)",
                    body: ["metadata": ["ownerReferences": [owner]]])
            }
            try await cluster.client.delete(
                Cluster.configMaps, namespace: "default", name: "c0",
                options: DeleteOptions(propagationPolicy: .foreground))
            try await cluster.eventually("all are gone") {
                try await cluster.list(Cluster.configMaps).allSatisfy { !$0.objectName.hasPrefix("c") }
            }
        }
    }

    @Test func `what somebody holds on to is looked at ever less often, and deleted once`() async throws {
        let cluster = Cluster()
        try await cluster.run { cluster in
            _ = try await cluster.client.create(
                Cluster.namespaces,
                ["metadata": ["name": "held"], "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"]])
            _ = try await cluster.client.create(
                Cluster.configMaps,
                ["metadata": ["name": "kept", "namespace": "held", "finalizers": ["example.com/mine"]]])
            try await cluster.client.delete(Cluster.namespaces, name: "held")
            try await cluster.eventually("its finalizer is told of") {
                let namespace = try await cluster.client.get(Cluster.namespaces, name: "held")
                return namespace.array("status", "conditions").contains {
                    $0["type"] == "NamespaceFinalizersRemaining" && $0["status"] == "True"
                }
            }
            try await Task.sleep(for: .seconds(4))
            let requests = cluster.server.requests
            func count(_ method: String) -> Int {
                requests.count { $0.hasPrefix("\(method) ") && $0.contains("/namespaces/held/configmaps") }
            }
            // Once itself, and once what no list shows.
            #expect(count("DELETE") == 2)
            #expect((1...8).contains(count("GET")))
            // The last of it lets the namespace go.
            var kept = try await cluster.client.get(Cluster.configMaps, namespace: "held", name: "kept")
            kept.set("metadata", "finalizers", to: nil)
            _ = try await cluster.client.update(Cluster.configMaps, kept)
            try await cluster.eventually("the namespace goes") {
                try await !cluster.list(Cluster.namespaces).map(\.objectName).contains("held")
            }
        }
    }

    @Test func `a namespace is emptied and goes`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.namespaces,
                ["metadata": ["name": "shop"], "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"]])
            var deployment = Cluster.deployment(replicas: 2)
            deployment.set("metadata", "namespace", to: "shop")
            _ = try await cluster.client.create(Cluster.deployments, deployment)
            try await cluster.eventually("two pods run") { try await running(cluster).count == 2 }
            try await cluster.client.delete(Cluster.namespaces, name: "shop")
            try await cluster.eventually("it is gone with all in it") {
                let namespaces = try await cluster.list(Cluster.namespaces).map(\.objectName)
                let pods = try await cluster.list(Cluster.pods)
                return namespaces == ["default"] && pods.isEmpty
            }
        }
    }
}
