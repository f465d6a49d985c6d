// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@Suite struct `Strategic merge patches` {
    struct Case: Sendable, CustomStringConvertible {
        var what: String
        var before: JSONValue
        var patch: JSONValue
        var after: JSONValue
        var description: String { what }
    }

    static let cases = [
        Case(
            what: "elements merge by their key",
            before: ["containers": [["name": "a", "image": "1"], ["name": "b", "image": "1"]]],
            patch: ["containers": [["name": "b", "image": "2"]]],
            after: ["containers": [["name": "a", "image": "1"], ["name": "b", "image": "2"]]]),
        Case(
            what: "new elements come where the patch has them",
            before: ["containers": [["name": "a"]]], patch: ["containers": [["name": "c"]]],
            after: ["containers": [["name": "c"], ["name": "a"]]]),
        Case(
            what: "the order is what $setElementOrder says",
            before: ["containers": [["name": "a"], ["name": "b"]]],
            patch: [
                "$setElementOrder/containers": [["name": "b"], ["name": "a"], ["name": "c"]],
                "containers": [["name": "c", "image": "1"]],
            ],
            after: ["containers": [["name": "b"], ["name": "a"], ["name": "c", "image": "1"]]]),
        Case(
            what: "$patch delete removes an element",
            before: ["containers": [["name": "a"], ["name": "b"]]],
            patch: ["containers": [["name": "a", "$patch": "delete"]]], after: ["containers": [["name": "b"]]]),
        Case(
            what: "$patch replace replaces a list",
            before: ["containers": [["name": "a"], ["name": "b"]]],
            patch: ["containers": [["name": "c"], ["$patch": "replace"]]], after: ["containers": [["name": "c"]]]),
        Case(
            what: "$patch replace replaces an object",
            before: ["strategy": ["type": "R", "rollingUpdate": ["a": "1"]]],
            patch: ["strategy": ["$patch": "replace", "type": "Recreate"]],
            after: ["strategy": ["type": "Recreate"]]),
        Case(
            what: "$retainKeys drops the other members of a union",
            before: ["strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "1"]]],
            patch: ["strategy": ["$retainKeys": ["type"], "type": "Recreate"]],
            after: ["strategy": ["type": "Recreate"]]),
        Case(
            what: "null removes, also a field that is not there",
            before: ["replicas": 1], patch: ["replicas": nil, "selector": nil, "strategy": ["type": nil]],
            after: ["strategy": [:]]),
        Case(
            what: "lists without a key replace",
            before: ["containers": [["name": "a", "args": ["x", "y"]]]],
            patch: ["containers": [["name": "a", "args": ["z"]]]],
            after: ["containers": [["name": "a", "args": ["z"]]]]),
        Case(
            what: "an absent list is taken without its directives",
            before: [:], patch: ["containers": [["name": "a"], ["name": "b", "$patch": "delete"]]],
            after: ["containers": [["name": "a"]]]),
    ]

    @Test(arguments: cases) func `merge what has an identity`(example: Case) throws {
        let result = try StrategicMergePatch.apply(example.patch, to: example.before, schema: Sample.spec)
        #expect(result == example.after)
    }

    @Test func `add to and delete from lists of scalars`() throws {
        let before: JSONValue = ["finalizers": ["a", "b", "c"]]
        let patch: JSONValue = [
            "$deleteFromPrimitiveList/finalizers": ["b"], "$setElementOrder/finalizers": ["a", "c", "d"],
            "finalizers": ["d"],
        ]
        let result = try StrategicMergePatch.apply(patch, to: before, schema: Sample.meta)
        #expect(result == ["finalizers": ["a", "c", "d"]])
    }

    @Test(
        arguments: [
            (["containers": [["image": "x"]]], #"map: {"image":"x"} does not contain declared merge key: name"#),
            (
                ["containers": [["name": "a", "$patch": "burn"]]],
                #"unknown patch type: "burn" in map: {"name":"a","$patch":"burn"}"#
            ),
            (
                ["containers": [["name": "a"], "x"]],
                #"list element types are not identical: [{"name":"a"},{"name":"a"},"x"]"#
            ),
            (["strategy": ["$retainKeys": ["type"], "rollingUpdate": [:]]], "invalid patch format of retainKeys"),
        ] as [(JSONValue, String)])
    func `refuse what does not fit`(patch: JSONValue, text: String) {
        do {
            _ = try StrategicMergePatch.apply(
                patch, to: ["containers": [["name": "a"]], "strategy": [:]], schema: Sample.spec)
            Issue.record("accepted")
        } catch {
            #expect(error.description == text)
        }
    }
}

/// Lists of twenty thousand, which a body of the length that is taken holds many times over: by what grew with the square of
/// that, one patch held everybody up for hours.
@Suite(.timeLimit(.minutes(1))) struct `Long lists in strategic merge patches` {
    private let count = 20_000

    private func ports(_ numbers: some Sequence<Int>, _ more: JSONObject = [:]) -> JSONValue {
        .array(
            numbers.map { number in
                var port: JSONObject = ["containerPort": .integer(Int64(number))]
                for (key, value) in more { port[key] = value }
                return .object(port)
            })
    }

    private func apply(_ patch: JSONObject, to container: JSONObject) throws -> JSONValue {
        try StrategicMergePatch.apply(.object(patch), to: .object(container), schema: Sample.container)
    }

    @Test func `are ordered`() throws {
        let numbers = 1...count
        let result = try apply(
            [
                "$setElementOrder/ports": ports(numbers.reversed()), "ports": ports(numbers, ["name": "x"]),
            ], to: ["name": "c", "ports": ports(numbers)])
        #expect(result["ports"] == ports(numbers.reversed(), ["name": "x"]))
        #expect(throws: PatchError.self) {
            try apply(["$setElementOrder/ports": ports(2...count), "ports": ports(numbers)], to: ["name": "c"])
        }
    }

    @Test func `are merged and deleted`() throws {
        let numbers = 1...count
        #expect(
            try apply(["ports": ports(numbers, ["name": "x"])], to: ["ports": ports(numbers)])["ports"]
                == ports(numbers, ["name": "x"]))
        #expect(
            try apply(["ports": ports(2...count, ["$patch": "delete"])], to: ["ports": ports(numbers)])["ports"]
                == ports(1...1))
        let names = JSONValue.array(numbers.map { .string("n\($0)") })
        let emptied = try StrategicMergePatch.apply(
            ["$deleteFromPrimitiveList/finalizers": names], to: ["finalizers": names], schema: Sample.meta)
        #expect(emptied["finalizers"] == [])
    }
}
