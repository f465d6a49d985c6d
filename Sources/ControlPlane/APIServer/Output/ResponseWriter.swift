// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store

/// Turns objects into what the client asked to see.
extension RequestScope {
    /// The response for one object.
    func respond(_ object: APIObject, status: Int = 200, warnings: [String] = []) throws(APIError) -> HTTPResponse {
        switch output.shape {
        case .object: return try respond(json: object.json, schema: resource.schema, status: status, warnings: warnings)
        case .metadata:
            return try respond(json: Self.partial(object).json, schema: nil, status: status, warnings: warnings)
        case .table:
            let table = Machinery.table(
                resource, [object], includeObject: options.includeObject, resourceVersion: object.resourceVersion)
            return try respond(json: table, schema: nil, status: status, warnings: warnings)
        }
    }

    /// The response for a stored object: its bytes as they are, where nothing is asked of them.
    func respond(_ stored: StoredObject, status: Int = 200, warnings: [String] = []) throws(APIError) -> HTTPResponse {
        if showsStoredBytes, stored.isReadable {
            var response = HTTPResponse.json(stored.bytes, status: status)
            Self.add(warnings, to: &response)
            return response
        }
        return try respond(StoredForm.outgoing(try APIObject(stored), resource), status: status, warnings: warnings)
    }

    /// Any API object, encoded as asked.
    func respond(
        json: JSONObject, schema: TypeSchema?, status: Int = 200, warnings: [String] = []
    ) throws(APIError) -> HTTPResponse {
        var response = try Self.encode(json, schema: schema, output: output, pretty: isPretty, status: status)
        Self.add(warnings, to: &response)
        return response
    }

    static func encode(
        _ json: JSONObject, schema: TypeSchema?, output: OutputFormat, pretty: Bool, status: Int
    ) throws(APIError) -> HTTPResponse {
        switch output.encoding {
        case .yaml:
            return HTTPResponse(
                status: status, headers: ["Content-Type": "application/yaml"],
                body: .bytes(Machinery.yaml(.object(json))))
        case .protobuf:
            if let schema, let bytes = Machinery.protobuf(json, schema: schema) {
                return HTTPResponse(
                    status: status, headers: ["Content-Type": "application/vnd.kubernetes.protobuf"],
                    body: .bytes(bytes))
            }
            throw .notAcceptable(["application/json", "application/yaml"])
        case .json:
            let object = APIObject(json)
            return .json(pretty ? JSONValue.object(json).encodedPretty() : object.encoded(), status: status)
        }
    }

    /// Whether the bytes that are stored are what the client asks for.
    var showsStoredBytes: Bool {
        output.shape == .object && output.encoding == .json && !isPretty && StoredForm.isServed(resource)
    }

    var isPretty: Bool { options.pretty || output.pretty }

    /// Warnings travel in the head, which clients bound.
    private static let warningBytes = 4096

    static func add(_ warnings: [String], to response: inout HTTPResponse) {
        var room = warningBytes - response.headers.all("Warning").reduce(0) { $0 + $1.utf8.count }
        // All of them short rather than a few of them whole, as upstream does it.
        let isMuch = warnings.reduce(0) { $0 + $1.utf8.count } > room
        for warning in warnings where room > 0 {
            let text = isMuch ? String(warning.prefix(256)) : warning
            room -= text.utf8.count
            response.headers.add(name: "Warning", value: "299 - \(JSONValue.quoted(text))")
        }
    }

    /// The metadata of an object, as its own kind.
    static func partial(_ object: APIObject) -> APIObject {
        APIObject([
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": .object(object.metadata),
        ])
    }
}
