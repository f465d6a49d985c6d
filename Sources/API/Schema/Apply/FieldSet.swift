// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One step from a value to a value inside it, as field ownership names it.
public enum PathElement: Sendable, Hashable {
    /// A field of an object: `f:name`.
    case field(String)
    /// An element of a list of objects, by the values of its key fields, sorted by name: `k:{"name":"a"}`.
    case key([KeyField])
    /// An element of a list of scalars, by itself: `v:"a"`.
    case value(JSONValue)
    /// An element of a list by its position: `i:0`.
    case index(Int)

    public struct KeyField: Sendable, Hashable {
        public var name: String
        public var value: JSONValue
    }
}

extension PathElement: CustomStringConvertible {
    /// As conflicts show it: `.image`, `[name="web"]`, `[="a"]`, `[0]`.
    public var description: String {
        switch self {
        case .field(let name): "." + name
        case .key(let fields): "[" + fields.map { "\($0.name)=\($0.value)" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value)]"
        case .index(let index): "[\(index)]"
        }
    }

    /// As `fieldsV1` writes it.
    var encoded: String {
        switch self {
        case .field(let name): "f:" + name
        case .key(let fields): "k:\(JSONObject(fields.map { ($0.name, $0.value) }))"
        case .value(let value): "v:\(value)"
        case .index(let index): "i:\(index)"
        }
    }

    /// Nil for a text that is no path element.
    init?(encoded text: String) {
        let body = String(text.dropFirst(2))
        switch text.prefix(2) {
        case "f:": self = .field(body)
        case "i:":
            guard let index = Int(body) else { return nil }
            self = .index(index)
        case "v:":
            // Not JSON, not a path element: the caller reports the text.
            guard let value = try? JSONValue.parse(body) else { return nil }
            self = .value(value)
        case "k:":
            guard let fields = (try? JSONValue.parse(body))?.object else { return nil }
            self = .key(fields.map { KeyField(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name })
        default: return nil
        }
    }
}

/// A set of paths into an object: who owns which fields is a set for each owner.
public struct FieldSet: Sendable, Hashable {
    /// The elements that are themselves in the set.
    public private(set) var members: Set<PathElement> = []
    /// What lies below an element; never empty sets.
    public private(set) var children: [PathElement: FieldSet] = [:]

    public init() {}

    /// A set of whole fields, `status` and the like.
    public init(paths: [[String]]) {
        for path in paths { insert(path.map(PathElement.field)[...]) }
    }

    public var isEmpty: Bool { members.isEmpty && children.isEmpty }

    public mutating func insert(_ element: PathElement) { members.insert(element) }

    public mutating func insert(_ path: ArraySlice<PathElement>) {
        guard let first = path.first else { return }
        if path.count == 1 {
            members.insert(first)
        } else {
            children[first, default: FieldSet()].insert(path.dropFirst())
        }
    }

    /// Puts a whole set below an element.
    mutating func attach(_ child: FieldSet, below element: PathElement) {
        guard !child.isEmpty else { return }
        children[element, default: FieldSet()].formUnion(child)
    }

    public func contains(_ path: ArraySlice<PathElement>) -> Bool {
        guard let first = path.first else { return false }
        return path.count == 1 ? members.contains(first) : children[first]?.contains(path.dropFirst()) ?? false
    }

    // MARK: Algebra

    public func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.formUnion(other)
        return result
    }

    /// In place: many sets added up cost what they hold, and not what there is already for each.
    mutating func formUnion(_ other: FieldSet) {
        if isEmpty {
            self = other
            return
        }
        members.formUnion(other.members)
        for (element, child) in other.children { attach(child, below: element) }
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.members = members.intersection(other.members)
        for (element, child) in children {
            if let match = other.children[element] { result.attach(child.intersection(match), below: element) }
        }
        return result
    }

    /// What is here and not there, path by path: taking away `a` leaves `a.b`.
    public func subtracting(_ other: FieldSet) -> FieldSet {
        if other.isEmpty { return self }
        var result = FieldSet()
        result.members = members.without(other.members)
        for (element, child) in children {
            result.attach(other.children[element].map(child.subtracting) ?? child, below: element)
        }
        return result
    }

    /// What is neither there nor below anything there: taking away `a` takes `a.b` too.
    public func subtractingWhole(_ other: FieldSet) -> FieldSet {
        if other.isEmpty { return self }
        var result = FieldSet()
        result.members = members.without(other.members)
        for (element, child) in children where !other.members.contains(element) {
            result.attach(other.children[element].map(child.subtractingWhole) ?? child, below: element)
        }
        return result
    }

    /// Every path, parents before children, in a stable order.
    public var paths: [[PathElement]] {
        var result: [[PathElement]] = []
        collect(into: &result, below: [])
        return result
    }

    private func collect(into result: inout [[PathElement]], below prefix: [PathElement]) {
        for element in sortedElements {
            if members.contains(element) { result.append(prefix + [element]) }
            children[element]?.collect(into: &result, below: prefix + [element])
        }
    }

    private var sortedElements: [PathElement] {
        members.union(children.keys).map { ($0, $0.encoded) }.sorted { $0.1 < $1.1 }.map(\.0)
    }

    /// Also owns the declared fields on the way to what it owns, which the stored form leaves out.
    func withNamedFields(_ schema: MergeSchema) -> FieldSet {
        var result = FieldSet()
        result.members = members
        for (element, child) in children {
            if case .field(let name) = element, schema.declares(name) { result.members.insert(element) }
            result.children[element] = child.withNamedFields(schema.below(element))
        }
        return result
    }
}

// MARK: - fieldsV1

extension FieldSet {
    /// The stored form: `{"f:spec":{"f:replicas":{}}}`, `.` for an object that is owned besides its fields.
    public var fieldsV1: JSONObject {
        var entries: [(String, JSONValue)] = []
        entries.reserveCapacity(members.count + children.count)
        for element in members where children[element] == nil { entries.append((element.encoded, [:])) }
        for (element, child) in children {
            var body = child.fieldsV1
            if members.contains(element) {
                var marked: JSONObject = [".": [:]]
                for (key, value) in body { marked[key] = value }
                body = marked
            }
            entries.append((element.encoded, .object(body)))
        }
        return JSONObject(entries.sorted { $0.0 < $1.0 })
    }

    /// Nil where the object is no field set.
    public init?(fieldsV1 object: JSONObject) {
        for (key, value) in object where key != "." {
            guard let element = PathElement(encoded: key), let body = value.object else { return nil }
            if body.isEmpty {
                members.insert(element)
                continue
            }
            if body["."] != nil { members.insert(element) }
            guard let child = FieldSet(fieldsV1: body) else { return nil }
            if !child.isEmpty { children[element] = child }
        }
    }
}

extension Set {
    /// Looks at the smaller of the two: of thousands of owners each has a few fields, and a write many.
    fileprivate func without(_ other: Set) -> Set {
        count <= other.count ? filter { !other.contains($0) } : subtracting(other)
    }
}
