// SPDX-License-Identifier: Apache-2.0

/// Conditions on fields, all of which must hold: `status.phase=Running,metadata.name!=a`.
public struct FieldSelector: Sendable, Hashable, CustomStringConvertible {
    public struct Term: Sendable, Hashable {
        public var field: String
        public var value: String
        public var negated: Bool

        public init(field: String, value: String, negated: Bool = false) {
            self.field = field
            self.value = value
            self.negated = negated
        }
    }

    public let terms: [Term]

    public init(_ terms: [Term]) { self.terms = terms }

    public static let everything = FieldSelector([])
    public var isEverything: Bool { terms.isEmpty }

    /// Parses the value of `?fieldSelector=`; `\`, `,` and `=` in values are escaped with a backslash.
    public init(parsing text: String) throws(FieldSelectorError) {
        var terms: [Term] = []
        for part in Self.split(text).sorted() where !part.isEmpty {
            guard let (field, negated, raw) = Self.divide(part) else {
                throw FieldSelectorError("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            let value = try Self.unescape(raw)
            if field.isEmpty, value.isEmpty { continue }
            terms.append(Term(field: field, value: value, negated: negated))
        }
        self.init(terms)
    }

    /// Whether an object, given as a lookup of its fields' texts, satisfies the selector; absent is the empty text.
    public func matches(_ lookup: (String) -> String?) -> Bool {
        terms.allSatisfy { ((lookup($0.field) ?? "") == $0.value) != $0.negated }
    }

    /// The value the field must have, where the selector pins it: `metadata.name`, `spec.nodeName`.
    public func exactValue(of field: String) -> String? {
        terms.first { $0.field == field && !$0.negated }?.value
    }

    public var description: String {
        terms.map { $0.field + ($0.negated ? "!=" : "=") + Self.escape($0.value) }.joined(separator: ",")
    }

    // MARK: Text

    private static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var current = ""
        var escaped = false
        for scalar in text.unicodeScalars {
            if scalar == ",", !escaped {
                parts.append(current)
                current = ""
                continue
            }
            escaped = scalar == "\\" && !escaped
            current.unicodeScalars.append(scalar)
        }
        return parts + [current]
    }

    private static func divide(_ part: String) -> (field: String, negated: Bool, value: String)? {
        let bytes = Array(part.utf8)
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        for index in bytes.indices {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if bytes[index] == UInt8(ascii: "!"), next == UInt8(ascii: "=") {
                return (text(0..<index), true, text(index + 2..<bytes.count))
            }
            if bytes[index] == UInt8(ascii: "=") {
                let width = next == UInt8(ascii: "=") ? 2 : 1
                return (text(0..<index), false, text(index + width..<bytes.count))
            }
        }
        return nil
    }

    private static func escape(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            if scalar == "\\" || scalar == "," || scalar == "=" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private static func unescape(_ value: String) throws(FieldSelectorError) -> String {
        var result = ""
        var escaped = false
        for scalar in value.unicodeScalars {
            let special = scalar == "\\" || scalar == "," || scalar == "="
            if escaped {
                guard special else {
                    throw FieldSelectorError("invalid field selector: invalid escape sequence: \\\(scalar)")
                }
                escaped = false
            } else if scalar == "\\" {
                escaped = true
                continue
            } else if special {
                throw FieldSelectorError("invalid field selector: unescaped character in value: \(scalar.value)")
            }
            result.unicodeScalars.append(scalar)
        }
        guard !escaped else { throw FieldSelectorError("invalid field selector: invalid escape sequence: \\") }
        return result
    }
}

/// Why a text is no field selector, or not one this resource understands.
public struct FieldSelectorError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
