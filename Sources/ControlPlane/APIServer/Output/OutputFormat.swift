// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// What the client wants back: whole objects, their metadata only, or a table; in JSON, YAML or protobuf.
struct OutputFormat: Sendable {
    enum Shape: Sendable {
        case object, metadata, table
    }

    enum Encoding: Sendable {
        case json, yaml, protobuf
    }

    var shape = Shape.object
    var encoding = Encoding.json
    var pretty = false

    static let acceptedAsText = ["application/json", "application/yaml"]
    static let accepted = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    /// The first acceptable entry of the Accept header. `tables` says whether the response can be shown as a table,
    /// `binary` whether it has a form in protobuf.
    init(_ request: ParsedRequest, tables: Bool = true, binary: Bool = true) throws(APIError) {
        let entries = request.accepted
        // What most programs send, and nobody has to take apart.
        if entries.isEmpty || entries == ["application/json"] { return }
        for entry in entries {
            guard let format = Self.parse(entry, tables: tables), binary || format.encoding != .protobuf else {
                continue
            }
            self = format
            return
        }
        throw .notAcceptable(binary ? Self.accepted : Self.acceptedAsText)
    }

    private init(shape: Shape, encoding: Encoding, pretty: Bool = false) {
        self.shape = shape
        self.encoding = encoding
        self.pretty = pretty
    }

    private static func parse(_ entry: String, tables: Bool) -> OutputFormat? {
        let parts = entry.split(separator: ";").map { $0.trimmingHTTPSpace() }
        guard let type = parts.first else { return nil }
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { parameters[String(pair[0])] = String(pair[1]) }
        }
        let encoding: Encoding
        switch type {
        case "application/json", "*/*", "application/*": encoding = .json
        case "application/yaml": encoding = .yaml
        case "application/vnd.kubernetes.protobuf": encoding = .protobuf
        default: return nil
        }
        let shape: Shape
        switch parameters["as"] {
        case nil: shape = .object
        case "Table":
            guard tables, parameters["g"] == "meta.k8s.io", parameters["v"] == "v1" else { return nil }
            shape = .table
        case "PartialObjectMetadata", "PartialObjectMetadataList":
            guard parameters["g"] == "meta.k8s.io", parameters["v"] == "v1" else { return nil }
            shape = .metadata
        default: return nil
        }
        // Tables and metadata have no field numbers of their own here: those are served as JSON only.
        if encoding == .protobuf, shape != .object { return nil }
        return OutputFormat(shape: shape, encoding: encoding, pretty: parameters["pretty"] == "1")
    }
}
