// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import Schema

@Suite struct `Structural schemas` {
    /// A schema with these fields below `spec`.
    static func schema(_ properties: JSONValue) -> StructuralSchema {
        StructuralSchema(["type": "object", "properties": ["spec": ["type": "object", "properties": properties]]])
    }

    static func object(_ spec: JSONValue) -> JSONObject {
        ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "one"], "spec": spec]
    }

    // MARK: Pruning

    @Test func `drop what they do not name, and say where it stood`() {
        let schema = Self.schema([
            "size": ["type": "integer"],
            "list": ["type": "array", "items": ["type": "object", "properties": ["a": ["type": "string"]]]],
            "map": ["type": "object", "additionalProperties": ["type": "object", "properties": [:]]],
            "free": [
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": ["known": ["type": "object", "properties": [:]]],
            ],
        ])
        var object = Self.object([
            "size": 1, "extra": 2, "list": [["a": "x", "b": "y"]], "map": ["k": ["v": 1]],
            "free": ["any": ["thing": 1], "known": ["inner": 1]],
        ])
        object["status"] = ["ready": true]
        var dropped: [String] = []
        schema.prune(&object, dropped: &dropped)
        #expect(
            object
                == Self.object([
                    "size": 1, "list": [["a": "x"]], "map": ["k": [:]], "free": ["any": ["thing": 1], "known": [:]],
                ]))
        #expect(
            Set(dropped) == ["status", "spec.extra", "spec.list[0].b", "spec.map.k.v", "spec.free.known.inner"])
    }

    @Test func `keep the names of embedded resources`() {
        let schema = Self.schema([
            "template": [
                "type": "object", "x-kubernetes-embedded-resource": true, "properties": ["spec": ["type": "object"]],
            ]
        ])
        let template: JSONValue = ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"], "spec": [:]]
        var object = Self.object(["template": template])
        var dropped: [String] = []
        schema.prune(&object, dropped: &dropped)
        #expect(object["spec"]?["template"] == template && dropped.isEmpty)
        var places: [String] = []
        _ = schema.changeEmbeddedMetadata(object) { metadata, path in
            places.append(path.description)
            return metadata
        }
        #expect(places == ["spec.template.metadata"])
    }

    // MARK: Defaults

    @Test func `fill in defaults from the outside in`() {
        let schema = Self.schema([
            "policy": [
                "type": "object", "default": [:],
                "properties": ["mode": ["type": "string", "default": "Fast"], "note": ["type": "string"]],
            ],
            "items": [
                "type": "array",
                "items": ["type": "object", "properties": ["port": ["type": "integer", "default": 80]]],
            ],
            "nullable": ["type": "string", "nullable": true, "default": "x"],
            "null": ["type": "string", "default": "y"], "dropped": ["type": "string"],
        ])
        var object = Self.object(["items": [[:], ["port": 1]], "nullable": .null, "null": .null, "dropped": .null])
        schema.fillDefaults(&object)
        #expect(
            object["spec"] == [
                "items": [["port": 80], ["port": 1]], "nullable": .null, "null": "y", "policy": ["mode": "Fast"],
            ])
        let once = object
        schema.fillDefaults(&object)
        #expect(object == once)
        var absent: JSONObject = ["kind": "Thing"]
        schema.fillDefaults(&absent)
        #expect(absent == ["kind": "Thing"], "what is absent has no fields to fill")
    }

    // MARK: Values

    /// A schema of `spec.a`, a value of it, and how the complaint about it begins; empty where there is none.
    static let cases: [(JSONValue, JSONValue, String)] = [
        (["type": "string"], "x", ""),
        (["type": "string"], 1, #"spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer""#),
        (["type": "string"], .null, #"spec.a: Invalid value: "null": spec.a in body must be of type string: "null""#),
        (["type": "string", "nullable": true], .null, ""),
        (["type": "integer"], 1.0, ""),
        (
            ["type": "integer"], 1.5,
            #"spec.a: Invalid value: "number": spec.a in body must be of type integer: "number""#
        ),
        (["type": "number"], 1, ""),
        (["x-kubernetes-int-or-string": true], "50%", ""),
        (["x-kubernetes-int-or-string": true], true, "spec.a: Invalid value: \"boolean\""),
        (
            ["type": "string", "minLength": 2], "é",
            "spec.a: Invalid value: \"é\": spec.a in body should be at least 2 chars long"
        ),
        (["type": "string", "maxLength": 2], "ééé", "spec.a: Too long: may not be more than 2"),
        (
            ["type": "string", "pattern": "^a+$"], "b",
            "spec.a: Invalid value: \"b\": spec.a in body should match '^a+$'"
        ),
        (["type": "string", "enum": ["a", "b"]], "c", #"spec.a: Unsupported value: "c": supported values: "a", "b""#),
        (["type": "string", "enum": ["a", "b"]], "b", ""),
        (
            ["type": "integer", "minimum": 1], 0,
            "spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1"
        ),
        (
            ["type": "integer", "maximum": 5, "exclusiveMaximum": true], 5,
            "spec.a: Invalid value: 5: spec.a in body should be less than 5"
        ),
        (["type": "number", "multipleOf": 0.1], 0.3, ""),
        (
            ["type": "integer", "multipleOf": 2], 3,
            "spec.a: Invalid value: 3: spec.a in body should be a multiple of 2"
        ),
        (
            ["type": "array", "items": ["type": "string"], "minItems": 1], [],
            "spec.a: Invalid value: 0: spec.a in body should have at least 1 items"
        ),
        (
            ["type": "array", "items": ["type": "string"], "maxItems": 1], ["a", "b"],
            "spec.a: Too many: 2: must have at most 1 item"
        ),
        (["type": "array", "items": ["type": "string"]], ["a", 1], #"spec.a[1]: Invalid value: "integer""#),
        (["type": "object", "required": ["b"]], [:], "spec.a.b: Required value"),
        (
            ["type": "object", "additionalProperties": ["type": "string"]], ["k": 1],
            #"spec.a.k: Invalid value: "integer""#
        ),
        (["type": "object", "maxProperties": 1], ["a": 1, "b": 2], "spec.a: Too many: 2: must have at most 1 item"),
        (["type": "string", "format": "date-time"], "2026-01-02T03:04:05Z", ""),
        (
            ["type": "string", "format": "date-time"], "yesterday",
            #"spec.a: Invalid value: "yesterday": spec.a in body must be of type date-time: "yesterday""#
        ),
        (["type": "string", "format": "ipv4"], "10.0.0.256", "spec.a: Invalid value"),
        (["type": "string", "format": "ipv6"], "fe80::1", ""),
        (["type": "string", "format": "cidr"], "10.0.0.0/33", "spec.a: Invalid value"),
        (["type": "string", "format": "uuid"], "123e4567-e89b-12d3-a456-426614174000", ""),
        (["type": "string", "format": "no-such-format"], "anything", ""),
        (["type": "string", "anyOf": [["pattern": "^a"], ["pattern": "^b"]]], "b1", ""),
        (
            ["type": "string", "anyOf": [["pattern": "^a"], ["pattern": "^b"]]], "c",
            #"<nil>: Invalid value: "": "spec.a" must validate at least one schema (anyOf)"#
        ),
        (
            ["type": "string", "oneOf": [["minLength": 1], ["maxLength": 3]]], "ab",
            #"<nil>: Invalid value: "": "spec.a" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
        ),
        (
            ["type": "string", "allOf": [["minLength": 3]]], "ab",
            "spec.a: Invalid value: \"ab\": spec.a in body should be at least 3 chars long"
        ),
        (
            ["type": "string", "not": ["enum": ["x"]]], "x",
            #"<nil>: Invalid value: "": "spec.a" must not validate the schema (not)"#
        ),
    ]

    @Test(arguments: cases)
    func `hold values to their rules`(_ rules: JSONValue, _ value: JSONValue, _ complaint: String) {
        let errors = Self.schema(["a": rules]).validate(Self.object(["a": value])).map(\.description)
        #expect(complaint.isEmpty ? errors.isEmpty : errors.first?.hasPrefix(complaint) == true, "\(errors)")
    }

    @Test func `do not complain about what was so before`() {
        let schema = Self.schema([
            "a": ["type": "string", "maxLength": 1], "b": ["type": "string", "maxLength": 1],
            "list": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": [
                    "type": "object", "properties": ["n": ["type": "string"], "v": ["type": "integer", "maximum": 1]],
                ],
            ],
        ])
        let old = Self.object(["a": "long", "b": "x", "list": [["n": "x", "v": 9]]])
        let moved = Self.object(["a": "long", "b": "y", "list": [["n": "new", "v": 0], ["n": "x", "v": 9]]])
        #expect(schema.validate(moved, old: old).isEmpty)
        let worse = Self.object(["a": "long", "b": "long", "list": [["n": "x", "v": 10]]])
        #expect(schema.validate(worse, old: old).map(\.path) == ["spec.b", "spec.list[0].v"])
    }

    @Test func `find what lists hold twice`() {
        let schema = Self.schema([
            "set": ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "string"]],
            "map": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": ["type": "object", "properties": ["n": ["type": "string"]]],
            ],
        ])
        let errors = schema.validateLists(
            Self.object(["set": ["a", "b", "a", "a"], "map": [["n": "x"], ["n": "y"], ["n": "x"]]]))
        #expect(
            Set(errors.map(\.description)) == [
                #"spec.set[2]: Duplicate value: "a""#, #"spec.map[2]: Duplicate value: {"n":"x"}"#,
            ])
    }

    @Test func `tell server-side apply how lists are merged`() throws {
        let metadata = TypeSchema(
            name: "ObjectMeta", fields: [FieldSchema(jsonName: "name", number: 1, type: .string)])
        let schema = Self.schema([
            "ports": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port"],
                "items": ["type": "object", "properties": ["port": ["type": "integer"], "name": ["type": "string"]]],
            ],
            "either": ["x-kubernetes-int-or-string": true],
        ]).typeSchema(named: "Thing", metadata: metadata)
        let writer = FieldWriter(
            manager: "me", apiVersion: "example.com/v1", subresource: "", time: "2026-01-01T00:00:00Z", schema: schema,
            ignored: FieldSet(paths: []))
        var live = try ServerSideApply.apply(
            live: nil, applied: Self.object(["ports": [["port": 1, "name": "a"]], "either": "1"]), force: false,
            by: writer)
        var other = writer
        other.manager = "you"
        live = try ServerSideApply.apply(
            live: live, applied: Self.object(["ports": [["port": 2]]]), force: false, by: other)
        #expect(live["spec"]?["ports"] == [["port": 1, "name": "a"], ["port": 2]])
        #expect(throws: (any Error).self) {
            try ServerSideApply.apply(live: live, applied: Self.object(["either": 2]), force: false, by: other)
        }
    }

    // MARK: Work

    @Test func `ask no more than what can be looked at, and refuse what was not`() {
        let schema = Self.schema([
            "list": ["type": "array", "items": ["type": "string", "pattern": "^(a?){40}b$", "maxLength": 2]]
        ])
        func errors(_ count: Int, _ limit: Int) -> [String] {
            let text = JSONValue.string(String(repeating: "a", count: 30))
            let object = Self.object(["list": .array(Array(repeating: text, count: count))])
            return schema.validate(object, old: nil, within: limit).map(\.detail)
        }
        // Each is too long, and does not match.
        #expect(errors(2, 20_000).count == 4)
        #expect(errors(100, 20_000) == ["takes more than 20000 comparisons with what its schema asks"])
        // Whether nothing is wrong does not matter.
        let other = Self.schema(["list": ["type": "array", "items": ["type": "string"]]])
        let fine = Self.object(["list": .array(Array(repeating: "a", count: 100))])
        #expect(other.validate(fine, old: nil, within: 200).isEmpty)
        #expect(other.validate(fine, old: nil, within: 50).count == 1)
    }

    @Test func `weigh what they ask of a value where they ask most`() {
        #expect(Self.schema(["a": ["type": "string"]]).weight == 1)
        let pattern = Self.schema(["a": ["type": "string", "pattern": "^[a-z]{100}$"]])
        #expect(pattern.weight > 100 && pattern.weight < 300)
        let several: JSONValue = .array(Array(repeating: ["pattern": "^[a-z]{100}$"], count: 10))
        #expect(Self.schema(["a": ["anyOf": several]]).weight > 1_000)
    }
}
