// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite struct `JSON parser` {
    static let readable: [(String, JSONValue)] = [
        ("null", JSONValue.null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9223372036854775808)), ("1.0", .number(1)), ("1e3", .number(1000)),
        ("\"\"", ""), ("\"a\\n\\u00e9\\ud83d\\ude00\"", "a\n\u{e9}\u{1F600}"), ("\"\\ud800x\"", "\u{FFFD}x"),
        ("[]", []), ("[1,[2]]", [1, [2]]), ("{}", [:]),
        (" { \"a\" : 1 , \"b\":{\"c\":null}} ", ["a": 1, "b": ["c": nil]]),
    ]

    @Test(arguments: readable)
    func `reads every kind of value`(_ text: String, _ expected: JSONValue) throws {
        #expect(try JSONValue.parse(text) == expected)
    }

    @Test(arguments: [
        ("", "unexpected end of JSON input (at byte 0)"),
        ("{", "invalid character"), ("[1,]", "invalid character ']' looking for beginning of value (at byte 3)"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string (at byte 7)"),
        ("01", "invalid character '1' after top-level value (at byte 1)"),
        ("1 2", "invalid character '2' after top-level value (at byte 2)"),
        ("-", "unexpected end"), ("1.", "unexpected end"), ("nul", "unexpected end"),
        ("\"\u{1}\"", "invalid character"),
        ("\"\\x\"", "invalid character 'x' in string escape code"), ("1e999", "number 1e999 is out of range"),
    ])
    func `says what is wrong and where`(_ text: String, _ reason: String) throws {
        let error = try #require(throws: JSONError.self) { try JSONValue.parse(text) }
        if reason == "invalid character", text == "{" {
            #expect(error.description.hasPrefix("unexpected end of JSON input"))
        } else {
            #expect(error.description.hasPrefix(reason), "\(error)")
        }
    }

    @Test func `refuses bytes that are not UTF-8`() {
        for bytes in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]] {
            #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
        }
    }

    @Test func `limits the depth`() throws {
        let deep = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        _ = try JSONValue.parse(deep)
        #expect(throws: JSONError.self) { try JSONValue.parse("[" + deep + "]") }
        #expect(throws: JSONError.self) { try JSONValue.parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func `reports duplicate keys with their paths`() throws {
        var duplicates: [String] = []
        let value = try JSONValue.parse(
            Array(#"{"a":1,"spec":{"x":1,"x":2,"x":3,"list":[{"n":1},{"n":1,"n":2}]},"a":5}"#.utf8),
            duplicates: &duplicates)
        #expect(duplicates == ["spec.x", "spec.list[1].n", "a"])
        #expect(value == ["a": 5, "spec": ["x": 3, "list": [["n": 1], ["n": 2]]]])
    }

    @Test func `takes time proportional to the number of keys`() throws {
        var text = "{"
        for number in 0..<200_000 { text += "\"k\(number)\":\(number)," }
        text += "\"last\":true}"
        let began = ContinuousClock.now
        var value = try JSONValue.parse(text)
        for number in 0..<200_000 { value["k\(number)"] = nil }
        #expect(ContinuousClock.now - began < .seconds(20))
        #expect(value == ["last": true])
    }

    @Test func `survives mutated texts`() throws {
        let seed = Array(
            #"{"kind":"Pod","n":[1,-2.5e3,true,null,{"é":"\u00e9\n"}],"terminationMessagePath":"/dev/x"}"#.utf8)
        var random = SplitMix(state: 42)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: position)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: position)
                }
            }
            // A refusal is a fine answer; what is accepted must survive the way out and back.
            guard let value = try? JSONValue.parse(bytes) else { continue }
            accepted += 1
            let text = value.encoded()
            // Bytes are compared: 2.5e3 is written 2500, which reads back as an integer.
            #expect(try JSONValue.parse(text).encoded() == text)
            #expect(try JSONValue.parse(value.encodedPretty()).encoded() == text)
        }
        #expect(accepted > 100)
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct `JSON values` {
    @Test(arguments: [
        (1.0, "1"), (0.1, "0.1"), (-2.5, "-2.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-6, "0.000001"),
        (1e-7, "1e-7"), (1.5e300, "1.5e+300"), (123456789.125, "123456789.125"), (.leastNonzeroMagnitude, "5e-324"),
        (0, "0"),
    ])
    func `writes doubles as Go does`(_ number: Double, _ text: String) {
        #expect(JSONValue.number(number).description == text)
    }

    @Test func `escapes what must be escaped`() {
        #expect(
            JSONValue.string("a\"b\\c\n\u{1}\u{e9} long enough for whole words \" end").description
                == #""a\"b\\c\n\u0001\#u{e9} long enough for whole words \" end""#)
    }

    @Test func `keeps the order of fields and changes in place`() {
        var value: JSONValue = ["b": 1, "a": ["x": 1]]
        value["a"]?["y"] = 2
        value["c"]?["z"] = 3
        value["b"] = nil
        value["d"] = "new"
        #expect(value.description == #"{"a":{"x":1,"y":2},"d":"new"}"#)
        #expect(value["missing"] == nil)
        #expect(value == ["d": "new", "a": ["y": 2, "x": 1]])
        #expect(value.hashValue == (["d": "new", "a": ["y": 2, "x": 1]] as JSONValue).hashValue)
    }

    @Test func `tells canonically equivalent strings apart`() {
        var object = JSONObject()
        object["\u{e9}"] = 1
        object["e\u{301}"] = 2
        #expect(object.count == 2)
        #expect(JSONValue.string("\u{e9}") != JSONValue.string("e\u{301}"))
    }

    @Test func `works the same with an index`() {
        var object = JSONObject()
        for number in 0..<40 { object["key\(number)"] = .integer(Int64(number)) }
        for number in 0..<30 { object["key\(number)"] = nil }
        object["key5"] = "back"
        #expect(object.count == 11)
        #expect(object.keys.first == "key30" && object.keys.last == "key5")
        #expect(object["key39"] == 39 && object["key0"] == nil)
    }
}

@Suite struct `Keys of objects` {
    /// Two spellings of one text, which Swift's own hash does not tell apart: thousands of them in one object were minutes.
    @Test func `are hashed by their bytes`() {
        let spellings = ["\u{E9}\u{323}", "e\u{323}\u{301}", "\u{1EB9}\u{301}", "e\u{301}\u{323}"]
        #expect(Set(spellings).count == 1, "what Swift takes for one")
        #expect(Set(spellings.map(JSONValue.string)).count == 4)
        #expect(Set(spellings.map { JSONValue.string($0).hashValue }).count == 4)
        #expect(Set(spellings.map { JSONValue.object([$0: 1]).hashValue }).count == 4)
        var object = JSONObject()
        for index in 0..<40 { object["k\(index)"] = 1 }
        for spelling in spellings { object[spelling] = .string(spelling) }
        #expect(object.count == 44)
        for spelling in spellings { #expect(object[spelling] == .string(spelling)) }
    }

    @Test(.timeLimit(.minutes(1))) func `are found at once, however they are spelled`() throws {
        // Each key is 14 times one of two spellings of the same letter: all are equal to Swift.
        let keys = (0..<12_000).map { number in
            (0..<14).map { number >> $0 & 1 == 0 ? "\u{E9}" : "e\u{301}" }.joined()
        }
        let text = "{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        #expect(try JSONValue.parse(text).object?.count == 12_000)
    }

    @Test func `nest as deep as the encoder says`() {
        var bytes: [UInt8] = []
        let value: JSONValue = ["a": [1, ["b": [[]]]], "c": [:]]
        #expect(value.encode(into: &bytes) == 5)
        #expect(value.depth == 5)
        #expect(JSONValue.string("x").depth == 0)
    }

    @Test func `are cut off where that is asked for`() throws {
        let deep = String(repeating: "{\"a\":[", count: 5000) + "\"]}\\\"\"" + String(repeating: "]}", count: 5000)
        let text = "[{\"name\":\"x\",\"deep\":\(deep),\"after\":1},2]"
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        let value = try JSONValue.parse(text, options: JSONOptions(maximumDepth: 10, cutsDeeper: true))
        #expect(value.depth == 10)
        #expect(value[0]?["after"] == 1 && value[0]?["name"] == "x" && value[1] == 2)
        for length in 0..<text.utf8.count where length % 97 == 0 {
            let part = Array(text.utf8.prefix(length))
            #expect(throws: JSONError.self) {
                try JSONValue.parse(part, options: JSONOptions(maximumDepth: 10, cutsDeeper: true))
            }
        }
    }

    @Test func `are shown up to a length`() {
        let long = JSONValue.array((0..<100_000).map { .integer(Int64($0)) })
        #expect(long.excerpt(100).utf8.count < 110)
        #expect(JSONValue.string(String(repeating: "x", count: 100_000)).excerpt(100).utf8.count < 110)
        #expect((["a": [1, 2]] as JSONValue).excerpt(100) == "{\"a\":[1,2]}")
    }
}
