// SPDX-License-Identifier: Apache-2.0

import JSON
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
