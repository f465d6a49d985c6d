// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization

extension RequestScope {
    static let patchTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        applyType,
    ]

    static let applyType = "application/apply-patch+yaml"

    /// What kind of patch the body is.
    func patchType() throws(APIError) -> String {
        let type = contentType
        // Definitions do not say how lists are merged in a strategic merge patch.
        let types = Self.patchTypes.filter { resource.custom == nil || !$0.contains("strategic") }
        guard types.contains(type) else { throw .unsupportedMediaType(types) }
        if options.force != nil, type != Self.applyType {
            throw .invalid(
                Subject(group: "meta.k8s.io", resource: "", kind: "PatchOptions", name: ""),
                [FieldError(.forbidden, path: "force", detail: "may not be specified for non-apply patch")])
        }
        return type
    }

    /// PATCH of an object or of a subresource that is a part of it.
    func patch() async throws(APIError) -> HTTPResponse {
        let type = try patchType()
        let bytes = try await request.body()
        if type == Self.applyType { return try await apply(bytes) }
        var duplicates: [String] = []
        let patch: JSONValue
        do throws(JSONError) { patch = try JSONValue.parse(bytes, duplicates: &duplicates) } catch {
            throw .badRequest("error decoding patch: \(error)")
        }
        let warnings = WarningBox()
        var response = try await write { (current) throws(APIError) in
            let changed = try Machinery.patch(
                patch, type: type, to: current, schema: resource.schema, subject: subject())
            let checked = try Self.checked(
                changed.json, schema: resource.schema, duplicates: duplicates, options: options,
                custom: resource.custom)
            warnings.set(checked.warnings)
            return checked.object
        }
        Self.add(warnings.values, to: &response)
        return response
    }

    /// Who applies, which he has to say.
    func applyManager() throws(APIError) -> String {
        if let manager = options.fieldManager { return manager }
        throw .invalid(
            Subject(group: "meta.k8s.io", resource: "", kind: "PatchOptions", name: ""),
            [FieldError(.required, path: "fieldManager", detail: "is required for apply patch")])
    }

    /// Server-side apply: creates the object when it is missing.
    private func apply(_ bytes: [UInt8]) async throws(APIError) -> HTTPResponse {
        let manager = try applyManager()
        let checked = try configuration(bytes)
        let applied = checked.object
        if applied.apiVersion != resource.apiVersion || applied.kind != resource.kind {
            throw .badRequest(
                "the apply patch is of \(applied.apiVersion) \(applied.kind), the path is of \(resource.apiVersion) \(resource.kind)"
            )
        }
        if !applied.name.isEmpty, applied.name != info.name {
            throw .badRequest(
                "the name of the object (\(applied.name)) does not match the name on the URL (\(info.name))")
        }
        if applied.managedFields != nil {
            throw .badRequest("metadata.managedFields must be nil")
        }
        if storage.get(resource, namespace: namespace, name: info.name) == nil {
            guard info.subresource.isEmpty else { throw .notFound(subject()) }
            if !applied.uid.isEmpty {
                throw .conflict(
                    subject(),
                    "uid mismatch: the provided object specified uid \(applied.uid), and no existing object was found")
            }
            var object = try Machinery.apply(
                applied, to: nil, manager: manager, force: options.force ?? false, resource: resource,
                subresource: info.subresource, subject: subject())
            object.name = info.name
            do throws(APIError) {
                let (stored, created) = try await create(
                    object, manager: .applied, by: try await permit("create"))
                return try respond(created: stored, created, warnings: checked.warnings)
            } catch {
                // Somebody else created it meanwhile: apply to that.
                guard error.reason == "AlreadyExists" else { throw error }
            }
        }
        return try await write(warnings: checked.warnings, operation: .applied) { (current) throws(APIError) in
            try Machinery.apply(
                applied, to: current, manager: manager, force: options.force ?? false, resource: resource,
                subresource: info.subresource, subject: subject())
        }
    }
}

extension RequestScope {
    /// The configuration that an apply brings. Whether it has fields that are not declared is for the merge to say, where
    /// the kind is a custom one.
    private func configuration(_ bytes: [UInt8]) throws(APIError) -> DecodedBody {
        guard resource.custom != nil else {
            var duplicates: [String] = []
            guard case .object(let json) = try Machinery.parseYAML(bytes, duplicates: &duplicates) else {
                throw .badRequest("error decoding YAML: the patch is not an object")
            }
            return try Self.checked(json, schema: resource.schema, duplicates: duplicates, options: options)
        }
        let (value, duplicates) = try Machinery.parseYAML(bytes)
        guard case .object(let json) = value else {
            throw .badRequest("error decoding YAML: the patch is not an object")
        }
        if duplicates.isEmpty { return DecodedBody(object: APIObject(json)) }
        let complaint =
            "error converting YAML to JSON: yaml: unmarshal errors:\n"
            + duplicates.map { "  \($0)" }.joined(separator: "\n")
        switch options.fieldValidation ?? "Warn" {
        case "Strict": throw .badRequest("error strict decoding YAML: \(complaint)")
        case "Warn": return DecodedBody(object: APIObject(json), warnings: [complaint])
        default: return DecodedBody(object: APIObject(json))
        }
    }
}

/// The warnings of the last try of a write that may be tried again.
private final class WarningBox: Sendable {
    private let box = Mutex<[String]>([])
    func set(_ warnings: [String]) { box.withLock { $0 = warnings } }
    var values: [String] { box.withLock { $0 } }
}
