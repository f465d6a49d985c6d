// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@Suite struct RolloutTests {
    @Test func `a deployment becomes scheduled pods behind its service`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(
                Cluster.services,
                [
                    "metadata": ["name": "web", "namespace": "default"],
                    "spec": [
                        "selector": ["app": "web"], "clusterIP": "10.43.0.5", "ipFamilies": ["IPv4"],
                        "ports": [["name": "http", "port": 80, "targetPort": 8080]],
                    ],
                ])
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 3))
            try await cluster.eventually("three endpoints in a slice") {
                let slices = try await cluster.list(Cluster.slices)
                return slices.count == 1 && slices[0].array("endpoints").count == 3
                    && slices[0].array("endpoints").allSatisfy { $0["conditions"]?["ready"]?.bool == true }
            }
            let slice = try #require(try await cluster.list(Cluster.slices).first)
            #expect(slice.array("ports").first?["port"]?.integer == 8080)
            try await cluster.eventually("the same in Endpoints") {
                let subset = try await cluster.list(Cluster.endpoints).first?.array("subsets").first
                return subset?["addresses"]?.array?.count == 3
            }
            let pods = try await cluster.list(Cluster.pods)
            #expect(Set(pods.map { $0.string("spec", "nodeName") }) == ["node-1", "node-2"])
            try await cluster.eventually("the deployment is available") {
                let status = try await cluster.list(Cluster.deployments)[0].object("status")
                return status.int("availableReplicas") == 3 && status.int("observedGeneration") == 1
            }
        }
    }

    @Test func `a new template replaces all pods, and the old set stays for a rollback`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 4))
            try await cluster.eventually("four pods ready") {
                try await cluster.list(Cluster.deployments)[0].int("status", "availableReplicas") == 4
            }
            try await retryOnConflict {
                var deployment = try await cluster.list(Cluster.deployments)[0]
                deployment.set("spec", "template", to: Cluster.template(image: "app:2"))
                _ = try await cluster.client.update(Cluster.deployments, deployment)
            }
            try await cluster.eventually("all pods are new") {
                let pods = try await cluster.list(Cluster.pods)
                let images = pods.compactMap { $0.array("spec", "containers").first?["image"]?.string }
                return images == ["app:2", "app:2", "app:2", "app:2"]
            }
            try await cluster.eventually("progress is reported complete") {
                let deployment = try await cluster.list(Cluster.deployments)[0]
                let progress = deployment.array("status", "conditions").first { $0["type"]?.string == "Progressing" }
                return progress?["reason"]?.string == "NewReplicaSetAvailable"
                    && deployment.int("status", "updatedReplicas") == 4
            }
            let sets = try await cluster.list(Cluster.replicaSets)
            let revisions = sets.map { $0.string("metadata", "annotations", "deployment.kubernetes.io/revision") }
            #expect(Set(revisions) == ["1", "2"])
            #expect(Set(sets.compactMap { $0.int("spec", "replicas") }) == [0, 4])
            let deployment = try await cluster.list(Cluster.deployments)[0]
            #expect(deployment.string("metadata", "annotations", "deployment.kubernetes.io/revision") == "2")
        }
    }

    @Test func `scaling down deletes pods, and a deleted pod is replaced`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 3))
            try await cluster.eventually("three pods ready") {
                try await cluster.list(Cluster.deployments)[0].int("status", "readyReplicas") == 3
            }
            let victim = try await cluster.list(Cluster.pods)[0]
            try await cluster.client.delete(Cluster.pods, namespace: "default", name: victim.objectName)
            try await cluster.eventually("a replacement is ready") {
                let pods = try await cluster.list(Cluster.pods)
                return pods.count == 3 && !pods.contains { $0.objectName == victim.objectName }
            }
            try await retryOnConflict {
                var deployment = try await cluster.list(Cluster.deployments)[0]
                deployment.set("spec", "replicas", to: 1)
                _ = try await cluster.client.update(Cluster.deployments, deployment)
            }
            try await cluster.eventually("one pod is left") { try await cluster.list(Cluster.pods).count == 1 }
        }
    }

    @Test func `a namespace gets its service account and root certificates`() async throws {
        try await Cluster().run { cluster in
            try await cluster.eventually("both are there") {
                let accounts = try await cluster.list(Cluster.serviceAccounts)
                let maps = try await cluster.list(Cluster.configMaps)
                return accounts.map(\.objectName) == ["default"] && maps.first?.string("data", "ca.crt") == "PEM"
            }
        }
    }

    @Test func `nodes get a block of each family`() async throws {
        try await Cluster().run(nodes: 3) { cluster in
            try await cluster.eventually("all have blocks") {
                try await cluster.list(Cluster.nodes).allSatisfy { $0.array("spec", "podCIDRs").count == 2 }
            }
            let blocks = try await cluster.list(Cluster.nodes).flatMap { $0.array("spec", "podCIDRs") }
            #expect(Set(blocks).count == 6)
            #expect(Set(blocks).isSuperset(of: ["10.42.0.0/24", "fd42::/64", "10.42.1.0/24", "fd42:0:0:1::/64"]))
        }
    }

    @Test func `nodes that came from one address do not have all blocks`() async throws {
        try await Cluster().run(nodes: 1) { cluster in
            func add(_ name: String, from place: String) async throws {
                _ = try await cluster.client.create(
                    Cluster.nodes,
                    [
                        "metadata": [
                            "name": .string(name), "annotations": ["swiftlet.internal/joined-from": .string(place)],
                        ]
                    ])
            }
            func withBlocks() async throws -> Set<String> {
                Set(
                    try await cluster.list(Cluster.nodes).filter { $0.array("spec", "podCIDRs").count == 2 }
                        .map(\.objectName))
            }
            for number in 0..<40 { try await add("evil-\(number)", from: "192.0.2.66") }
            try await add("honest", from: "192.0.2.1")
            try await cluster.eventually("the honest one has blocks") { try await withBlocks().contains("honest") }
            try await cluster.eventually("so have sixteen of the others") { try await withBlocks().count == 18 }
            try await cluster.eventually("the others are told why not") {
                try await cluster.list(Cluster.kind("", "events", "Event")).contains {
                    $0.string("reason") == "CIDRNotAvailable"
                        && $0.string("message").contains("16 Nodes that joined from 192.0.2.66 have blocks")
                }
            }
            // For one that goes another comes, and one that an administrator vouches for.
            let gone = try #require(try await withBlocks().first { $0.hasPrefix("evil") })
            try await cluster.client.delete(Cluster.nodes, name: gone)
            try await cluster.eventually("another has its block") { try await withBlocks().count == 18 }
            let waiting = try await cluster.list(Cluster.nodes).map(\.objectName)
            let chosen = try #require(Set(waiting).subtracting(try await withBlocks()).first)
            _ = try await cluster.client.patch(
                Cluster.nodes, name: chosen,
                body: ["metadata": ["annotations": ["swiftlet.internal/joined-from": .null]]], kind: .merge)
            try await cluster.eventually("it has a block") { try await withBlocks().contains(chosen) }
        }
    }
}
