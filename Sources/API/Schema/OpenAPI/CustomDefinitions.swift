// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What OpenAPI says of custom resources: the schema as the definition has it, with the fields every object has.
enum CustomDefinitions {
    private static let objectMeta = OpenAPISchema.meta + "ObjectMeta"
    private static let listMeta = OpenAPISchema.meta + "ListMeta"

    static let references = [objectMeta, listMeta]

    /// The definitions of the objects and of their lists.
    static func make(_ resource: CustomResource, _ version: OpenAPIDocument.Version) -> (JSONValue, JSONValue) {
        var object: JSONObject
        if let written = resource.written, version == .v3 || !resource.schema.preservesUnknownFields {
            object = version == .v2 ? reduced(written) : unfolded(written)
            addResourceFields(&object, version)
            addEmbedded(&object, version)
        } else {
            // With fields of its own, clients would take those for all there are.
            object = ["type": "object"]
        }
        object["x-kubernetes-group-version-kind"] = [
            OpenAPIPaths.kindValue(resource.group, resource.version, resource.kind)
        ]
        if !resource.selectableFields.isEmpty {
            object["x-kubernetes-selectable-fields"] = .array(
                resource.selectableFields.map { ["fieldPath": .string($0)] })
        }
        let name = CustomResource.definitionName(
            group: resource.group, version: resource.version, kind: resource.kind)
        return (.object(object), list(resource, of: name, version))
    }

    private static func list(
        _ resource: CustomResource, of name: String, _ version: OpenAPIDocument.Version
    ) -> JSONValue {
        var object: JSONObject = [
            "description": .string("\(resource.listKind) is a list of \(resource.kind)"), "type": "object",
            "required": ["items"],
        ]
        object["properties"] = [
            "apiVersion": typeField("apiVersion"),
            "items": [
                "description": "The objects.", "type": "array", "items": OpenAPISchema.reference(name, version),
            ],
            "kind": typeField("kind"),
            "metadata": reference(listMeta, "Standard list metadata.", version),
        ]
        object["x-kubernetes-group-version-kind"] = [
            OpenAPIPaths.kindValue(resource.group, resource.version, resource.listKind)
        ]
        return .object(object)
    }

    private static func typeField(_ name: String) -> JSONValue {
        let text =
            name == "kind"
            ? "Kind names what the object is, in CamelCase."
            : "APIVersion defines the version of the schema that this object is written in."
        return ["description": .string(text), "type": "string"]
    }

    private static func reference(_ name: String, _ text: String, _ version: OpenAPIDocument.Version) -> JSONValue {
        let plain = OpenAPISchema.reference(name, version)
        // Beside a plain reference nothing else may stand in OpenAPI 3.
        var result: JSONValue = version == .v3 ? ["allOf": [plain]] : plain
        result["description"] = .string(text)
        return result
    }

    private static func addResourceFields(_ schema: inout JSONObject, _ version: OpenAPIDocument.Version) {
        var properties = schema["properties"]?.object ?? [:]
        properties["apiVersion"] = typeField("apiVersion")
        properties["kind"] = typeField("kind")
        properties["metadata"] = reference(objectMeta, "Standard object's metadata.", version)
        schema["properties"] = .object(properties.sortedByKey())
    }

    /// Embedded resources have the fields of every object too. In OpenAPI 2 not beside unknown fields: clients would
    /// refuse those.
    private static func addEmbedded(_ schema: inout JSONObject, _ version: OpenAPIDocument.Version) {
        change(&schema) { addEmbedded(&$0, version) }
        guard schema["x-kubernetes-embedded-resource"] == true else { return }
        if version == .v2, schema["x-kubernetes-preserve-unknown-fields"] == true { return }
        addResourceFields(&schema, version)
        var required = schema["required"]?.array ?? []
        for name in ["kind", "apiVersion"] where !required.contains(.string(name)) { required.append(.string(name)) }
        schema["required"] = .array(required)
    }

    /// Changes the schemas directly below.
    private static func change(_ schema: inout JSONObject, _ change: (inout JSONObject) -> Void) {
        func changed(_ value: JSONValue) -> JSONValue {
            guard case .object(var object) = value else { return value }
            change(&object)
            return .object(object)
        }
        schema.updateValues { key, value in
            switch (key, value) {
            case ("items", .object), ("additionalProperties", .object): return changed(value)
            case ("properties", .object(var properties)):
                properties.updateValues { _, property in changed(property) }
                return .object(properties)
            default: return value
            }
        }
    }

    /// For OpenAPI 3: the types that an int-or-string can have are written out.
    private static func unfolded(_ schema: JSONObject) -> JSONObject {
        var result = schema
        change(&result) { $0 = unfolded($0) }
        guard result["x-kubernetes-int-or-string"] == true else { return result }
        let types: JSONValue = [["type": "integer"], ["type": "string"]]
        let isSaid = result["anyOf"] == types || result["allOf"]?[0]?["anyOf"] == types
        if !isSaid {
            if result["anyOf"] == nil {
                result["anyOf"] = types
            } else {
                result["allOf"] = .array([["anyOf": types]] + (result["allOf"]?.array ?? []))
            }
        }
        return result
    }

    /// For OpenAPI 2: without what it cannot say, and without what its clients would read as forbidding other fields.
    private static func reduced(_ schema: JSONObject) -> JSONObject {
        var result = schema
        for field in ["allOf", "oneOf", "anyOf", "not"] { result[field] = nil }
        if result["nullable"] == true {
            for field in ["type", "nullable", "items", "properties"] { result[field] = nil }
        }
        if result["x-kubernetes-preserve-unknown-fields"] == true {
            for field in ["items", "properties"] { result[field] = nil }
            if result["type"] == "object" { result["type"] = nil }
        }
        if result["type"] == "array", result["items"] == nil { result["type"] = nil }
        let nullable = (result["properties"]?.object ?? [:]).filter { $0.value["nullable"] == true }.map(\.key)
        var required = (result["required"]?.array ?? []).filter { !nullable.contains($0.string ?? "") }
        if result["additionalProperties"]?["nullable"] == true { required = [] }
        result["required"] = required.isEmpty ? nil : .array(required)
        change(&result) { $0 = reduced($0) }
        return result
    }
}
