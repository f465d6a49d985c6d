// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// What a definition may say of how lists and maps are merged.
extension DefinitionSchema {
    mutating func listsAndMaps(_ schema: JSONValue, _ type: String, _ path: FieldPath) {
        func check(_ extension: String, _ wanted: String, _ values: [String]) {
            guard let value = schema[`extension`]?.string else { return }
            if type != wanted {
                let complaint = "must be \(wanted) if \(`extension`) is specified"
                errors.append(
                    type.isEmpty ? .required(path["type"], complaint) : .invalid(path["type"], type, complaint))
            }
            if !values.contains(value) { errors.append(.notSupported(path[`extension`], value, values)) }
        }
        check("x-kubernetes-map-type", "object", ["atomic", "granular"])
        check("x-kubernetes-list-type", "array", ["atomic", "set", "map"])
        let listType = schema["x-kubernetes-list-type"]?.string
        let items = schema["items"]
        if listType == "set", type == "array" {
            if items?["type"] == "object", items?["x-kubernetes-map-type"] != "atomic" {
                errors.append(
                    .invalid(
                        path["items"]["x-kubernetes-map-type"], json: items?["x-kubernetes-map-type"],
                        "must be atomic as item of a list with x-kubernetes-list-type=set"))
            }
            if items?["nullable"] == true {
                errors.append(
                    .forbidden(path["items"]["nullable"], "cannot be nullable when x-kubernetes-list-type is set"))
            }
        }
        let keys = schema["x-kubernetes-list-map-keys"]?.array ?? []
        if !keys.isEmpty, listType != "map" {
            let place = path["x-kubernetes-list-type"]
            let complaint = "must be map if x-kubernetes-list-map-keys is non-empty"
            errors.append(listType.map { .invalid(place, $0, complaint) } ?? .required(place, complaint))
        }
        if listType == "map" { mapKeys(schema, keys, path) }
    }

    private mutating func mapKeys(_ schema: JSONValue, _ keys: [JSONValue], _ path: FieldPath) {
        let place = path["x-kubernetes-list-map-keys"]
        if keys.isEmpty {
            errors.append(.required(place, "must not be empty if x-kubernetes-list-type is map"))
        }
        guard let items = schema["items"] else {
            errors.append(.required(path["items"], "must have a schema if x-kubernetes-list-type is map"))
            return
        }
        guard items["type"] == "object" else {
            errors.append(
                .invalid(
                    path["items"]["type"], items["type"]?.string ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map"))
            return
        }
        if Set(keys).count != keys.count {
            errors.append(.invalid(place, json: .array(keys), "must not contain duplicate entries"))
        }
        let required = items["required"]?.array ?? []
        for key in keys {
            let name = key.string ?? ""
            guard let property = items["properties"]?[name] else {
                errors.append(.invalid(place, json: .array(keys), "entries must all be names of item properties"))
                continue
            }
            let propertyPath = path["items"]["properties"].key(name)
            if ["array", "object"].contains(property["type"]?.string) {
                errors.append(
                    .invalid(
                        propertyPath["type"], items["type"]?.string ?? "",
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"))
            }
            if property["nullable"] == true {
                errors.append(.forbidden(propertyPath["nullable"], "cannot be nullable for keys of a map list"))
            }
            if property["default"] == nil, !required.contains(key) {
                errors.append(
                    .required(
                        propertyPath["default"],
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                    ))
            }
        }
    }
}
