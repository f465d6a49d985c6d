// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

/// The merges on the tables as they are served, not on samples.
@Suite struct `Merging real kinds` {
    static let pod: JSONObject = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "d", "labels": ["a": "b"]],
        "spec": [
            "containers": [
                [
                    "name": "c", "image": "i", "ports": [["containerPort": 80, "protocol": "TCP"]],
                    "env": [["name": "E", "value": "1"]], "args": ["x"],
                    "resources": ["limits": ["cpu": "1"]],
                ]
            ],
            "tolerations": [["key": "k"]],
        ],
        "status": ["phase": "Pending"],
    ]

    static func schema(_ kind: String, _ group: String = "") throws -> TypeSchema {
        try #require(KubeAPI.resource(group: group, version: "v1", kind: kind)).schema
    }

    static func writer(_ manager: String) throws -> FieldWriter {
        FieldWriter(
            manager: manager, apiVersion: "v1", time: "2026-01-01T00:00:00Z", schema: try schema("Pod"),
            ignored: FieldSet(paths: [["status"]]))
    }

    @Test func `owns a pod the way upstream records it`() throws {
        let object = FieldManager.update(live: nil, new: Self.pod, by: try Self.writer("kubectl"))
        #expect(
            object["metadata"]?["managedFields"]?[0]?["fieldsV1"] == [
                "f:metadata": ["f:labels": [".": [:], "f:a": [:]]],
                "f:spec": [
                    "f:containers": [
                        #"k:{"name":"c"}"#: [
                            ".": [:], "f:args": [:],
                            "f:env": [".": [:], #"k:{"name":"E"}"#: [".": [:], "f:name": [:], "f:value": [:]]],
                            "f:image": [:], "f:name": [:],
                            "f:ports": [
                                ".": [:],
                                #"k:{"containerPort":80,"protocol":"TCP"}"#: [
                                    ".": [:], "f:containerPort": [:], "f:protocol": [:],
                                ],
                            ],
                            "f:resources": [".": [:], "f:limits": [".": [:], "f:cpu": [:]]],
                        ]
                    ], "f:tolerations": [:],
                ],
            ])
    }

    @Test func `applies and patches a pod's containers by name`() throws {
        var config = Self.pod
        config["status"] = nil
        let live = try ServerSideApply.apply(live: nil, applied: config, force: false, by: try Self.writer("a"))
        let again = try ServerSideApply.apply(live: live, applied: config, force: false, by: try Self.writer("a"))
        #expect(live == again)
        let patched = try StrategicMergePatch.apply(
            ["spec": ["containers": [["name": "c", "image": "j", "env": [["name": "F", "value": "2"]]]]]],
            to: .object(live), schema: try Self.schema("Pod"))
        let container = patched["spec"]?["containers"]?[0]
        #expect(container?["image"] == "j")
        #expect(container?["args"] == ["x"])
        #expect(container?["env"] == [["name": "F", "value": "2"], ["name": "E", "value": "1"]])
    }

    @Test func `refuses fields a pod does not have`() throws {
        var config = Self.pod
        config["spec"]?["replicas"] = 1
        do {
            _ = try ServerSideApply.apply(live: nil, applied: config, force: false, by: try Self.writer("a"))
            Issue.record("accepted")
        } catch {
            #expect(
                "\(error)"
                    == "failed to create typed patch object (d/p; /v1, Kind=Pod): .spec.replicas: field not declared in schema"
            )
        }
    }
}
