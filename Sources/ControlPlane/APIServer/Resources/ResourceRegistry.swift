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
        /// The first version of each; its place has no version.
        var first: [Place: Int] = [:]
        var generation = 0

        init(_ resources: [ResourceKind]) {
            self.resources = resources
            for (index, resource) in resources.enumerated() {
                byPlace[Place(group: resource.group, version: resource.version, plural: resource.plural)] = index
                byKind[Place(group: resource.group, version: resource.version, plural: resource.kind)] = index
                let place = Place(group: resource.group, version: "", plural: resource.plural)
                if first[place] == nil { first[place] = index }
            }
        }
    }

    private let builtin: [ResourceKind]
    private let builtinVersions: Set<GroupVersion>
    private let index: Mutex<Index>
    /// What to do when a custom resource is served no more as it was.
    private let endings = Mutex(Endings())

    private struct Endings: Sendable {
        var byResource: [ObjectIdentifier: [Int: @Sendable () -> Void]] = [:]
        var next = 0
    }

    init(_ resources: [ResourceKind] = KubeAPI.resources) {
        builtin = resources
        builtinVersions = Set(resources.map { GroupVersion(group: $0.group, version: $0.version) })
        index = Mutex(Index(resources))
    }

    /// Replaces the resources that definitions define. Those in a group and version of the server's own are not served,
    /// nor those with the name of a resource or kind that its group has at any version.
    func serve(_ custom: [ResourceKind]) {
        let resources =
            builtin
            + custom.filter { one in
                !isBuiltin(group: one.group, version: one.version)
                    && !builtin.contains { $0.group == one.group && ($0.plural == one.plural || $0.kind == one.kind) }
            }
        index.withLock { index in
            let generation = index.generation + 1
            index = Index(resources)
            index.generation = generation
        }
        let live = Set(resources.compactMap { $0.custom.map(ObjectIdentifier.init) })
        let ended = endings.withLock { endings in
            let ended = endings.byResource.filter { !live.contains($0.key) }
            for key in ended.keys { endings.byResource[key] = nil }
            return ended
        }
        for actions in ended.values { for action in actions.values { action() } }
    }

    /// Calls `action` when the resource's definition changes or goes, at once where it has already. `forget` with what
    /// is returned before the resource is let go of.
    func whenReplaced(_ custom: CustomResource, _ action: @escaping @Sendable () -> Void) -> Int {
        let number = endings.withLock { endings in
            endings.next += 1
            endings.byResource[ObjectIdentifier(custom), default: [:]][endings.next] = action
            return endings.next
        }
        // Whoever replaced it before this looked at the endings after replacing it, or has yet to.
        let isServed = index.withLock { index in index.resources.contains { $0.custom === custom } }
        if !isServed { action() }
        return number
    }

    func forget(_ number: Int, of custom: CustomResource) {
        endings.withLock { endings in
            let key = ObjectIdentifier(custom)
            endings.byResource[key]?[number] = nil
            if endings.byResource[key]?.isEmpty == true { endings.byResource[key] = nil }
        }
    }

    func isBuiltin(group: String, version: String) -> Bool {
        builtinVersions.contains(GroupVersion(group: group, version: version))
    }

    /// The API versions that objects of a built-in resource are stored in; empty where there is none of that name.
    func builtinStorage(group: String, plural: String) -> Set<String> {
        Set(builtin.filter { $0.storage.group == group && $0.storage.plural == plural }.map(\.storage.apiVersion))
    }

    /// The names that the server's own resources have in a group: no definition gets one of them.
    func builtinNames(in group: String) -> DefinitionStatus.TakenNames {
        var names = DefinitionStatus.TakenNames()
        for resource in builtin where resource.group == group { names.add(resource) }
        return names
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
        index.withLock { index in
            index.first[Place(group: group, version: "", plural: plural)].map { index.resources[$0] }
        }
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

    var hasStatus: Bool { subresource("status") != nil }
}
