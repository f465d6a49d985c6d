// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Store
internal import Text

/// Objects in the store: their keys, and the read-change-write loop. Every write wants the permission for it.
struct ObjectStorage: Sendable {
    let store: any KeyValueStore

    /// Under which the objects of custom resources are. Groups of the server's own are none of this name.
    static let customPrefix = "/registry/custom/"

    static func prefix(_ resource: ResourceKind, namespace: String = "") -> String {
        let id = resource.storage
        // A prefix of their own: whatever a definition calls its group, no key of it is one of the server's own kinds.
        var prefix = resource.custom == nil ? "/registry/" : customPrefix
        prefix.reserveCapacity(96)  // with a name, what most keys take
        prefix += id.group.isEmpty ? "core" : id.group
        prefix += "/"
        prefix += id.plural
        prefix += "/"
        if !namespace.isEmpty {
            prefix += namespace
            prefix += "/"
        }
        return prefix
    }

    static func key(_ resource: ResourceKind, namespace: String, name: String) -> String {
        var key = prefix(resource, namespace: resource.namespaced ? namespace : "")
        key += name
        return key
    }

    func get(_ resource: ResourceKind, namespace: String, name: String) -> StoredObject? {
        store.get(Self.key(resource, namespace: namespace, name: name))
    }

    func require(_ resource: ResourceKind, namespace: String, name: String) throws(APIError) -> StoredObject {
        guard let stored = get(resource, namespace: namespace, name: name) else {
            throw .notFound(resource.subject(name))
        }
        return stored
    }

    /// Everything under the kind (in one namespace where one is given) that can be read, as it is now.
    func all(_ resource: ResourceKind, namespace: String = "") -> [StoredObject] {
        store.current(prefix: Self.prefix(resource, namespace: namespace)).readable
    }

    /// What is there and cannot be read.
    func unreadable(_ resource: ResourceKind, namespace: String = "") -> [StoredObject] {
        store.current(prefix: Self.prefix(resource, namespace: namespace)).filter { !$0.isReadable }
    }

    /// Stores a new object in its namespace as that was found (`home`); nil where that is not so any more. Where it
    /// `mayForgetManagers` and is too large with its `managedFields`, it is stored without.
    func create(
        _ resource: ResourceKind, _ object: APIObject, in home: StoredObject?, by permission: Permission,
        typing: StorableForm.Typing = .unchecked,
        mayForgetManagers: Bool = true
    ) async throws(APIError) -> StoredObject? {
        try permission.require(.create, resource, namespace: object.namespace, name: object.name)
        let key = Self.key(resource, namespace: object.namespace, name: object.name)
        var value = try StorableForm.value(
            of: object, resource, typing: typing, mayForgetManagers: mayForgetManagers)
        value.claim = permission.claim(.create)
        value.beside = home
        do throws(StoreError) { return try await store.create(key, value) } catch {
            if case .besideChanged = error { return nil }
            throw .store(error, resource.subject(object.name))
        }
    }

    /// What a deletion of an object comes to.
    enum Ending: Sendable {
        /// Nothing is written.
        case none
        /// The object stays for those who must act first.
        case mark(NewValue)
        case remove
    }

    /// Deletes the object that `stored` is, or marks it. Returns the revision it is at then; nil when something
    /// came between.
    func end(
        _ stored: StoredObject, _ resource: ResourceKind, namespace: String, name: String, by permission: Permission,
        _ ending: Ending
    ) async throws(APIError) -> Int64? {
        try permission.require(.delete, resource, namespace: namespace, name: name)
        let key = Self.key(resource, namespace: namespace, name: name)
        do throws(StoreError) {
            switch ending {
            case .none: return stored.revision
            case .mark(var marked):
                // Whoever makes room is let.
                marked.claim = .everything
                return try await store.update(key, expected: stored.revision, marked).revision
            case .remove: return try await store.delete(key, expected: stored.revision).revision
            }
        } catch {
            guard case .conflict = error else { throw .store(error, resource.subject(name)) }
            return nil
        }
    }

    /// Deletes an object that cannot be read, whatever may wait for it; false when something came between.
    func remove(
        unreadable stored: StoredObject, _ resource: ResourceKind, by permission: Permission
    ) async throws(APIError) -> Bool {
        let place = Self.place(of: stored.key, resource)
        return try await end(
            stored, resource, namespace: place.namespace, name: place.name, by: permission, .remove) != nil
    }

    /// The namespace, where it has one, and the name of the object with a key.
    static func place(of key: String, _ resource: ResourceKind) -> (namespace: String, name: String) {
        let names = (key.after(exactPrefix: prefix(resource)) ?? "").steps
        return (names.count > 1 ? names[0] : "", names.last ?? "")
    }

    /// What a change of an object comes to.
    enum Step: Sendable {
        /// Nothing is written; the object as the client is to see it.
        case show(APIObject)
        case write(APIObject, typing: StorableForm.Typing = .unchecked, mayForgetManagers: Bool = true)
        /// The object goes; its last state.
        case remove(APIObject)
    }

    /// Reads, lets `change` compute the new object, and writes it when nothing came between; else again. Returns the
    /// stored object, or the one to show when nothing was written or it went.
    func change(
        _ resource: ResourceKind, namespace: String, name: String, by permission: Permission,
        _ change: (APIObject, StoredObject) async throws(APIError) -> Step
    ) async throws(APIError) -> (StoredObject, APIObject?) {
        try permission.require(.update, resource, namespace: namespace, name: name)
        let key = Self.key(resource, namespace: namespace, name: name)
        for _ in 0..<64 {
            guard let stored = store.get(key) else { throw .notFound(resource.subject(name)) }
            let step = try await change(APIObject(stored), stored)
            var written: NewValue?
            if case .write(let object, let typing, let mayForgetManagers) = step {
                written = try StorableForm.value(
                    of: object, resource, replacing: stored, typing: typing, mayForgetManagers: mayForgetManagers)
                written?.claim = permission.claim(.update)
            }
            do throws(StoreError) {
                switch step {
                case .show(let object): return (stored, object)
                case .write:
                    guard let written else { continue }
                    return (try await store.update(key, expected: stored.revision, written), nil)
                case .remove(let object):
                    _ = try await store.delete(key, expected: stored.revision)
                    return (stored, object)
                }
            } catch {
                guard case .conflict = error else { throw .store(error, resource.subject(name)) }
            }
        }
        throw .modified(resource.subject(name))
    }

    /// As above, for changes without a client: `change` returning nil leaves the object as it is.
    func update(
        _ resource: ResourceKind, namespace: String, name: String, by permission: Permission,
        _ change: (APIObject, StoredObject) throws(APIError) -> APIObject?
    ) async throws(APIError) -> StoredObject {
        try permission.require(.update, resource, namespace: namespace, name: name)
        let key = Self.key(resource, namespace: namespace, name: name)
        for _ in 0..<64 {
            guard let stored = store.get(key) else { throw .notFound(resource.subject(name)) }
            guard let changed = try change(APIObject(stored), stored) else { return stored }
            var value = try StorableForm.value(of: changed, resource, replacing: stored, typing: .unchecked)
            value.claim = permission.claim(.update)
            do throws(StoreError) {
                return try await store.update(key, expected: stored.revision, value)
            } catch {
                guard case .conflict = error else { throw .store(error, resource.subject(name)) }
            }
        }
        throw .modified(resource.subject(name))
    }
}
