// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// How the values at one place are owned and merged.
indirect enum MergeSchema: Sendable {
    case scalar
    /// An object or list that is one unit.
    case atomic
    /// No schema: objects field by field, lists as units.
    case deduced
    case structure(TypeSchema)
    /// Free keys, each its own.
    case map(MergeSchema)
    /// A list of scalars, each its own.
    case set
    /// A list of objects, told apart by the values of these fields.
    case associative([String], TypeSchema)

    init(_ schema: TypeSchema?) {
        guard let schema else {
            self = .deduced
            return
        }
        self.init(type: .object(schema))
    }

    init(type: FieldType) {
        switch type {
        case .object(let schema):
            if schema.isAtomic {
                self = .atomic
            } else {
                self = schema.preservesUnknownFields && schema.fields.isEmpty ? .deduced : .structure(schema)
            }
        case .map(let element): self = .map(MergeSchema(type: element))
        case .array, .rawExtension: self = .atomic
        case .json: self = .deduced
        default: self = .scalar
        }
    }

    init(field: FieldSchema) {
        if field.isAtomic {
            self = .atomic
            return
        }
        if field.isGranular, case .object(let schema) = field.type {
            self = .structure(schema)
            return
        }
        guard case .array(let element) = field.type else {
            self.init(type: field.type)
            return
        }
        switch (field.listType, element) {
        case (.set?, _): self = .set
        case (.map?, .object(let schema)): self = .associative(field.listMapKeys, schema)
        default: self = .atomic
        }
    }

    /// The schema of a field; nil where the type has no such field.
    func field(_ name: String) -> MergeSchema? {
        switch self {
        case .structure(let schema):
            schema.field(named: name).map(MergeSchema.init(field:))
                ?? (schema.preservesUnknownFields ? .deduced : nil)
        case .map(let element): element
        case .deduced: .deduced
        default: nil
        }
    }

    /// Whether the name is a declared field rather than a free key.
    func declares(_ name: String) -> Bool {
        if case .structure(let schema) = self { schema.field(named: name) != nil } else { false }
    }

    /// The schema of what a path element leads to.
    func below(_ element: PathElement) -> MergeSchema {
        switch (self, element) {
        case (_, .field(let name)): field(name) ?? .deduced
        case (.associative(_, let schema), _): MergeSchema(schema)
        default: .deduced
        }
    }

    /// The schema of a list's elements.
    var element: MergeSchema {
        if case .associative(_, let schema) = self { MergeSchema(schema) } else { .scalar }
    }

    /// How ownership names a list's element; nil for an element without identity.
    func identity(of item: JSONValue) -> PathElement? {
        switch self {
        case .associative(let keys, let schema):
            guard case .object(let fields) = item else { return nil }
            var parts: [PathElement.KeyField] = []
            for key in keys.sorted() {
                let value = fields[key] ?? schema.field(named: key)?.defaultValue
                guard let value, !value.isNull else { continue }
                parts.append(PathElement.KeyField(name: key, value: value))
            }
            return parts.isEmpty ? nil : .key(parts)
        case .set:
            switch item {
            case .null, .array, .object: return nil
            default: return .value(item)
            }
        default: return nil
        }
    }

    /// What a value is to the schema, once its own type is known.
    enum Shape {
        case leaf
        case object(JSONObject)
        case list([JSONValue])
    }

    func shape(of value: JSONValue?) -> Shape {
        switch (self, value) {
        case (.structure, .object(let fields)?), (.map, .object(let fields)?), (.deduced, .object(let fields)?):
            .object(fields)
        case (.set, .array(let items)?), (.associative, .array(let items)?): .list(items)
        default: .leaf
        }
    }

    /// Whether an absent or empty value of this schema would be descended into.
    var isGranular: Bool {
        switch self {
        case .scalar, .atomic: false
        default: true
        }
    }
}
