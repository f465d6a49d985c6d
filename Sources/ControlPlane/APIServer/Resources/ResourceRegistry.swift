// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Schema

/// The resources served, by their place in the path.
struct ResourceRegistry: Sendable {
    struct Place: Hashable, Sendable {
        var group: String
        var version: String
        var plural: String
    }

    let resources: [ResourceKind]
    private let byPlace: [Place: Int]
    private let byKind: [Place: Int]

    init(_ resources: [ResourceKind] = KubeAPI.resources) {
        self.resources = resources
        var byPlace: [Place: Int] = [:]
        var byKind: [Place: Int] = [:]
        for (index, resource) in resources.enumerated() {
            byPlace[Place(group: resource.group, version: resource.version, plural: resource.plural)] = index
            byKind[Place(group: resource.group, version: resource.version, plural: resource.kind)] = index
        }
        self.byPlace = byPlace
        self.byKind = byKind
    }

    func resource(_ group: String, _ version: String, _ plural: String) -> ResourceKind? {
        byPlace[Place(group: group, version: version, plural: plural)].map { resources[$0] }
    }

    func resource(group: String, version: String, kind: String) -> ResourceKind? {
        byKind[Place(group: group, version: version, plural: kind)].map { resources[$0] }
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
