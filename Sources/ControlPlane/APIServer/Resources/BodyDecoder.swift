// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

/// A body, read.
struct DecodedBody: Sendable {
    var object: APIObject
    /// What a client asked to be warned of.
    var warnings: [String] = []
}

extension RequestScope {
    static let bodyLimit = 3 * 1024 * 1024

    func readBody() async throws(APIError) -> [UInt8] {
        do {
            return try await request.body.collect(limit: Self.bodyLimit)
        } catch is HTTPBodyTooLarge {
            throw .tooLarge(Self.bodyLimit)
        } catch {
            throw .badRequest("read the body: \(error)")
        }
    }

    /// The media type of the body, without its parameters.
    var contentType: String {
        let type = request.headers["Content-Type"] ?? ""
        return type.split(separator: ";").first.map { $0.trimmingHTTPSpace().lowercasedASCII() } ?? ""
    }

    /// The body as an object of `schema`, with unknown and duplicate fields treated as `fieldValidation` says.
    func decodeBody(_ schema: TypeSchema, apiVersion: String, kind: String) async throws(APIError) -> DecodedBody {
        let bytes = try await readBody()
        return try Self.decode(
            bytes, contentType: contentType, schema: schema, apiVersion: apiVersion, kind: kind, options: options,
            custom: schema == resource.schema ? resource.custom : nil)
    }

    static func decode(
        _ bytes: [UInt8], contentType: String, schema: TypeSchema, apiVersion: String, kind: String,
        options: QueryOptions, custom: CustomResource? = nil
    ) throws(APIError) -> DecodedBody {
        var duplicates: [String] = []
        var value: JSONValue
        switch contentType {
        case "application/json", "", "*/*":
            do throws(JSONError) { value = try JSONValue.parse(bytes, duplicates: &duplicates) } catch {
                throw .badRequest("couldn't get version/kind; json parse error: \(error)")
            }
        case "application/yaml", "application/x-yaml", "text/yaml":
            value = try Machinery.parseYAML(bytes, duplicates: &duplicates)
        case "application/vnd.kubernetes.protobuf" where custom == nil:
            value = try Machinery.decodeProtobuf(bytes, schema: schema, apiVersion: apiVersion, kind: kind)
        default:
            throw .unsupportedMediaType(custom == nil ? OutputFormat.accepted : OutputFormat.acceptedAsText)
        }
        guard case .object(var object) = value else {
            throw .badRequest("the object provided is unrecognized (must be of type \(kind)): not a JSON object")
        }
        try checkKind(&object, apiVersion: apiVersion, kind: kind)
        return try checked(object, schema: schema, duplicates: duplicates, options: options, custom: custom)
    }

    /// Checks the types of all fields, drops unknown ones, and refuses or warns where the client asked for it.
    static func checked(
        _ object: JSONObject, schema: TypeSchema, duplicates: [String], options: QueryOptions,
        custom: CustomResource? = nil
    ) throws(APIError) -> DecodedBody {
        let (pruned, complaints) =
            if let custom { try CustomForm.accepted(object, custom) } else {
                try Machinery.checkAndPrune(object, schema: schema)
            }
        let messages = complaints + duplicates.map { "duplicate field \"\($0)\"" }
        switch options.fieldValidation ?? "Warn" {
        case "Strict" where !messages.isEmpty:
            throw .badRequest("strict decoding error: " + messages.joined(separator: ", "))
        case "Warn": return DecodedBody(object: APIObject(pruned), warnings: messages)
        default: return DecodedBody(object: APIObject(pruned))
        }
    }

    private static func checkKind(_ object: inout JSONObject, apiVersion: String, kind: String) throws(APIError) {
        let givenVersion = object["apiVersion"]?.string ?? ""
        let givenKind = object["kind"]?.string ?? ""
        if !givenVersion.isEmpty, givenVersion != apiVersion {
            throw .badRequest(
                "the API version in the data (\(givenVersion)) does not match the expected API version (\(apiVersion))")
        }
        if !givenKind.isEmpty, givenKind != kind {
            throw .badRequest(
                "\(givenKind) in version \"\(givenVersion)\" cannot be handled as a \(kind)")
        }
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(kind)
    }
}

/// What a DELETE asks for, from its body or its query.
struct DeleteOptions: Sendable {
    var gracePeriodSeconds: Int64?
    var propagationPolicy: String?
    var orphanDependents: Bool?
    var preconditionUID: String?
    var preconditionRevision: String?
    var dryRun = false

    init(query: QueryOptions) {
        gracePeriodSeconds = query.gracePeriodSeconds
        propagationPolicy = query.propagationPolicy
        orphanDependents = query.orphanDependents
        dryRun = query.dryRun
    }

    /// Takes what a DeleteOptions object says over what the query said.
    mutating func merge(_ json: JSONObject) throws(APIError) {
        gracePeriodSeconds = json["gracePeriodSeconds"]?.integer ?? gracePeriodSeconds
        propagationPolicy = json["propagationPolicy"]?.string ?? propagationPolicy
        orphanDependents = json["orphanDependents"]?.bool ?? orphanDependents
        preconditionUID = json["preconditions"]?["uid"]?.string
        preconditionRevision = json["preconditions"]?["resourceVersion"]?.string
        for value in json["dryRun"]?.array ?? [] {
            guard value.string == "All" else { throw .badRequest("dryRun: Unsupported value: \(value)") }
            dryRun = true
        }
        if propagationPolicy != nil, orphanDependents != nil {
            throw .badRequest("orphanDependents and deletionPropagation cannot be both set")
        }
        if let policy = propagationPolicy, !["Orphan", "Background", "Foreground"].contains(policy) {
            throw .badRequest("invalid propagation policy \"\(policy)\": one of Foreground, Background, Orphan")
        }
        if let seconds = gracePeriodSeconds, seconds < 0 { gracePeriodSeconds = 1 }
    }

    /// `Orphan`, `Foreground`, `Background` or nil when the client leaves it to the kind.
    var policy: String? {
        if let propagationPolicy { return propagationPolicy }
        return orphanDependents.map { $0 ? "Orphan" : "Background" }
    }
}

extension RequestScope {
    func deleteOptions() async throws(APIError) -> DeleteOptions {
        var result = DeleteOptions(query: options)
        let bytes = try await readBody()
        guard !bytes.isEmpty else { return result }
        let json: JSONObject
        switch contentType {
        case "application/vnd.kubernetes.protobuf": json = try Machinery.decodeDeleteOptions(bytes)
        case "application/yaml":
            var duplicates: [String] = []
            json = try Machinery.parseYAML(bytes, duplicates: &duplicates).object ?? [:]
        default:
            do throws(JSONError) { json = try JSONValue.parse(bytes).object ?? [:] } catch {
                throw .badRequest("couldn't get version/kind; json parse error: \(error)")
            }
        }
        try result.merge(json)
        return result
    }
}
