// SPDX-License-Identifier: Apache-2.0

import JSON
public import KubeAPI

/// What happened to an object in a cache.
public enum InformerChange<T: KubeView>: Sendable {
    case added(T)
    case updated(old: T, new: T)
    /// The last known state of the object.
    case deleted(T)

    /// The object after the change, or its last state.
    public var object: T {
        switch self {
        case .added(let object), .updated(_, let object), .deleted(let object): object
        }
    }
}

/// Names the values under which an object is found in an index.
public typealias IndexFunction<T> = @Sendable (T) -> [String]

/// Objects by key, namespace and any number of indexes. A value, guarded by its owner.
struct ObjectCache<T: KubeView>: Sendable {
    private struct Index: Sendable {
        let function: IndexFunction<T>
        var members: [String: Set<ObjectKey>] = [:]

        mutating func insert(_ key: ObjectKey, _ object: T) {
            for value in function(object) { members[value, default: []].insert(key) }
        }

        mutating func remove(_ key: ObjectKey, _ object: T) {
            for value in function(object) {
                guard members[value]?.remove(key) != nil else { continue }
                if members[value]?.isEmpty == true { members.removeValue(forKey: value) }
            }
        }
    }

    private(set) var objects: [ObjectKey: T] = [:]
    private var namespaces: [String: Set<ObjectKey>] = [:]
    private var indexes: [String: Index] = [:]

    mutating func addIndex(_ name: String, _ function: @escaping IndexFunction<T>) {
        guard indexes[name] == nil else { return }
        var index = Index(function: function)
        for (key, object) in objects { index.insert(key, object) }
        indexes[name] = index
    }

    /// Stores an object and says what changed; nil when this very version is there already.
    mutating func store(_ object: T, key: ObjectKey) -> InformerChange<T>? {
        let old = objects.updateValue(object, forKey: key)
        if let old {
            for name in indexes.keys {
                indexes[name]?.remove(key, old)
                indexes[name]?.insert(key, object)
            }
            let version = object.json.objectResourceVersion
            if !version.isEmpty, version == old.json.objectResourceVersion { return nil }
            return .updated(old: old, new: object)
        }
        if !key.namespace.isEmpty { namespaces[key.namespace, default: []].insert(key) }
        for name in indexes.keys { indexes[name]?.insert(key, object) }
        return .added(object)
    }

    mutating func remove(_ key: ObjectKey) -> T? {
        guard let old = objects.removeValue(forKey: key) else { return nil }
        if namespaces[key.namespace]?.remove(key) != nil, namespaces[key.namespace]?.isEmpty == true {
            namespaces.removeValue(forKey: key.namespace)
        }
        for name in indexes.keys { indexes[name]?.remove(key, old) }
        return old
    }

    /// Makes the cache hold exactly `fresh`; returns what that changed.
    mutating func replace(with fresh: [ObjectKey: T]) -> [InformerChange<T>] {
        var changes: [InformerChange<T>] = []
        for key in objects.keys where fresh[key] == nil {
            if let old = remove(key) { changes.append(.deleted(old)) }
        }
        for (key, object) in fresh {
            // An object deleted and made anew under the same name between two lists is two objects.
            if let old = objects[key], old.json.objectUID != object.json.objectUID, let gone = remove(key) {
                changes.append(.deleted(gone))
            }
            if let change = store(object, key: key) { changes.append(change) }
        }
        return changes
    }

    /// The namespaces that there are objects in.
    var populated: some Collection<String> { namespaces.keys }

    func count(namespace: String) -> Int { namespaces[namespace]?.count ?? 0 }

    func list(namespace: String) -> [T] {
        guard let keys = namespaces[namespace] else { return [] }
        return keys.compactMap { objects[$0] }
    }

    func list(index: String, value: String) -> [T] {
        guard let keys = indexes[index]?.members[value] else { return [] }
        return keys.compactMap { objects[$0] }
    }
}
