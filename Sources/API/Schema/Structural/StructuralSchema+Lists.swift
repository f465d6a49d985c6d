// SPDX-License-Identifier: Apache-2.0

public import JSON

extension StructuralSchema {
    /// Complaints about lists that hold what they may hold only once: sets, and maps written as lists.
    public func validateLists(_ object: JSONObject) -> [FieldError] {
        var errors: [FieldError] = []
        checkLists(.object(object), .root, &errors)
        return errors
    }

    private func checkLists(_ value: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch value {
        case .object(let fields):
            for (key, value) in fields {
                if let schema = properties[key] {
                    schema.checkLists(value, path[key], &errors)
                } else if case .schema(let schema)? = additional {
                    schema.checkLists(value, path.key(key), &errors)
                }
            }
        case .array(let list):
            switch listType {
            case .set?:
                for index in Self.repeated(list) { errors.append(.duplicate(path[index], json: list[index])) }
            case .map?: checkMap(list, path, &errors)
            default: break
            }
            guard let items else { return }
            for (index, item) in list.enumerated() { items.checkLists(item, path[index], &errors) }
        default: break
        }
    }

    private func checkMap(_ list: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, item) in list.enumerated() where !item.isNull && item.object == nil {
            errors.append(.invalid(path[index], json: item, "must be an object for an array of list-type map"))
            return
        }
        let keys = list.map { item in
            JSONValue.object(JSONObject(listMapKeys.compactMap { key in item[key].map { (key, $0) } }))
        }
        for index in Self.repeated(keys) { errors.append(.duplicate(path[index], json: keys[index])) }
    }

    /// Where values stand for the second time.
    private static func repeated(_ list: [JSONValue]) -> [Int] {
        var counts: [JSONValue: Int] = [:]
        return list.indices.filter { index in
            counts[list[index], default: 0] += 1
            return counts[list[index]] == 2
        }
    }
}
