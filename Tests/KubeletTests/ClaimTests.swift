// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Testing
import Volumes

@testable import Kubelet

struct ClaimTests {
    private static let claim: JSONObject = [
        "metadata": ["name": "data", "namespace": "a", "uid": "u1"], "spec": ["volumeName": "disk"],
        "status": ["phase": "Bound"],
    ]

    private static func volume(_ claimRef: JSONValue?) -> JSONObject {
        var spec: JSONObject = ["local": ["path": "/srv/disk"]]
        if let claimRef { spec["claimRef"] = claimRef }
        return ["metadata": ["name": "disk"], "spec": .object(spec)]
    }

    @Test func `a volume is used by the claim that it names`() throws {
        #expect(try PodObjects.boundVolume(of: Self.claim, claim: "data") == "disk")
        try PodObjects.requireBinding(
            of: Self.volume(["namespace": "a", "name": "data", "uid": "u1"]), named: "disk", to: Self.claim,
            claim: "data")
    }

    @Test(
        arguments: [
            nil, ["namespace": "a", "name": "data"], ["namespace": "a", "name": "data", "uid": "u2"],
            ["namespace": "b", "name": "data", "uid": ""], ["uid": 1],
        ] as [JSONValue?])
    func `a claim that names a volume of others does not get it`(claimRef: JSONValue?) {
        #expect(throws: MountFailure.self) {
            try PodObjects.requireBinding(
                of: Self.volume(claimRef), named: "disk", to: Self.claim, claim: "data")
        }
    }

    @Test func `a namespace has its share of the node's watches, and gives them back`() {
        var shares = WatchShares()
        func taken(_ namespace: String, _ count: Int) -> Int { (0..<count).count { _ in shares.take(namespace) } }
        #expect(taken("a", WatchShares.perNamespace + 1) == WatchShares.perNamespace)
        #expect(taken("b", 1) == 1)
        shares.giveBack("a")
        #expect(taken("a", 2) == 1)
        let rest = WatchShares.limit - WatchShares.perNamespace - 1
        #expect((0..<rest).allSatisfy { taken("n\($0)", 1) == 1 })
        #expect(taken("last", 1) == 0)
        shares.giveBack("a")
        #expect(taken("last", 2) == 1)
    }

    @Test func `a pod that names too much is told so`() {
        func pod(_ names: Int, pulls: Int = 0) -> Pod {
            let sources: [JSONValue] = (0..<names).map {
                ["secretRef": ["name": .string("s\($0)"), "optional": true]]
            }
            let secrets: [JSONValue] = (0..<pulls).map { ["name": .string("p\($0)")] }
            return Pod(json: [
                "spec": [
                    "containers": [["name": "c", "envFrom": .array(sources)]],
                    "volumes": [["name": "v", "configMap": ["name": "m"]]],
                    "imagePullSecrets": .array(secrets),
                ]
            ])
        }
        #expect(References.refusal(pod(999)) == nil)
        #expect(References.refusal(pod(1_000)) != nil)
        #expect(References.refusal(pod(20_000))?.contains("20001") == true)
        #expect(References.refusal(pod(1, pulls: 1_000)) != nil)
        // Only what a volume shows is watched.
        #expect(References.shownConfigMaps(pod(3)) == ["m"] && References.shownSecrets(pod(3)).isEmpty)
    }

    @Test func `a claim without an identity gets no volume without one`() {
        #expect(throws: MountFailure.self) {
            try PodObjects.requireBinding(
                of: Self.volume(["namespace": "a", "name": "data"]), named: "disk", to: ["metadata": ["name": "data"]],
                claim: "data")
        }
    }

    @Test func `a claim that is not bound has no volume`() {
        var pending = Self.claim
        pending["status"] = ["phase": "Pending"]
        #expect(throws: MountFailure.self) { try PodObjects.boundVolume(of: pending, claim: "data") }
    }
}
