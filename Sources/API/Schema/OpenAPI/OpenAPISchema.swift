// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Definitions of types.
enum OpenAPISchema {
    static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    private static let extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
    private static let quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    private static let intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
    private static let rawExtension = "io.k8s.apimachinery.pkg.runtime.RawExtension"

    /// The types whose JSON is not an object of their fields.
    static func special(_ name: String, _ version: OpenAPIDocument.Version) -> JSONValue? {
        switch name {
        case meta + "Time", meta + "MicroTime": ["type": "string", "format": "date-time"]
        case meta + "FieldsV1", rawExtension, meta + "Patch": ["type": "object"]
        case meta + "Duration": ["type": "string"]
        case quantity:
            version == .v2 ? ["type": "string"] : ["oneOf": [["type": "string"], ["type": "number"]]]
        case intOrString:
            version == .v2
                ? ["type": "string", "format": "int-or-string"]
                : ["format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]]]
        case extensions + "JSON", extensions + "JSONSchemaPropsOrArray", extensions + "JSONSchemaPropsOrBool",
            extensions + "JSONSchemaPropsOrStringArray":
            [:]
        default: nil
        }
    }

    /// What is said of fields whose tables say nothing.
    private static let descriptions = [
        meta + "ObjectMeta.creationTimestamp":
            "CreationTimestamp is a timestamp of when the server stored the object, in UTC."
    ]

    /// What the special types' users may need besides.
    static let specialReferences: [String: [String]] = [
        extensions + "JSONSchemaPropsOrArray": [extensions + "JSONSchemaProps"]
    ]

    static func definition(
        _ type: TypeSchema, _ kinds: [JSONValue], _ version: OpenAPIDocument.Version, _ references: inout Set<String>
    ) -> JSONValue {
        var result = JSONObject()
        if !type.description.isEmpty { result["description"] = .string(type.description) }
        result["type"] = "object"
        let required = type.fields.filter(\.isRequired).map { JSONValue.string($0.jsonName) }
        if !required.isEmpty { result["required"] = .array(required) }
        if !type.fields.isEmpty {
            let sorted = type.fields.sorted { $0.jsonName < $1.jsonName }
            var properties = JSONObject(minimumCapacity: sorted.count)
            for field in sorted { properties[field.jsonName] = property(field, type, version, &references) }
            result["properties"] = .object(properties)
        }
        if !kinds.isEmpty { result["x-kubernetes-group-version-kind"] = .array(kinds) }
        if type.isAtomic { result["x-kubernetes-map-type"] = "atomic" }
        if type.preservesUnknownFields { result["x-kubernetes-preserve-unknown-fields"] = true }
        return .object(result)
    }

    private static func property(
        _ field: FieldSchema, _ owner: TypeSchema, _ version: OpenAPIDocument.Version,
        _ references: inout Set<String>
    ) -> JSONValue {
        var result = schema(field.type, owner, version, &references).object ?? JSONObject()
        let description =
            field.description.isEmpty ? descriptions["\(owner.name).\(field.jsonName)"] : field.description
        if let description {
            // Beside a plain reference nothing else may stand in OpenAPI 3.
            if version == .v3, let reference = result["$ref"] { result = ["allOf": [["$ref": reference]]] }
            result["description"] = .string(description)
        }
        if version == .v3, !field.enumValues.isEmpty, case .string = field.type {
            result["enum"] = .array(field.enumValues.map { .string($0) })
        }
        if let listType = field.listType { result["x-kubernetes-list-type"] = .string(listType.rawValue) }
        if !field.listMapKeys.isEmpty {
            result["x-kubernetes-list-map-keys"] = .array(field.listMapKeys.map { .string($0) })
        }
        if let key = field.patchMergeKey { result["x-kubernetes-patch-merge-key"] = .string(key) }
        if !field.patchStrategy.isEmpty {
            var names: [String] = []
            if field.patchStrategy.contains(.merge) { names.append("merge") }
            if field.patchStrategy.contains(.retainKeys) { names.append("retainKeys") }
            if field.patchStrategy.contains(.replace) { names.append("replace") }
            result["x-kubernetes-patch-strategy"] = .string(names.joined(separator: ","))
        }
        if field.isAtomic { result["x-kubernetes-map-type"] = "atomic" }
        if field.isGranular { result["x-kubernetes-map-type"] = "granular" }
        return .object(result)
    }

    private static func schema(
        _ type: FieldType, _ owner: TypeSchema, _ version: OpenAPIDocument.Version, _ references: inout Set<String>
    ) -> JSONValue {
        func reference(_ name: String) -> JSONValue {
            references.insert(name)
            return Self.reference(name, version)
        }
        switch type {
        case .string: return ["type": "string"]
        case .bytes: return ["type": "string", "format": "byte"]
        case .bool: return ["type": "boolean"]
        case .int32: return ["type": "integer", "format": "int32"]
        case .int64: return ["type": "integer", "format": "int64"]
        case .double: return ["type": "number", "format": "double"]
        case .quantity: return reference(quantity)
        case .intOrString: return reference(intOrString)
        case .time: return reference(meta + "Time")
        case .microTime: return reference(meta + "MicroTime")
        case .duration: return reference(meta + "Duration")
        case .rawExtension: return reference(rawExtension)
        case .json: return reference(owner.name.hasPrefix(extensions) ? extensions + "JSON" : meta + "FieldsV1")
        case .object(let schema): return reference(schema.name)
        case .alternative(let other, _):
            switch other {
            case .array: return reference(extensions + "JSONSchemaPropsOrArray")
            case .bool: return reference(extensions + "JSONSchemaPropsOrBool")
            case .strings: return reference(extensions + "JSONSchemaPropsOrStringArray")
            }
        case .array(let element):
            return ["type": "array", "items": schema(element, owner, version, &references)]
        case .map(let element):
            return ["type": "object", "additionalProperties": schema(element, owner, version, &references)]
        }
    }

    static func reference(_ name: String, _ version: OpenAPIDocument.Version) -> JSONValue {
        ["$ref": .string((version == .v2 ? "#/definitions/" : "#/components/schemas/") + name)]
    }
}
