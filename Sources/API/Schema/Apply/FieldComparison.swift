// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What differs between two versions of an object, as ownership sees it.
struct FieldComparison {
    var added = FieldSet()
    var modified = FieldSet()
    var removed = FieldSet()

    var isEmpty: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }

    init() {}

    init(from old: JSONObject, to new: JSONObject, schema: MergeSchema) {
        compareFields(old, new, schema)
    }

    /// Leaves out fields that the request could not change, whatever its body said.
    func excluding(_ fields: FieldSet) -> FieldComparison {
        if fields.isEmpty { return self }
        var result = FieldComparison()
        result.added = added.subtractingWhole(fields)
        result.modified = modified.subtractingWhole(fields)
        result.removed = removed.subtractingWhole(fields)
        return result
    }

    private mutating func compareFields(_ old: JSONObject, _ new: JSONObject, _ schema: MergeSchema) {
        for (key, value) in new {
            compare(old[key], value, schema.field(key) ?? .deduced, at: .field(key))
        }
        for (key, value) in old where new[key] == nil {
            compare(value, nil, schema.field(key) ?? .deduced, at: .field(key))
        }
    }

    private mutating func compare(
        _ old: JSONValue?, _ new: JSONValue?, _ schema: MergeSchema, at element: PathElement
    ) {
        if let old, let new, old == new { return }
        var child = FieldComparison()
        switch (schema.shape(of: old), schema.shape(of: new)) {
        case (.object(let before), .object(let after)) where !(before.isEmpty && after.isEmpty):
            child.compareFields(before, after, schema)
        case (.leaf, .object(let after)) where (old?.isNull ?? true) && !after.isEmpty:
            child.compareFields([:], after, schema)
        case (.object(let before), .leaf) where (new?.isNull ?? true) && !before.isEmpty:
            child.compareFields(before, [:], schema)
        case (.list(let before), .list(let after)) where !(before.isEmpty && after.isEmpty):
            child.compareItems(before, after, schema)
        case (.leaf, .list(let after)) where (old?.isNull ?? true) && !after.isEmpty:
            child.compareItems([], after, schema)
        case (.list(let before), .leaf) where (new?.isNull ?? true) && !before.isEmpty:
            child.compareItems(before, [], schema)
        default:
            if old != nil, new != nil {
                // `1` and `1.0` are the same number.
                if let a = old?.number, let b = new?.number, a == b { return }
                modified.insert(element)
            }
        }
        if old == nil { added.insert(element) } else if new == nil { removed.insert(element) }
        added.attach(child.added, below: element)
        modified.attach(child.modified, below: element)
        removed.attach(child.removed, below: element)
    }

    private mutating func compareItems(_ old: [JSONValue], _ new: [JSONValue], _ schema: MergeSchema) {
        let before = Self.grouped(old, schema)
        let after = Self.grouped(new, schema)
        for (element, items) in after {
            let matches = before[element] ?? []
            if items.count > 1 || matches.count > 1 {
                // Several elements of one identity are one unit.
                if matches.isEmpty { added.insert(element) } else if matches != items { modified.insert(element) }
            } else {
                compare(matches.first, items.first, schema.element, at: element)
            }
        }
        for (element, items) in before where after[element] == nil {
            if items.count > 1 {
                removed.insert(element)
            } else {
                compare(items.first, nil, schema.element, at: element)
            }
        }
    }

    private static func grouped(_ items: [JSONValue], _ schema: MergeSchema) -> [PathElement: [JSONValue]] {
        var groups: [PathElement: [JSONValue]] = [:]
        for item in items {
            if let element = schema.identity(of: item) { groups[element, default: []].append(item) }
        }
        return groups
    }
}
