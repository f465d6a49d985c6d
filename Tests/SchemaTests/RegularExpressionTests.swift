// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Schema

@Suite(.timeLimit(.minutes(1))) struct `Regular expressions` {
    @Test(arguments: [
        ("a", "cab", true), ("^a$", "cab", false), ("^a*$", "", true), ("^(a|bc)+$", "abcbca", true),
        ("^(a|bc)+$", "abb", false), ("^a{2,3}$", "aa", true), ("^a{2,3}$", "aaaa", false), ("^a{2,}$", "a", false),
        ("^a{,2}$", "a{,2}", true), ("^.$", "\n", false), ("(?s)^.$", "\n", true), ("(?i)^straße$", "STRAße", true),
        ("^(?i:a)b$", "Ab", true), ("^(?i:a)b$", "AB", false), ("(?m)^b$", "a\nb", true), ("^b$", "a\nb", false),
        ("^[a-c^-]+$", "b^-", true), ("^[^a-c]$", "b", false), ("^[]a]$", "]", true), ("^[[:alpha:]_]+$", "a_Z", true),
        ("^[[:^alpha:]]$", "1", true), (#"^\d{3}-\w+\s$"#, "123-a_9 ", true), (#"^\D$"#, "1", false),
        (#"\bcat\b"#, "a cat", true), (#"\bcat\b"#, "concat", false), (#"^\x41\x{1F600}\101$"#, "A😀A", true),
        (#"^\p{Lu}\pL$"#, "Éa", true), (#"^\P{Lu}$"#, "a", true), (#"^\p{^Lu}$"#, "A", false),
        (#"^\Qa.b\E$"#, "a.b", true), (#"^\Qa.b\E$"#, "axb", false), (#"^\.\-\/$"#, ".-/", true),
        ("^(?P<name>a)(?:b)$", "ab", true), ("^(a?){30}a{30}$", String(repeating: "a", count: 30), true),
        ("", "anything", true), ("^$", "", true), ("^(|a)*$", "aa", true),
    ])
    func `match as RE2 does`(_ expression: String, _ text: String, _ isMatch: Bool) throws {
        #expect(try RegularExpression(expression).matches(text) == isMatch)
    }

    @Test(arguments: [
        ("(", "missing closing )"), (")", "unexpected )"), ("[a", "missing closing ]"), ("*", "missing argument"),
        ("a**", "invalid nested repetition operator"), ("a{2}{3}", "invalid nested repetition operator"),
        ("a{1001}", "invalid repeat count"), ("a{99999999999999999999}", "invalid repeat count"),
        ("a{3,2}", "invalid repeat count"), (#"\"#, "trailing backslash"), (#"\y"#, "invalid escape sequence"),
        ("[b-a]", "invalid character class range"), (#"\p{Nobody}"#, "invalid character class range"),
        ("[[:nobody:]]", "invalid character class range"), ("(?=a)", "Perl syntax"), ("(?<!a)", "invalid named"),
        (#"(a)\1"#, "invalid escape sequence"), ("(((a{1000}){1000}){1000})", "too large"),
        ("(((((){1000}){1000}){1000}){1000})", "too large"),
        (String(repeating: "(", count: 5000), "nests too deeply"),
    ])
    func `that cannot be read are refused with the reason`(_ expression: String, _ reason: String) throws {
        let error = try #require(throws: RegularExpressionError.self) { try RegularExpression(expression) }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test func `take time in proportion, however they repeat`() throws {
        let expression = try RegularExpression("^(a*)*(a|aa)*(a+)+b$")
        #expect(!expression.matches(String(repeating: "a", count: 20_000)))
    }

    @Test func `read damaged ones without harm`() {
        var random = Generator(state: 7)
        let alphabet = Array("ab()[]{}|*+?^$.\\-:,0123456789pPLuQEdwsix<>=!😀é")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int(random.next() % 24)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
            // Readable or not: what matters is that it ends, and that what is read can be matched.
            if let expression = try? RegularExpression(text) { _ = expression.matches("ab0-\n😀") }
        }
    }

    /// The same numbers each time.
    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }
}
