// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import KubeClient

@Suite struct `A cache of objects` {
    private static func object(_ name: String, _ namespace: String = "a", owner: String, version: Int) -> DynamicObject
    {
        DynamicObject(json: [
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "uid": .string("\(namespace)/\(name)"),
                "resourceVersion": .string(String(version)), "labels": ["owner": .string(owner)],
            ]
        ])
    }

    private static func names(_ part: ObjectCache<DynamicObject>.Part) -> [String] {
        part.values.map(\.json.objectName).sorted()
    }

    @Test func `has each object as it is by now, in its namespace and under its values`() {
        var cache = ObjectCache<DynamicObject>()
        func store(_ object: DynamicObject) { _ = cache.store(object, key: object.json.objectKey) }
        store(Self.object("early", owner: "x", version: 1))
        cache.addIndex("owner") { $0.json.objectLabels["owner"].map { [$0] } ?? [] }
        store(Self.object("late", owner: "x", version: 2))
        store(Self.object("other", "b", owner: "x", version: 3))
        #expect(Self.names(cache.part(index: "owner", value: "x")) == ["early", "late", "other"])
        #expect(Self.names(cache.part(namespace: "a")) == ["early", "late"])
        let before = cache.part(index: "owner", value: "x")
        store(Self.object("early", owner: "y", version: 4))
        store(Self.object("late", owner: "x", version: 5))
        #expect(Self.names(cache.part(index: "owner", value: "x")) == ["late", "other"])
        #expect(Self.names(cache.part(index: "owner", value: "y")) == ["early"])
        let late = ObjectKey("a", "late")
        #expect(cache.part(index: "owner", value: "x")[late]?.json.objectResourceVersion == "5")
        #expect(cache.part(namespace: "a")[late]?.json.objectResourceVersion == "5")
        #expect(Self.names(before) == ["early", "late", "other"], "what was taken stays as it was")
        #expect(cache.count(namespace: "a") == 2 && cache.populated.sorted() == ["a", "b"])
        for key in [late, ObjectKey("b", "other")] { #expect(cache.remove(key) != nil) }
        #expect(cache.part(index: "owner", value: "x").isEmpty && cache.part(namespace: "b").isEmpty)
        #expect(cache.count(namespace: "a") == 1 && Array(cache.populated) == ["a"])
        #expect(cache.part(index: "none", value: "x").isEmpty)
    }
}
