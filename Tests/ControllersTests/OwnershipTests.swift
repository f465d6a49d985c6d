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

    @Test func `all who name an owner that is not there are looked at, not the first alone`() throws {
        var graph = OwnershipGraph()
        #expect(
            graph.store(Self.object("first", owner: "w"), Self.maps) { _ in Self.widgets } == [.collect("uid-first")])
        #expect(graph.store(Self.object("second", owner: "w"), Self.maps) { _ in Self.widgets }.isEmpty)
        let reference = try #require(Self.object("first", owner: "w").ownerReferences.first)
        let identity = OwnerIdentity(reference, namespace: "default")
        #expect(Set(graph.removeVirtual(identity)) == [.collect("uid-first"), .collect("uid-second")])
        #expect(graph.removeVirtual(identity).isEmpty, "once is enough")
        // Who comes, or changes, after that asks anew.
        #expect(
            graph.store(Self.object("third", owner: "w"), Self.maps) { _ in Self.widgets } == [.collect("uid-third")])
        // One that was seen is not taken for gone.
        _ = graph.store(Self.object("w"), Self.widgets) { _ in Self.widgets }
        #expect(graph.removeVirtual(identity).isEmpty && graph.nodes["uid-w"] != nil)
    }

    // MARK: Owners named by another place

    private static func owned(_ name: String, in namespace: String, by owner: JSONObject) -> JSONObject {
        var metadata: JSONObject = [
            "name": .string(name), "namespace": .string(namespace), "uid": .string("uid-" + name),
        ]
        metadata["ownerReferences"] = [.object(owner)]
        return ["metadata": .object(metadata)]
    }

    /// References to the widget `w` of the namespace `default`, and whether they mean it.
    private static let references: [(JSONObject, String, Bool)] = [
        (["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"], "default", true),
        (["apiVersion": "example.com/v2", "kind": "Widget", "name": "w", "uid": "uid-w"], "default", true),
        (["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"], "other", false),
        (["apiVersion": "example.com/v1", "kind": "Widget", "name": "x", "uid": "uid-w"], "default", false),
        (["apiVersion": "example.com/v1", "kind": "Gadget", "name": "w", "uid": "uid-w"], "default", false),
        (["apiVersion": "v1", "kind": "Widget", "name": "w", "uid": "uid-w"], "default", false),
        (["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-v"], "default", false),
    ]

    @Test(arguments: 0..<7) func `a uid at another place is not the owner, and nothing is learnt of the owner`(
        _ index: Int
    ) {
        let (reference, namespace, isMeant) = Self.references[index]
        let node = OwnershipGraph.Node(resource: Self.widgets, key: ObjectKey("default", "w"), uid: "uid-w")
        #expect(node.isMeant(by: OwnerReference(.object(reference)), from: namespace) == isMeant)
        // What is remembered as absent is that place alone.
        let wrong = OwnerIdentity(OwnerReference(.object(reference)), namespace: namespace)
        #expect((wrong == OwnerIdentity(Self.object("w"), Self.widgets)) == (index == 0))
        #expect(OwnerIdentity(node) == OwnerIdentity(Self.object("w"), Self.widgets))
    }

    @Test func `who names an owner at another place is looked at, whichever is seen first`() {
        let wrong: JSONObject = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"]
        var graph = OwnershipGraph()
        _ = graph.store(Self.object("w"), Self.widgets) { _ in Self.widgets }
        #expect(graph.store(Self.object("good", owner: "w"), Self.maps) { _ in Self.widgets }.isEmpty)
        let bad = Self.owned("bad", in: "other", by: wrong)
        #expect(graph.store(bad, Self.maps) { _ in Self.widgets } == [.collect("uid-bad")])
        // The other way round.
        graph = OwnershipGraph()
        _ = graph.store(bad, Self.maps) { _ in Self.widgets }
        _ = graph.store(Self.object("good", owner: "w"), Self.maps) { _ in Self.widgets }
        #expect(graph.nodes["uid-w"]?.isVirtual == true && graph.nodes["uid-w"]?.key.namespace == "other")
        #expect(graph.store(Self.object("w"), Self.widgets) { _ in Self.widgets } == [.collect("uid-bad")])
        #expect(graph.nodes["uid-w"]?.key.namespace == "default")
    }

    @Test func `a false reference makes nobody forget who is owned rightfully`() throws {
        let wrong: JSONObject = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"]
        let bad = Self.owned("bad", in: "other", by: wrong)
        let falseIdentity = OwnerIdentity(try #require(bad.ownerReferences.first), namespace: "other")
        for badIsFirst in [true, false] {
            var graph = OwnershipGraph()
            let objects = [bad, Self.object("good", owner: "w")]
            var looked: [OwnershipGraph.Work] = []
            for object in badIsFirst ? objects : objects.reversed() {
                looked += graph.store(object, Self.maps) { _ in Self.widgets }
            }
            #expect(Set(looked) == [.collect("uid-bad"), .collect("uid-good")], "both are asked for")
            // Nothing is at the false place; the owner itself was not seen yet.
            let gone = Set(graph.removeVirtual(falseIdentity))
            #expect(gone == (badIsFirst ? [.collect("uid-bad"), .collect("uid-good")] : [.collect("uid-bad")]))
            #expect(graph.nodes["uid-w"]?.key == ObjectKey("default", "w"))
            _ = graph.remove("uid-bad")
            #expect(graph.dependents(of: "uid-w").map(\.uid) == ["uid-good"])
            _ = graph.store(Self.object("w"), Self.widgets) { _ in Self.widgets }
            #expect(graph.remove("uid-w") == [.collect("uid-good")], "it goes with its owner")
        }
    }

    @Test func `an owner that is nowhere is forgotten when all places were asked`() throws {
        var graph = OwnershipGraph()
        let wrong: JSONObject = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"]
        let bad = Self.owned("bad", in: "other", by: wrong)
        _ = graph.store(bad, Self.maps) { _ in Self.widgets }
        _ = graph.store(Self.object("good", owner: "w"), Self.maps) { _ in Self.widgets }
        for (reference, namespace) in [(bad, "other"), (Self.object("good", owner: "w"), "default")] {
            let identity = OwnerIdentity(try #require(reference.ownerReferences.first), namespace: namespace)
            #expect(!graph.removeVirtual(identity).isEmpty)
        }
        // Both are deleted, and nothing is left.
        _ = graph.remove("uid-bad")
        _ = graph.remove("uid-good")
        #expect(graph.nodes.isEmpty)
    }

    @Test func `an object of thousands of owners is looked at in one pass`() {
        let owners = (0..<20_000).map { number -> JSONValue in
            [
                "apiVersion": "nowhere.example/v1", "kind": "Nothing", "name": "n", "uid": .string("u\(number)"),
                "blockOwnerDeletion": true,
            ]
        }
        var object = Self.object("many")
        object["metadata"]?["ownerReferences"] = .array(owners)
        var graph = OwnershipGraph()
        for _ in 0..<4 { #expect(graph.store(object, Self.maps) { _ in nil }.isEmpty) }
        object["metadata"]?["ownerReferences"] = .array(Array(owners.dropFirst(10_000)))
        #expect(graph.store(object, Self.maps) { _ in Self.widgets }.count == 10_000)
    }

    @Test func `an owner is found among thousands that an object names`() {
        var graph = OwnershipGraph()
        func reference(_ uid: String, blocks: Bool) -> JSONValue {
            [
                "apiVersion": "example.com/v1", "kind": "Widget", "name": .string(uid), "uid": .string(uid),
                "blockOwnerDeletion": .bool(blocks),
            ]
        }
        var object = Self.object("owned")
        let references = (0..<2_000).map { reference("uid \($0 * 7 % 2_000)", blocks: $0 % 3 == 0) }
        object.set("metadata", "ownerReferences", to: .array(references + [reference("uid 5", blocks: true)]))
        _ = graph.store(object, Self.maps) { _ in Self.widgets }
        let node = graph.nodes["uid-owned"]
        #expect(node?.references(to: "uid 5").count == 2 && node?.references(to: "uid 1999").count == 1)
        #expect(node?.references(to: "uid x").isEmpty == true && node?.references(to: "").isEmpty == true)
        #expect(graph.blockingDependents(of: "uid 5").map(\.uid) == ["uid-owned"])
        #expect(graph.blockingDependents(of: "uid 7").isEmpty)
        var changed = object
        changed.set("metadata", "labels", to: ["a": "b"])
        #expect(!OwnershipGraph.matters(object, changed))
        changed.set("metadata", "finalizers", to: ["x"])
        #expect(OwnershipGraph.matters(object, changed))
        #expect(OwnershipGraph.matters(object, Self.object("owned")))
    }
}
