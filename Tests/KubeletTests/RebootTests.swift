// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Testing

@testable import Kubelet

@Suite struct `What a status says of before a reboot` {
    @Test(arguments: [
        "swiftlet://..", "swiftlet://.", "swiftlet://", "swiftlet://a/../..", "..", "/", "swiftlet://abc",
        "swiftlet://" + String(repeating: "A", count: 64), "swiftlet://" + String(repeating: "a", count: 63) + "/",
    ]) func `is no name of anything on the node`(_ text: String) {
        #expect(ContainerEnd.identifier(text) == "")
    }

    @Test func `names a container as the runtime does`() {
        let id = String(repeating: "0a", count: 32)
        #expect(ContainerEnd.identifier("swiftlet://" + id) == id)
        #expect(ContainerEnd.identifier("containerd://" + id) == id)
        #expect(ContainerEnd.identifier(nil) == "")
    }
}

@Suite struct `An amount told to a container` {
    @Test(
        arguments: [
            (1000, 1, 1000), (1001, 1000, 2), (0, 7, 0), (-5, 2, -2), (3, 0, 3), (3, -1, 3),
            (Int64.max, 1 << 20, 1 << 43),
            (Int64.max, Int64.max, 1), (Int64.max - 1, Int64.max, 1), (Int64.min, 1 << 20, -(1 << 43)),
        ] as [(Int64, Int64, Int64)])
    func `is rounded up to its unit`(amount: Int64, unit: Int64, count: Int64) {
        #expect(PodObjects.count(of: unit, in: amount) == count)
    }
}
