// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Numbers

/// The schema of a custom resource, or of a part of it: OpenAPI v3 as CustomResourceDefinitions write it, read once.
///
/// Schemas below `allOf`, `anyOf`, `oneOf` and `not` are of this type too; there only the value rules count.
public final class StructuralSchema: Sendable {
    /// What a map's values are.
    public enum Additional: Sendable {
        case anything(Bool)
        case schema(StructuralSchema)
    }

    /// `object`, `array`, `string`, `integer`, `number` or `boolean`; empty where any type may stand.
    public let type: String
    public let isNullable: Bool
    public let properties: [String: StructuralSchema]
    public let additional: Additional?
    public let items: StructuralSchema?
    public let defaultValue: JSONValue?
    public let preservesUnknownFields: Bool
    public let isEmbeddedResource: Bool
    public let isIntOrString: Bool
    public let listType: ListType?
    public let listMapKeys: [String]
    public let isAtomicMap: Bool
    public let values: ValueRules

    /// Whether something at or below this place has a default.
    public let hasDefaults: Bool
    /// Whether a resource is embedded at or below this place.
    let hasEmbedded: Bool
    /// What the check of a byte of an object costs at most, in comparisons: what is asked of a value, at the place where
    /// most is.
    public let weight: Int

    /// Reads a schema as it stands in a definition. Whether it may stand there is for the definition's validation.
    public init(_ json: JSONValue) {
        type = json["type"]?.string ?? ""
        isNullable = json["nullable"]?.bool ?? false
        var properties: [String: StructuralSchema] = [:]
        for (name, schema) in json["properties"]?.object ?? [:] { properties[name] = StructuralSchema(schema) }
        self.properties = properties
        switch json["additionalProperties"] {
        case .bool(let allowed)?: additional = .anything(allowed)
        case .object(let schema)?: additional = .schema(StructuralSchema(.object(schema)))
        default: additional = nil
        }
        items = json["items"]?.object.map { StructuralSchema(.object($0)) }
        defaultValue = json["default"]
        preservesUnknownFields = json["x-kubernetes-preserve-unknown-fields"]?.bool ?? false
        isEmbeddedResource = json["x-kubernetes-embedded-resource"]?.bool ?? false
        isIntOrString = json["x-kubernetes-int-or-string"]?.bool ?? false
        listType = json["x-kubernetes-list-type"]?.string.flatMap(ListType.init)
        listMapKeys = (json["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string)
        isAtomicMap = json["x-kubernetes-map-type"] == "atomic"
        values = ValueRules(json)

        var below = Array(properties.values)
        if let items { below.append(items) }
        if case .schema(let schema)? = additional { below.append(schema) }
        hasDefaults = defaultValue != nil || below.contains(where: \.hasDefaults)
        hasEmbedded = isEmbeddedResource || below.contains(where: \.hasEmbedded)
        weight = max(values.weight, below.map(\.weight).max() ?? 0)
    }

    /// The schema of a field, declared or of the map's values.
    public func field(_ name: String) -> StructuralSchema? {
        if let property = properties[name] { return property }
        if case .schema(let schema)? = additional { return schema }
        return nil
    }

    /// Whether fields that are not declared are kept.
    var keepsFreeFields: Bool {
        if preservesUnknownFields { return true }
        switch additional {
        case .anything(let allowed)?: return allowed
        case .schema?: return true
        case nil: return false
        }
    }
}

/// What a schema demands of a value besides its type.
public struct ValueRules: Sendable {
    public let format: String
    public let enumeration: [JSONValue]
    public let required: [String]
    let maximum: JSONValue?
    let exclusiveMaximum: Bool
    let minimum: JSONValue?
    let exclusiveMinimum: Bool
    let multipleOf: JSONValue?
    let maxLength: Int64?
    let minLength: Int64?
    let maxItems: Int64?
    let minItems: Int64?
    let maxProperties: Int64?
    let minProperties: Int64?
    let pattern: String
    /// nil where there is no pattern, or none that can be read.
    let expression: RegularExpression?
    public let allOf: [StructuralSchema]
    public let anyOf: [StructuralSchema]
    public let oneOf: [StructuralSchema]
    public let not: StructuralSchema?
    /// What the check of a byte of a value costs at most.
    let weight: Int

    init(_ json: JSONValue) {
        format = json["format"]?.string ?? ""
        enumeration = json["enum"]?.array ?? []
        required = (json["required"]?.array ?? []).compactMap(\.string)
        maximum = json["maximum"]
        exclusiveMaximum = json["exclusiveMaximum"]?.bool ?? false
        minimum = json["minimum"]
        exclusiveMinimum = json["exclusiveMinimum"]?.bool ?? false
        multipleOf = json["multipleOf"]
        maxLength = json["maxLength"]?.integer
        minLength = json["minLength"]?.integer
        maxItems = json["maxItems"]?.integer
        minItems = json["minItems"]?.integer
        maxProperties = json["maxProperties"]?.integer
        minProperties = json["minProperties"]?.integer
        pattern = json["pattern"]?.string ?? ""
        // The definition's validation refuses a pattern that cannot be read.
        expression = pattern.isEmpty ? nil : try? RegularExpression(pattern)
        func schemas(_ field: String) -> [StructuralSchema] {
            (json[field]?.array ?? []).map { StructuralSchema($0) }
        }
        allOf = schemas("allOf")
        anyOf = schemas("anyOf")
        oneOf = schemas("oneOf")
        not = json["not"]?.object.map { StructuralSchema(.object($0)) }
        // Each of them looks at all of the value.
        let others = (allOf + anyOf + oneOf + [not].compactMap { $0 }).map(\.weight).saturatingSum()
        weight = others.saturatingSum(1 + enumeration.count + required.count + (expression?.size ?? 0))
    }
}
