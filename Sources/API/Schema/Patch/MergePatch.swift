// SPDX-License-Identifier: Apache-2.0

public import JSON

/// RFC 7386: objects merge field by field, null removes, everything else replaces.
public enum MergePatch {
    public static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        guard case .object(let fields) = patch else { return patch }
        var result = target.object ?? JSONObject()
        for (key, change) in fields {
            if change.isNull {
                result.removeValue(forKey: key)
            } else if case .object = change {
                result[key] = apply(change, to: result[key] ?? .null)
            } else {
                result[key] = change
            }
        }
        return .object(result)
    }

    /// The patch that makes `old` into `new`: what a client sends when it changed a few fields.
    public static func difference(from old: JSONObject, to new: JSONObject) -> JSONObject {
        var patch = JSONObject()
        for (key, value) in old where !value.isNull && new[key] == nil { patch[key] = .null }
        for (key, value) in new {
            guard let before = old[key] else {
                patch[key] = value
                continue
            }
            guard before != value else { continue }
            if case .object(let inner) = before, case .object(let outer) = value {
                patch[key] = .object(difference(from: inner, to: outer))
            } else {
                patch[key] = value
            }
        }
        return patch
    }
}
