// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension FieldSet {
    /// Every field an object sets: what its applier comes to own.
    init(of object: JSONObject, schema: MergeSchema) {
        self.init()
        addFields(of: object, schema)
    }

    private mutating func addFields(of object: JSONObject, _ schema: MergeSchema) {
        for (key, value) in object {
            let element = PathElement.field(key)
            add(value, schema.field(key) ?? .deduced, at: element)
            if value.isNull || value.object?.isEmpty == true || !schema.declares(key) { insert(element) }
        }
    }

    private mutating func add(_ value: JSONValue, _ schema: MergeSchema, at element: PathElement) {
        var child = FieldSet()
        switch schema.shape(of: value) {
        case .object(let fields): child.addFields(of: fields, schema)
        case .list(let items): child.addItems(of: items, schema)
        case .leaf:
            // An absent list or object of a granular type owns nothing; everything else is owned whole.
            if !(value.isNull && schema.isGranular) { insert(element) }
        }
        attach(child, below: element)
    }

    private mutating func addItems(of items: [JSONValue], _ schema: MergeSchema) {
        var counts: [PathElement: Int] = [:]
        let identities = items.map(schema.identity)
        for case let identity? in identities { counts[identity, default: 0] += 1 }
        for case (let item, let identity?) in zip(items, identities) {
            insert(identity)
            if counts[identity] == 1 { add(item, schema.element, at: identity) }
        }
    }

    /// The value without what the set names; nil when nothing is left of it.
    func removed(from value: JSONValue, _ schema: MergeSchema) -> JSONValue? {
        switch schema.shape(of: value) {
        case .leaf: return value
        case .object(let fields):
            let kept = removedFields(from: fields, schema)
            return .object(kept)
        case .list(let items):
            var kept: [JSONValue] = []
            for item in items {
                guard let identity = schema.identity(of: item) else {
                    kept.append(item)
                    continue
                }
                if members.contains(identity) { continue }
                kept.append(children[identity].flatMap { $0.removed(from: item, schema.element) } ?? item)
            }
            return .array(kept)
        }
    }

    func removedFields(from fields: JSONObject, _ schema: MergeSchema) -> JSONObject {
        var kept = JSONObject()
        for (key, value) in fields {
            let element = PathElement.field(key)
            if members.contains(element) { continue }
            kept[key] = children[element].flatMap { $0.removed(from: value, schema.field(key) ?? .deduced) } ?? value
        }
        return kept
    }
}

/// Lays an applied configuration over the live object.
enum ApplyMerge {
    static func merge(_ applied: JSONObject, over live: JSONObject, _ schema: MergeSchema) -> JSONObject {
        var result = live
        for (key, value) in applied {
            result[key] = merge(value, over: live[key], schema.field(key) ?? .deduced)
        }
        return result
    }

    private static func merge(_ applied: JSONValue, over live: JSONValue?, _ schema: MergeSchema) -> JSONValue {
        switch (schema.shape(of: live), schema.shape(of: applied)) {
        case (.object(let before), .object(let after)): .object(merge(after, over: before, schema))
        case (.list(let before), .list(let after)): .array(mergeItems(after, over: before, schema))
        default: applied
        }
    }

    /// The applied order, with the elements only the live list has kept near their live neighbours.
    private static func mergeItems(
        _ applied: [JSONValue], over live: [JSONValue], _ schema: MergeSchema
    ) -> [JSONValue] {
        let wanted = Set(applied.compactMap(schema.identity))
        var present: [PathElement: JSONValue] = [:]
        for item in live {
            if let identity = schema.identity(of: item), present[identity] == nil { present[identity] = item }
        }
        var result: [JSONValue] = []
        var done: Set<PathElement> = []
        var rest = live[...]
        for item in applied {
            // Before an element of the configuration come those only the live list has, up to the next shared one.
            while let first = rest.first {
                guard let identity = schema.identity(of: first), wanted.contains(identity) else {
                    result.append(first)
                    rest = rest.dropFirst()
                    continue
                }
                guard done.contains(identity) else { break }
                rest = rest.dropFirst()
            }
            guard let identity = schema.identity(of: item), done.insert(identity).inserted else { continue }
            result.append(merge(item, over: present[identity], schema.element))
            if let first = rest.first, schema.identity(of: first) == identity { rest = rest.dropFirst() }
        }
        result += rest.filter { item in schema.identity(of: item).map { !wanted.contains($0) } ?? true }
        return result
    }
}
