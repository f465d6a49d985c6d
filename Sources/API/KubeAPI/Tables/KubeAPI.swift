// SPDX-License-Identifier: Apache-2.0

public import Schema

/// The built-in kinds: what they are made of, and where they are served.
public enum KubeAPI {
    /// Every resource served, in the order discovery lists the groups.
    public static let resources: [ResourceKind] = readResources()

    /// The type of a definition's full name, such as `io.k8s.api.core.v1.Pod`.
    public static func schema(named name: String) -> TypeSchema? { types[name] }

    /// The resource with this plural in this group and version.
    public static func resource(group: String, version: String, plural: String) -> ResourceKind? {
        byPlural[Address(group: group, version: version, name: plural)].map { resources[$0] }
    }

    /// The resource that holds objects of this kind.
    public static func resource(group: String, version: String, kind: String) -> ResourceKind? {
        byKind[Address(group: group, version: version, name: kind)].map { resources[$0] }
    }

    /// The type of a kind, served as a resource of its own or not (`Eviction`, `Scale`, `PodList`, `DeleteOptions`).
    public static func schema(group: String, version: String, kind: String) -> TypeSchema? {
        if let resource = resource(group: group, version: version, kind: kind) { return resource.schema }
        if kind == "Status" || kind.hasSuffix("Options"),
            let common = types[APITables.metaPrefix + kind]
        {
            return common
        }
        for prefix in definitionPrefixes[GroupVersion(group: group, version: version)] ?? [] {
            if let type = types[prefix + "." + kind] { return type }
        }
        return nil
    }

    /// All types by their full names.
    public static let types: [String: TypeSchema] = {
        let groups = APITables.groups.map {
            SchemaTable.Group(alias: $0.alias, prefix: $0.prefix, texts: $0.texts)
        }
        do {
            return try SchemaTable.read(groups)
        } catch {
            // The tables are part of the program; nothing a user does can make them wrong.
            preconditionFailure("api tables: \(error)")
        }
    }()

    private struct Address: Hashable {
        var group: String
        var version: String
        var name: String
    }

    private static let byPlural = Dictionary(
        resources.enumerated().map { (Address(group: $1.group, version: $1.version, name: $1.plural), $0) },
        uniquingKeysWith: { first, _ in first })

    private static let byKind = Dictionary(
        resources.enumerated().map { (Address(group: $1.group, version: $1.version, name: $1.kind), $0) },
        uniquingKeysWith: { first, _ in first })

    /// The prefixes of the definitions that belong to a group and version, taken from its resources.
    private static let definitionPrefixes: [GroupVersion: Set<String>] = {
        var prefixes: [GroupVersion: Set<String>] = [:]
        for resource in resources {
            let name = resource.schema.name
            let prefix = String(name.dropLast(resource.schema.shortName.count + 1))
            prefixes[GroupVersion(group: resource.group, version: resource.version), default: []].insert(prefix)
        }
        prefixes[GroupVersion(group: "admission.k8s.io", version: "v1"), default: []].insert("io.k8s.api.admission.v1")
        prefixes[GroupVersion(group: "meta.k8s.io", version: "v1"), default: []].insert(
            String(APITables.metaPrefix.dropLast()))
        return prefixes
    }()
}
