// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@testable import Controllers

private let policies = ["Retain", "Delete"].flatMap { deleted in ["Retain", "Delete"].map { (deleted, $0) } }

@Suite struct ClaimRetentionTests {
    private static func set(_ policy: (deleted: String, scaled: String)?, replicas: Int = 2) -> JSONObject {
        var set: JSONObject = [
            "metadata": ["name": "db", "namespace": "default"],
            "spec": [
                "replicas": .count(replicas), "selector": ["matchLabels": ["app": "web"]],
                "podManagementPolicy": "Parallel", "template": Cluster.template(),
                "volumeClaimTemplates": [
                    [
                        "metadata": ["name": "data", "labels": ["disk": "fast"]],
                        "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                    ]
                ],
            ],
        ]
        if let policy {
            set.set(
                "spec", "persistentVolumeClaimRetentionPolicy",
                to: ["whenDeleted": .string(policy.deleted), "whenScaled": .string(policy.scaled)])
        }
        return set
    }

    // MARK: Decisions

    private static func seen(_ policy: (String, String)?) -> JSONObject {
        var set = set(policy)
        set.set("metadata", "uid", to: "uid-db")
        return set
    }

    private static func pod(_ ordinal: Int) -> JSONObject {
        [
            "metadata": [
                "name": .string("db-\(ordinal)"), "namespace": "default", "uid": .string("uid-db-\(ordinal)"),
            ]
        ]
    }

    private static func row(
        _ kind: String, _ name: String, uid: String? = nil, controls: Bool = true, blocks: Bool = true
    ) -> JSONValue {
        [
            "apiVersion": kind == "StatefulSet" ? "apps/v1" : "v1", "kind": .string(kind), "name": .string(name),
            "uid": .string(uid ?? "uid-\(name)"), "controller": .bool(controls), "blockOwnerDeletion": .bool(blocks),
        ]
    }

    private static func claim(_ ordinal: Int, _ rows: [JSONValue]) -> JSONObject {
        var claim: JSONObject = ["metadata": ["name": .string("data-db-\(ordinal)"), "namespace": "default"]]
        if !rows.isEmpty { claim.set("metadata", "ownerReferences", to: .array(rows)) }
        return claim
    }

    private static func wanted(_ policy: (String, String), _ ordinal: Int) -> [JSONValue] {
        switch policy {
        case (_, "Delete") where ordinal >= 2: [row("Pod", "db-\(ordinal)")]
        case ("Delete", _): [row("StatefulSet", "db")]
        default: []
        }
    }

    private static let theirs = row("ConfigMap", "of-a-user", controls: false, blocks: false)

    @Test(arguments: policies, [0, 1, 2, 7])
    func `whatever a claim's references were, they become what the policy says`(
        _ policy: (String, String), _ ordinal: Int
    ) {
        let retention = ClaimRetention(Self.seen(policy))
        let podName = "db-\(ordinal)"
        let wanted = Self.wanted(policy, ordinal)
        let before: [[JSONValue]] = [
            [], [Self.row("StatefulSet", "db")], [Self.row("Pod", podName)],
            [Self.row("StatefulSet", "db", controls: false, blocks: false)],
            [Self.row("Pod", podName, controls: false)],
            [Self.row("StatefulSet", "db"), Self.row("Pod", podName, controls: false)],
            [Self.row("StatefulSet", "db"), Self.row("StatefulSet", "db")],
        ]
        for rows in before {
            for others in [[], [Self.theirs]] {
                let claim = Self.claim(ordinal, others + rows)
                let judgement = retention.judge(claim, ordinal: ordinal, pod: Self.pod(ordinal))
                #expect(!judgement.isContested && !judgement.isLeaving)
                if rows == wanted {
                    #expect(judgement.references == nil, "nothing to write")
                } else {
                    #expect(judgement.references == others + wanted)
                }
                let after = Self.claim(ordinal, judgement.references ?? others + rows)
                #expect(
                    retention.judge(after, ordinal: ordinal, pod: Self.pod(ordinal)) == ClaimRetention.Judgement(),
                    "written once")
            }
        }
    }

    @Test func `a set without a policy keeps its claims`() {
        let judgement = ClaimRetention(Self.seen(nil)).judge(
            Self.claim(0, [Self.row("StatefulSet", "db")]), ordinal: 0, pod: Self.pod(0))
        #expect(judgement.references == [])
    }

    @Test(arguments: policies, [0, 2])
    func `references to an earlier set or pod of the name are left to the collector`(
        _ policy: (String, String), _ ordinal: Int
    ) {
        let retention = ClaimRetention(Self.seen(policy))
        let past = [
            [Self.row("StatefulSet", "db", uid: "uid-earlier")], [Self.row("Pod", "db-\(ordinal)", uid: "uid-earlier")],
            [Self.row("StatefulSet", "db"), Self.row("Pod", "db-\(ordinal)", uid: "uid-earlier", controls: false)],
        ]
        for rows in past {
            for pod in [nil, Self.pod(ordinal)] {
                let judgement = retention.judge(Self.claim(ordinal, rows), ordinal: ordinal, pod: pod)
                #expect(judgement.references == nil)
                let namesPod = rows.contains { $0["kind"] == "Pod" }
                #expect(judgement.isLeaving == (namesPod && policy.1 == "Delete"))
            }
        }
    }

    @Test(arguments: policies, [0, 2])
    func `a claim that somebody else controls gets no owner of ours`(_ policy: (String, String), _ ordinal: Int) {
        let retention = ClaimRetention(Self.seen(policy))
        let other = Self.row("Database", "of-an-operator")
        let alone = retention.judge(Self.claim(ordinal, [other]), ordinal: ordinal, pod: Self.pod(ordinal))
        #expect(alone.references == nil)
        #expect(alone.isContested == (policy != ("Retain", "Retain")))
        let beside = retention.judge(
            Self.claim(ordinal, [Self.row("StatefulSet", "db", controls: false), other]), ordinal: ordinal,
            pod: Self.pod(ordinal))
        #expect(beside.references == [other])
    }

    @Test func `who does not block the owner's deletion any more stays so`() {
        // The collector takes that away where owners wait for each other: put back, they would wait for ever.
        let judgement = ClaimRetention(Self.seen(("Delete", "Retain"))).judge(
            Self.claim(0, [Self.row("StatefulSet", "db", blocks: false)]), ordinal: 0, pod: Self.pod(0))
        #expect(judgement == ClaimRetention.Judgement())
    }

    @Test(arguments: policies) func `a claim is made with its owner`(_ policy: (String, String)) {
        let claim = StatefulPods.claim(Self.seen(policy), "data", 1)
        #expect(claim.array("metadata", "ownerReferences") == Self.wanted(policy, 1))
        #expect(claim.objectName == "data-db-1" && claim.objectLabels == ["app": "web", "disk": "fast"])
        #expect(claim.value("spec", "accessModes") == ["ReadWriteOnce"])
        #expect(
            ClaimRetention(Self.seen(policy)).judge(claim, ordinal: 1, pod: nil) == ClaimRetention.Judgement(),
            "and is as it has to be")
    }

    @Test func `a claim's name says which sets it may be of, and of which number it is`() {
        #expect(StatefulPods.sets(ofClaim: "data-db-1") == ["db"])
        #expect(StatefulPods.sets(ofClaim: "my-data-db-12") == ["data-db", "db"])
        for name in ["", "-", "db-1", "data-db-", "data-db-x", "data"] {
            #expect(StatefulPods.sets(ofClaim: name).isEmpty)
        }
        let set = Self.seen(nil)
        #expect(StatefulPods.ordinal(ofClaim: "data-db-12", of: set) == 12)
        for name in ["data-db-", "data-db-x", "data-other-1", "logs-db-1", "data-db-1-2", "xdata-db-1"] {
            #expect(StatefulPods.ordinal(ofClaim: name, of: set) == nil)
        }
    }

    // MARK: In a cluster

    private func owners(_ cluster: Cluster) async throws -> [String: [String]] {
        var owners: [String: [String]] = [:]
        for claim in try await cluster.list(Cluster.claims) where !claim.objectIsBeingDeleted {
            owners[claim.objectName] = claim.ownerReferences.map { "\($0.kind)/\($0.name)" }
        }
        return owners
    }

    private func change(_ cluster: Cluster, _ spec: JSONValue) async throws {
        _ = try await cluster.client.patch(
            Cluster.statefulSets, namespace: "default", name: "db", body: ["spec": spec])
    }

    private static func policy(_ deleted: String, _ scaled: String) -> JSONValue {
        [
            "persistentVolumeClaimRetentionPolicy": [
                "whenDeleted": .string(deleted), "whenScaled": .string(scaled),
            ]
        ]
    }

    private func podCount(_ cluster: Cluster) async throws -> Int { try await cluster.list(Cluster.pods).count }

    @Test func `claims outlive a set that was told to keep them, also those without a pod`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.statefulSets, Self.set(("Delete", "Retain"), replicas: 3))
            let byThree = ["data-db-0", "data-db-1", "data-db-2"]
            func expect(_ what: String, _ rows: [String]) async throws {
                try await cluster.eventually(what) {
                    try await owners(cluster) == Dictionary(uniqueKeysWithValues: byThree.map { ($0, rows) })
                }
            }
            try await expect("the set owns them", ["StatefulSet/db"])
            try await cluster.eventually("three pods") { try await podCount(cluster) == 3 }
            try await change(cluster, ["replicas": 2])
            try await cluster.eventually("two pods") { try await podCount(cluster) == 2 }
            try await change(cluster, Self.policy("Retain", "Retain"))
            try await expect("nobody owns them", [])
            try await cluster.client.delete(Cluster.statefulSets, namespace: "default", name: "db")
            try await cluster.eventually("the pods are collected") { try await podCount(cluster) == 0 }
            #expect(try await owners(cluster).count == 3)
        }
    }

    @Test(arguments: policies) func `a policy that changes is followed, and its claims go with what it says`(
        _ policy: (String, String)
    ) async throws {
        try await Cluster().run { cluster in
            // Each begins with the opposite.
            let opposite = (
                policy.0 == "Delete" ? "Retain" : "Delete", policy.1 == "Delete" ? "Retain" : "Delete"
            )
            _ = try await cluster.client.create(Cluster.statefulSets, Self.set(opposite))
            try await cluster.eventually("two pods") { try await podCount(cluster) == 2 }
            let before = opposite.0 == "Delete" ? ["StatefulSet/db"] : []
            try await cluster.eventually("the claims are made") {
                try await owners(cluster) == ["data-db-0": before, "data-db-1": before]
            }
            let first = Set(try await cluster.list(Cluster.claims).map(\.objectUID))
            try await change(cluster, Self.policy(policy.0, policy.1))
            let after = policy.0 == "Delete" ? ["StatefulSet/db"] : []
            try await cluster.eventually("the owners change") {
                try await owners(cluster) == ["data-db-0": after, "data-db-1": after]
            }
            let begun = cluster.server.requests.count
            try await change(cluster, ["replicas": 1])
            try await cluster.eventually("one pod") { try await podCount(cluster) == 1 }
            if policy.1 == "Delete" {
                try await cluster.eventually("its claim goes") { try await owners(cluster) == ["data-db-0": after] }
                // The claim names the pod before the pod goes, or nothing would tell what it belonged to.
                let requests = cluster.server.requests.dropFirst(begun)
                let base = "/api/v1/namespaces/default"
                let named = requests.firstIndex { $0 == "PUT \(base)/persistentvolumeclaims/data-db-1" }
                let gone = requests.firstIndex { $0.hasPrefix("DELETE \(base)/pods/db-1") }
                #expect(try #require(named) < #require(gone))
            }
            try await change(cluster, ["replicas": 2])
            try await cluster.eventually("two pods and claims again") {
                let owners = try await owners(cluster)
                return try await podCount(cluster) == 2 && owners == ["data-db-0": after, "data-db-1": after]
            }
            let second = Set(try await cluster.list(Cluster.claims).map(\.objectUID))
            #expect(first.subtracting(second).count == (policy.1 == "Delete" ? 1 : 0))
            try await cluster.client.delete(Cluster.statefulSets, namespace: "default", name: "db")
            try await cluster.eventually("pods go, and claims by the policy") {
                let left = try await owners(cluster).count
                return try await podCount(cluster) == 0 && left == (policy.0 == "Delete" ? 0 : 2)
            }
        }
    }

    @Test func `nothing is written to claims that are as they have to be`() async throws {
        try await Cluster().run { cluster in
            _ = try await cluster.client.create(Cluster.statefulSets, Self.set(("Delete", "Delete")))
            try await cluster.eventually("two pods and claims") {
                let owners = try await owners(cluster)
                return try await podCount(cluster) == 2 && owners.count == 2
            }
            try await change(cluster, ["replicas": 3])
            try await cluster.eventually("one more") { try await podCount(cluster) == 3 }
            try await change(cluster, ["minReadySeconds": 1])
            try await cluster.eventually("that is seen") {
                try await cluster.list(Cluster.statefulSets)[0].int("status", "observedGeneration") == 3
            }
            try await cluster.eventually("the claims are protected") {
                try await cluster.list(Cluster.claims).allSatisfy { !$0.array("metadata", "finalizers").isEmpty }
            }
            let writes = cluster.server.requests.filter {
                $0.contains("/persistentvolumeclaims") && !$0.hasPrefix("GET")
            }
            // Three are made; the other controller's finalizer is put on each.
            #expect(writes.filter { $0.hasPrefix("POST") }.count == 3)
            #expect(writes.filter { !$0.hasPrefix("POST") }.count == 3)
        }
    }

    @Test func `a claim that goes while its pod waits is made again`() async throws {
        // No node: the pods stay Pending.
        try await Cluster().run(nodes: 0) { cluster in
            _ = try await cluster.client.create(Cluster.statefulSets, Self.set(("Retain", "Retain"), replicas: 1))
            try await cluster.eventually("a pod") { try await podCount(cluster) == 1 }
            _ = try await cluster.client.patch(
                Cluster.pods, namespace: "default", name: "db-0", body: ["status": ["phase": "Pending"]],
                subresource: "status")
            let first = try await cluster.list(Cluster.claims)[0].objectUID
            try await cluster.client.delete(Cluster.claims, namespace: "default", name: "data-db-0")
            try await cluster.eventually("another claim") {
                try await cluster.list(Cluster.claims).contains { $0.objectUID != first && !$0.objectIsBeingDeleted }
            }
        }
    }
}
