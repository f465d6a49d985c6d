// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Turns one message into the JSON object that says the same.
struct MessageReader {
    private static let maximumDepth = 200

    func read(_ source: ArraySlice<UInt8>, _ schema: TypeSchema, depth: Int) throws(ProtobufError) -> JSONObject {
        var object = JSONObject()
        try read(source, schema, inside: 0, into: &object, depth: depth)
        return object
    }

    /// Reads the message itself (`inside` 0) or one that is inlined in it.
    private func read(
        _ source: ArraySlice<UInt8>, _ schema: TypeSchema, inside container: Int, into object: inout JSONObject,
        depth: Int
    ) throws(ProtobufError) {
        guard depth < Self.maximumDepth else { throw ProtobufError("exceeded max depth") }
        var reader = WireReader(source)
        while let (number, wire) = try reader.nextTag() {
            if let field = schema.field(number: number, inlinedIn: container) {
                try read(field, wire, &reader, into: &object, depth: depth)
            } else if container == 0, schema.inlines(number) {
                try read(try reader.bytes(wire), schema, inside: number, into: &object, depth: depth + 1)
            } else {
                // A newer client's field, which this version does not know.
                try reader.skip(wire)
            }
        }
    }

    private func read(
        _ field: FieldSchema, _ wire: WireType, _ reader: inout WireReader, into object: inout JSONObject, depth: Int
    ) throws(ProtobufError) {
        switch field.type {
        case .array(let element):
            let values: [JSONValue]
            if wire == .bytes, element.isVarint {
                values = try packed(element, try reader.bytes(wire))
            } else if let value = try value(element, wire, &reader, depth) {
                values = [value]
            } else {
                values = []
            }
            object[field.jsonName, default: .array([])].append(values)
        case .map(let element):
            let (key, value) = try entry(element, try reader.bytes(wire), depth)
            if let value { object[field.jsonName, default: .object(JSONObject())][key] = value }
        default:
            guard let value = try value(field.type, wire, &reader, depth) else { return }
            // Fields that are no pointers are always sent, zero or not; JSON leaves the zeros out.
            if field.omission == .empty, value.isZero {
                object[field.jsonName] = nil
            } else {
                object[field.jsonName] = value
            }
        }
    }

    private func packed(_ element: FieldType, _ source: ArraySlice<UInt8>) throws(ProtobufError) -> [JSONValue] {
        var reader = WireReader(source)
        var values: [JSONValue] = []
        while !reader.isAtEnd { values.append(number(element, try reader.varint())) }
        return values
    }

    private func number(_ type: FieldType, _ raw: UInt64) -> JSONValue {
        switch type {
        case .bool: .bool(raw != 0)
        case .int32: .integer(Int64(Int32(truncatingIfNeeded: raw)))
        default: .integer(Int64(bitPattern: raw))
        }
    }

    private func entry(
        _ element: FieldType, _ source: ArraySlice<UInt8>, _ depth: Int
    ) throws(ProtobufError) -> (String, JSONValue?) {
        var reader = WireReader(source)
        var key = ""
        var value: JSONValue?
        while let (number, wire) = try reader.nextTag() {
            switch number {
            case 1: key = try reader.string(wire)
            case 2:
                if case .array(let inner) = element {
                    // A list as a map's value is a message of its own with the elements as field 1.
                    value = .array(try items(inner, try reader.bytes(wire), depth))
                } else {
                    value = try self.value(element, wire, &reader, depth)
                }
            default: try reader.skip(wire)
            }
        }
        return (key, value ?? element.emptyValue)
    }

    private func items(
        _ element: FieldType, _ source: ArraySlice<UInt8>, _ depth: Int
    ) throws(ProtobufError) -> [JSONValue] {
        var reader = WireReader(source)
        var items: [JSONValue] = []
        while let (number, wire) = try reader.nextTag() {
            if number == 1, let value = try value(element, wire, &reader, depth) {
                items.append(value)
            } else if number != 1 {
                try reader.skip(wire)
            }
        }
        return items
    }

    /// One value; nil for what JSON writes as null.
    private func value(
        _ type: FieldType, _ wire: WireType, _ reader: inout WireReader, _ depth: Int
    ) throws(ProtobufError) -> JSONValue? {
        switch type {
        case .string: return .string(try reader.string(wire))
        case .bytes: return .string(Base64.encode(Array(try reader.bytes(wire))))
        case .bool, .int32, .int64: return number(type, try reader.varint(wire))
        case .double: return .number(Double(bitPattern: try reader.fixed64(wire)))
        case .object(let schema): return .object(try read(try reader.bytes(wire), schema, depth: depth + 1))
        case .array, .map: throw ProtobufError("a list inside a list")
        default: return try special(type, try reader.bytes(wire), depth)
        }
    }

    /// The messages whose JSON is not an object of their fields.
    private func special(
        _ type: FieldType, _ source: ArraySlice<UInt8>, _ depth: Int
    ) throws(ProtobufError) -> JSONValue? {
        var reader = WireReader(source)
        var numbers: [Int: UInt64] = [:]
        var chunks: [Int: [ArraySlice<UInt8>]] = [:]
        while let (number, wire) = try reader.nextTag() {
            switch wire {
            case .varint: numbers[number] = try reader.varint()
            case .bytes: chunks[number, default: []].append(try reader.bytes(wire))
            default: try reader.skip(wire)
            }
        }
        func text(_ number: Int) throws(ProtobufError) -> String {
            guard let text = String(validating: chunks[number]?.last ?? [], as: UTF8.self) else {
                throw ProtobufError("a string is not UTF-8")
            }
            return text
        }
        switch type {
        case .quantity: return .string(try text(1))
        case .time, .microTime:
            // An empty message is the zero time, null in JSON.
            if source.isEmpty { return nil }
            let time = KubeTime(
                seconds: Int64(bitPattern: numbers[1] ?? 0),
                nanoseconds: max(0, min(Int32(truncatingIfNeeded: numbers[2] ?? 0), 999_999_999)))
            guard KubeTime.range.contains(time.seconds) else {
                throw ProtobufError("a time outside the years 1 to 9999")
            }
            return .string(type == .time ? time.rfc3339 : time.rfc3339Micro)
        case .duration: return .string(GoDuration.text(nanoseconds: Int64(bitPattern: numbers[1] ?? 0)))
        case .intOrString:
            if numbers[1] == 1 { return .string(try text(3)) }
            return .integer(Int64(Int32(truncatingIfNeeded: numbers[2] ?? 0)))
        case .rawExtension, .json:
            guard let raw = chunks[1]?.last, !raw.isEmpty else { return nil }
            guard !raw.starts(with: Protobuf.magic) else {
                throw ProtobufError("an embedded object in protobuf form is not supported: send it as JSON")
            }
            do throws(JSONError) { return try JSONValue.parse(raw) } catch {
                throw ProtobufError("embedded JSON: \(error)")
            }
        case .alternative(let other, let schema):
            switch other {
            case .bool:
                if let inner = chunks[2]?.last { return .object(try read(inner, schema, depth: depth + 1)) }
                return .bool(numbers[1] != 0)
            case .array:
                if let inner = chunks[1]?.last { return .object(try read(inner, schema, depth: depth + 1)) }
                var items: [JSONValue] = []
                for inner in chunks[2] ?? [] { items.append(.object(try read(inner, schema, depth: depth + 1))) }
                return .array(items)
            case .strings:
                if let inner = chunks[1]?.last { return .object(try read(inner, schema, depth: depth + 1)) }
                return .array((chunks[2] ?? []).map { .string(String(decoding: $0, as: UTF8.self)) })
            }
        default: throw ProtobufError("unexpected message")
        }
    }
}

extension FieldType {
    var isVarint: Bool {
        switch self {
        case .bool, .int32, .int64: true
        default: false
        }
    }

    /// What a map's entry without a value holds.
    fileprivate var emptyValue: JSONValue? {
        switch self {
        case .string, .bytes: ""
        case .bool: false
        case .int32, .int64, .double: 0
        case .object, .map: .object(JSONObject())
        case .array: .array([])
        case .quantity: "0"
        default: nil
        }
    }
}

extension JSONValue {
    fileprivate var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let flag): !flag
        case .integer(let number): number == 0
        case .number(let number): number == 0
        case .string(let text): text.isEmpty
        case .array(let items): items.isEmpty
        case .object: false
        }
    }

    fileprivate mutating func append(_ values: [JSONValue]) {
        guard case .array(var items) = self else { return }
        self = .null
        items += values
        self = .array(items)
    }
}
