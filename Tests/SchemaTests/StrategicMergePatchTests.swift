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
