// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A merge patch that knows the lists whose elements have identities.
///
/// Behaves as the API server does when it applies a client's patch: parallel lists (`$deleteFromPrimitiveList`,
/// `$setElementOrder`) are carried out and removed, `null` for an absent field is dropped.
public enum StrategicMergePatch {
    public static func apply(
        _ patch: JSONValue, to document: JSONValue, schema: TypeSchema?
    ) throws(PatchError) -> JSONValue {
        guard let changes = patch.object else {
            throw PatchError(.malformed, "invalid JSON document")
        }
        return .object(try merge(changes, into: document.object ?? JSONObject(), schema))
    }

    enum Directive {
        static let marker = "$patch"
        static let retainKeys = "$retainKeys"
        static let deleteFromList = "$deleteFromPrimitiveList/"
        static let elementOrder = "$setElementOrder/"
    }

    static func argumentError(_ value: JSONValue, expected: String) -> PatchError {
        PatchError(.malformed, "expected a \(expected), but received a \(value.typeName)")
    }

    // MARK: Objects

    static func merge(
        _ patch: JSONObject, into original: JSONObject, _ schema: TypeSchema?
    ) throws(PatchError) -> JSONObject {
        if let directive = patch[Directive.marker] { return try replacement(for: patch, directive) }
        var result = original
        var patch = patch
        try retainKeys(of: &patch, in: &result)
        try orderElements(by: &patch, in: &result, schema)
        for (key, change) in patch { try merge(change, for: key, into: &result, schema) }
        return result
    }

    /// `$patch` on an object: `replace` keeps only what the patch holds, `delete` nothing.
    private static func replacement(
        for patch: JSONObject, _ directive: JSONValue
    ) throws(PatchError) -> JSONObject {
        switch directive.string {
        case "replace":
            var kept = patch
            kept.removeValue(forKey: Directive.marker)
            return kept
        case "delete": return JSONObject()
        default:
            throw PatchError(.malformed, "unknown patch type: \(directive) in map: \(patch)")
        }
    }

    /// `$retainKeys`: a union type's other members go away.
    private static func retainKeys(of patch: inout JSONObject, in original: inout JSONObject) throws(PatchError) {
        guard let value = patch.removeValue(forKey: Directive.retainKeys) else { return }
        let malformed = PatchError(.malformed, "invalid patch format of retainKeys")
        guard let names = value.array else { throw malformed }
        let retained = Set(names.compactMap(\.string))
        for (key, value) in patch
        where !value.isNull && !key.hasPrefix(Directive.deleteFromList) && !key.hasPrefix(Directive.elementOrder) {
            guard retained.contains(key) else { throw malformed }
        }
        original.removeAll { key, _ in !retained.contains(key) }
    }

    private static func merge(
        _ change: JSONValue, for key: String, into result: inout JSONObject, _ schema: TypeSchema?
    ) throws(PatchError) {
        if key.hasPrefix(Directive.deleteFromList) {
            let name = String(key.dropFirst(Directive.deleteFromList.count))
            guard let unwanted = change.array else {
                throw PatchError(.malformed, "invalid patch format of primitive list")
            }
            if let current = result[name]?.array {
                let unwanted = Set(unwanted)
                result[name] = .array(current.filter { !unwanted.contains($0) })
            }
            return
        }
        if change.isNull {
            result.removeValue(forKey: key)
            return
        }
        switch (result[key], change) {
        case (.object(let before)?, .object(let fields)):
            let place = PatchPlace(key, in: schema)
            result[key] = .object(place.isReplaced ? fields : try merge(fields, into: before, place.schema))
        case (.array(let before)?, .array(let items)):
            let place = PatchPlace(key, in: schema)
            result[key] = .array(place.isMerged ? try mergeList(items, into: before, place, key) : items)
        default: result[key] = withoutDirectives(withoutNulls(change))
        }
    }

    /// What a patch adds to an object that has no such field yet: elements and objects marked by a directive drop out.
    static func withoutDirectives(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .object(var fields):
            guard fields[Directive.marker] == nil else { return nil }
            fields.updateValues { _, value in withoutDirectives(value) }
            return .object(fields)
        case .array(let items): return .array(items.compactMap(withoutDirectives))
        default: return value
        }
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var fields):
            fields.removeAll { _, value in value.isNull }
            fields.updateValues { _, value in withoutNulls(value) }
            return .object(fields)
        case .array(let items): return .array(items.map(withoutNulls))
        default: return value
        }
    }
}
