// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

@Suite struct `Selectable fields` {
    static func fields(_ kind: String, _ group: String = "") throws -> SelectableFields {
        SelectableFields(resource: try #require(KubeAPI.resource(group: group, version: "v1", kind: kind)))
    }

    @Test func `select pods by node, phase and network`() throws {
        let pods = try Self.fields("Pod")
        let pod: JSONObject = ["metadata": ["name": "p"], "spec": ["nodeName": "n"], "status": ["phase": "Running"]]
        for (text, expected) in [
            ("spec.nodeName=n", true), ("spec.nodeName=m", false), ("status.phase!=Running", false),
            ("spec.hostNetwork=false,metadata.name=p", true), ("status.podIP=", true),
        ] {
            let selector = try FieldSelector(parsing: text)
            try pods.check(selector)
            #expect(pods.matches(selector, pod) == expected, "\(text)")
        }
    }

    @Test func `refuse other fields in upstream's words`() throws {
        let selector = try FieldSelector(parsing: "spec.color=red")
        #expect(throws: FieldSelectorError("field label not supported: spec.color")) {
            try Self.fields("Pod").check(selector)
        }
        #expect(
            throws: FieldSelectorError(
                "\"spec.color\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        ) {
            try Self.fields("Deployment", "apps").check(selector)
        }
    }

    @Test func `quantities are stored in canonical form`() throws {
        var pod = `Merging real kinds`.pod
        pod["spec"]?["containers"]?[0]?["resources"] = [
            "limits": ["cpu": "1000m", "memory": "1024Mi"], "requests": ["cpu": 1, "x": "?"],
        ]
        Quantity.canonicalize(&pod, schema: try `Merging real kinds`.schema("Pod"))
        #expect(
            pod["spec"]?["containers"]?[0]?["resources"]
                == ["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "1", "x": "?"]])
    }
}
