// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What an unquoted word means in YAML 1.1, and so which strings need quotes.
enum YAMLScalar {
    private static let tagPrefix = "tag:yaml.org,2002:"

    static func resolve(_ event: YAMLEvent) throws(YAMLError) -> JSONValue {
        switch event.tag {
        case "", "!":
            return event.isPlain && event.tag.isEmpty ? plain(event.text) : .string(event.text)
        case tagPrefix + "str": return .string(event.text)
        case tagPrefix + "binary":
            // Bytes stay base64 in JSON; blanks inside the text are layout.
            return .string(String(event.text.filter { !$0.isWhitespace }))
        case tagPrefix + "null": return .null
        case tagPrefix + "bool", tagPrefix + "int", tagPrefix + "float", tagPrefix + "timestamp":
            let value = plain(event.text)
            if event.tag == tagPrefix + "float", case .integer(let number) = value { return .number(Double(number)) }
            let fits =
                switch (event.tag.dropFirst(tagPrefix.count), value) {
                case ("bool", .bool), ("int", .integer), ("float", .number), ("timestamp", .string): true
                default: false
                }
            if fits { return value }
            throw YAMLError(
                line: event.line,
                reason: "cannot decode '\(event.text)' as a !!\(event.tag.dropFirst(tagPrefix.count))")
        default:
            // Tags of applications mean nothing to JSON.
            return event.isPlain ? plain(event.text) : .string(event.text)
        }
    }

    /// The value of a plain word.
    static func plain(_ text: String) -> JSONValue {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text) ?? .string(text)
        default: return words[text] ?? .string(text)
        }
    }

    private static let words: [String: JSONValue] = {
        var words: [String: JSONValue] = ["~": .null, "null": .null, "Null": .null, "NULL": .null]
        for text in ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"] {
            words[text] = .bool(true)
        }
        for text in ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"] {
            words[text] = .bool(false)
        }
        // The single letters stay strings in the reader upstream uses.
        for text in ["y", "Y", "n", "N"] { words[text] = nil }
        return words
    }()

    private static func number(_ text: String) -> JSONValue? {
        let plain = text.contains("_") ? text.replacing("_", with: "") : text
        if let integer = integer(plain) { return integer }
        return float(plain)
    }

    private static func integer(_ text: String) -> JSONValue? {
        var digits = Substring(text)
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            digits.removeFirst()
        }
        guard let first = digits.utf8.first, first >= 0x30, first <= 0x39 else { return nil }
        var radix = 10
        if digits.utf8.count > 1, first == 0x30 {
            let second = digits.utf8[digits.utf8.index(after: digits.utf8.startIndex)]
            switch second {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, digits) = (16, digits.dropFirst(2))
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, digits) = (2, digits.dropFirst(2))
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, digits) = (8, digits.dropFirst(2))
            default: (radix, digits) = (8, digits.dropFirst())
            }
        }
        guard let lead = digits.utf8.first, lead != 0x2B, lead != 0x2D else { return nil }
        if let value = Int64(sign + digits, radix: radix) { return .integer(value) }
        if sign.isEmpty, let value = UInt64(digits, radix: radix) { return .number(Double(value)) }
        return nil
    }

    private static func float(_ text: String) -> JSONValue? {
        var sawDigit = false
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39: sawDigit = true
            case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): break
            // An exponent only after a digit: `.e5` and `-e` are words.
            case UInt8(ascii: "e"), UInt8(ascii: "E"): guard sawDigit else { return nil }
            default: return nil
            }
        }
        guard sawDigit, let value = Double(text.hasPrefix("+") ? String(text.dropFirst()) : text), value.isFinite else {
            return nil
        }
        return .number(value)
    }

    /// Whether a string survives being written without quotes.
    static func isSafePlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        if first == 0x20 || last == 0x20 || last == UInt8(ascii: ":") { return false }
        switch first {
        case UInt8(ascii: "!"), UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "|"),
            UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: ":"):
            return false
        case UInt8(ascii: "-"), UInt8(ascii: "?"):
            let second = text.utf8.dropFirst().first
            if second == nil || second == 0x20 || text.hasPrefix("---") { return false }
        case UInt8(ascii: ".") where text.hasPrefix("..."): return false
        default: break
        }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F { return false }
            if previous == UInt8(ascii: ":"), byte == 0x20 { return false }
            if previous == 0x20, byte == UInt8(ascii: "#") { return false }
            previous = byte
        }
        if text.unicodeScalars.contains(where: { $0.value >= 0x80 && !isPrintable($0) }) { return false }
        if text == "<<" || isBase60(text) || isTimestamp(text) { return false }
        if ["y", "Y", "n", "N", ".inf", ".Inf", ".INF", "-.inf", "+.inf", ".nan", ".NaN", ".NAN"].contains(text) {
            return false
        }
        return plain(text) == .string(text)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x85, 0x2028, 0x2029, 0xFEFF: false
        case 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// `12:30:45` is a number to YAML 1.1 readers that know base 60.
    private static func isBase60(_ text: String) -> Bool {
        guard text.contains(":") else { return false }
        return text.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x3A || $0 == 0x2E || $0 == 0x2B || $0 == 0x2D
        }
    }

    /// A date at the start: other readers would make it a time.
    private static func isTimestamp(_ text: String) -> Bool {
        let bytes = Array(text.utf8.prefix(10))
        guard bytes.count >= 8, bytes[4] == 0x2D else { return false }
        return bytes[0..<4].allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && text.contains("-")
            && bytes[5] >= 0x30 && bytes[5] <= 0x39
    }
}
