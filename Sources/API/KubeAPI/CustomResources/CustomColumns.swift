// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// The cells of custom resources: what the columns' paths lead to.
struct CustomColumns {
    private let columns: [(type: String, path: JSONPath?)]

    init(_ resource: ResourceKind) {
        columns = resource.columns.dropFirst().map { column in
            // A path that cannot be read was refused with the definition; a cell without one is empty.
            (column.type, try? JSONPath(column.path))
        }
    }

    func cells(of object: JSONObject, now: Int64) -> [JSONValue] {
        let root = JSONValue.object(object)
        return [root["metadata"]?["name"] ?? ""]
            + columns.map { Self.cell($0.path?.first(in: root), type: $0.type, now: now) }
    }

    /// The value as a cell of the column's type; null where it is not of that type.
    private static func cell(_ value: JSONValue?, type: String, now: Int64) -> JSONValue {
        guard let value, !value.isNull else { return .null }
        switch (type, value) {
        case ("string", .string): return value
        case ("string", _): return .string(value.description)
        case ("integer", .integer), ("number", .integer), ("number", .number), ("boolean", .bool): return value
        case ("integer", .number(let number)):
            return Int64(exactly: number.rounded(.towardZero)).map { .integer($0) } ?? .null
        case ("date", .string(let text)):
            return KubeTime(text) == nil ? "<invalid>" : .string(Age.since(text, now: now))
        default: return .null
        }
    }
}
