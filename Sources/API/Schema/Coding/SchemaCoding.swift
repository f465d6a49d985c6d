// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A value whose JSON type does not fit its field: the reason of a 400, in the words clients know.
public struct TypeMismatch: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where, without indices: `spec.containers.image`.
    public var path: String
    public var reason: String

    public var description: String { reason }
}

/// Reads JSON as an API server written in Go does: checks every value's type, finds unknown fields, drops null and
/// what the type leaves out when empty, and puts the rest in the type's order.
public enum SchemaCoding {
    public struct Decoded: Sendable {
        public var object: JSONObject
        /// The paths of the fields the schema does not know: `spec.containers[0].foo`. They are not in the object.
        public var unknownFields: [String]
    }

    /// What reading may be told.
    public struct Options: Sendable {
        /// Whether fields that are always written get their zero where they are absent. Off for bodies that mean only
        /// what they say: apply configurations and patches.
        public var fillsZeros: Bool
        /// The canonical text of a quantity, nil for what is none.
        public var canonicalQuantity: @Sendable (JSONValue) -> String?

        public init(
            fillsZeros: Bool = true,
            canonicalQuantity: @escaping @Sendable (JSONValue) -> String? = { value in
                switch value {
                case .string(let text): text
                case .integer, .number: value.description
                default: nil
                }
            }
        ) {
            self.fillsZeros = fillsZeros
            self.canonicalQuantity = canonicalQuantity
        }
    }

    public static func decode(
        _ object: JSONObject, as schema: TypeSchema, options: Options = Options()
    ) throws(TypeMismatch) -> Decoded {
        var reader = SchemaReader(options: options)
        let result = try reader.read(object, schema)
        return Decoded(object: result, unknownFields: reader.unknownFields)
    }

    /// Every complaint about a body: the first type error, else the unknown fields and the duplicate ones.
    public static func check(
        _ object: JSONObject, schema: TypeSchema, duplicates: [String] = []
    ) -> [FieldError] {
        do throws(TypeMismatch) {
            let decoded = try decode(object, as: schema, options: Options(fillsZeros: false))
            return decoded.unknownFields.map { FieldError(.invalid, path: $0, detail: "unknown field \($0.quoted)") }
                + duplicates.map { FieldError(.invalid, path: $0, detail: "duplicate field \($0.quoted)") }
        } catch {
            return [FieldError(.typeInvalid, path: error.path, detail: error.reason)]
        }
    }

    /// The object without the fields the schema does not know; values are left as they are.
    public static func prune(_ object: JSONObject, schema: TypeSchema) -> JSONObject {
        guard !schema.preservesUnknownFields else { return object }
        var result = object
        result.updateValues { key, value in
            guard let field = schema.field(named: key) else { return nil }
            return prune(value, field.type)
        }
        return result
    }

    private static func prune(_ value: JSONValue, _ type: FieldType) -> JSONValue {
        switch (type, value) {
        case (.object(let schema), .object(let object)), (.alternative(_, let schema), .object(let object)):
            return .object(prune(object, schema: schema))
        case (.array(let element), .array(let items)) where element.schema != nil:
            return .array(items.map { prune($0, element) })
        case (.map(let element), .object(let object)) where element.schema != nil:
            var result = object
            result.updateValues { _, value in prune(value, element) }
            return .object(result)
        default: return value
        }
    }

    /// `unknown field "spec.foo"` and `duplicate field "spec.replicas"`, one text a finding, as Warning headers carry
    /// them.
    public static func findings(unknown: [String], duplicate: [String]) -> [String] {
        unknown.map { "unknown field \($0.quoted)" } + duplicate.map { "duplicate field \($0.quoted)" }
    }

    /// The message of a refusal under strict field validation; nil when there is nothing to refuse.
    public static func strictMessage(unknown: [String], duplicate: [String]) -> String? {
        let all = findings(unknown: unknown, duplicate: duplicate)
        return all.isEmpty ? nil : "strict decoding error: " + all.joined(separator: ", ")
    }
}
