// SPDX-License-Identifier: Apache-2.0

/// The header fields of a message, in order. Names compare without regard to ASCII case, as RFC 9110 §5.1 says.
public struct HTTPHeaders: Sendable {
    /// One field line.
    public struct Field: Sendable, Hashable {
        public var name, value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The field lines as they were added or received.
    public private(set) var fields: [Field]

    /// No fields.
    public init() { fields = [] }

    /// The fields given, in order.
    public init(_ fields: [(String, String)]) {
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
    }

    /// Adds a line; lines with the same name stay beside it.
    public mutating func add(name: String, value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// The first value of `name`. Setting replaces every line of that name by one; setting nil removes them.
    public subscript(_ name: String) -> String? {
        get { fields.first { $0.name.equalsIgnoringCase(name) }?.value }
        set {
            guard let newValue else { return remove(name) }
            guard let index = fields.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else {
                return add(name: name, value: newValue)
            }
            fields[index].value = newValue
            var kept = index + 1
            for other in fields.indices.dropFirst(index + 1) where !fields[other].name.equalsIgnoringCase(name) {
                fields.swapAt(kept, other)
                kept += 1
            }
            fields.removeSubrange(kept...)
        }
    }

    /// Every value of `name`, in order.
    public func all(_ name: String) -> [String] {
        fields.compactMap { $0.name.equalsIgnoringCase(name) ? $0.value : nil }
    }

    /// How many lines of `name` there are.
    func count(_ name: String) -> Int { fields.count { $0.name.equalsIgnoringCase(name) } }

    /// The elements of the comma-separated list that all lines of `name` make together (RFC 9110 §5.6.1): trimmed,
    /// empty ones left out. Not for fields whose values may hold quoted commas.
    public func list(_ name: String) -> [String] {
        guard contains(name) else { return [] }
        return all(name).flatMap { $0.split(separator: ",") }.map { $0.trimmingHTTPSpace() }.filter { !$0.isEmpty }
    }

    /// Whether the list of `name` holds `token`, without regard to case.
    public func contains(_ name: String, token: String) -> Bool {
        list(name).contains { $0.equalsIgnoringCase(token) }
    }

    /// Whether a line of `name` is there.
    public func contains(_ name: String) -> Bool {
        fields.contains { $0.name.equalsIgnoringCase(name) }
    }

    /// Removes every line of `name`.
    public mutating func remove(_ name: String) {
        fields.removeAll { $0.name.equalsIgnoringCase(name) }
    }

    public var count: Int { fields.count }
    public var isEmpty: Bool { fields.isEmpty }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }
}

extension HTTPHeaders: Sequence {
    /// Goes through the field lines in order.
    public func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }
}

extension HTTPHeaders: Hashable {
    /// Equal when the lines are equal in order, names without regard to case.
    public static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.fields.count == right.fields.count
            && zip(left.fields, right.fields).allSatisfy {
                $0.value == $1.value && $0.name.equalsIgnoringCase($1.name)
            }
    }

    public func hash(into hasher: inout Hasher) {
        for field in fields { hasher.combine(field.value) }
    }
}
