// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// How one field takes part in a strategic merge.
struct PatchPlace {
    /// The type of the object, or of the list's or map's elements.
    let schema: TypeSchema?
    let mergeKey: String?
    let isMerged: Bool
    let isReplaced: Bool

    init(_ key: String, in schema: TypeSchema?) {
        let field = schema?.field(named: key)
        self.schema = field?.type.schema
        mergeKey = field?.patchMergeKey
        isMerged = field?.patchStrategy.contains(.merge) ?? false
        isReplaced = field?.patchStrategy.contains(.replace) ?? false
    }
}

extension StrategicMergePatch {
    // MARK: Lists with identities

    static func mergeList(
        _ patch: [JSONValue], into original: [JSONValue], _ place: PatchPlace, _ name: String
    ) throws(PatchError) -> [JSONValue] {
        if patch.isEmpty { return original }
        try checkElements(original + patch)
        guard case .object? = patch.first ?? original.first else {
            return reorder(merged: unique(original + patch), patch: patch, live: original) { $0 }
        }
        guard let mergeKey = place.mergeKey else {
            throw PatchError(.unprocessable, "cannot merge lists without merge key for \(name)")
        }
        let (kept, changes) = try carryOutDirectives(patch, original, mergeKey)
        var merged = kept
        var places = positions(kept) { $0[mergeKey] ?? .null }
        for change in changes {
            guard case .object(let fields) = change else { throw argumentError(change, expected: "map") }
            guard let identity = fields[mergeKey] else { throw noMergeKey(fields, mergeKey) }
            if let index = places[identity], merged[index][mergeKey] != nil {
                let before = merged[index].object ?? JSONObject()
                merged[index] = .object(try merge(fields, into: before, place.schema))
            } else {
                places[identity] = merged.count
                merged.append(withoutDirectives(change) ?? change)
            }
        }
        return reorder(merged: merged, patch: changes, live: kept) { $0[mergeKey] ?? .null }
    }

    static func noMergeKey(_ element: JSONObject, _ key: String) -> PatchError {
        PatchError(.unprocessable, "map: \(element) does not contain declared merge key: \(key)")
    }

    private static func checkElements(_ items: [JSONValue]) throws(PatchError) {
        if items.contains(where: { $0.array != nil }) {
            throw PatchError(.unprocessable, "lists of lists are not supported")
        }
        let objects = items.count { $0.object != nil }
        guard objects == 0 || objects == items.count else {
            throw PatchError(
                .unprocessable, "list element types are not identical: \(JSONValue.array(items))")
        }
    }

    /// Elements with `$patch` delete others or replace the whole list; what is left is merged.
    private static func carryOutDirectives(
        _ patch: [JSONValue], _ original: [JSONValue], _ mergeKey: String
    ) throws(PatchError) -> (kept: [JSONValue], changes: [JSONValue]) {
        var deleted: Set<JSONValue> = []
        var changes: [JSONValue] = []
        var replaces = false
        for item in patch {
            guard let fields = item.object, let directive = fields[Directive.marker] else {
                changes.append(item)
                continue
            }
            switch directive.string {
            case "delete":
                guard let identity = fields[mergeKey] else { throw noMergeKey(fields, mergeKey) }
                deleted.insert(identity)
            case "replace": replaces = true
            case "merge":
                throw PatchError(.unprocessable, "merging lists cannot yet be specified in the patch")
            default:
                throw PatchError(.malformed, "unknown patch type: \(directive) in map: \(fields)")
            }
        }
        if replaces { return (changes, []) }
        return (original.filter { $0[mergeKey].map { !deleted.contains($0) } ?? true }, changes)
    }

    private static func unique(_ items: [JSONValue]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return items.filter { seen.insert($0).inserted }
    }

    // MARK: Order

    /// `$setElementOrder/<list>`: merges the list with its own changes and gives it the wanted order.
    static func orderElements(
        by patch: inout JSONObject, in original: inout JSONObject, _ schema: TypeSchema?
    ) throws(PatchError) {
        let malformed = PatchError(.malformed, "invalid patch format of setElementOrder list")
        for key in patch.keys where key.hasPrefix(Directive.elementOrder) {
            let wanted = patch.removeValue(forKey: key)
            guard let order = wanted?.array else { throw malformed }
            let name = String(key.dropFirst(Directive.elementOrder.count))
            let place = PatchPlace(name, in: schema)
            let change = patch[name]
            if change != nil, change?.array == nil { continue }
            let identity: (JSONValue) -> JSONValue = { item in place.mergeKey.flatMap { item[$0] } ?? item }
            let ordered = Set(order.map(identity))
            for item in change?.array ?? [] where item[Directive.marker] == nil {
                guard ordered.contains(identity(item)) else {
                    throw PatchError(
                        .unprocessable,
                        "The order in patch list:\n\(JSONValue.array(change?.array ?? []))\n doesn't match "
                            + "\(key) list:\n\(JSONValue.array(order))\n")
                }
            }
            let live = original[name]?.array
            let merged: [JSONValue]
            switch (live, change?.array) {
            case (let live?, nil): merged = live
            case (nil, let items?): merged = items.compactMap(withoutDirectives)
            case (let live?, let items?):
                merged = place.isMerged ? try mergeList(items, into: live, place, name) : items
            case (nil, nil): continue
            }
            original[name] = .array(reorder(merged: merged, patch: order, live: live ?? [], identity))
            patch.removeValue(forKey: name)
        }
    }

    /// Elements the patch names come in the patch's order; the others keep their place relative to their neighbours in
    /// the live list.
    static func reorder(
        merged: [JSONValue], patch: [JSONValue], live: [JSONValue], _ identity: (JSONValue) -> JSONValue
    ) -> [JSONValue] {
        let wanted = positions(patch, identity)
        let before = positions(live, identity)
        let placed = merged.map { (item: $0, place: wanted[identity($0)]) }
        let named = placed.filter { $0.place != nil }.sorted { ($0.place ?? 0) < ($1.place ?? 0) }.map(\.item)
        let others = placed.filter { $0.place == nil }.map(\.item)
        guard !others.isEmpty, !named.isEmpty else { return named + others }
        // Two sorted runs merged: an element only the server has goes before the first named one that follows it live.
        var result: [JSONValue] = []
        var nextNamed = 0
        var nextOther = 0
        while nextNamed < named.count, nextOther < others.count {
            if let otherPlace = before[identity(others[nextOther])],
                let namedPlace = before[identity(named[nextNamed])], otherPlace < namedPlace
            {
                result.append(others[nextOther])
                nextOther += 1
            } else {
                result.append(named[nextNamed])
                nextNamed += 1
            }
        }
        return result + named[nextNamed...] + others[nextOther...]
    }

    private static func positions(
        _ items: [JSONValue], _ identity: (JSONValue) -> JSONValue
    ) -> [JSONValue: Int] {
        var places: [JSONValue: Int] = [:]
        for (index, item) in items.enumerated() where places[identity(item)] == nil { places[identity(item)] = index }
        return places
    }
}
