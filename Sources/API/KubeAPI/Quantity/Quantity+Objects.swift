// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

extension Quantity {
    /// Gives every quantity of an object the form it is stored in (`1000m` becomes `1`), as an API server does when it
    /// decodes one. Texts that are no quantities stay, for validation to refuse.
    public static func canonicalize(_ object: inout JSONObject, schema: TypeSchema) {
        for key in object.keys {
            guard let field = schema.field(named: key), mayHold(field.type), let value = object[key],
                let changed = canonical(value, field.type)
            else { continue }
            object[key] = changed
        }
    }

    /// Whether values of a type can have a quantity in them.
    private static func mayHold(_ type: FieldType) -> Bool {
        switch type {
        case .quantity, .object: true
        case .array(let element), .map(let element): mayHold(element)
        default: false
        }
    }

    /// The value with its quantities in canonical form; nil where nothing changes.
    private static func canonical(_ value: JSONValue, _ type: FieldType) -> JSONValue? {
        switch (type, value) {
        case (.quantity, .string(let text)):
            guard let form = canonical(text), form != text else { return .none }
            return .string(form)
        case (.quantity, .integer), (.quantity, .number): return canonical(value.description).map(JSONValue.string)
        case (.object(let schema), .object(let fields)):
            var copy = fields
            canonicalize(&copy, schema: schema)
            return copy == fields ? .none : .object(copy)
        case (.map(let element), .object(let fields)):
            var copy = fields
            for (key, value) in fields {
                if let changed = canonical(value, element) { copy[key] = changed }
            }
            return copy == fields ? .none : .object(copy)
        case (.array(let element), .array(let items)):
            var copy = items
            for (index, item) in items.enumerated() {
                if let changed = canonical(item, element) { copy[index] = changed }
            }
            return copy == items ? .none : .array(copy)
        default: return .none
        }
    }
}
