// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Schema
internal import Synchronization

/// The resources served, by their place in the path: the built-in ones, and those that definitions define at present.
final class ResourceRegistry: Sendable {
    struct Place: Hashable, Sendable {
        var group: String
        var version: String
        var plural: String
    }

    private struct Index: Sendable {
        var resources: [ResourceKind] = []
        var byPlace: [Place: Int] = [:]
        var byKind: [Place: Int] = [:]
        var generation = 0

        init(_ resources: [ResourceKind]) {
            self.resources = resources
            for (index, resource) in resources.enumerated() {
                byPlace[Place(group: resource.group, version: resource.version, plural: resource.plural)] = index
                byKind[Place(group: resource.group, version: resource.version, plural: resource.kind)] = index
            }
        }
    }

    private let builtin: [ResourceKind]
    private let builtinVersions: Set<GroupVersion>
    private let index: Mutex<Index>

    init(_ resources: [ResourceKind] = KubeAPI.resources) {
        builtin = resources
        builtinVersions = Set(resources.map { GroupVersion(group: $0.group, version: $0.version) })
        index = Mutex(Index(resources))
    }

    /// Replaces the resources that definitions define. Those in a group and version of the server's own are not served.
    func serve(_ custom: [ResourceKind]) {
        let resources = builtin + custom.filter { !isBuiltin(group: $0.group, version: $0.version) }
        index.withLock { index in
            let generation = index.generation + 1
            index = Index(resources)
            index.generation = generation
        }
    }

    func isBuiltin(group: String, version: String) -> Bool {
        builtinVersions.contains(GroupVersion(group: group, version: version))
    }

    var resources: [ResourceKind] { index.withLock(\.resources) }

    /// Counts the changes of what is served.
    var generation: Int { index.withLock(\.generation) }

    func resource(_ group: String, _ version: String, _ plural: String) -> ResourceKind? {
        index.withLock { index in
            index.byPlace[Place(group: group, version: version, plural: plural)].map { index.resources[$0] }
        }
    }

    func resource(group: String, version: String, kind: String) -> ResourceKind? {
        index.withLock { index in
            index.byKind[Place(group: group, version: version, plural: kind)].map { index.resources[$0] }
        }
    }

    /// The first version of a resource that is served.
    func preferred(_ group: String, _ plural: String) -> ResourceKind? {
        resources.first { $0.group == group && $0.plural == plural }
    }

    /// Every group with its versions, in the order of the table.
    var groups: [(group: String, versions: [String])] {
        var order: [String] = []
        var versions: [String: [String]] = [:]
        for resource in resources {
            if versions[resource.group] == nil { order.append(resource.group) }
            if versions[resource.group]?.contains(resource.version) != true {
                versions[resource.group, default: []].append(resource.version)
            }
        }
        return order.map { ($0, versions[$0] ?? []) }
    }
}

extension ResourceKind {
    func subject(_ name: String) -> Subject { Subject(group: group, resource: plural, kind: kind, name: name) }

    /// Whether objects of this kind have a key in the store.
    var isStored: Bool { verbs.contains("get") || verbs.contains("list") }

    var hasStatus: Bool { subresource("status") != nil }
}
