// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A Swagger 2.0 document in the protobuf form clients ask for as
/// `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`; older kubectl reads no other.
public enum OpenAPIProtobuf {
    /// What clients write in `Accept`.
    public static let acceptedType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    /// What the answer's `Content-Type` must be: the accepted form has an `@`, which Go refuses in a media type.
    public static let contentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    public static func encode(_ document: JSONValue) -> [UInt8] {
        var writer = WireWriter()
        writer.text(1, document["swagger"])
        writer.message(2) { info in
            info.text(1, document["info"]?["title"])
            info.text(2, document["info"]?["version"])
        }
        writer.message(8) { paths in
            for (name, item) in document["paths"]?.object ?? [:] {
                paths.message(2) { named in
                    named.string(1, name)
                    named.message(2) { writePathItem(item, &$0) }
                }
            }
        }
        writer.message(9) { definitions in
            for (name, schema) in document["definitions"]?.object ?? [:] { writeNamed(1, name, schema, &definitions) }
        }
        return writer.bytes
    }

    private static func writeNamed(_ number: Int, _ name: String, _ schema: JSONValue, _ writer: inout WireWriter) {
        writer.message(number) { named in
            named.string(1, name)
            named.message(2) { writeSchema(schema, &$0) }
        }
    }

    private static func writePathItem(_ item: JSONValue, _ writer: inout WireWriter) {
        for (method, number) in [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)] {
            guard let operation = item[method] else { continue }
            writer.message(number) { writeOperation(operation, &$0) }
        }
        for parameter in item["parameters"]?.array ?? [] { writer.message(9) { writeParameter(parameter, &$0) } }
    }

    private static func writeOperation(_ operation: JSONValue, _ writer: inout WireWriter) {
        writer.texts(1, operation["tags"])
        writer.text(5, operation["operationId"])
        writer.texts(6, operation["produces"])
        writer.texts(7, operation["consumes"])
        for parameter in operation["parameters"]?.array ?? [] { writer.message(8) { writeParameter(parameter, &$0) } }
        writer.message(9) { responses in
            for (code, response) in operation["responses"]?.object ?? [:] {
                responses.message(1) { named in
                    named.string(1, code)
                    named.message(2) { value in
                        value.message(1) { writeResponse(response, &$0) }
                    }
                }
            }
        }
        writer.texts(10, operation["schemes"])
        writeExtensions(13, operation, &writer)
    }

    private static func writeResponse(_ response: JSONValue, _ writer: inout WireWriter) {
        writer.text(1, response["description"])
        if let schema = response["schema"] {
            writer.message(2) { item in item.message(1) { writeSchema(schema, &$0) } }
        }
    }

    private static func writeParameter(_ parameter: JSONValue, _ writer: inout WireWriter) {
        let place = parameter["in"]?.string
        writer.message(1) { choice in
            if place == "body" {
                choice.message(1) { body in
                    body.text(2, parameter["name"])
                    body.text(3, parameter["in"])
                    body.flag(4, parameter["required"])
                    if let schema = parameter["schema"] { body.message(5) { writeSchema(schema, &$0) } }
                }
                return
            }
            let isPath = place == "path"
            choice.message(2) { other in
                other.message(isPath ? 4 : 3) { plain in
                    plain.flag(1, parameter["required"])
                    plain.text(2, parameter["in"])
                    plain.text(4, parameter["name"])
                    plain.text(isPath ? 5 : 6, parameter["type"])
                    plain.flag(isPath ? 19 : 20, parameter["uniqueItems"])
                }
            }
        }
    }

    private static func writeSchema(_ schema: JSONValue, _ writer: inout WireWriter) {
        writer.text(1, schema["$ref"])
        writer.text(2, schema["format"])
        writer.text(4, schema["description"])
        writer.texts(19, schema["required"])
        if let values = schema["additionalProperties"] {
            writer.message(21) { item in item.message(1) { writeSchema(values, &$0) } }
        }
        if schema["type"] != nil { writer.message(22) { $0.text(1, schema["type"]) } }
        if let items = schema["items"] {
            writer.message(23) { item in item.message(1) { writeSchema(items, &$0) } }
        }
        if let properties = schema["properties"]?.object {
            writer.message(25) { list in
                for (name, property) in properties { writeNamed(1, name, property, &list) }
            }
        }
        writeExtensions(31, schema, &writer)
    }

    /// Extensions are carried as YAML, which JSON is.
    private static func writeExtensions(_ number: Int, _ value: JSONValue, _ writer: inout WireWriter) {
        for (name, content) in value.object ?? [:] where name.hasPrefix("x-") {
            writer.message(number) { named in
                named.string(1, name)
                named.message(2) { $0.string(2, content.description) }
            }
        }
    }
}

extension WireWriter {
    fileprivate mutating func text(_ number: Int, _ value: JSONValue?) {
        if let text = value?.string { string(number, text) }
    }

    fileprivate mutating func texts(_ number: Int, _ value: JSONValue?) {
        for item in value?.array ?? [] { text(number, item) }
    }

    fileprivate mutating func flag(_ number: Int, _ value: JSONValue?) {
        if value?.bool == true { integer(number, 1) }
    }
}
