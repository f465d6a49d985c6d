// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Fills the defaults the tables state, from the outside in.
public enum SchemaDefaults {
    /// What a type needs beyond constants; called with each object of the type before its fields are looked at.
    public typealias Hook = @Sendable (inout JSONObject) -> Void

    /// Fills `object` and everything in it. `hooks` are keyed by the types' full names.
    public static func fill(_ object: inout JSONObject, schema: TypeSchema, hooks: [String: Hook] = [:]) {
        hooks[schema.name]?(&object)
        for field in schema.defaultedFields where isUnset(object[field.jsonName], field) {
            object[field.jsonName] = field.defaultValue
        }
        object.updateValues { key, value in
            switch value {
            case .object, .array: break
            default: return value
            }
            guard let field = schema.field(named: key), field.type.schema != nil else { return value }
            var value = value
            value.fillDefaults(field.type, hooks)
            return value
        }
    }

    private static func isUnset(_ value: JSONValue?, _ field: FieldSchema) -> Bool {
        switch value {
        case nil, .null?: true
        // Where zero and absent are the same, zero is what the default replaces.
        case .string(let text)?: !field.isPointer && text.isEmpty
        case .integer(let number)?: !field.isPointer && number == 0
        case .array(let items)?: items.isEmpty
        default: false
        }
    }
}

extension JSONValue {
    fileprivate mutating func fillDefaults(_ type: FieldType, _ hooks: [String: SchemaDefaults.Hook]) {
        // The value is taken out while it changes, so that nothing is copied.
        switch (type, self) {
        case (.object(let schema), .object(var object)):
            self = .null
            SchemaDefaults.fill(&object, schema: schema, hooks: hooks)
            self = .object(object)
        case (.array(let element), .array(var items)):
            self = .null
            for index in items.indices { items[index].fillDefaults(element, hooks) }
            self = .array(items)
        case (.map(let element), .object(var entries)):
            self = .null
            entries.updateValues { _, value in
                var value = value
                value.fillDefaults(element, hooks)
                return value
            }
            self = .object(entries)
        default: break
        }
    }
}
