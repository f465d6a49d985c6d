// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One field an applier wants to set and someone else owns with another value.
public struct ApplyConflict: Sendable, Hashable {
    /// `.spec.containers[name="web"].image`
    public var field: String
    /// The owner, as messages name it.
    public var owner: String
    var path: [PathElement]

    /// The text of the Status cause, whose reason is `FieldManagerConflict`.
    public var message: String { "conflict with " + owner }
}

/// Why an apply was refused.
public enum ApplyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// 409 Conflict, with a cause for each field.
    case conflicts([ApplyConflict])
    /// 400 Bad Request.
    case badRequest(String)
    /// The configuration does not fit the type: 500, as upstream answers.
    case unfit(String)

    /// How many conflicts an answer names: there may be as many as fields.
    public static let shownConflicts = 1000

    public var description: String {
        switch self {
        case .badRequest(let text), .unfit(let text): return text
        case .conflicts(let conflicts):
            if conflicts.count == 1 {
                return "Apply failed with 1 conflict: \(conflicts[0].message): \(conflicts[0].field)"
            }
            var lines: [String] = []
            for (owner, fields) in Dictionary(grouping: conflicts, by: \.owner).sorted(by: { $0.key < $1.key }) {
                lines.append("conflicts with \(owner):")
                lines += fields.map { "- \($0.field)" }
            }
            if lines.count > Self.shownConflicts {
                lines = lines.prefix(Self.shownConflicts) + ["\(lines.count - Self.shownConflicts) more are left out"]
            }
            return "Apply failed with \(conflicts.count) conflicts: " + lines.joined(separator: "\n")
        }
    }
}

/// Server-side apply: lays one manager's configuration over the object and keeps account of who owns what.
public enum ServerSideApply {
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    /// The object after `applied` was laid over `live` (nil on create), with its `managedFields`.
    ///
    /// Fields the manager applied before and left out now are removed unless someone else owns them. Without `force`, a
    /// field that another manager owns with another value is a conflict. The result equals `live` when nothing changed.
    public static func apply(
        live: JSONObject?, applied: JSONObject, force: Bool, by writer: FieldWriter
    ) throws(ApplyError) -> JSONObject {
        try check(applied, writer)
        let config = withoutNulls(applied)
        do throws(ApplyError) {
            return try attempt(live: live, applied: config, force: force, by: writer)
        } catch {
            // kubectl may take over what its own client-side apply set.
            guard case .conflicts(let conflicts) = error, writer.manager == "kubectl", let live else { throw error }
            let allowed = lastAppliedFields(of: live, writer)
            let left = conflicts.filter { !allowed.contains($0.path[...]) }
            guard left.isEmpty else { throw .conflicts(left) }
            return try attempt(live: live, applied: config, force: true, by: writer)
        }
    }

    private static func attempt(
        live: JSONObject?, applied: JSONObject, force: Bool, by writer: FieldWriter
    ) throws(ApplyError) -> JSONObject {
        let schema = MergeSchema(writer.schema)
        guard var managed = ManagedFields(FieldManager.entries(of: live)) else {
            throw .badRequest("failed to decode managed fields of the stored object")
        }
        let before = live.map(FieldManager.withoutManagedFields) ?? [:]
        if managed.entries.isEmpty, live != nil { trackFirstApply(before, writer, &managed) }

        let owner = writer.entry(.apply)
        let last = managed.index(of: owner).map { managed.entries[$0] }
        var config = applied
        updateLastApplied(of: before, in: &config, writer)
        var merged = ApplyMerge.merge(config, over: before, schema)
        var entry = owner
        entry.fields = FieldSet(of: config, schema: schema).subtractingWhole(writer.ignored)
            .subtracting(FieldManager.unowned)
        entry.time = last?.time ?? ""
        if let index = managed.index(of: owner) {
            managed.entries[index] = entry
        } else {
            managed.entries.append(entry)
        }
        if let last { merged = prune(merged, last.fields, managed, schema) }

        try settle(from: before, to: merged, owner, force: force, writer, &managed)
        if merged != before, let index = managed.index(of: owner) { managed.entries[index].time = writer.time }
        FieldManager.set(managed, on: &merged)
        return merged
    }

    /// What an object held before anyone applied belongs to a manager of its own.
    private static func trackFirstApply(
        _ live: JSONObject, _ writer: FieldWriter, _ managed: inout ManagedFields
    ) {
        var first = writer
        first.manager = "before-first-apply"
        let empty = FieldManager.emptyObject(of: writer.schema)
        FieldManager.track(from: empty, to: live, first.entry(.update), first, &managed)
    }

    /// Removes what the manager owned and no longer sets, where nobody else owns it.
    private static func prune(
        _ merged: JSONObject, _ last: FieldSet, _ managed: ManagedFields, _ schema: MergeSchema
    ) -> JSONObject {
        guard !last.isEmpty else { return merged }
        let before = last.withNamedFields(schema)
        let without = before.removedFields(from: merged, schema)
        var owned = FieldSet()
        for entry in managed.entries { owned.formUnion(entry.fields) }
        let all = FieldSet(of: merged, schema: schema).withNamedFields(schema)
        let keep = FieldSet(of: without, schema: schema).withNamedFields(schema).union(owned.withNamedFields(schema))
        let restored = all.subtracting(keep).removedFields(from: merged, schema)
        // Of what is still missing only the manager's own may go: the rest was nobody's and stays.
        let left = FieldSet(of: restored, schema: schema).withNamedFields(schema)
        return all.subtracting(left).intersection(before).removedFields(from: merged, schema)
    }

    /// Finds the conflicts and, when forced, takes the fields away from their owners.
    private static func settle(
        from old: JSONObject, to new: JSONObject, _ owner: ManagedFieldsEntry, force: Bool, _ writer: FieldWriter,
        _ managed: inout ManagedFields
    ) throws(ApplyError) {
        let changes = FieldComparison(from: old, to: new, schema: MergeSchema(writer.schema))
            .excluding(writer.ignored)
        let written = changes.modified.union(changes.added)
        var conflicts: [ApplyConflict] = []
        for index in managed.entries.indices where !managed.entries[index].isSameOwner(as: owner) {
            let contested = managed.entries[index].fields.intersection(written)
            for path in contested.paths {
                let field = path.map(\.excerpt).joined()
                conflicts.append(
                    ApplyConflict(field: field, owner: managed.entries[index].shownOwner, path: path))
            }
            managed.entries[index].fields = managed.entries[index].fields.subtracting(contested)
                .subtracting(changes.removed)
        }
        guard force || conflicts.isEmpty else { throw .conflicts(conflicts) }
        managed.dropEmpty()
    }
}
