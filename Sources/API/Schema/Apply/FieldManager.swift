// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Who writes, and through what: what the server knows about a write besides its body.
public struct FieldWriter: Sendable {
    public var manager: String
    /// The version of the request's path.
    public var apiVersion: String
    /// `status`, `scale`, …; empty for the object itself.
    public var subresource: String
    /// RFC 3339 in whole seconds, UTC.
    public var time: String
    /// The object's type; nil for custom resources without a schema.
    public var schema: TypeSchema?
    /// Fields this path cannot change, so that nobody owns them through it: `status` on the object itself.
    public var ignored: FieldSet

    public init(
        manager: String, apiVersion: String, subresource: String = "", time: String, schema: TypeSchema?,
        ignored: FieldSet = FieldSet()
    ) {
        self.manager = manager.isEmpty ? "unknown" : manager
        self.apiVersion = apiVersion
        self.subresource = subresource
        self.time = time
        self.schema = schema
        self.ignored = ignored
    }

    func entry(_ operation: ManagedFieldsEntry.Operation) -> ManagedFieldsEntry {
        ManagedFieldsEntry(
            manager: manager, operation: operation, apiVersion: apiVersion, subresource: subresource, time: time)
    }
}

/// Keeps `metadata.managedFields` true while objects are created, updated and patched.
public enum FieldManager {
    /// Metadata that belongs to the server or to the object's identity: nobody owns it.
    static let unowned: FieldSet = {
        var set = FieldSet(paths: [["apiVersion"], ["kind"], ["metadata"]])
        for name in [
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
            "resourceVersion",
        ] {
            set.insert([.field("metadata"), .field(name)])
        }
        return set
    }()

    /// The new object with its `managedFields` brought up to date for a write that is not an apply.
    ///
    /// `live` is the stored object, nil on create. Entries in the body replace the stored ones, as clients expect: an
    /// empty list forgets all owners.
    public static func update(live: JSONObject?, new: JSONObject, by writer: FieldWriter) -> JSONObject {
        var managed = owners(live: live, new: new, writer)
        var object = withoutManagedFields(new)
        // An object that was never tracked stays so; the first apply starts tracking.
        if !(managed.entries.isEmpty && live != nil) {
            let before = live.map(withoutManagedFields) ?? emptyObject(of: writer.schema)
            track(from: before, to: object, writer.entry(.update), writer, &managed)
            managed.mergeOldestUpdaters()
        }
        set(managed, on: &object)
        return object
    }

    /// What an object of a type has before anything is set: the objects that are always there, and null for the lists
    /// and maps that are always written. Nobody comes to own these by creating the object.
    static func emptyObject(of schema: TypeSchema?, depth: Int = 0) -> JSONObject {
        var object = JSONObject()
        guard let schema, depth < 16 else { return object }
        for field in schema.fields where !field.isPointer && !field.isAtomic {
            switch field.type {
            case .object(let inner) where !inner.isAtomic:
                object[field.jsonName] = .object(emptyObject(of: inner, depth: depth + 1))
            case .array, .map:
                if field.omission == .never { object[field.jsonName] = .null }
            default: break
            }
        }
        return object
    }

    private static func owners(live: JSONObject?, new: JSONObject, _ writer: FieldWriter) -> ManagedFields {
        let stored = entries(of: live)
        if writer.subresource.isEmpty, let sent = new["metadata"]?["managedFields"]?.array {
            if sent.isEmpty || (sent.count == 1 && sent[0].object?.isEmpty ?? false) { return ManagedFields() }
            if sent != stored, let managed = ManagedFields(sent), !managed.entries.isEmpty { return managed }
        }
        // Entries that cannot be read are dropped: ownership starts afresh.
        return ManagedFields(stored) ?? ManagedFields()
    }

    static func entries(of object: JSONObject?) -> [JSONValue] {
        object?["metadata"]?["managedFields"]?.array ?? []
    }

    /// Takes away from every owner what the write changed, and gives it to the writer.
    static func track(
        from old: JSONObject, to new: JSONObject, _ owner: ManagedFieldsEntry, _ writer: FieldWriter,
        _ managed: inout ManagedFields
    ) {
        let changes = FieldComparison(from: old, to: new, schema: MergeSchema(writer.schema))
            .excluding(writer.ignored)
        guard !changes.isEmpty else { return }
        let written = changes.modified.union(changes.added)
        for index in managed.entries.indices {
            let rest = managed.entries[index].fields.subtracting(changes.removed)
            managed.entries[index].fields = rest.subtracting(written)
        }
        let owned = written.subtracting(unowned)
        if !owned.isEmpty {
            if let index = managed.index(of: owner) {
                managed.entries[index].fields = managed.entries[index].fields.union(owned)
                managed.entries[index].time = writer.time
            } else {
                var entry = owner
                entry.fields = owned
                managed.entries.append(entry)
            }
        }
        managed.dropEmpty()
    }

    static func withoutManagedFields(_ object: JSONObject) -> JSONObject {
        guard object["metadata"]?["managedFields"] != nil else { return object }
        var copy = object
        copy["metadata"]?["managedFields"] = nil
        return copy
    }

    static func set(_ managed: ManagedFields, on object: inout JSONObject) {
        guard let json = managed.json else { return }
        object["metadata", default: [:]]["managedFields"] = json
    }
}
