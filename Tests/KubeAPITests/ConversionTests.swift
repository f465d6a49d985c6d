// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

@Suite struct `Two forms of one object` {
    @Test func `an event is the same in both groups`() throws {
        let core: JSONObject = [
            "kind": "Event", "apiVersion": "v1", "metadata": ["name": "e"],
            "involvedObject": ["kind": "Pod", "name": "p"], "reason": "Started", "message": "m", "count": 2,
            "source": ["component": "kubelet"], "firstTimestamp": "2026-11-21T08:37:56Z", "type": "Normal",
            "reportingComponent": "kubelet",
        ]
        let target = try #require(KubeAPI.resource(group: "events.k8s.io", version: "v1", plural: "events"))
        let new = Conversion.convert(core, to: target.id)
        #expect(new["regarding"]?["name"] == "p" && new["note"] == "m" && new["deprecatedCount"] == 2)
        #expect(new["involvedObject"] == nil && new["apiVersion"] == "events.k8s.io/v1")
        #expect(try SchemaCoding.decode(new, as: target.schema).unknownFields.isEmpty)
        #expect(Conversion.convert(new, to: target.storage) == core)
    }

    @Test func `an autoscaler keeps what the first version cannot say`() throws {
        let first = try #require(
            KubeAPI.resource(group: "autoscaling", version: "v1", plural: "horizontalpodautoscalers"))
        let second = try #require(
            KubeAPI.resource(group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers"))
        #expect(first.storage == second.storage)
        let object: JSONObject = [
            "kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", "metadata": ["name": "h"],
            "spec": [
                "maxReplicas": 3,
                "metrics": [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 50]],
                    ],
                    [
                        "type": "Resource",
                        "resource": ["name": "memory", "target": ["type": "AverageValue", "averageValue": "1Gi"]],
                    ],
                ], "behavior": ["scaleDown": ["selectPolicy": "Max"]],
            ], "status": ["conditions": [["type": "AbleToScale", "status": "True"]], "desiredReplicas": 1],
        ]
        let old = Conversion.convert(object, to: first.id)
        #expect(old["spec"] == ["maxReplicas": 3, "targetCPUUtilizationPercentage": 50])
        #expect(try SchemaCoding.decode(old, as: first.schema).unknownFields.isEmpty)
        #expect(Conversion.convert(old, to: second.id) == object)
    }
}
