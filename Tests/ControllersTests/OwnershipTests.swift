// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@testable import Controllers

@Suite struct OwnershipTests {
    private static let maps = ResourceID(
        group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
    private static let widgets = ResourceID(
        group: "example.com", version: "v1", plural: "widgets", kind: "Widget", namespaced: true)

    private static func object(_ name: String, owner: String? = nil) -> JSONObject {
        var metadata: JSONObject = ["name": .string(name), "namespace": "default", "uid": .string("uid-" + name)]
        if let owner {
            metadata["ownerReferences"] = [
                [
                    "apiVersion": "example.com/v1", "kind": "Widget", "name": .string(owner),
                    "uid": .string("uid-" + owner),
                ]
            ]
        }
        return ["metadata": .object(metadata)]
    }

    @Test func `an owner of a kind that is discovered later keeps its dependents`() {
        var graph = OwnershipGraph()
        #expect(graph.store(Self.object("owned", owner: "w"), Self.maps) { _ in nil }.isEmpty)
        #expect(graph.resolve { _ in nil }.isEmpty, "nobody serves widgets yet")
        _ = graph.store(Self.object("w"), Self.widgets) { _ in Self.widgets }
        #expect(graph.dependents(of: "uid-w").map(\.uid) == ["uid-owned"])
        #expect(graph.remove("uid-w") == [.collect("uid-owned")])
    }

    @Test func `an owner that went before its kind was discovered is asked for`() {
        var graph = OwnershipGraph()
        _ = graph.store(Self.object("owned", owner: "w"), Self.maps) { _ in nil }
        #expect(graph.resolve { _ in Self.widgets } == [.collect("uid-owned")])
        #expect(graph.nodes["uid-w"]?.isVirtual == true && graph.nodes["uid-w"]?.key == ObjectKey("default", "w"))
        #expect(graph.resolve { _ in Self.widgets }.isEmpty, "once is enough")
    }

    @Test func `a dependent that went is waited for by nobody`() {
        var graph = OwnershipGraph()
        _ = graph.store(Self.object("owned", owner: "w"), Self.maps) { _ in nil }
        _ = graph.remove("uid-owned")
        #expect(graph.resolve { _ in Self.widgets }.isEmpty)
    }
}
