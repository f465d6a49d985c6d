// SPDX-License-Identifier: Apache-2.0

public import JSON

extension StructuralSchema {
    /// Drops the fields that the schema does not name, and adds their paths (`spec.list[0].extra`) to `dropped`.
    ///
    /// Of the object itself and of resources embedded in it, `apiVersion`, `kind` and `metadata` are kept as they are.
    public func prune(_ object: inout JSONObject, dropped: inout [String]) {
        object = pruned(object, isResource: true, path: .root, &dropped)
    }

    private static let resourceFields: Set<String> = ["apiVersion", "kind", "metadata"]

    private func pruned(
        _ object: JSONObject, isResource: Bool, path: FieldPath, _ dropped: inout [String]
    ) -> JSONObject {
        var result = JSONObject(minimumCapacity: object.count)
        for (key, value) in object {
            if isResource, Self.resourceFields.contains(key) {
                result.appendUnique(key, value)
            } else if let schema = field(key) {
                result.appendUnique(key, schema.pruned(value, path: path[key], &dropped))
            } else if keepsFreeFields {
                result.appendUnique(key, value)
            } else {
                dropped.append(path[key].description)
            }
        }
        return result
    }

    private func pruned(_ value: JSONValue, path: FieldPath, _ dropped: inout [String]) -> JSONValue {
        switch value {
        case .object(let object):
            return .object(pruned(object, isResource: isEmbeddedResource, path: path, &dropped))
        case .array(let list):
            guard let items else { return value }
            return .array(list.enumerated().map { items.pruned($1, path: path[$0], &dropped) })
        default: return value
        }
    }

    /// Calls `change` with the metadata of every resource embedded in the object, and with where it stands.
    public func changeEmbeddedMetadata<Failure: Error>(
        _ object: JSONObject, path: FieldPath = .root,
        _ change: (JSONValue, FieldPath) throws(Failure) -> JSONValue
    ) throws(Failure) -> JSONObject {
        guard hasEmbedded else { return object }
        var result = object
        for (key, value) in object {
            guard let schema = field(key) else { continue }
            result[key] = try schema.changeEmbedded(value, path[key], change)
        }
        return result
    }

    private func changeEmbedded<Failure: Error>(
        _ value: JSONValue, _ path: FieldPath, _ change: (JSONValue, FieldPath) throws(Failure) -> JSONValue
    ) throws(Failure) -> JSONValue {
        switch value {
        case .object(let object):
            var result = try changeEmbeddedMetadata(object, path: path, change)
            if isEmbeddedResource, let metadata = result["metadata"] {
                result["metadata"] = try change(metadata, path["metadata"])
            }
            return .object(result)
        case .array(let list):
            guard let items else { return value }
            var result: [JSONValue] = []
            for (index, item) in list.enumerated() {
                result.append(try items.changeEmbedded(item, path[index], change))
            }
            return .array(result)
        default: return value
        }
    }
}
