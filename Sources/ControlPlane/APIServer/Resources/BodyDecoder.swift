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
    var contentType: String { request.contentType }

    /// The body as an object of `schema`, with unknown and duplicate fields treated as `fieldValidation` says.
    func decodeBody(_ schema: TypeSchema, apiVersion: String, kind: String) async throws(APIError) -> DecodedBody {
        let bytes = try await request.body()
        return try Self.decode(
            bytes, contentType: contentType, schema: schema, apiVersion: apiVersion, kind: kind, options: options,
            custom: schema == resource.schema ? resource.custom : nil)
    }

    static func decode(
        _ bytes: [UInt8], contentType: String, schema: TypeSchema, apiVersion: String, kind: String,
        options: QueryOptions, custom: CustomResource? = nil
    ) throws(APIError) -> DecodedBody {
        var duplicates: [String] = []
        let value = try Self.value(bytes, contentType, &duplicates, isText: custom != nil) { () throws(APIError) in
            try Machinery.decodeProtobuf(bytes, schema: schema, apiVersion: apiVersion, kind: kind)
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

    /// The body as its media type says it is to be read. `isText` refuses protobuf, for kinds without numbers.
    private static func value(
        _ bytes: [UInt8], _ contentType: String, _ duplicates: inout [String], isText: Bool = false,
        protobuf: () throws(APIError) -> JSONValue
    ) throws(APIError) -> JSONValue {
        switch contentType {
        case "application/json", "":
            do throws(JSONError) { return try JSONValue.parse(bytes, duplicates: &duplicates) } catch {
                throw .badRequest("couldn't get version/kind; json parse error: \(error)")
            }
        case "application/yaml": return try Machinery.parseYAML(bytes, duplicates: &duplicates)
        case "application/vnd.kubernetes.protobuf" where !isText: return try protobuf()
        default: throw .unsupportedMediaType(isText ? OutputFormat.acceptedAsText : OutputFormat.accepted)
        }
    }

    /// Refuses another kind or version than the path's, and fills in what is missing.
    static func checkKind(_ object: inout JSONObject, apiVersion: String, kind: String) throws(APIError) {
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
    /// Whether an object goes that cannot be read: nobody then knows who should have acted first.
    var ignoresReadError = false
    static let ignoreReadError = "ignoreStoreReadErrorWithClusterBreakingPotential"

    /// What a DeleteOptions object says, whose fields are of their types.
    init(_ json: JSONObject) throws(APIError) {
        gracePeriodSeconds = json["gracePeriodSeconds"]?.integer
        propagationPolicy = json["propagationPolicy"]?.string
        orphanDependents = json["orphanDependents"]?.bool
        preconditionUID = json["preconditions"]?["uid"]?.string
        preconditionRevision = json["preconditions"]?["resourceVersion"]?.string
        dryRun = try QueryOptions.dryRun((json["dryRun"]?.array ?? []).map { $0.string ?? "\($0)" })
        ignoresReadError = json[Self.ignoreReadError]?.bool ?? false
        try check()
    }

    init(query: QueryOptions) {
        gracePeriodSeconds = query.gracePeriodSeconds
        propagationPolicy = query.propagationPolicy
        orphanDependents = query.orphanDependents
        dryRun = query.dryRun
        ignoresReadError = query.ignoresReadError
    }

    mutating func check() throws(APIError) {
        if let policy = propagationPolicy {
            let (path, known) = (FieldPath("propagationPolicy"), ["Foreground", "Background", "Orphan"])
            var errors: [FieldError] = []
            if orphanDependents != nil {
                errors.append(
                    .invalid(path, policy, "orphanDependents and deletionPropagation cannot be both set"))
            }
            if !known.contains(policy) { errors.append(.notSupported(path, policy, known + ["nil"])) }
            if !errors.isEmpty { throw .invalid(Self.subject, errors) }
        }
        try checkAlone()
        if let seconds = gracePeriodSeconds, seconds < 0 { gracePeriodSeconds = 1 }
    }

    /// What cannot be read cannot be asked, waited for or tried.
    private func checkAlone() throws(APIError) {
        guard ignoresReadError else { return }
        let others = [
            (dryRun, "dryRun"), (propagationPolicy != nil, "propagationPolicy"),
            (orphanDependents != nil, "orphanDependents"), (gracePeriodSeconds != nil, "gracePeriodSeconds"),
            (preconditionUID != nil || preconditionRevision != nil, "preconditions"),
        ]
        let errors = others.filter(\.0).map { Self.readErrorOption("cannot be set together with .\($0.1)") }
        if !errors.isEmpty { throw .invalid(Self.subject, errors) }
    }

    private static let subject = Subject(group: "meta.k8s.io", resource: "", kind: "DeleteOptions", name: "")

    static func readErrorOption(_ detail: String) -> FieldError {
        FieldError(.invalid, path: ignoreReadError, value: "true", detail: detail)
    }

    /// `Orphan`, `Foreground`, `Background` or nil when the client leaves it to the kind.
    var policy: String? {
        if let propagationPolicy { return propagationPolicy }
        return orphanDependents.map { $0 ? "Orphan" : "Background" }
    }
}

extension RequestScope {
    /// What the body says, and the query only where there is none, as upstream has it: two sources of one option could
    /// disagree.
    func deleteOptions() async throws(APIError) -> DeleteOptions {
        let bytes = try await request.body()
        guard !bytes.isEmpty else {
            var result = DeleteOptions(query: options)
            try result.check()
            return result
        }
        let schema = try Machinery.deleteOptionsSchema
        var duplicates: [String] = []
        let value = try Self.value(bytes, contentType, &duplicates) { () throws(APIError) in
            try Machinery.decodeProtobuf(bytes, schema: schema, apiVersion: "v1", kind: "DeleteOptions")
        }
        guard case .object(let json) = value, ["", "DeleteOptions"].contains(json["kind"]?.string ?? "") else {
            throw .badRequest("decoded object cannot be converted to DeleteOptions")
        }
        // An option of another type is none that may be left out: what was to be tried, or kept, would be gone.
        let checked = try Self.checked(json, schema: schema, duplicates: duplicates, options: options)
        return try DeleteOptions(checked.object.json)
    }
}
