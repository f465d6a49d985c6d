// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The API's description of itself, built from the tables: what `kubectl explain`, validation and patching ask for.
public struct OpenAPIDocument: Sendable {
    public enum Version: Sendable {
        /// Swagger 2.0: one document for everything, definitions under `#/definitions/`.
        case v2
        /// OpenAPI 3.0: one document for each group and version, definitions under `#/components/schemas/`.
        case v3
    }

    private let resources: [ResourceKind]
    private let type: @Sendable (String) -> TypeSchema?
    private let info: JSONValue

    /// - Parameters:
    ///   - resources: what is served, in order.
    ///   - type: finds a type by its full name; the lists and the bodies of subresources are looked up so.
    public init(
        resources: [ResourceKind], version: String = "unversioned",
        type: @escaping @Sendable (String) -> TypeSchema?
    ) {
        self.resources = resources
        self.type = type
        info = ["title": "Kubernetes", "version": .string(version)]
    }

    /// The Swagger 2.0 document.
    public func v2() -> JSONValue {
        let (paths, definitions) = content(resources, .v2)
        return [
            "swagger": "2.0", "info": info, "paths": .object(paths), "definitions": .object(definitions),
            "securityDefinitions": [
                "BearerToken": [
                    "description": "Bearer Token authentication", "in": "header", "name": "authorization",
                    "type": "apiKey",
                ]
            ], "security": [["BearerToken": []]],
        ]
    }

    /// The OpenAPI 3.0 document of one group and version; nil when nothing is served there.
    public func v3(_ groupVersion: GroupVersion) -> JSONValue? {
        let served = resources.filter { $0.group == groupVersion.group && $0.version == groupVersion.version }
        guard !served.isEmpty else { return nil }
        let (paths, definitions) = content(served, .v3)
        return [
            "openapi": "3.0.0", "info": info, "paths": .object(paths),
            "components": [
                "schemas": .object(definitions),
                "securitySchemes": [
                    "BearerToken": [
                        "type": "apiKey", "description": "Bearer Token authentication", "name": "authorization",
                        "in": "header",
                    ]
                ],
            ],
        ]
    }

    /// The groups and versions served, in order, as keys of the v3 index: `api/v1`, `apis/apps/v1`.
    public var v3Paths: [(path: String, groupVersion: GroupVersion)] {
        var seen: Set<GroupVersion> = []
        return resources.compactMap { resource in
            let groupVersion = GroupVersion(group: resource.group, version: resource.version)
            guard seen.insert(groupVersion).inserted else { return nil }
            return ((resource.group.isEmpty ? "api/" : "apis/") + groupVersion.description, groupVersion)
        }
    }

    // MARK: - Content

    private func content(_ resources: [ResourceKind], _ version: Version) -> (JSONObject, JSONObject) {
        var kinds: [String: [JSONValue]] = [:]
        var paths: [(String, JSONValue)] = []
        var roots: [String] = []
        var definitions: [String: JSONValue] = [:]
        for resource in resources {
            let builder = OpenAPIPaths(resource: resource, version: version) { subresourceType($0, resource) }
            paths += builder.paths
            roots += builder.types
            let list = resource.listDefinition
            if let custom = resource.custom {
                let (object, objects) = CustomDefinitions.make(custom, version)
                definitions[resource.schema.name] = object
                definitions[list] = objects
                roots += CustomDefinitions.references
                continue
            }
            note(resource, resource.kind, resource.schema.name, &kinds)
            if type(list) != nil {
                note(resource, resource.listKind, list, &kinds)
                roots.append(list)
            }
        }
        var queue = roots + ["Status", "DeleteOptions", "Patch"].map { OpenAPISchema.meta + $0 }
        while let name = queue.popLast() {
            guard definitions[name] == nil else { continue }
            if let special = OpenAPISchema.special(name, version) {
                definitions[name] = special
                queue += OpenAPISchema.specialReferences[name] ?? []
            } else if let type = type(name) {
                var references: Set<String> = []
                definitions[name] = OpenAPISchema.definition(type, kinds[name] ?? [], version, &references)
                queue += references
            }
        }
        paths.sort { $0.0 < $1.0 }
        let sorted = definitions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return (JSONObject(paths), JSONObject(sorted))
    }

    private func note(_ resource: ResourceKind, _ kind: String, _ name: String, _ kinds: inout [String: [JSONValue]]) {
        let value = OpenAPIPaths.kindValue(resource.group, resource.version, kind)
        if !(kinds[name] ?? []).contains(value) { kinds[name, default: []].append(value) }
    }

    /// The definition of a subresource's bodies; options of connections have none.
    private func subresourceType(_ subresource: Subresource, _ resource: ResourceKind) -> String? {
        if subresource.kind == resource.kind, subresource.group == resource.group { return resource.schema.name }
        let group = subresource.group.split(separator: ".").first.map(String.init) ?? "core"
        let name = "io.k8s.api.\(group).\(subresource.version).\(subresource.kind)"
        return subresource.kind.hasSuffix("Options") ? nil : type(name)?.name
    }
}
