// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Testing

@Suite struct `Label selectors` {
    @Test(arguments: [
        ("", "", true), ("app=web", "app=web", true), ("app == web", "app==web", true), ("app!=web", "app!=web", false),
        ("app in (web,db)", "app in (db,web)", true), ("app notin (web)", "app notin (web)", false),
        ("app", "app", true), ("!app", "!app", false), ("!none", "!none", true), ("none!=x", "none!=x", true),
        ("none notin (x)", "none notin (x)", true), ("weight>4", "weight>4", true), ("weight<4", "weight<4", false),
        ("tier=,app", "app,tier=", true), ("x in (,a)", "x in (,a)", false), ("tier in ()", "tier in ()", true),
        ("b=2,app=web", "app=web,b=2", false), ("in in (in)", "in in (in)", false), ("app=notin", "app=notin", false),
        ("weight>x1", "", false),
    ])
    func `parse, print and match`(text: String, printed: String, matches: Bool) throws {
        if text == "weight>x1" {
            #expect(throws: LabelSelectorError.self) { try LabelSelector(parsing: text) }
            return
        }
        let selector = try LabelSelector(parsing: text)
        #expect(selector.description == printed)
        #expect(selector.matches(["app": "web", "tier": "", "weight": "5"] as JSONObject) == matches)
    }

    @Test(arguments: [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("x in", "unable to parse requirement: found '' expected: '('"),
        ("x in a", "unable to parse requirement: found 'a' expected: '('"),
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
    ])
    func `refuse other texts in upstream's words`(text: String, error: String) {
        #expect(throws: LabelSelectorError(error)) { try LabelSelector(parsing: text) }
    }

    @Test(arguments: [1, 16, 17, 50_000]) func `find a value among however many`(_ count: Int) throws {
        let values = (0..<count).map { JSONValue.string("v\($0)") }
        func selector(_ kind: String) throws -> LabelSelector {
            try LabelSelector(["matchExpressions": [["key": "k", "operator": .string(kind), "values": .array(values)]]])
        }
        let (one, other) = (try selector("In"), try selector("NotIn"))
        for label in ["v0", "v\(count - 1)"] { #expect(one.matches(["k": label]) && !other.matches(["k": label])) }
        for labels in [["k": "v\(count)"], ["k": ""], [:]] { #expect(!one.matches(labels) && other.matches(labels)) }
        #expect(one == (try selector("In")) && one != other)
    }

    @Test func `refuse impossible keys and values`() {
        #expect(throws: LabelSelectorError.self) { try LabelSelector(parsing: "a/b/c=d") }
        do {
            _ = try LabelSelector(parsing: "a=-b")
            Issue.record("accepted")
        } catch {
            #expect(
                error.description.hasPrefix(
                    #"unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must"#))
        }
    }

    @Test func `come from objects`() throws {
        let selector = try LabelSelector([
            "matchLabels": ["app": "web"],
            "matchExpressions": [
                ["key": "tier", "operator": "NotIn", "values": ["db"]], ["key": "x", "operator": "DoesNotExist"],
            ],
        ])
        #expect(selector.matches(["app": "web"] as [String: String]))
        #expect(!selector.matches(["app": "web", "tier": "db"] as [String: String]))
        #expect(!(try LabelSelector(nil)).matches(["app": "web"] as [String: String]))
        #expect(try LabelSelector([:]).isEverything)
        #expect(throws: LabelSelectorError(#""Like" is not a valid label selector operator"#)) {
            try LabelSelector(["matchExpressions": [["key": "a", "operator": "Like"]]])
        }
    }

    /// Each is compared with every pod of its namespace that changes.
    @Test func `hold only so much in an object`() {
        func refusals(_ values: Int) -> [String] {
            let selector: JSONValue = [
                "matchLabels": ["a": "b"],
                "matchExpressions": [
                    ["key": "a", "operator": "In", "values": .array((0..<values).map { .string("v\($0)") })]
                ],
            ]
            return `Validation rules`.errors(
                "PodDisruptionBudget",
                [
                    "kind": "PodDisruptionBudget", "apiVersion": "policy/v1",
                    "metadata": ["name": "a", "namespace": "default"],
                    "spec": ["minAvailable": 1, "selector": selector],
                ], group: "policy")
        }
        #expect(refusals(998) == [])
        #expect(
            refusals(999) == [
                "spec.selector: Forbidden: may hold no more than 1000 labels, requirements and values in all, and holds 1001"
            ])
    }
}

@Suite struct `Field selectors` {
    @Test func `parse, escape and match`() throws {
        let selector = try FieldSelector(parsing: #"status.phase!=Failed,metadata.name==a\,b\=c"#)
        #expect(selector.description == #"metadata.name=a\,b\=c,status.phase!=Failed"#)
        #expect(selector.exactValue(of: "metadata.name") == "a,b=c")
        #expect(selector.exactValue(of: "status.phase") == nil)
        #expect(selector.matches { ["metadata.name": "a,b=c", "status.phase": "Running"][$0] })
        #expect(!selector.matches { ["metadata.name": "a,b=c", "status.phase": "Failed"][$0] })
    }

    @Test(arguments: [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        (#"a=b\c"#, #"invalid field selector: invalid escape sequence: \c"#),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ])
    func `refuse other texts`(text: String, error: String) {
        #expect(throws: FieldSelectorError(error)) { try FieldSelector(parsing: text) }
    }
}
