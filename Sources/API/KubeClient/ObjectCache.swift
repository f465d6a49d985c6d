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

/// Objects by key, namespace and any number of indexes. A value, guarded by its owner. Each part is a dictionary of its own:
/// who lists takes it as it is, and makes the list without keeping others from the cache.
struct ObjectCache<T: KubeView>: Sendable {
    typealias Part = [ObjectKey: T]

    private struct Index: Sendable {
        let name: String
        let function: IndexFunction<T>
        var members: [String: Part] = [:]

        mutating func insert(_ key: ObjectKey, _ object: T) { insert(key, object, function(object)) }

        mutating func remove(_ key: ObjectKey, _ object: T) { remove(key, function(object)) }

        private mutating func insert(_ key: ObjectKey, _ object: T, _ values: [String]) {
            for value in values { members[value, default: [:]][key] = object }
        }

        private mutating func remove(_ key: ObjectKey, _ values: [String]) {
            for value in values where members[value]?.removeValue(forKey: key) != nil {
                if members[value]?.isEmpty == true { members.removeValue(forKey: value) }
            }
        }

        mutating func replace(_ key: ObjectKey, _ old: T, with object: T) {
            let (before, after) = (function(old), function(object))
            if before != after { remove(key, before) }
            insert(key, object, after)
        }
    }

    private(set) var objects: Part = [:]
    private var namespaces: [String: Part] = [:]
    /// Changed each where it is: one that is held twice is copied whole.
    private var indexes: [Index] = []

    mutating func addIndex(_ name: String, _ function: @escaping IndexFunction<T>) {
        guard !indexes.contains(where: { $0.name == name }) else { return }
        var index = Index(name: name, function: function)
        for (key, object) in objects { index.insert(key, object) }
        indexes.append(index)
    }

    /// Stores an object and says what changed; nil when this very version is there already.
    mutating func store(_ object: T, key: ObjectKey) -> InformerChange<T>? {
        let old = objects.updateValue(object, forKey: key)
        if !key.namespace.isEmpty { namespaces[key.namespace, default: [:]][key] = object }
        if let old {
            for place in indexes.indices { indexes[place].replace(key, old, with: object) }
            let version = object.json.objectResourceVersion
            if !version.isEmpty, version == old.json.objectResourceVersion { return nil }
            return .updated(old: old, new: object)
        }
        for place in indexes.indices { indexes[place].insert(key, object) }
        return .added(object)
    }

    mutating func remove(_ key: ObjectKey) -> T? {
        guard let old = objects.removeValue(forKey: key) else { return nil }
        if namespaces[key.namespace]?.removeValue(forKey: key) != nil, namespaces[key.namespace]?.isEmpty == true {
            namespaces.removeValue(forKey: key.namespace)
        }
        for place in indexes.indices { indexes[place].remove(key, old) }
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

    func part(namespace: String) -> Part { namespaces[namespace] ?? [:] }

    func part(index: String, value: String) -> Part { indexes.first { $0.name == index }?.members[value] ?? [:] }
}
