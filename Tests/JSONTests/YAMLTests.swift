// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing
import YAML

@Suite struct `YAML texts` {
    static let scalars: [(String, JSONValue)] = [
        ("yes", true), ("No", false), ("on", true), ("OFF", false), ("y", "y"), ("n", "n"), ("~", nil), ("null", nil),
        ("", nil), ("12", 12), ("-7", -7), ("+5", 5), ("0o17", 15), ("017", 15), ("0x1F", 31), ("0b101", 5),
        ("1_000", 1000), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.2.3", "1.2.3"), ("10.0.0.1", "10.0.0.1"),
        ("2026-11-21", "2026-11-21"), ("12:30", "12:30"), ("\"12\"", "12"), ("'yes'", "yes"), ("!!str 12", "12"),
        ("100m", "100m"), ("1Gi", "1Gi"), ("09", 9.0), ("0.0.0.0/0", "0.0.0.0/0"), ("-", [nil]),
        ("9223372036854775808", 9223372036854775808.0),
    ]

    @Test(arguments: scalars)
    func `resolves plain words as YAML 1.1`(_ text: String, _ expected: JSONValue) throws {
        let value = try YAML.parse("a: \(text == "-" ? "\n  -" : text)")
        #expect(value == [["a": expected]])
    }

    @Test func `reads documents, anchors and merges`() throws {
        let text = """
            # a comment
            a: &x {k: 1, l: [1, two]}
            b: *x
            c:
              <<: *x
              k: 2
            ---
            ---
            - |
              lines
              more
            - >-
              folded
              text
            1: 2
            """
        #expect(throws: YAMLError.self) { try YAML.parse(text) }
        let documents = try YAML.parse(text.split(separator: "\n").dropLast().joined(separator: "\n"))
        #expect(documents.count == 2)
        #expect(documents[0]["b"] == ["k": 1, "l": [1, "two"]])
        #expect(documents[0]["c"] == ["k": 2, "l": [1, "two"]])
        #expect(documents[1] == ["lines\nmore\n", "folded text"])
    }

    @Test func `makes keys strings and reports duplicates`() throws {
        var duplicates: [String] = []
        let value = try YAML.parse(Array("1: a\ntrue: b\nx:\n- y: 1\n  y: 2\n".utf8), duplicates: &duplicates)
        #expect(value == [["1": "a", "true": "b", "x": [["y": 2]]]])
        #expect(duplicates == ["x[0].y"])
        var keys: [YAMLDuplicateKey] = []
        #expect(try YAML.parse(Array("a: 1\nx:\n- y: 1\n  y: 2\n".utf8), duplicateKeys: &keys).count == 1)
        #expect(keys.map(\.description) == [#"line 4: key "y" already set in map"#])
    }

    @Test func `refuses bombs and says where the mistake is`() throws {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<12 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            bomb += "a\(level): &a\(level) [\(alias)]\n"
        }
        #expect(throws: YAMLError.self) { try YAML.parse(bomb) }
        #expect(throws: YAMLError.self) { try YAML.parse(String(repeating: "[", count: 20_000)) }
        let error = try #require(throws: YAMLError.self) { try YAML.parse("a: 1\nb: [\n") }
        #expect(error.description.hasPrefix("yaml: line 3"))
        #expect(throws: YAMLError(line: 1, reason: "unknown anchor 'no' referenced")) { try YAML.parse("a: *no") }
    }

    @Test func `a long string repeated by its name is as much as many values`() throws {
        let text =
            "a: &a '\(String(repeating: "A", count: 100_000))'\nb: [\(Array(repeating: "*a", count: 500).joined(separator: ", "))]"
        #expect(throws: YAMLError(line: 2, reason: "document contains excessive aliasing")) { try YAML.parse(text) }
        // In a key, in a map, and by way of another alias as well.
        let nested =
            "a: &a {\(String(repeating: "k", count: 1000)): x}\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [\(Array(repeating: "*b", count: 200).joined(separator: ", "))]"
        #expect(throws: YAMLError.self) { try YAML.parse(nested) }
        let merged =
            "a: &a {k: '\(String(repeating: "A", count: 100_000))'}\nb: [\(Array(repeating: "{<<: *a}", count: 20).joined(separator: ", "))]"
        #expect(throws: YAMLError.self) { try YAML.parse(merged) }
        // What people write is far from it.
        let usual = "x: &x {cpu: 1, memory: 1Gi}\ny: [\(Array(repeating: "*x", count: 1000).joined(separator: ", "))]"
        #expect(try YAML.parse(usual)[0]["y"]?.array?.count == 1000)
    }

    @Test func `the same long key again and again costs no more than its text`() throws {
        let key = String(repeating: "k", count: 50_000)
        let text = "? \(key)\n:\n" + String(repeating: "  a: 1\n", count: 100_000)
        var duplicates: [String] = []
        _ = try YAML.parse(Array(text.utf8), duplicates: &duplicates)
        #expect(duplicates.count == 1)
        duplicates = []
        let json = "{\"\(key)\":{" + String(repeating: "\"a\":1,", count: 100_000) + "\"b\":1}}"
        _ = try JSONValue.parse(Array(json.utf8), duplicates: &duplicates)
        #expect(duplicates.count == 1 && duplicates[0].utf8.count < 2000)
    }

    @Test func `writes what kubectl shows`() {
        let value: JSONValue = [
            "kind": "Pod", "spec": ["containers": [["name": "a", "args": ["-c", "true", "1", "x: y"], "env": []]]],
            "data": ["script": "line\nother\n", "empty": "", "none": nil, "bare": "a\nb"], "on": true, "n": 1.5,
        ]
        #expect(
            YAML.encode(value) == """
                data:
                  bare: |-
                    a
                    b
                  empty: ""
                  none: null
                  script: |
                    line
                    other
                kind: Pod
                "n": 1.5
                "on": true
                spec:
                  containers:
                  - args:
                    - -c
                    - "true"
                    - "1"
                    - "x: y"
                    env: []
                    name: a

                """)
    }

    @Test func `reads back what it wrote`() throws {
        var random = SplitMix(state: 7)
        let words = [
            "", "a", "yes", "1", "1e5", "0x1", "- a", "a: b", "a #b", "#a", " a", "a ", "a\nb", "a\n\n", "\n", "\t",
            "é",
            "\u{85}", "\u{2028}", "null", "~", "<<", "=", "&a", "*a", "!t", "%", "@", "`", "'", "\"", "\\", "{", "[a]",
            "12:30", "2026-01-01", "---", "...", "a:", ":a", "?", "? a", "|", ">", "a\u{7}b", "-", "--- a", "a\n b\n",
            "\n a",
            "0.1", ".inf", "+1", "-1", "1_0", "o", "y", "N", "\u{1F600}", "x\u{FEFF}", "a\tb", "tab\t\nline", "end \nx",
        ]
        for _ in 0..<3000 {
            let value = randomValue(&random, words, 4)
            let text = YAML.encode(value)
            #expect(try YAML.parse(text) == [value], "\(text)")
        }
    }

    private func randomValue(_ random: inout SplitMix, _ words: [String], _ depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth == 0 ? 5 : 8), using: &random) {
        case 0: return .bool(.random(using: &random))
        case 1: return .integer(Int64.random(in: -1000...1000, using: &random))
        case 2, 3, 4: return .string(words.randomElement(using: &random) ?? "")
        case 5:
            return .array(
                (0..<Int.random(in: 0..<4, using: &random)).map { _ in randomValue(&random, words, depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 1..<5, using: &random) {
                object[words.randomElement(using: &random) ?? ""] = randomValue(&random, words, depth - 1)
            }
            return .object(object)
        }
    }

    @Test func `survives mutated texts`() throws {
        let seed = Array(
            "a: &x\n- b: 'c'\n  d: \"e\\n\"\n- *x\n--- \nf: |\n  g\n  h\n? i\n: {j: [k, 1.5, !!str 2]}\n".utf8)
        var random = SplitMix(state: 3)
        var accepted = 0
        for _ in 0..<10_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: position)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: position)
                }
            }
            // A refusal is a fine answer; what is accepted must survive the way out and back.
            guard let documents = try? YAML.parse(bytes) else { continue }
            accepted += 1
            for document in documents where !document.isNull {
                let text = YAML.encode(document)
                #expect(try YAML.parse(text).first?.encoded() == reordered(document).encoded(), "\(text)")
            }
        }
        #expect(accepted > 30)
    }

    private func reordered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(JSONObject(object.sortedByKey().map { ($0.key, reordered($0.value)) }))
        case .array(let items): .array(items.map { reordered($0) })
        default: value
        }
    }
}
