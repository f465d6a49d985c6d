// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@Suite struct `Field errors` {
    static let spec = FieldPath("spec")

    @Test(arguments: [
        (FieldError.required(spec["containers"]), "spec.containers: Required value"),
        (.invalid(spec["replicas"], -1, "must be positive"), "spec.replicas: Invalid value: -1: must be positive"),
        (.invalid(spec["ports"][0]["name"], "A\"b", "no"), #"spec.ports[0].name: Invalid value: "A\"b": no"#),
        (.invalid(spec, json: ["a": 1], "no"), #"spec: Invalid value: {"a":1}: no"#),
        (
            .notSupported(spec["type"], "X", ["A", "B"]),
            #"spec.type: Unsupported value: "X": supported values: "A", "B""#
        ),
        (.tooLong(spec["x"], limit: 1), "spec.x: Too long: may not be more than 1 byte"),
        (.tooMany(spec["x"], count: 3, limit: 2), "spec.x: Too many: 3: must have at most 2 items"),
        (.duplicate(FieldPath("data").key("k"), "v"), #"data[k]: Duplicate value: "v""#),
        (.forbidden(.root, "no"), "<nil>: Forbidden: no"),
    ])
    func `are worded as clients know them`(error: FieldError, text: String) {
        #expect(error.description == text)
    }

    @Test func `are joined without repetitions`() {
        let one = FieldError.required(Self.spec)
        #expect([one, one].aggregated == "spec: Required value")
        #expect([one, .forbidden(Self.spec, "x")].aggregated == "[spec: Required value, spec: Forbidden: x]")
    }

    @Test func `quote like Go`() {
        #expect("a\n\u{01}\u{200B}é\\".quoted == #""a\n\x01\u200bé\\""#)
    }
}
