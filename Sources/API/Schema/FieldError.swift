// SPDX-License-Identifier: Apache-2.0

/// One complaint about one field of an object, as a Kubernetes API server words it.
///
/// `description` is what kubectl prints (`spec.replicas: Invalid value: -1: must be …`), `message` the part after the
/// path: the `message` of a Status cause, whose `reason` is `type.reason` and whose `field` is `path`.
public struct FieldError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, in general.
    public enum Kind: Sendable, Hashable, CaseIterable {
        case notFound, required, duplicate, invalid, notSupported, forbidden, tooLong, tooShort, tooMany, tooFew
        case internalError, typeInvalid

        /// The machine-readable cause, such as `FieldValueRequired`.
        public var reason: String {
            switch self {
            case .notFound: "FieldValueNotFound"
            case .required: "FieldValueRequired"
            case .duplicate: "FieldValueDuplicate"
            case .invalid: "FieldValueInvalid"
            case .notSupported: "FieldValueNotSupported"
            case .forbidden: "FieldValueForbidden"
            case .tooLong: "FieldValueTooLong"
            case .tooShort: "FieldValueTooShort"
            case .tooMany: "FieldValueTooMany"
            case .tooFew: "FieldValueTooFew"
            case .internalError: "InternalError"
            case .typeInvalid: "FieldValueTypeInvalid"
            }
        }

        /// The words a person sees, such as `Required value`.
        public var title: String {
            switch self {
            case .notFound: "Not found"
            case .required: "Required value"
            case .duplicate: "Duplicate value"
            case .invalid, .typeInvalid: "Invalid value"
            case .notSupported: "Unsupported value"
            case .forbidden: "Forbidden"
            case .tooLong: "Too long"
            case .tooShort: "Too short"
            case .tooMany: "Too many"
            case .tooFew: "Too few"
            case .internalError: "Internal error"
            }
        }

        /// Whether the offending value is part of the message.
        var showsValue: Bool {
            switch self {
            case .required, .forbidden, .tooLong, .tooShort, .internalError: false
            default: true
            }
        }
    }

    public var type: Kind
    /// `spec.containers[0].name`; `<nil>` for the object as a whole.
    public var path: String
    /// The offending value as it is shown: a quoted string, a number, or JSON. Nil where there is none to show.
    public var value: String?
    public var detail: String

    public init(_ type: Kind, path: String, value: String? = nil, detail: String = "") {
        self.type = type
        self.path = path
        self.value = value
        self.detail = detail
    }

    /// The complaint without the path.
    public var message: String {
        var text = type.title
        if type.showsValue, let value { text += ": " + value }
        if !detail.isEmpty { text += ": " + detail }
        return text
    }

    public var description: String { path + ": " + message }
}

extension Sequence where Element == FieldError {
    /// All complaints as one text: alone when there is one, `[a, b]` otherwise, without repetitions.
    public var aggregated: String {
        var seen: Set<String> = []
        var texts: [String] = []
        for error in self where seen.insert(error.description).inserted { texts.append(error.description) }
        return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
    }
}

/// Where a value is inside an object; turned into text only when there is something to complain about.
public indirect enum FieldPath: Sendable, Hashable, CustomStringConvertible {
    case root
    case child(FieldPath, String)
    case index(FieldPath, Int)
    case key(FieldPath, String)

    public init(_ name: String) { self = .child(.root, name) }

    public subscript(name: String) -> FieldPath { .child(self, name) }
    public subscript(index: Int) -> FieldPath { .index(self, index) }
    public func key(_ key: String) -> FieldPath { .key(self, key) }

    public var description: String {
        if case .root = self { return "<nil>" }
        var text = ""
        write(into: &text)
        return text
    }

    private func write(into text: inout String) {
        switch self {
        case .root: break
        case .child(let parent, let name):
            parent.write(into: &text)
            if !text.isEmpty { text += "." }
            text += name
        case .index(let parent, let index):
            parent.write(into: &text)
            text += "[\(index)]"
        case .key(let parent, let key):
            parent.write(into: &text)
            text += "[\(key)]"
        }
    }
}

extension String {
    /// The string in double quotes with the escapes Go's `%q` uses, which is what clients see in messages.
    public var quoted: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0B}": result += "\\v"
            case "\u{0C}": result += "\\f"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                result += "\\x" + String.hexadecimal(scalar.value, width: 2)
            case _ where scalar.isUnprintable:
                let wide = scalar.value > 0xFFFF
                result += (wide ? "\\U" : "\\u") + String.hexadecimal(scalar.value, width: wide ? 8 : 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func hexadecimal(_ value: UInt32, width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}

extension Unicode.Scalar {
    /// Whether Go would show the character by its number.
    fileprivate var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        case .spaceSeparator: self != " "
        default: false
        }
    }
}
