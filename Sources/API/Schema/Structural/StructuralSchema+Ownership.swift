// SPDX-License-Identifier: Apache-2.0

extension StructuralSchema {
    /// The type that server-side apply merges and owns objects by. `metadata` is the type of objects' metadata.
    public func typeSchema(named name: String, metadata: TypeSchema) -> TypeSchema {
        TypeSchema(
            name: name, fields: fields(named: name, metadata: metadata, isResource: true),
            preservesUnknownFields: preservesUnknownFields)
    }

    private func fields(named name: String, metadata: TypeSchema, isResource: Bool) -> [FieldSchema] {
        var fields: [FieldSchema] = []
        if isResource {
            fields = [
                FieldSchema(jsonName: "apiVersion", number: 0, type: .string),
                FieldSchema(jsonName: "kind", number: 0, type: .string),
                FieldSchema(jsonName: "metadata", number: 0, type: .object(metadata)),
            ]
        }
        for property in properties.keys.sorted() {
            guard let schema = properties[property], !fields.contains(where: { $0.jsonName == property }) else {
                continue
            }
            fields.append(
                FieldSchema(
                    jsonName: property, number: 0, type: schema.fieldType("\(name).\(property)", metadata),
                    omission: .absent, isPointer: true, defaultValue: schema.defaultValue,
                    listType: schema.type == "array" ? schema.listType : nil, listMapKeys: schema.listMapKeys,
                    isAtomic: schema.isAtomicMap))
        }
        return fields
    }

    private func fieldType(_ name: String, _ metadata: TypeSchema) -> FieldType {
        if isIntOrString { return .intOrString }
        switch type {
        case "string": return .string
        case "boolean": return .bool
        case "integer": return .int64
        case "number": return .double
        case "array": return .array(items?.fieldType(name, metadata) ?? .json)
        case "object":
            switch additional {
            case .schema(let schema)?: return .map(schema.fieldType(name, metadata))
            case .anything(true)?: return .map(.json)
            default: break
            }
            return .object(
                TypeSchema(
                    name: name, fields: fields(named: name, metadata: metadata, isResource: isEmbeddedResource),
                    preservesUnknownFields: preservesUnknownFields, isAtomic: isAtomicMap))
        default: return .json
        }
    }
}
