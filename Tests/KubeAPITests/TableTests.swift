// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

@Suite struct `Tables` {
    static let now = Age.seconds("2026-01-02T00:00:00Z") ?? 0

    static func cells(_ kind: String, _ object: JSONObject, group: String = "") -> [String] {
        TableColumns.cells(of: object, group: group, kind: kind, now: now).map { $0.string ?? $0.description }
    }

    @Test(arguments: [
        (0, "0s"), (-1, "0s"), (-5, "<invalid>"), (119, "119s"), (120, "2m"), (200, "3m20s"), (599, "9m59s"),
        (600, "10m"), (10_799, "179m"), (10_800, "3h"), (11_100, "3h5m"), (28_800, "8h"), (172_799, "47h"),
        (172_800, "2d"), (176_400, "2d1h"), (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"),
        (64_000_000, "2y10d"), (300_000_000, "9y"),
    ])
    func `show ages as kubectl does`(seconds: Int, text: String) {
        #expect(Age.text(ofSeconds: Int64(seconds)) == text)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-02T03:04:05Z", 1_767_323_045),
        ("2000-02-29T23:59:59.123456Z", 951_868_799),
        ("2026-01-02T05:04:05+02:00", 1_767_323_045),
    ])
    func `read times`(text: String, seconds: Int) { #expect(Age.seconds(text) == Int64(seconds)) }

    @Test(arguments: ["", "2026-01-02", "2026-13-02T00:00:00Z", "2026-01-02T00:00:00", "2026-01-02T00:00:00+0200"])
    func `refuse other times`(text: String) { #expect(Age.seconds(text) == nil) }

    static func pod(
        _ phase: JSONValue, _ statuses: JSONValue, extra: JSONObject = [:], initial: JSONValue = []
    ) -> JSONObject {
        var metadata: JSONObject = ["name": "p", "creationTimestamp": "2026-01-01T23:59:00Z"]
        for (key, value) in extra { metadata[key] = value }
        return [
            "metadata": .object(metadata),
            "spec": [
                "nodeName": "n1", "containers": [["name": "a"], ["name": "b"]], "initContainers": [["name": "i"]],
            ],
            "status": [
                "phase": phase, "containerStatuses": statuses, "initContainerStatuses": initial,
                "podIPs": [["ip": "10.42.0.5"]],
            ],
        ]
    }

    static let running: JSONValue = ["name": "a", "ready": true, "restartCount": 0, "state": ["running": [:]]]
    static let crashed: JSONValue = [
        "name": "b", "ready": false, "restartCount": 3, "state": ["waiting": ["reason": "CrashLoopBackOff"]],
        "lastState": ["terminated": ["exitCode": 1, "finishedAt": "2026-01-01T23:54:40Z"]],
    ]
    static let done: JSONValue = ["name": "i", "state": ["terminated": ["exitCode": 0]]]

    @Test(
        arguments: [
            (pod("Running", [running, running], initial: [done]), ["p", "2/2", "Running", "0", "60s"]),
            (
                pod("Running", [running, crashed], initial: [done]),
                ["p", "1/2", "CrashLoopBackOff", "3 (5m20s ago)", "60s"]
            ),
            (
                pod("Pending", [], initial: [["name": "i", "state": ["running": [:]]]]),
                ["p", "0/2", "Init:0/1", "0", "60s"]
            ),
            (
                pod("Pending", [], initial: [["name": "i", "state": ["waiting": ["reason": "ErrImagePull"]]]]),
                ["p", "0/2", "Init:ErrImagePull", "0", "60s"]
            ),
            (
                pod("Running", [running, running], extra: ["deletionTimestamp": "x"], initial: [done]),
                ["p", "2/2", "Terminating", "0", "60s"]
            ),
            (
                pod("Failed", [["name": "a", "state": ["terminated": ["exitCode": 2, "reason": "Error"]]]]),
                ["p", "0/2", "Error", "0", "60s"]
            ),
            (
                pod("Failed", [["name": "a", "state": ["terminated": ["exitCode": 137, "signal": 9]]]]),
                ["p", "0/2", "Signal:9", "0", "60s"]
            ),
            (
                pod("Succeeded", [["name": "a", "state": ["terminated": ["exitCode": 0, "reason": "Completed"]]]]),
                ["p", "0/2", "Completed", "0", "60s"]
            ),
        ] as [(JSONObject, [String])])
    func `say what a pod is up to`(pod: JSONObject, expected: [String]) {
        #expect(Array(Self.cells("Pod", pod).prefix(5)) == expected)
    }

    @Test func `show the wide cells of a pod`() {
        #expect(Array(Self.cells("Pod", Self.pod("Running", [])).suffix(4)) == ["10.42.0.5", "n1", "<none>", "<none>"])
    }

    static let meta: JSONValue = ["name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"]

    @Test func `show services, workloads and nodes`() {
        #expect(
            Self.cells(
                "Service",
                [
                    "metadata": Self.meta,
                    "spec": [
                        "type": "NodePort", "clusterIP": "10.43.0.2", "selector": ["b": "2", "a": "1"],
                        "ports": [
                            ["port": 80, "nodePort": 30080, "protocol": "TCP"], ["port": 53, "protocol": "UDP"],
                        ],
                    ],
                ]) == ["x", "NodePort", "10.43.0.2", "<none>", "80:30080/TCP,53/UDP", "24h", "a=1,b=2"])
        #expect(
            Self.cells(
                "Deployment",
                [
                    "metadata": Self.meta,
                    "spec": [
                        "replicas": 3,
                        "selector": [
                            "matchLabels": ["a": "b"], "matchExpressions": [["key": "c", "operator": "Exists"]],
                        ],
                        "template": [
                            "spec": ["containers": [["name": "n", "image": "i"], ["name": "m", "image": "j"]]]
                        ],
                    ], "status": ["readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2],
                ], group: "apps") == ["x", "2/3", "3", "2", "24h", "n,m", "i,j", "a=b,c"])
        #expect(
            Self.cells(
                "Node",
                [
                    "metadata": [
                        "name": "x", "creationTimestamp": "2026-01-01T00:00:00Z",
                        "labels": ["node-role.kubernetes.io/control-plane": ""],
                    ],
                    "spec": ["unschedulable": true],
                    "status": [
                        "conditions": [["type": "Ready", "status": "True"]],
                        "addresses": [["type": "InternalIP", "address": "1.2.3.4"]],
                        "nodeInfo": [
                            "kubeletVersion": "v1.36.0", "kernelVersion": "6", "osImage": "D",
                            "containerRuntimeVersion": "s://1", "architecture": "amd64",
                        ],
                    ],
                ]) == [
                    "x", "Ready,SchedulingDisabled", "control-plane", "24h", "v1.36.0", "1.2.3.4", "<none>", "D",
                    "6 (amd64)", "s://1",
                ])
        #expect(
            Self.cells(
                "Job",
                [
                    "metadata": Self.meta, "spec": ["completions": 2],
                    "status": ["succeeded": 1, "startTime": "2026-01-01T23:59:00Z"],
                ], group: "batch")
                == ["x", "Running", "1/2", "60s", "24h", "", "", "<none>"])
    }

    @Test func `hold one cell for each column of every resource`() {
        for resource in KubeAPI.resources {
            let cells = TableColumns.cells(of: ["metadata": Self.meta], resource: resource, now: Self.now)
            #expect(cells.count == TableColumns.columns(of: resource).count, "\(resource.id)")
        }
    }

    @Test func `carry the object in the form asked for`() throws {
        let resource = try #require(KubeAPI.resource(group: "", version: "v1", plural: "pods"))
        let pod = Self.pod("Succeeded", [])
        let table = TableColumns.render(
            resource: resource, objects: [pod], now: Self.now, listMetadata: ["resourceVersion": "7"])
        #expect(table["kind"] == "Table")
        #expect(table["metadata"]?["resourceVersion"] == "7")
        #expect(table["rows"]?[0]?["object"]?["kind"] == "PartialObjectMetadata")
        #expect(table["rows"]?[0]?["conditions"]?[0]?["type"] == "Completed")
        #expect(table["columnDefinitions"]?[0]?["format"] == "name")
        #expect(table["columnDefinitions"]?[5]?["priority"] == 1)
        let full = TableColumns.row(pod, resource: resource, now: Self.now, include: .object)
        #expect(full["object"] == .object(pod))
    }
}
