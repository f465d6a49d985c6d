// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// One pass over one body.
struct SchemaReader {
    let options: SchemaCoding.Options
    var unknownFields: [String] = []
    private var path: [Step] = []
    /// The type whose field is being read.
    private var owner: TypeSchema?

    private static let maximumUnknownFields = 100

    private enum Step {
        case name(String)
        case index(Int)
    }

    init(options: SchemaCoding.Options) { self.options = options }

    mutating func read(_ object: JSONObject, _ schema: TypeSchema) throws(TypeMismatch) -> JSONObject {
        let fields = schema.fields
        // Few fields of many are given, so they are collected and put in order instead of laid out in full.
        var found: [(position: Int, value: JSONValue)] = []
        found.reserveCapacity(object.count + schema.alwaysWritten.count)
        var extras: [(String, JSONValue)] = []
        for (key, value) in object {
            guard let position = schema.position(of: key) else {
                if schema.preservesUnknownFields { extras.append((key, value)) } else { noteUnknown(key) }
                continue
            }
            let field = fields[position]
            path.append(.name(field.jsonName))
            owner = schema
            if let read = try self.read(value, field.type), !isOmitted(read, field) { found.append((position, read)) }
            path.removeLast()
        }
        if options.fillsZeros {
            for position in schema.alwaysWritten where !found.contains(where: { $0.position == position }) {
                if let zero = try zero(fields[position].type) { found.append((position, zero)) }
            }
        }
        found.sort { $0.position < $1.position }
        var result = JSONObject(minimumCapacity: found.count + extras.count)
        for (position, value) in found { result.appendUnique(fields[position].jsonName, value) }
        for (key, value) in extras { result.appendUnique(key, value) }
        return result
    }

    private func isOmitted(_ value: JSONValue, _ field: FieldSchema) -> Bool {
        guard field.omission == .empty else { return false }
        switch value {
        case .bool(let flag): return !flag
        case .integer(let number): return number == 0
        case .number(let number): return number == 0
        case .string(let text): return text.isEmpty
        case .array(let items): return items.isEmpty
        case .object(let object):
            switch field.type {
            case .object, .map: return object.isEmpty
            default: return false
            }
        case .null: return true
        }
    }

    /// What stands where nothing was given: nil for what can be left out all the same (null in Go's output).
    private mutating func zero(_ type: FieldType) throws(TypeMismatch) -> JSONValue? {
        switch type {
        case .string: return ""
        case .bool: return false
        case .int32, .int64, .double: return 0
        case .quantity: return "0"
        case .intOrString: return 0
        case .object(let schema): return .object(try read(JSONObject(), schema))
        default: return nil
        }
    }

    /// The value in canonical form; nil for null.
    private mutating func read(_ value: JSONValue, _ type: FieldType) throws(TypeMismatch) -> JSONValue? {
        if case .null = value { return nil }
        switch type {
        case .string, .duration:
            guard case .string = value else { throw mismatch(value, type) }
            return value
        case .bool:
            guard case .bool = value else { throw mismatch(value, type) }
            return value
        case .int32:
            guard case .integer(let number) = value, Int32(exactly: number) != nil else { throw mismatch(value, type) }
            return value
        case .int64:
            guard case .integer = value else { throw mismatch(value, type) }
            return value
        case .double:
            guard value.number != nil else { throw mismatch(value, type) }
            return value
        case .bytes:
            guard case .string(let text) = value else { throw mismatch(value, type) }
            guard Base64.decode(text) != nil else {
                throw TypeMismatch(path: plainPath, reason: "illegal base64 data at input byte \(Self.badBase64(text))")
            }
            return value
        case .quantity: return try quantity(value)
        case .intOrString: return try intOrString(value)
        case .time, .microTime: return try time(value, type)
        case .rawExtension, .json: return value
        case .object(let schema):
            guard case .object(let object) = value else { throw mismatch(value, type) }
            return .object(try read(object, schema))
        case .alternative(let other, let schema): return try alternative(value, other, schema, type)
        case .array(let element):
            guard case .array(let items) = value else { throw mismatch(value, type) }
            return .array(try list(items, element))
        case .map(let element):
            guard case .object(let object) = value else { throw mismatch(value, type) }
            return .object(try map(object, element))
        }
    }

    /// Null among the elements of a list or map is the element's zero.
    private mutating func readElement(_ value: JSONValue, _ type: FieldType) throws(TypeMismatch) -> JSONValue? {
        if let read = try read(value, type) { return read }
        return try zero(type)
    }

    private mutating func list(_ items: [JSONValue], _ element: FieldType) throws(TypeMismatch) -> [JSONValue] {
        var result: [JSONValue] = []
        result.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            path.append(.index(index))
            if let value = try readElement(item, element) { result.append(value) }
            path.removeLast()
        }
        return result
    }

    private mutating func map(_ object: JSONObject, _ element: FieldType) throws(TypeMismatch) -> JSONObject {
        var result = JSONObject(minimumCapacity: object.count)
        for (key, item) in object {
            path.append(.name(key))
            if let value = try readElement(item, element) { result[key] = value }
            path.removeLast()
        }
        // Maps have no order; they are written sorted.
        return result.sortedByKey()
    }

    private func quantity(_ value: JSONValue) throws(TypeMismatch) -> JSONValue {
        guard let text = options.canonicalQuantity(value) else {
            throw TypeMismatch(
                path: plainPath,
                reason: "quantities must match the regular expression "
                    + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        }
        return .string(text)
    }

    private func intOrString(_ value: JSONValue) throws(TypeMismatch) -> JSONValue {
        switch value {
        case .string: return value
        case .integer(let number) where Int32(exactly: number) != nil: return value
        default: throw mismatch(value, .int32)
        }
    }

    private func time(_ value: JSONValue, _ type: FieldType) throws(TypeMismatch) -> JSONValue {
        guard case .string(let text) = value else { throw mismatch(value, .string) }
        guard let time = KubeTime(text) else {
            let layout = type == .time ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00"
            throw TypeMismatch(
                path: plainPath,
                reason: "parsing time \(text.quoted) as \(layout.quoted): cannot parse \(text.quoted) as \"2006\"")
        }
        return .string(type == .time ? time.rfc3339 : time.rfc3339Micro)
    }

    private mutating func alternative(
        _ value: JSONValue, _ other: SchemaAlternative, _ schema: TypeSchema, _ type: FieldType
    ) throws(TypeMismatch) -> JSONValue {
        switch (other, value) {
        case (_, .object(let object)): return .object(try read(object, schema))
        case (.array, .array(let items)): return .array(try list(items, .object(schema)))
        case (.strings, .array(let items)): return .array(try list(items, .string))
        case (.bool, .bool): return value
        default: throw mismatch(value, .object(schema))
        }
    }

    // MARK: - Complaints

    private mutating func noteUnknown(_ key: String) {
        guard unknownFields.count < Self.maximumUnknownFields else { return }
        var text = ""
        for step in path + [.name(key)] {
            switch step {
            case .name(let name): text += text.isEmpty ? name : "." + name
            case .index(let index): text += "[\(index)]"
            }
        }
        unknownFields.append(text)
    }

    private var plainPath: String {
        path.compactMap { if case .name(let name) = $0 { name } else { nil } }.joined(separator: ".")
    }

    private func mismatch(_ value: JSONValue, _ type: FieldType) -> TypeMismatch {
        let shown =
            switch value {
            case .integer, .number: type.isNumeric ? "number \(value)" : "number"
            default: value.typeName
            }
        let place = plainPath
        let target =
            place.isEmpty ? "Go value" : "Go struct field \(owner?.shortName ?? "").\(place)"
        return TypeMismatch(
            path: place, reason: "json: cannot unmarshal \(shown) into \(target) of type \(type.goName)")
    }

    private static func badBase64(_ text: String) -> Int {
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n\r"
        let bytes = Array(text.utf8)
        return bytes.firstIndex { !allowed.utf8.contains($0) } ?? max(0, bytes.count - bytes.count % 4)
    }
}

extension FieldType {
    fileprivate var isNumeric: Bool {
        switch self {
        case .int32, .int64, .double: true
        default: false
        }
    }

    /// The name the type has in messages clients know.
    var goName: String {
        switch self {
        case .string: "string"
        case .bytes: "[]uint8"
        case .bool: "bool"
        case .int32: "int32"
        case .int64: "int64"
        case .double: "float64"
        case .quantity: "resource.Quantity"
        case .intOrString: "intstr.IntOrString"
        case .time: "v1.Time"
        case .microTime: "v1.MicroTime"
        case .duration: "v1.Duration"
        case .rawExtension: "runtime.RawExtension"
        case .json: "map[string]interface {}"
        case .object(let schema), .alternative(_, let schema): schema.goPackage + "." + schema.shortName
        case .array(let element): "[]" + element.goName
        case .map(let element): "map[string]" + element.goName
        }
    }
}

extension TypeSchema {
    /// `v1` of `io.k8s.api.core.v1.Pod`.
    fileprivate var goPackage: String {
        let parts = name.split(separator: ".")
        return parts.count > 1 ? String(parts[parts.count - 2]) : ""
    }
}
