// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Testing

@Suite struct `Made-up names` {
    @Test func `keep their prefix and fit a label`() {
        let name = Naming.generated(from: "web-")
        #expect(name.hasPrefix("web-"))
        #expect(name.utf8.count == 9)
        #expect(Names.dnsLabel(name).isEmpty)
        #expect(Naming.generated(from: String(repeating: "a", count: 80)).utf8.count == 63)
        #expect(Set((0..<50).map { _ in Naming.generated(from: "") }).count > 45)
    }

    @Test func `of templates depend on what they hold, not on its order`() {
        let one: JSONValue = ["spec": ["a": 1, "b": ["c": "d"]]]
        let same: JSONValue = ["spec": ["b": ["c": "d"], "a": 1]]
        let hash = Naming.templateHash(one)
        #expect(hash == Naming.templateHash(same))
        #expect(hash != Naming.templateHash(["spec": ["a": 2, "b": ["c": "d"]]]))
        #expect(hash != Naming.templateHash(one, collisions: 1))
        #expect(Names.dnsLabel(hash).isEmpty)
        #expect(hash.utf8.count <= 10)
    }
}

@Suite struct `JSON paths` {
    static let object: JSONValue = [
        "spec": ["list": [["n": "a", "v": 1], ["n": "b", "v": 2]], "map": ["a.b/c": "x"]],
        "status": ["conditions": [["type": "Ready", "status": "True"]]],
    ]

    @Test(
        arguments: [
            (".spec.list[0].n", ["a"]), ("{.spec.list[-1].n}", ["b"]), (".spec.list[*].v", [1, 2]),
            (".spec.map['a.b/c']", ["x"]), (#".status.conditions[?(@.type=="Ready")].status"#, ["True"]),
            (".spec.list[?(@.v != 1)].n", ["b"]), ("$.spec.none.x", []), (".spec.list[7]", []),
        ] as [(String, [JSONValue])])
    func `find values`(path: String, values: [JSONValue]) throws {
        #expect(try JSONPath(path).values(in: Self.object) == values)
    }

    @Test(arguments: ["spec", ".a[", ".a[x]", ".a..b", ".a[?(x)]"])
    func `refuse what they cannot read`(path: String) {
        #expect(throws: JSONPathError.self) { try JSONPath(path) }
    }
}
