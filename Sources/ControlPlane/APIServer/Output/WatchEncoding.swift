// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema

/// How the events of one watch are written: lines of JSON, or length-delimited frames of protobuf.
struct WatchEncoding: Sendable {
    /// What objects are written by in protobuf; nil for JSON.
    private let schema: TypeSchema?
    /// Whether an event may hold an object's bytes as they are stored.
    let takesStoredBytes: Bool

    init(_ output: OutputFormat, _ resource: ResourceKind) throws(APIError) {
        switch output.encoding {
        case .json:
            schema = nil
            takesStoredBytes = output.shape == .object && StoredForm.isServed(resource)
        case .protobuf:
            schema = resource.schema
            takesStoredBytes = false
        case .yaml: throw .notAcceptable(["application/json", "application/vnd.kubernetes.protobuf"])
        }
    }

    var contentType: String {
        schema == nil ? "application/json" : "application/vnd.kubernetes.protobuf;stream=watch"
    }

    func event(_ type: String, _ object: JSONObject) -> [UInt8] {
        guard let schema else { return Self.line(type, object) }
        guard let frame = Self.frame(type, object, schema) else {
            return error(.internalError("\(object["kind"]?.string ?? "the object") has no protobuf form"))
        }
        return frame
    }

    func error(_ error: APIError) -> [UInt8] {
        guard schema != nil, let status = KubeAPI.schema(group: "", version: "v1", kind: "Status") else {
            return Self.line("ERROR", error.json)
        }
        return Self.frame("ERROR", error.json, status) ?? []
    }

    private static func frame(_ type: String, _ object: JSONObject, _ schema: TypeSchema) -> [UInt8]? {
        Machinery.protobuf(object, schema: schema).map { Protobuf.watchFrame(type: type, object: $0) }
    }

    private static func line(_ type: String, _ object: JSONObject) -> [UInt8] {
        var bytes = Array("{\"type\":\"\(type)\",\"object\":".utf8)
        JSONValue.object(object).encode(into: &bytes)
        bytes += Array("}\n".utf8)
        return bytes
    }
}
