// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// An owner by all that a reference to it says.
struct OwnerIdentity: Hashable {
    var uid: String
    var apiVersion: String
    var kind: String
    var namespace: String
    var name: String

    /// - Parameter namespace: Where the owner is; empty for one of the whole cluster.
    init(_ reference: OwnerReference, namespace: String) {
        uid = reference.uid
        apiVersion = reference.apiVersion
        kind = reference.kind
        self.namespace = namespace
        name = reference.name
    }

    /// Whether an object of `dependents`, a namespace, says that the owner is here.
    func isMeant(by reference: OwnerReference, from dependents: String) -> Bool {
        reference.uid == uid && reference.name == name && reference.kind == kind
            && GarbageCollector.group(of: reference.apiVersion) == GarbageCollector.group(of: apiVersion)
            && (namespace.isEmpty || namespace == dependents)
    }

    init(_ object: JSONObject, _ resource: ResourceID) {
        uid = object.objectUID
        apiVersion = resource.apiVersion
        kind = resource.kind
        namespace = object.objectNamespace
        name = object.objectName
    }

    init(_ node: OwnershipGraph.Node) {
        uid = node.uid
        apiVersion = node.resource.apiVersion
        kind = node.resource.kind
        namespace = node.key.namespace
        name = node.key.name
    }
}

/// Who owns whom in the cluster, by uid. A value without I/O.
struct OwnershipGraph {
    struct Node {
        var resource: ResourceID
        var key: ObjectKey
        var uid: String
        /// In the order of their uids, since there may be thousands, of thousands of objects.
        var owners: [OwnerReference] = []
        var dependents: Set<String> = []
        var isBeingDeleted = false
        /// Waits for its dependents to go first.
        var deletesDependents = false
        /// Wants its dependents set free before it goes.
        var orphansDependents = false
        /// Known only because others name it as their owner.
        var isVirtual = false

        /// What it says of an owner.
        func references(to owner: String) -> ArraySlice<OwnerReference> {
            var (low, high) = (0, owners.count)
            while low < high {
                let middle = (low + high) / 2
                if owners[middle].uid < owner { low = middle + 1 } else { high = middle }
            }
            return owners[low...].prefix { $0.uid == owner }
        }

        /// Whether it was seen where an object of `namespace` says that its owner is.
        func isMeant(by reference: OwnerReference, from namespace: String) -> Bool {
            !isVirtual && isPlaced(by: reference, from: namespace)
        }

        /// The same, wherever what is known of the place comes from.
        func isPlaced(by reference: OwnerReference, from namespace: String) -> Bool {
            reference.uid == uid && reference.name == key.name && reference.kind == resource.kind
                && GarbageCollector.group(of: reference.apiVersion) == resource.group
                && (key.namespace.isEmpty || key.namespace == namespace)
        }
    }

    enum Work: Hashable, CustomStringConvertible {
        /// See whether the object is to be deleted, and what holds it.
        case collect(String)
        case orphan(String)

        var uid: String {
            switch self {
            case .collect(let uid), .orphan(let uid): uid
            }
        }

        var description: String {
            switch self {
            case .collect(let uid): "collect \(uid)"
            case .orphan(let uid): "orphan \(uid)"
            }
        }
    }

    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"

    private(set) var nodes: [String: Node] = [:]
    /// Dependents of owners whose kind nobody has heard of: a definition may have brought it since the last discovery.
    private var unresolved: [String: (owner: OwnerReference, dependents: Set<String>)] = [:]

    /// Whether an object changed in what is kept of it.
    static func matters(_ old: JSONObject, _ new: JSONObject) -> Bool {
        old.objectUID != new.objectUID || old.objectIsBeingDeleted != new.objectIsBeingDeleted
            || ["ownerReferences", "finalizers"].contains {
                old.value("metadata", $0) != new.value("metadata", $0)
            }
    }

    /// Takes an object's present state; returns what has to be looked at.
    ///
    /// - Parameter find: The resource of a kind, so that owners not seen yet can be asked for.
    mutating func store(
        _ object: JSONObject, _ resource: ResourceID, find: (OwnerReference) -> ResourceID?
    ) -> [Work] {
        let uid = object.objectUID
        guard !uid.isEmpty else { return [] }
        let old = nodes[uid]
        var node = old ?? Node(resource: resource, key: object.objectKey, uid: uid)
        if let waiting = unresolved.removeValue(forKey: uid) { node.dependents.formUnion(waiting.dependents) }
        let owners = object.ownerReferences
        let finalizers = object.array("metadata", "finalizers").compactMap(\.string)
        node.resource = resource
        node.key = object.objectKey
        node.isVirtual = false
        node.isBeingDeleted = object.objectIsBeingDeleted
        node.deletesDependents = node.isBeingDeleted && finalizers.contains(Self.foreground)
        node.orphansDependents = node.isBeingDeleted && finalizers.contains(Self.orphan)
        let before = node.owners
        node.owners = owners.sorted { $0.uid < $1.uid }
        nodes[uid] = node
        var work: [Work] = []
        // An object may name thousands of owners, and is looked at whenever it changes.
        let present = Set(owners.map(\.uid))
        let named = Set(before.map(\.uid))
        let blocked = Set(before.lazy.filter(\.blocksDeletion).map(\.uid))
        if let old, old.isVirtual {
            // It is known now where it is: who named another place has to be looked at.
            work += node.dependents.compactMap { nodes[$0] }
                .filter { dependent in
                    !dependent.references(to: uid).contains { node.isMeant(by: $0, from: dependent.key.namespace) }
                }
                .map { .collect($0.uid) }
        }
        for reference in before where !present.contains(reference.uid) {
            nodes[reference.uid]?.dependents.remove(uid)
            forget(uid, of: reference)
            // Its owner may have waited for it alone.
            if nodes[reference.uid]?.deletesDependents == true { work.append(.collect(reference.uid)) }
        }
        for reference in owners where !reference.uid.isEmpty {
            if nodes[reference.uid] == nil {
                if let kind = find(reference) {
                    addVirtual(reference, kind, namespace: node.key.namespace)
                    // Perhaps the owner never existed, or went before this object was made.
                    work.append(.collect(uid))
                } else {
                    unresolved[reference.uid, default: (reference, [])].dependents.insert(uid)
                }
            }
            nodes[reference.uid]?.dependents.insert(uid)
            guard let owner = nodes[reference.uid] else { continue }
            let isNew = !named.contains(reference.uid)
            let blockingEnded = !reference.blocksDeletion && blocked.contains(reference.uid)
            if blockingEnded, owner.deletesDependents { work.append(.collect(reference.uid)) }
            // It goes with its owner; or the owner it names is elsewhere, and perhaps is none. One that was not seen is
            // asked for at the place that the first named.
            if isNew, owner.deletesDependents || !owner.isPlaced(by: reference, from: node.key.namespace) {
                work.append(.collect(uid))
            }
        }
        if node.orphansDependents, old?.orphansDependents != true { work.append(.orphan(uid)) }
        if node.deletesDependents, old?.deletesDependents != true {
            work += node.dependents.map { .collect($0) } + [.collect(uid)]
        }
        return work
    }

    /// Kinds have been discovered: the dependents of owners that can be asked for now are to be looked at.
    mutating func resolve(find: (OwnerReference) -> ResourceID?) -> [Work] {
        var work: [Work] = []
        for (uid, waiting) in unresolved {
            guard let kind = find(waiting.owner), let first = waiting.dependents.compactMap({ nodes[$0] }).first else {
                continue
            }
            unresolved[uid] = nil
            addVirtual(waiting.owner, kind, namespace: first.key.namespace)
            nodes[uid]?.dependents = waiting.dependents
            work += waiting.dependents.map { .collect($0) }
        }
        return work
    }

    private mutating func addVirtual(_ owner: OwnerReference, _ kind: ResourceID, namespace: String) {
        nodes[owner.uid] = Node(
            resource: kind, key: ObjectKey(kind.namespaced ? namespace : "", owner.name), uid: owner.uid,
            isVirtual: true)
    }

    private mutating func forget(_ dependent: String, of owner: OwnerReference) {
        unresolved[owner.uid]?.dependents.remove(dependent)
        if unresolved[owner.uid]?.dependents.isEmpty == true { unresolved[owner.uid] = nil }
    }

    /// The object is gone; returns its dependents and those owners that waited for it.
    mutating func remove(_ uid: String) -> [Work] {
        guard let node = nodes.removeValue(forKey: uid) else { return [] }
        var work: [Work] = node.dependents.map { .collect($0) }
        for reference in node.owners {
            nodes[reference.uid]?.dependents.remove(uid)
            forget(uid, of: reference)
            if let owner = nodes[reference.uid], owner.deletesDependents { work.append(.collect(owner.uid)) }
            if let owner = nodes[reference.uid], owner.isVirtual, owner.dependents.isEmpty {
                nodes.removeValue(forKey: reference.uid)
            }
        }
        // Its dependents still name it: it stays known as an owner that is no more.
        return work
    }

    /// An owner that was known by name only has been asked for at a place, and is not there; returns the dependents
    /// that named it so. Those that name another place know better, perhaps: for them it stays, as known by theirs.
    mutating func removeVirtual(_ identity: OwnerIdentity) -> [Work] {
        guard let node = nodes[identity.uid], node.isVirtual else { return [] }
        var wrong: [Work] = []
        var other: (reference: OwnerReference, dependent: Node)?
        for dependent in node.dependents.compactMap({ nodes[$0] }) {
            var isWrong = false
            for reference in dependent.references(to: identity.uid) {
                if identity.isMeant(by: reference, from: dependent.key.namespace) {
                    isWrong = true
                } else if other == nil {
                    other = (reference, dependent)
                }
            }
            if isWrong { wrong.append(.collect(dependent.uid)) }
        }
        guard let other else { return remove(identity.uid) }
        if node.key == ObjectKey(identity.namespace, identity.name), node.resource.kind == identity.kind {
            let namespace = node.resource.namespaced ? other.dependent.key.namespace : ""
            nodes[identity.uid]?.key = ObjectKey(namespace, other.reference.name)
            wrong.append(.collect(other.dependent.uid))
        }
        return wrong
    }

    /// Dependents that an owner must outlive.
    func blockingDependents(of uid: String) -> [Node] {
        guard let node = nodes[uid] else { return [] }
        return node.dependents.compactMap { nodes[$0] }.filter { dependent in
            dependent.references(to: uid).contains(where: \.blocksDeletion)
        }
    }

    func dependents(of uid: String) -> [Node] {
        (nodes[uid]?.dependents ?? []).compactMap { nodes[$0] }
    }
}
