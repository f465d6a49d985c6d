// SPDX-License-Identifier: Apache-2.0

public import JSON

extension StructuralSchema {
    /// The complaints about an object, worded as upstream's API server words them.
    ///
    /// Parts of the object that are as they were in `old` are not complained about: what was stored under an older
    /// schema can still be changed elsewhere.
    public func validate(_ object: JSONObject, old: JSONObject? = nil) -> [FieldError] {
        validate(object, old: old, within: SchemaValidator.workLimit)
    }

    func validate(_ object: JSONObject, old: JSONObject?, within limit: Int) -> [FieldError] {
        var validator = SchemaValidator(left: limit)
        let errors = validator.validate(.object(object), self, at: "", old: old.map { .object($0) })
        // What was not looked at is not known to be right.
        return validator.left < 0 ? [SchemaValidator.tooMuch(limit)] : errors
    }
}

struct SchemaValidator {
    /// How many comparisons are made with one object: with what a schema may ask, some seconds' work. Upstream has no such
    /// bound, and lets its other requests wait on other processors.
    static let workLimit = 200_000_000

    fileprivate var left: Int

    fileprivate static func tooMuch(_ limit: Int) -> FieldError {
        general("takes more than \(limit) comparisons with what its schema asks")
    }

    fileprivate mutating func validate(
        _ value: JSONValue, _ schema: StructuralSchema, at path: String, old: JSONValue?
    ) -> [FieldError] {
        left -= 1 + schema.values.enumeration.count
        if left < 0 { return [] }
        if let old, old == value { return [] }
        var errors = Self.type(value, schema, path)
        if value.isNull { return errors + Self.enumeration(value, schema, path) }
        errors += junctions(value, schema, path, old)
        switch value {
        case .string(let text): errors += string(text, schema, path)
        case .integer, .number: errors += Self.number(value, schema, path)
        case .array(let items): errors += array(items, schema, path, old)
        default: break
        }
        errors += Self.enumeration(value, schema, path)
        if case .object(let fields) = value { errors += object(fields, schema, path, old) }
        return errors
    }

    // MARK: One value

    private static func typeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .string: "string"
        case .integer: "integer"
        case .number: "number"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func type(_ value: JSONValue, _ schema: StructuralSchema, _ path: String) -> [FieldError] {
        let wanted = schema.isIntOrString ? ["integer", "string"] : schema.type.isEmpty ? [] : [schema.type]
        guard !wanted.isEmpty else { return [] }
        let given = typeName(value)
        if value.isNull, schema.isNullable { return [] }
        if wanted.contains(given) || given == "integer" && wanted.contains("number") { return [] }
        if case .number(let number) = value, wanted.contains("integer"), number == number.rounded() { return [] }
        return [mismatch(path, wanted.joined(separator: ","), given)]
    }

    private static func mismatch(_ path: String, _ type: String, _ given: String) -> FieldError {
        FieldError(
            .typeInvalid, path: shown(path), value: given.quoted,
            detail: "\(path) in body must be of type \(type): \(given.quoted)")
    }

    private static func shown(_ path: String) -> String {
        let path = path.hasPrefix(".") ? String(path.dropFirst()) : path
        return path.isEmpty ? "<nil>" : path
    }

    private static func invalid(_ path: String, _ value: JSONValue, _ complaint: String) -> FieldError {
        FieldError(
            .invalid, path: shown(path), value: FieldError.shown(value), detail: "\(path) in body \(complaint)")
    }

    /// Complaints about the whole rather than a field.
    private static func general(_ text: String) -> FieldError {
        FieldError(.invalid, path: "<nil>", value: "\"\"", detail: text)
    }

    private mutating func string(_ text: String, _ schema: StructuralSchema, _ path: String) -> [FieldError] {
        let rules = schema.values
        var errors: [FieldError] = []
        let length = Int64(text.unicodeScalars.count)
        if let limit = rules.maxLength, length > limit {
            errors.append(.tooLong(FieldPath(Self.shown(path)), limit: Int(limit)))
        }
        if let limit = rules.minLength, length < limit {
            errors.append(Self.invalid(path, .string(text), "should be at least \(limit) chars long"))
        }
        if let expression = rules.expression, !expression.matches(text, within: &left), left >= 0 {
            errors.append(Self.invalid(path, .string(text), "should match '\(rules.pattern)'"))
        }
        let format = rules.format
        if !format.isEmpty, schema.type == "string" || schema.type.isEmpty, !StringFormat.accepts(text, format) {
            errors.append(Self.mismatch(path, format, text))
        }
        return errors
    }

    private static func number(_ value: JSONValue, _ schema: StructuralSchema, _ path: String) -> [FieldError] {
        let rules = schema.values
        var errors: [FieldError] = []
        if rules.format == "int32", let number = value.integer, Int32(exactly: number) == nil {
            errors.append(general("Checked value must be of type integer with format int32 in \(path)"))
        }
        guard let number = value.number else { return errors }
        if let factor = rules.multipleOf?.number, factor > 0 {
            let quotient = number / factor
            if abs(quotient - quotient.rounded()) > 1e-9 {
                errors.append(invalid(path, value, "should be a multiple of \(rules.multipleOf ?? 0)"))
            }
        }
        if let maximum = rules.maximum, let limit = maximum.number,
            rules.exclusiveMaximum ? number >= limit : number > limit
        {
            errors.append(
                invalid(path, value, "should be less than \(rules.exclusiveMaximum ? "" : "or equal to ")\(maximum)"))
        }
        if let minimum = rules.minimum, let limit = minimum.number,
            rules.exclusiveMinimum ? number <= limit : number < limit
        {
            errors.append(
                invalid(
                    path, value, "should be greater than \(rules.exclusiveMinimum ? "" : "or equal to ")\(minimum)"))
        }
        return errors
    }

    private static func enumeration(_ value: JSONValue, _ schema: StructuralSchema, _ path: String) -> [FieldError] {
        let allowed = schema.values.enumeration
        guard !allowed.isEmpty, !allowed.contains(where: { same($0, value) }) else { return [] }
        let names = allowed.map { ($0.string ?? $0.description).quoted }.joined(separator: ", ")
        return [
            FieldError(
                .notSupported, path: shown(path), value: FieldError.shown(value), detail: "supported values: \(names)")
        ]
    }

    /// 1 and 1.0 are one number.
    private static func same(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if left == right { return true }
        switch (left, right) {
        case (.integer, .number), (.number, .integer): return left.number == right.number
        default: return false
        }
    }

    // MARK: Values with values in them

    private mutating func array(
        _ items: [JSONValue], _ schema: StructuralSchema, _ path: String, _ old: JSONValue?
    ) -> [FieldError] {
        var errors: [FieldError] = []
        if let itemSchema = schema.items {
            let before = ListCorrelation(schema, old)
            for (index, item) in items.enumerated() {
                errors += validate(item, itemSchema, at: "\(path)[\(index)]", old: before.counterpart(of: item))
            }
        }
        if let limit = schema.values.minItems, items.count < limit {
            errors.append(Self.invalid(path, .integer(Int64(items.count)), "should have at least \(limit) items"))
        }
        if let limit = schema.values.maxItems, items.count > limit {
            errors.append(.tooMany(FieldPath(Self.shown(path)), count: items.count, limit: Int(limit)))
        }
        return errors
    }

    private mutating func object(
        _ fields: JSONObject, _ schema: StructuralSchema, _ path: String, _ old: JSONValue?
    ) -> [FieldError] {
        let rules = schema.values
        var errors: [FieldError] = []
        let prefix = path.isEmpty ? "" : path + "."
        if let limit = rules.minProperties, fields.count < limit {
            errors.append(Self.invalid(path, .object(fields), "should have at least \(limit) properties"))
        }
        if let limit = rules.maxProperties, fields.count > limit {
            errors.append(.tooMany(FieldPath(Self.shown(path)), count: fields.count, limit: Int(limit)))
        }
        for (name, value) in fields {
            if let property = schema.properties[name] {
                errors += validate(value, property, at: prefix + name, old: old?[name])
                continue
            }
            switch schema.additional {
            case .schema(let element)?:
                errors += validate(value, element, at: path + "." + name, old: old?[name])
            case .anything(false)? where !schema.preservesUnknownFields:
                errors.append(
                    FieldError(
                        .invalid, path: Self.shown(path), value: name.quoted,
                        detail: "\(path).\(name) in body is a forbidden property"))
            default: break
            }
        }
        for name in rules.required where fields[name] == nil {
            errors.append(.required(FieldPath(Self.shown(path + "." + name))))
        }
        return errors
    }

    // MARK: allOf, anyOf, oneOf, not

    private mutating func junctions(
        _ value: JSONValue, _ schema: StructuralSchema, _ path: String, _ old: JSONValue?
    ) -> [FieldError] {
        let rules = schema.values
        var errors: [FieldError] = []
        func results(_ schemas: [StructuralSchema]) -> [[FieldError]] {
            schemas.map { validate(value, $0, at: path, old: old) }
        }
        if !rules.anyOf.isEmpty {
            let each = results(rules.anyOf)
            if !each.contains(where: \.isEmpty) {
                errors.append(Self.general("\(path.quoted) must validate at least one schema (anyOf)"))
                errors += each.min { $0.count < $1.count } ?? []
            }
        }
        if !rules.oneOf.isEmpty {
            let each = results(rules.oneOf)
            let valid = each.filter(\.isEmpty).count
            if valid != 1 {
                let found = valid == 0 ? "Found none valid" : "Found \(valid) valid alternatives"
                errors.append(Self.general("\(path.quoted) must validate one and only one schema (oneOf). \(found)"))
                if valid == 0 { errors += each.min { $0.count < $1.count } ?? [] }
            }
        }
        if !rules.allOf.isEmpty {
            let each = results(rules.allOf)
            errors += each.flatMap { $0 }
            let valid = each.filter(\.isEmpty).count
            if valid < each.count {
                let more = valid == 0 ? ". None validated" : ""
                errors.append(Self.general("\(path.quoted) must validate all the schemas (allOf)\(more)"))
            }
        }
        if let forbidden = rules.not, validate(value, forbidden, at: path, old: nil).isEmpty {
            errors.append(Self.general("\(path.quoted) must not validate the schema (not)"))
        }
        return errors
    }
}

/// Finds an element's earlier state, where the list says what makes an element the same.
private struct ListCorrelation {
    private let keys: [String]
    private let before: [[JSONValue?]: JSONValue]

    init(_ schema: StructuralSchema, _ old: JSONValue?) {
        keys = schema.listType == .map ? schema.listMapKeys : []
        var before: [[JSONValue?]: JSONValue] = [:]
        if !keys.isEmpty {
            for item in old?.array ?? [] { before[keys.map { item[$0] }] = item }
        }
        self.before = before
    }

    func counterpart(of item: JSONValue) -> JSONValue? {
        keys.isEmpty ? nil : before[keys.map { item[$0] }]
    }
}
