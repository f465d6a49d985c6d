// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@Suite struct `JSON patches` {
    struct Case: Sendable, CustomStringConvertible {
        var document: JSONValue
        var patch: JSONValue
        var result: JSONValue
        var description: String { patch.description }
    }

    // RFC 6902 appendix A, and the corners of array indexes.
    @Test(arguments: [
        Case(
            document: ["foo": "bar"], patch: [["op": "add", "path": "/baz", "value": "qux"]],
            result: ["foo": "bar", "baz": "qux"]),
        Case(
            document: ["foo": ["a", "b"]], patch: [["op": "add", "path": "/foo/1", "value": "x"]],
            result: ["foo": ["a", "x", "b"]]),
        Case(
            document: ["foo": ["a"]], patch: [["op": "add", "path": "/foo/-", "value": "x"]],
            result: ["foo": ["a", "x"]]),
        Case(document: ["foo": ["a", "b"]], patch: [["op": "remove", "path": "/foo/0"]], result: ["foo": ["b"]]),
        Case(
            document: ["a": ["b": 1]], patch: [["op": "replace", "path": "/a/b", "value": nil]],
            result: ["a": ["b": nil]]),
        Case(
            document: ["a": ["b": 1], "c": [:]], patch: [["op": "move", "from": "/a/b", "path": "/c/d"]],
            result: ["a": [:], "c": ["d": 1]]),
        Case(
            document: ["a": [1, 2]], patch: [["op": "copy", "from": "/a/0", "path": "/a/-"]],
            result: ["a": [1, 2, 1]]),
        Case(
            document: ["a/b": 1, "c~d": 2],
            patch: [["op": "remove", "path": "/a~1b"], ["op": "remove", "path": "/c~0d"]],
            result: [:]),
        Case(document: ["a": 1], patch: [["op": "test", "path": "/a", "value": 1.0]], result: ["a": 1]),
        Case(document: ["a": 1], patch: [["op": "test", "path": "/b", "value": nil]], result: ["a": 1]),
    ])
    func `do what RFC 6902 says`(example: Case) throws {
        #expect(try JSONPatch.apply(example.patch, to: example.document) == example.result)
    }

    @Test(
        arguments: [
            (
                [["op": "remove", "path": "/x"]],
                "remove operation does not apply: doc is missing key: /x: missing value"
            ),
            ([["op": "test", "path": "/a", "value": 2]], "testing value /a failed: test failed"),
            (
                [["op": "add", "path": "/x/y", "value": 2]],
                "add operation does not apply: doc is missing key: /x/y: missing value"
            ),
            (
                [["op": "add", "path": "/l/7", "value": 2]],
                "add operation does not apply: error in add for path: /l/7: invalid index referenced: 7"
            ),
            (
                [["op": "replace", "path": "/l/01", "value": 2]],
                "replace operation does not apply: doc is missing key: /l/01: missing value"
            ),
            ([["op": "move", "from": "/l", "path": "/l/0"]], "move operation does not apply: /l holds /l/0"),
            ([["op": "burn", "path": "/a"]], "Unexpected kind: burn"),
            ([["op": "add", "path": "/b"]], "operation missing value field: missing value"),
        ] as [(JSONValue, String)])
    func `refuse what does not fit`(patch: JSONValue, text: String) {
        #expect(throws: PatchError(.unprocessable, text)) {
            try JSONPatch.apply(patch, to: ["a": 1, "l": [1]])
        }
    }

    @Test func `are limited in size`() {
        let operations = [JSONValue](repeating: ["op": "test", "path": "/a", "value": 1], count: 10_001)
        #expect(throws: PatchError(.tooLarge, "The allowed maximum operations in a JSON patch is 10000, got 10001")) {
            try JSONPatch.apply(.array(operations), to: ["a": 1])
        }
    }
}

@Suite struct `Merge patches` {
    @Test(
        arguments: [
            (["a": "b"], ["a": "c"], ["a": "c"]),
            (["a": "b"], ["a": nil], [:]),
            (["a": ["b"]], ["a": "c"], ["a": "c"]),
            (["a": ["b": "c", "d": 1]], ["a": ["b": "d", "d": nil]], ["a": ["b": "d"]]),
            ([:], ["a": ["bb": ["ccc": nil]]], ["a": ["bb": [:]]]),
            (["e": nil], ["a": 1], ["e": nil, "a": 1]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func `do what RFC 7386 says`(document: JSONValue, patch: JSONValue, result: JSONValue) {
        #expect(MergePatch.apply(patch, to: document) == result)
    }

    @Test func `made from two versions turn one into the other`() {
        let old: JSONObject = ["a": 1, "b": ["c": 1, "d": [1, 2]], "gone": true]
        let new: JSONObject = ["a": 1, "b": ["c": 2, "d": [2]], "fresh": ["x": "y"]]
        let patch = MergePatch.difference(from: old, to: new)
        #expect(patch["a"] == nil)
        #expect(MergePatch.apply(.object(patch), to: .object(old)) == .object(new))
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The work of a JSON patch` {
    private func nested(_ levels: Int) -> JSONValue { (1..<levels).reduce([:]) { inner, _ in ["a": inner] } }

    private func refusal(_ patch: JSONValue, _ document: JSONValue) -> PatchError.Kind? {
        do throws(PatchError) {
            _ = try JSONPatch.apply(patch, to: document)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `builds nothing that is deeper than anybody reads`() {
        let way = String(repeating: "/a", count: 299)
        for operation: JSONObject in [
            ["op": "add", "path": .string("/x" + way + "/b"), "value": nested(300)],
            ["op": "replace", "path": .string("/x" + way), "value": nested(300)],
            ["op": "copy", "from": "/y", "path": .string("/x" + way + "/b")],
            ["op": "move", "from": "/y", "path": .string("/x" + way + "/b")],
        ] {
            let document: JSONValue = ["x": nested(300), "y": nested(300)]
            #expect(refusal([.object(operation)], document) == .unprocessable, "\(operation["op"] ?? "")")
        }
        // Moves that go up and down again and again are what they are, whatever was reached between.
        let up: JSONValue = ["op": "move", "from": .string("/x" + way + "/z"), "path": "/z"]
        let down: JSONValue = ["op": "move", "from": "/z", "path": .string("/x" + way + "/z")]
        let moves = JSONValue.array((0..<100).flatMap { _ in [down, up] })
        #expect(refusal(moves, ["x": nested(300), "z": ["a": ["b": 1]]]) == nil)
    }

    @Test func `is bounded in how many elements it moves`() {
        let list: JSONValue = ["l": .array((0..<20_000).map { .integer(Int64($0)) })]
        let removals = JSONValue.array((0..<10_000).map { _ in ["op": "remove", "path": "/l/0"] })
        #expect(refusal(removals, list) == .tooLarge)
        let fromEnd = JSONValue.array((0..<10_000).map { ["op": "remove", "path": .string("/l/\(19_999 - $0)")] })
        #expect(refusal(fromEnd, list) == nil)
    }

    @Test func `copies no neighbours`() throws {
        let members = (0..<20_000).map { ("k\($0)", ["v": 0] as JSONValue) }
        let document: JSONValue = ["o": .object(JSONObject(members)), "l": .array(members.map(\.1))]
        let changes = JSONValue.array(
            (0..<5_000).flatMap { number -> [JSONValue] in
                [
                    ["op": "replace", "path": .string("/o/k\(number)/v"), "value": 1],
                    ["op": "replace", "path": .string("/l/\(number)/v"), "value": 1],
                ]
            })
        let result = try JSONPatch.apply(changes, to: document)
        #expect(result["o"]?["k4999"]?["v"] == 1)
        #expect(result["l"]?[4999]?["v"] == 1 && result["l"]?[5000]?["v"] == 0)
    }
}
