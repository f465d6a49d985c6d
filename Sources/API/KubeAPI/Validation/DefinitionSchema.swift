// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// What a schema in a CustomResourceDefinition must be: structural, and made of what the server can hold objects to.
struct DefinitionSchema {
    var errors: [FieldError] = []

    private enum Level {
        case root, item, field

        var emptyType: String {
            switch self {
            case .root: "must not be empty at the root"
            case .item: "must not be empty for specified array items"
            case .field: "must not be empty for specified object fields"
            }
        }
    }

    static func validate(_ schema: JSONValue, _ path: FieldPath, hasStatus: Bool) -> [FieldError] {
        var rules = DefinitionSchema()
        if schema["nullable"] == true {
            rules.errors.append(.forbidden(path["nullable"], "nullable cannot be true at the root"))
        }
        rules.structure(schema, .root, path)
        rules.features(schema, path, isRoot: true)
        if rules.errors.isEmpty { rules.defaults(schema, path, level: 1) }
        return rules.errors.sorted { $0.description < $1.description }
    }

    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    // MARK: Structure

    private mutating func structure(_ schema: JSONValue, _ level: Level, _ path: FieldPath) {
        let type = schema["type"]?.string ?? ""
        let isEmbedded = schema["x-kubernetes-embedded-resource"] == true
        let isIntOrString = schema["x-kubernetes-int-or-string"] == true
        let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true
        if type == "array", schema["items"] == nil { errors.append(.required(path["items"], "must be specified")) }
        if let items = schema["items"], items.object != nil { structure(items, .item, path["items"]) }
        for (name, property) in schema["properties"]?.object ?? [:] {
            structure(property, .field, path["properties"].key(name))
        }
        if let additional = schema["additionalProperties"] {
            if level == .root {
                errors.append(.forbidden(path["additionalProperties"], "must not be used at the root"))
            }
            if additional.object != nil { structure(additional, .field, path["additionalProperties"]) }
        }
        if isIntOrString, preserves {
            errors.append(
                .invalid(
                    path["x-kubernetes-preserve-unknown-fields"], json: true,
                    "must be false if x-kubernetes-int-or-string is true"))
        }
        if isEmbedded, type != "object" {
            let complaint = "must be object if x-kubernetes-embedded-resource is true"
            errors.append(
                type.isEmpty ? .required(path["type"], complaint) : .invalid(path["type"], type, complaint))
        } else if type.isEmpty, !isIntOrString, !preserves {
            errors.append(.required(path["type"], level.emptyType))
        }
        if level == .root, !type.isEmpty, type != "object" {
            errors.append(.invalid(path["type"], type, "must be object at the root"))
        }
        if level == .root || isEmbedded { resourceFields(schema, level, path) }
        if isEmbedded, !preserves, schema["properties"]?.object?.isEmpty ?? true {
            errors.append(
                .required(
                    path["properties"],
                    "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
                ))
        }
        junctions(schema, within: schema, at: path, path)
    }

    private mutating func resourceFields(_ schema: JSONValue, _ level: Level, _ path: FieldPath) {
        for name in ["kind", "apiVersion"] {
            guard let field = schema["properties"]?[name], field["type"] != "string" else { continue }
            errors.append(
                .invalid(path["properties"].key(name)["type"], field["type"]?.string ?? "", "must be string"))
        }
        guard let metadata = schema["properties"]?["metadata"] else { return }
        let place = path["properties"].key("metadata")
        if metadata["type"] != "object" {
            errors.append(.invalid(place["type"], metadata["type"]?.string ?? "", "must be object"))
        }
        guard level == .root else { return }
        let names = (metadata["properties"]?.object ?? [:]).map(\.key)
        let others = (metadata.object ?? [:]).filter { !["type", "properties", "description"].contains($0.key) }
        if !names.allSatisfy({ $0 == "name" || $0 == "generateName" }) || !others.isEmpty {
            errors.append(
                .forbidden(
                    place,
                    "must not specify anything other than name and generateName, but metadata is implicitly specified"
                ))
        }
    }

    // MARK: allOf, anyOf, oneOf, not

    private static let intOrString: JSONValue = [["type": "integer"], ["type": "string"]]

    /// What stands below a junction may only restrict what the structure names.
    private mutating func junctions(
        _ rules: JSONValue, within structure: JSONValue, at structurePath: FieldPath, _ path: FieldPath
    ) {
        if let pattern = rules["pattern"]?.string, !pattern.isEmpty {
            do throws(RegularExpressionError) {
                _ = try RegularExpression(pattern)
            } catch {
                errors.append(
                    .invalid(
                        path["pattern"], pattern, "must be a valid regular expression, but isn't: \(error)"))
            }
        }
        for junction in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (rules[junction]?.array ?? []).enumerated() {
                // The ways to say that an int-or-string is one of the two.
                if structure["x-kubernetes-int-or-string"] == true {
                    if junction == "anyOf", rules["anyOf"] == Self.intOrString { continue }
                    if junction == "allOf", inner["anyOf"] == Self.intOrString { continue }
                }
                restriction(inner, within: structure, at: structurePath, path[junction][index])
            }
        }
        if let inner = rules["not"], inner.object != nil {
            restriction(inner, within: structure, at: structurePath, path["not"])
        }
    }

    private static let forbidden: [(field: String, complaint: String)] = [
        ("type", "must be empty to be structural"), ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"), ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"), ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ]

    private mutating func restriction(
        _ rules: JSONValue, within structure: JSONValue, at structurePath: FieldPath, _ path: FieldPath
    ) {
        for (field, complaint) in Self.forbidden where rules[field] != nil && rules[field] != false {
            errors.append(.forbidden(path[field], complaint))
        }
        for (name, inner) in rules["properties"]?.object ?? [:] {
            let place = path["properties"].key(name)
            if name == "metadata" { errors.append(.forbidden(place, "must not be specified in a nested context")) }
            below(inner, structure["properties"]?[name], structurePath["properties"].key(name), place)
        }
        if let items = rules["items"], items.object != nil {
            below(items, structure["items"], structurePath["items"], path["items"])
        }
        junctions(rules, within: structure, at: structurePath, path)
    }

    private mutating func below(
        _ rules: JSONValue, _ structure: JSONValue?, _ structurePath: FieldPath, _ path: FieldPath
    ) {
        if let structure {
            restriction(rules, within: structure, at: structurePath, path)
        } else {
            errors.append(.required(structurePath, "because it is defined in \(path)"))
        }
    }

    // MARK: Features

    private static let unsupported = [
        "id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref",
    ]

    private mutating func features(_ schema: JSONValue, _ path: FieldPath, isRoot: Bool) {
        for field in Self.unsupported where schema[field] != nil {
            errors.append(.forbidden(path[field], "\(field) is not supported"))
        }
        let type = schema["type"]?.string ?? ""
        if !type.isEmpty, !Self.types.contains(type) {
            errors.append(.notSupported(path["type"], type, Self.types))
        }
        if schema["uniqueItems"] == true {
            errors.append(
                .forbidden(
                    path["uniqueItems"],
                    "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
        }
        if schema["items"]?.array != nil {
            errors.append(.forbidden(path["items"], "items must be a schema object and not an array"))
        }
        if let additional = schema["additionalProperties"], additional != true,
            schema["properties"]?.object?.isEmpty == false
        {
            errors.append(
                .forbidden(path["additionalProperties"], "additionalProperties and properties are mutual exclusive"))
        }
        // Stored but not held to, they would protect nobody who relies on them.
        if schema["x-kubernetes-validations"]?.array?.isEmpty == false {
            errors.append(
                .forbidden(path["x-kubernetes-validations"], "this server does not evaluate CEL expressions"))
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == false {
            errors.append(
                .invalid(
                    path["x-kubernetes-preserve-unknown-fields"], json: false, "must be true or undefined"))
        }
        listsAndMaps(schema, type, path)
        for (name, property) in schema["properties"]?.object ?? [:] {
            let place = path["properties"].key(name)
            if isRoot, ["metadata", "kind", "apiVersion"].contains(name), property["default"] != nil {
                errors.append(.forbidden(place["default"], "must not be set in top-level \(name)"))
            }
            features(property, place, isRoot: false)
        }
        for field in ["items", "additionalProperties", "not"] {
            if let inner = schema[field], inner.object != nil { features(inner, path[field], isRoot: false) }
        }
        for field in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (schema[field]?.array ?? []).enumerated() {
                features(inner, path[field][index], isRoot: false)
            }
        }
    }

    // MARK: Defaults

    /// A default must itself satisfy the schema it stands in.
    ///
    /// `level` is how deep in an object the schema stands: what is filled in must leave the object one that can be stored,
    /// and read after the definition was changed.
    private mutating func defaults(_ schema: JSONValue, _ path: FieldPath, level: Int) {
        if let value = schema["default"] {
            if level + value.depth > JSONDepth.stored {
                errors.append(.forbidden(path["default"], "must not nest objects more than \(JSONDepth.stored) deep"))
            }
            var wrapped: JSONObject = ["value": value]
            let holder = StructuralSchema(["type": "object", "properties": ["value": schema]])
            var dropped: [String] = []
            holder.prune(&wrapped, dropped: &dropped)
            if let first = dropped.first {
                errors.append(
                    .invalid(path["default"], json: value, "must not have unknown fields: \(first.dropFirst(6))"))
            }
            for error in holder.validate(wrapped) {
                let place = error.path.replacing(prefix: "value", with: path["default"].description)
                errors.append(FieldError(error.type, path: place, value: error.value, detail: error.detail))
            }
        }
        for (name, property) in schema["properties"]?.object ?? [:] {
            defaults(property, path["properties"].key(name), level: level + 1)
        }
        for field in ["items", "additionalProperties"] {
            if let inner = schema[field], inner.object != nil { defaults(inner, path[field], level: level + 1) }
        }
    }
}

extension String {
    fileprivate func replacing(prefix: String, with text: String) -> String {
        hasPrefix(prefix) ? text + dropFirst(prefix.count) : text
    }
}
