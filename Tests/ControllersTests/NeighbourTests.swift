// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import Controllers

/// Owner references are written by whoever may write the object that has them.
struct NeighbourTests {
    private static func object(_ namespace: String, _ name: String, uid: String, owner: String? = nil) -> JSONObject {
        var metadata: JSONObject = [
            "namespace": .string(namespace), "name": .string(name), "uid": .string(uid), "labels": ["app": "web"],
        ]
        if let owner {
            metadata["ownerReferences"] = [
                [
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": .string(owner),
                    "controller": true,
                ]
            ]
        }
        return ["metadata": .object(metadata)]
    }

    @Test func `what a neighbour says of its owner is no owner's concern`() {
        let owner = Self.object("victim", "web", uid: "u")
        for matches in [true, false] {
            for isDeleted in [true, false] {
                let foreign = Self.object("evil", "p", uid: "x", owner: "u")
                #expect(
                    Claim.decide(foreign, owner: owner, matches: matches, ownerIsDeleted: isDeleted) == .ignore)
                #expect(!foreign.isControlled(by: owner))
            }
        }
        let own = Self.object("victim", "p", uid: "x", owner: "u")
        #expect(Claim.decide(own, owner: owner, matches: true, ownerIsDeleted: false) == .keep)
        #expect(own.isControlled(by: owner))
    }
}
