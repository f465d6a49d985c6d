// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import Controllers

/// What a node says of its pods' addresses.
struct PodAddressTests {
    @Test(arguments: [
        "127.0.0.1", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1",
        "::ffff:10.42.0.9", "64:ff9b::7f00:1", "10.42.0.09", "10.42.0.9/32", "pod.example", " 10.42.0.9", "",
    ])
    func `keep no other pod out of a Service's endpoints`(_ address: String) async {
        func pod(_ name: String, _ addresses: [String]) -> JSONObject {
            [
                "metadata": ["name": .string(name), "namespace": "a"], "spec": ["nodeName": "n"],
                "status": [
                    "podIP": .string(addresses[0]), "podIPs": .array(addresses.map { ["ip": .string($0)] }),
                    "conditions": [["type": "Ready", "status": "True"]],
                ],
            ]
        }
        let service: JSONObject = ["metadata": ["name": "s", "namespace": "a"], "spec": ["ports": [["port": 80]]]]
        let pods = [
            pod("liar", [address]), pod("half", [address, "10.42.0.8", "fd42::8"]),
            pod("good", ["10.42.0.7", "fd42::7"]),
        ]
        for (family, wanted) in [("IPv4", ["10.42.0.8", "10.42.0.7"]), ("IPv6", ["fd42::8", "fd42::7"])] {
            var pieces = WorkPieces()
            let groups = await ServiceEndpoints.resolve(service, pods: pods, family: family, &pieces)
            #expect(groups.flatMap(\.members).flatMap(\.addresses) == wanted)
        }
    }
}
