// SPDX-License-Identifier: Apache-2.0

internal import Text

/// A group and a version, written `apps/v1`, or `v1` for the core group.
public struct GroupVersion: Sendable, Hashable, CustomStringConvertible {
    public var group: String
    public var version: String

    public init(group: String, version: String) {
        self.group = group
        self.version = version
    }

    /// Nil when the text has more than one slash or is empty.
    public init?(apiVersion: String) {
        let parts = apiVersion.steps(keepingEmpty: true)
        switch parts.count {
        case 1 where !apiVersion.isEmpty: self.init(group: "", version: apiVersion)
        case 2 where !parts[1].isEmpty: self.init(group: String(parts[0]), version: String(parts[1]))
        default: return nil
        }
    }

    public var description: String { group.isEmpty ? version : group + "/" + version }
}

/// What a client needs to know to address objects of one kind.
public struct ResourceID: Sendable, Hashable, CustomStringConvertible {
    public var group: String
    public var version: String
    public var plural: String
    public var kind: String
    public var namespaced: Bool

    public init(group: String, version: String, plural: String, kind: String, namespaced: Bool) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced
    }

    public var apiVersion: String { group.isEmpty ? version : group + "/" + version }

    /// `deployments.apps`, or `pods` for the core group.
    public var description: String { group.isEmpty ? plural : plural + "." + group }

    /// The path below the server's root: `/api/v1/namespaces/default/pods/name`.
    public func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String {
        var path = group.isEmpty ? "/api/" + version : "/apis/" + group + "/" + version
        if namespaced, let namespace, !namespace.isEmpty { path += "/namespaces/" + namespace }
        path += "/" + plural
        if let name { path += "/" + name }
        if let subresource { path += "/" + subresource }
        return path
    }
}

/// One part of an object with a path of its own: `status`, `scale`, `log`.
public struct Subresource: Sendable, Hashable {
    public var name: String
    /// What its bodies are: `Pod` for `pods/status`, `autoscaling/v1 Scale` for `deployments/scale`.
    public var group: String
    public var version: String
    public var kind: String
    public var verbs: [String]

    public init(name: String, group: String, version: String, kind: String, verbs: [String]) {
        self.name = name
        self.group = group
        self.version = version
        self.kind = kind
        self.verbs = verbs
    }
}

/// One column `kubectl get` shows: the machinery's columns compute the cells.
public struct PrinterColumn: Sendable, Hashable {
    public var name: String
    public var type: String
    public var format: String
    public var description: String
    /// 0 is always shown, more only with `-o wide`.
    public var priority: Int
    /// Where a custom resource's objects have the cell's value, as JSONPath.
    public var path: String

    public init(
        name: String, type: String = "string", format: String = "", description: String = "", priority: Int = 0,
        path: String = ""
    ) {
        self.name = name
        self.type = type
        self.format = format
        self.description = description
        self.priority = priority
        self.path = path
    }
}

/// One resource the API serves: a kind in one version. One place in memory, however many requests are for it.
public final class ResourceKind: Sendable {
    public let group: String
    public let version: String
    public let kind: String
    public let plural: String
    public let singular: String
    public let shortNames: [String]
    public let categories: [String]
    public let namespaced: Bool
    public let verbs: [String]
    public let subresources: [Subresource]
    public let schema: TypeSchema
    public let columns: [PrinterColumn]
    /// The group, version and plural the objects are stored under. It differs from the resource's own where two groups
    /// or versions show the same objects (events, horizontalpodautoscalers).
    public let storage: ResourceID
    /// What is particular to a resource that a CustomResourceDefinition defines; nil for a built-in one.
    public let custom: CustomResource?
    /// Whether objects of this kind have a key in the store.
    public let isStored: Bool

    public init(
        group: String, version: String, kind: String, plural: String, singular: String, shortNames: [String] = [],
        categories: [String] = [], namespaced: Bool, verbs: [String], subresources: [Subresource] = [],
        schema: TypeSchema, columns: [PrinterColumn] = [], storage: ResourceID? = nil,
        custom: CustomResource? = nil
    ) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.singular = singular
        self.shortNames = shortNames
        self.categories = categories
        self.namespaced = namespaced
        self.verbs = verbs
        self.subresources = subresources
        self.schema = schema
        self.columns = columns
        self.storage =
            storage
            ?? ResourceID(group: group, version: version, plural: plural, kind: kind, namespaced: namespaced)
        self.custom = custom
        isStored = verbs.contains("get") || verbs.contains("list")
    }

    public var id: ResourceID {
        ResourceID(group: group, version: version, plural: plural, kind: kind, namespaced: namespaced)
    }

    public var apiVersion: String { group.isEmpty ? version : group + "/" + version }
    public var listKind: String { custom?.listKind ?? kind + "List" }

    /// The name of the definition of lists of the kind.
    public var listDefinition: String {
        guard let custom else { return schema.name + "List" }
        return CustomResource.definitionName(group: group, version: version, kind: custom.listKind)
    }

    public func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }
}
