// SPDX-License-Identifier: Apache-2.0

public import Text

/// One JSON value.
///
/// Numbers follow Go's unstructured rule: a literal without fraction or exponent that fits 64 signed bits is `.integer`,
/// every other one is `.number`. Equality is exact: `1` and `1.0` differ, and strings are compared byte for byte.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    @inlinable public var isNull: Bool { if case .null = self { true } else { false } }

    /// The string, or nil for every other type.
    @inlinable public var string: String? { if case .string(let value) = self { value } else { nil } }

    @inlinable public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer; also a double without fraction that fits exactly.
    @inlinable public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number as a double, whichever of the two cases holds it.
    @inlinable public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    @inlinable public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    @inlinable public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The field `key` of an object; nil for every other type. Setting on something that is not an object makes it one;
    /// setting nil removes the field.
    @inlinable public subscript(key: String) -> JSONValue? {
        get { if case .object(let value) = self { value[key] } else { nil } }
        _modify {
            var inner: JSONObject
            var isObject = true
            if case .object(let value) = self {
                inner = value
                self = .null
            } else {
                inner = JSONObject()
                isObject = false
            }
            let before = self
            defer { self = isObject || !inner.isEmpty ? .object(inner) : before }
            yield &inner[key]
        }
    }

    /// The element `index` of an array; nil outside its bounds and for every other type. Setting outside is ignored.
    @inlinable public subscript(index: Int) -> JSONValue? {
        get {
            guard case .array(let items) = self, items.indices.contains(index) else { return nil }
            return items[index]
        }
        set {
            guard case .array(var items) = self, items.indices.contains(index) else { return }
            self = .null
            if let newValue { items[index] = newValue } else { items.remove(at: index) }
            self = .array(items)
        }
    }

    /// The value at a path of field names; nil where any of them is missing.
    public subscript(path path: [String]) -> JSONValue? {
        var value = self
        for key in path {
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }

    /// The JSON name of the value's type, as error texts want it.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONValue: Hashable {
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): sameBytes(a, b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .string(let value): value.hashBytes(into: &hasher)
        case .array(let value): hasher.combine(value)
        case .object(let value): value.hash(into: &hasher)
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { String(decoding: encoded(), as: UTF8.self) }
}

/// Whether two strings hold the same bytes. Swift's own `==` also calls canonically equivalent strings equal, which
/// JSON does not.
@inlinable @inline(__always)
func sameBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.isExactly(right)
}
