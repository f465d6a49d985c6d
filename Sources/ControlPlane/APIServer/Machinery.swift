// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Text
internal import YAML

/// The one place where the server meets the API machinery: what it fails with becomes a Status here.
enum Machinery {
    static func schema(_ name: String) -> TypeSchema? { KubeAPI.schema(named: name) }

    static var statusSchema: TypeSchema? { schema("io.k8s.apimachinery.pkg.apis.meta.v1.Status") }

    static func listSchema(_ resource: ResourceKind) -> TypeSchema? { schema(resource.schema.name + "List") }

    // MARK: Bodies

    /// The object without what its type does not know, and the complaints about that, as strict decoding words them.
    static func checkAndPrune(
        _ object: JSONObject, schema: TypeSchema, fillsZeros: Bool = true
    ) throws(APIError) -> (JSONObject, [String]) {
        let options = SchemaCoding.Options(fillsZeros: fillsZeros, canonicalQuantity: canonicalQuantity)
        do throws(TypeMismatch) {
            let decoded = try SchemaCoding.decode(object, as: schema, options: options)
            return (decoded.object, decoded.unknownFields.map { "unknown field \"\($0)\"" })
        } catch {
            let kind = object["kind"]?.string ?? schema.shortName
            let version = object["apiVersion"]?.string ?? ""
            throw .badRequest("\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(error)")
        }
    }

    private static let canonicalQuantity: @Sendable (JSONValue) -> String? = { value in
        switch value {
        case .string(let text): Quantity.canonical(text)
        case .integer, .number: Quantity.canonical(value.description)
        default: nil
        }
    }

    static func parseYAML(_ bytes: [UInt8], duplicates: inout [String]) throws(APIError) -> JSONValue {
        do throws(YAMLError) {
            let documents = try YAML.parse(bytes, duplicates: &duplicates)
            guard documents.count == 1 else {
                throw YAMLError(line: 0, reason: "\(documents.count) documents where one is expected")
            }
            return documents[0]
        } catch {
            throw .badRequest("error decoding YAML: \(error)")
        }
    }

    /// The same, and the keys that stand twice with their lines.
    static func parseYAML(_ bytes: [UInt8]) throws(APIError) -> (JSONValue, [YAMLDuplicateKey]) {
        do throws(YAMLError) {
            var duplicates: [YAMLDuplicateKey] = []
            let documents = try YAML.parse(bytes, duplicateKeys: &duplicates)
            guard documents.count == 1 else {
                throw YAMLError(line: 0, reason: "\(documents.count) documents where one is expected")
            }
            return (documents[0], duplicates)
        } catch {
            throw .badRequest("error decoding YAML: \(error)")
        }
    }

    static func yaml(_ value: JSONValue) -> [UInt8] { Array(YAML.encode(value).utf8) }

    static func decodeProtobuf(
        _ bytes: [UInt8], schema: TypeSchema, apiVersion: String, kind: String
    ) throws(APIError) -> JSONValue {
        do throws(ProtobufError) {
            // The envelope names its kind; the caller compares that with what it expects.
            return .object(
                try Protobuf.decodeObject(bytes) { version, name in
                    if name.isEmpty || (name == kind && version == apiVersion) { return schema }
                    let parts = version.steps
                    return KubeAPI.schema(
                        group: parts.count > 1 ? parts[0] : "", version: parts.last ?? "", kind: name) ?? schema
                })
        } catch {
            throw .badRequest("\(error)")
        }
    }

    static var deleteOptionsSchema: TypeSchema {
        get throws(APIError) {
            guard let schema = schema("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") else {
                throw .internalError("the type DeleteOptions is unknown")
            }
            return schema
        }
    }

    /// nil when the object has no protobuf form.
    static func protobuf(_ json: JSONObject, schema: TypeSchema) -> [UInt8]? {
        // A value that the type cannot hold is answered in JSON terms: 406.
        try? Protobuf.encodeObject(json, schema: schema)
    }

    /// A message without its envelope.
    static func message(_ json: JSONObject, schema: TypeSchema) throws(APIError) -> [UInt8] {
        do throws(ProtobufError) { return try Protobuf.encode(json, schema: schema) } catch {
            // What the type cannot hold is answered in JSON terms.
            throw .notAcceptable(OutputFormat.acceptedAsText)
        }
    }

    // MARK: Defaults and validation

    static func applyDefaults(_ object: inout APIObject, _ resource: ResourceKind) {
        if let custom = resource.custom { return custom.schema.fillDefaults(&object.json) }
        Defaults.apply(&object.json, resource)
    }

    static func validate(
        _ resource: ResourceKind, new: APIObject, old: APIObject?, subresource: String = ""
    ) -> [FieldError] {
        Validation.validate(
            resource: resource, new: .object(new.json), old: old.map { .object($0.json) }, subresource: subresource)
    }

    // MARK: Patches and ownership

    static func patch(
        _ patch: JSONValue, type: String, to current: APIObject, schema: TypeSchema, subject: Subject
    ) throws(APIError) -> APIObject {
        let document = JSONValue.object(current.json)
        do throws(PatchError) {
            let result: JSONValue
            switch type {
            case "application/json-patch+json": result = try JSONPatch.apply(patch, to: document)
            case "application/merge-patch+json": result = MergePatch.apply(patch, to: document)
            default: result = try StrategicMergePatch.apply(patch, to: document, schema: schema)
            }
            guard case .object(let object) = result else {
                throw PatchError(.unprocessable, "the patched document is not an object")
            }
            return APIObject(object)
        } catch {
            switch error.kind {
            case .malformed: throw .badRequest("\(error)")
            case .tooLarge: throw APIError(413, "RequestEntityTooLarge", "\(error)")
            case .unprocessable:
                // No details, as upstream: with an object's name there clients print that instead of the message.
                throw APIError(
                    422, "Invalid", "the server rejected our request due to an error in our request: \(error)")
            }
        }
    }

    private static func writer(_ manager: String, _ resource: ResourceKind, _ subresource: String) -> FieldWriter {
        // Nobody owns through one path what only the other can change.
        let ignored: FieldSet
        switch subresource {
        case "" where resource.hasStatus: ignored = FieldSet(paths: [["status"]])
        case "status": ignored = FieldSet(paths: [["spec"]])
        default: ignored = FieldSet()
        }
        return FieldWriter(
            manager: manager, apiVersion: resource.apiVersion, subresource: subresource, time: WallClock.text(),
            schema: resource.schema, ignored: ignored)
    }

    static func trackFields(
        live: APIObject?, _ object: inout APIObject, manager: String, resource: ResourceKind, subresource: String
    ) {
        object.json = FieldManager.update(
            live: live?.json, new: object.json, by: writer(manager, resource, subresource))
    }

    static func apply(
        _ applied: APIObject, to live: APIObject?, manager: String, force: Bool, resource: ResourceKind,
        subresource: String, subject: Subject
    ) throws(APIError) -> APIObject {
        do throws(ApplyError) {
            return APIObject(
                try ServerSideApply.apply(
                    live: live?.json, applied: applied.json, force: force,
                    by: writer(manager, resource, subresource)))
        } catch {
            switch error {
            case .badRequest(let text): throw .badRequest(text)
            case .unfit(let text): throw .internalError(text)
            case .conflicts(let conflicts):
                var details: JSONObject = [:]
                details["causes"] = .array(
                    conflicts.prefix(ApplyError.shownConflicts).map {
                        [
                            "reason": "FieldManagerConflict", "message": .string($0.message),
                            "field": .string($0.field),
                        ]
                    })
                throw APIError(409, "Conflict", "\(error)", details: details)
            }
        }
    }

    // MARK: Tables and OpenAPI

    static func table(
        _ resource: ResourceKind, _ objects: [APIObject], includeObject: String?, resourceVersion: String = "",
        listMetadata: JSONObject? = nil
    ) -> JSONObject {
        let metadata = listMetadata ?? ["resourceVersion": .string(resourceVersion)]
        let table = TableColumns.render(
            resource: resource, objects: objects.map(\.json), now: WallClock.seconds(),
            include: includeObject.flatMap(TableColumns.IncludedObject.init) ?? .metadata, listMetadata: metadata)
        return table.object ?? [:]
    }

    private static func document(_ registry: ResourceRegistry) -> OpenAPIDocument {
        OpenAPIDocument(resources: registry.resources, version: "v1.36.0+swiftlet") { KubeAPI.schema(named: $0) }
    }

    /// The whole API in OpenAPI 2, as JSON or in the binary form that older clients ask for.
    static func openAPIv2(_ registry: ResourceRegistry, binary: Bool) -> [UInt8] {
        let value = document(registry).v2()
        return binary ? OpenAPIProtobuf.encode(value) : value.encoded()
    }

    static func openAPIv3(_ registry: ResourceRegistry, group: String, version: String) -> [UInt8] {
        document(registry).v3(GroupVersion(group: group, version: version))?.encoded() ?? []
    }
}
