// SPDX-License-Identifier: Apache-2.0

public import JSON

extension StructuralSchema {
    /// Fills in defaults, from the outside in. A null that may not stand counts as absent; without a default it goes.
    public func fillDefaults(_ object: inout JSONObject) {
        object = filled(object)
    }

    private func filled(_ object: JSONObject) -> JSONObject {
        var result = object
        // Sorted: what is written does not depend on a dictionary's order.
        for name in properties.keys.sorted() {
            guard let schema = properties[name], let value = schema.defaultValue else { continue }
            let given = result[name]
            if given == nil || (given?.isNull == true && !schema.isNullable) { result[name] = value }
        }
        for (key, value) in result {
            guard let schema = field(key) else { continue }
            if value.isNull, !schema.isNullable {
                result[key] = schema.defaultValue.map(schema.filled)
            } else {
                result[key] = schema.filled(value)
            }
        }
        return result
    }

    private func filled(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): return .object(filled(object))
        case .array(let list):
            guard let items else { return value }
            return .array(
                list.map { item in
                    if item.isNull, !items.isNullable, let value = items.defaultValue { return items.filled(value) }
                    return items.filled(item)
                })
        default: return value
        }
    }
}
