// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Turns a JSON object into the message its schema describes.
enum MessageWriter {
    static func write(_ object: JSONObject, _ schema: TypeSchema, _ writer: inout WireWriter) throws(ProtobufError) {
        var inlined: [Int: WireWriter] = [:]
        for (key, value) in object {
            guard let field = schema.field(named: key), field.number > 0, !value.isNull else { continue }
            if field.inlinedIn > 0 {
                var inner = inlined[field.inlinedIn] ?? WireWriter()
                inlined[field.inlinedIn] = nil
                try write(value, field, &inner)
                inlined[field.inlinedIn] = inner
            } else {
                try write(value, field, &writer)
            }
        }
        for number in inlined.keys.sorted() { writer.data(number, inlined[number]?.bytes ?? []) }
    }

    private static func write(
        _ value: JSONValue, _ field: FieldSchema, _ writer: inout WireWriter
    ) throws(ProtobufError) {
        switch (field.type, value) {
        case (.array(let element), .array(let items)):
            for item in items { try write(item, element, field.number, field.jsonName, &writer) }
        case (.map(let element), .object(let entries)):
            for (key, item) in entries.sortedByKey() {
                try writer.message(field.number) { (entry) throws(ProtobufError) in
                    entry.string(1, key)
                    if case .array(let inner) = element {
                        guard let items = item.array else { throw wrongType(key) }
                        try entry.message(2) { (list) throws(ProtobufError) in
                            for item in items { try write(item, inner, 1, key, &list) }
                        }
                    } else {
                        try write(item, element, 2, key, &entry)
                    }
                }
            }
        default: try write(value, field.type, field.number, field.jsonName, &writer)
        }
    }

    private static func wrongType(_ name: String) -> ProtobufError {
        ProtobufError("the value of \(name) does not fit its type")
    }

    private static func write(
        _ value: JSONValue, _ type: FieldType, _ number: Int, _ name: String, _ writer: inout WireWriter
    ) throws(ProtobufError) {
        switch (type, value) {
        case (.string, .string(let text)): writer.string(number, text)
        case (.bytes, .string(let text)):
            guard let data = Base64.decode(text) else { throw wrongType(name) }
            writer.data(number, data)
        case (.bool, .bool(let flag)): writer.integer(number, flag ? 1 : 0)
        case (.int32, .integer(let integer)), (.int64, .integer(let integer)): writer.integer(number, integer)
        case (.double, _):
            guard let double = value.number else { throw wrongType(name) }
            writer.double(number, double)
        case (.quantity, .string(let text)): writer.message(number) { $0.string(1, text) }
        case (.quantity, .integer), (.quantity, .number):
            writer.message(number) { $0.string(1, value.description) }
        case (.time, .string(let text)), (.microTime, .string(let text)):
            guard let time = KubeTime(text) else { throw wrongType(name) }
            writer.message(number) {
                $0.integer(1, time.seconds)
                $0.integer(2, type == .time ? 0 : Int64(time.nanoseconds))
            }
        case (.duration, .string(let text)):
            guard let nanoseconds = GoDuration.nanoseconds(text) else { throw wrongType(name) }
            writer.message(number) { $0.integer(1, nanoseconds) }
        case (.intOrString, .integer(let integer)):
            writer.message(number) {
                $0.integer(1, 0)
                $0.integer(2, integer)
                $0.string(3, "")
            }
        case (.intOrString, .string(let text)):
            writer.message(number) {
                $0.integer(1, 1)
                $0.integer(2, 0)
                $0.string(3, text)
            }
        case (.rawExtension, _), (.json, _): writer.message(number) { $0.data(1, value.encoded()) }
        case (.object(let schema), .object(let object)):
            try writer.message(number) { (inner) throws(ProtobufError) in try write(object, schema, &inner) }
        case (.alternative(let other, let schema), _):
            try writer.message(number) { (inner) throws(ProtobufError) in
                try write(value, other, schema, name, &inner)
            }
        default: throw wrongType(name)
        }
    }

    private static func write(
        _ value: JSONValue, _ other: SchemaAlternative, _ schema: TypeSchema, _ name: String,
        _ writer: inout WireWriter
    ) throws(ProtobufError) {
        switch (other, value) {
        case (.bool, .bool(let flag)): writer.integer(1, flag ? 1 : 0)
        case (.bool, .object(let object)):
            writer.integer(1, 1)
            try writer.message(2) { (inner) throws(ProtobufError) in try write(object, schema, &inner) }
        case (_, .object(let object)):
            try writer.message(1) { (inner) throws(ProtobufError) in try write(object, schema, &inner) }
        case (.array, .array(let items)):
            for item in items {
                guard let object = item.object else { throw wrongType(name) }
                try writer.message(2) { (inner) throws(ProtobufError) in try write(object, schema, &inner) }
            }
        case (.strings, .array(let items)):
            for item in items {
                guard let text = item.string else { throw wrongType(name) }
                writer.string(2, text)
            }
        default: throw wrongType(name)
        }
    }
}
