// SPDX-License-Identifier: Apache-2.0

public import Text

/// A JSON object that keeps the order of its fields.
///
/// Up to 16 fields are searched one by one, which for short keys beats hashing; beyond that an index is kept, so that a
/// hostile body with a million keys costs time proportional to its length. Keys are compared byte for byte. Equality
/// ignores the order.
public struct JSONObject: Sendable {
    @usableFromInline struct Entry: Sendable {
        @usableFromInline var key: String
        @usableFromInline var value: JSONValue
        /// False for the hole a removal leaves in an indexed object.
        @usableFromInline var live = true

        @inlinable init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    @usableFromInline struct FieldName: Hashable, Sendable {
        @usableFromInline let text: String
        @inlinable init(_ text: String) { self.text = text }
        @inlinable static func == (left: FieldName, right: FieldName) -> Bool { sameBytes(left.text, right.text) }
        @inlinable func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
    }

    @usableFromInline var entries: [Entry] = []
    /// Where each key's entry is; nil while there are few entries.
    @usableFromInline var index: [FieldName: Int]?

    @usableFromInline static let unindexedLimit = 16

    @inlinable public init() {}

    /// The last of several equal keys wins.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        for (key, value) in elements { self[key] = value }
    }

    public init(minimumCapacity: Int) { entries.reserveCapacity(minimumCapacity) }

    @inlinable public var count: Int { index?.count ?? entries.count }
    @inlinable public var isEmpty: Bool { count == 0 }
    public var keys: [String] { map(\.key) }
    public var values: [JSONValue] { map(\.value) }

    @inlinable public func contains(_ key: String) -> Bool { position(of: key) != nil }

    @usableFromInline func position(of key: String) -> Int? {
        if let index { return index[FieldName(key)] }
        let length = key.utf8.count
        for position in entries.indices
        where entries[position].key.utf8.count == length && sameBytes(entries[position].key, key) {
            return position
        }
        return nil
    }

    @inlinable public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { entries[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): entries[position].value = value
            case (let position?, nil): remove(at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
        _modify {
            let position = position(of: key)
            var slot: JSONValue?
            if let position {
                slot = entries[position].value
                // Leaves the slot the only owner, so that a change deep inside copies nothing.
                entries[position].value = .null
            }
            defer {
                switch (position, slot) {
                case (let position?, let value?): entries[position].value = value
                case (let position?, nil): remove(at: position)
                case (nil, let value?): append(key, value)
                case (nil, nil): break
                }
            }
            yield &slot
        }
    }

    @inlinable public subscript(key: String, default fallback: @autoclosure () -> JSONValue) -> JSONValue {
        get { self[key] ?? fallback() }
        _modify {
            var slot = self[key] ?? fallback()
            self[key] = .null
            defer { self[key] = slot }
            yield &slot
        }
    }

    /// Adds a field at the end. The caller knows that there is none of this name: that is not looked up.
    @inlinable public mutating func appendUnique(_ key: String, _ value: JSONValue) { append(key, value) }

    /// Adds a field whose key is known not to be there yet.
    @usableFromInline mutating func append(_ key: String, _ value: JSONValue) {
        entries.append(Entry(key: key, value: value))
        if index != nil {
            index?[FieldName(key)] = entries.count - 1
        } else if entries.count > Self.unindexedLimit {
            rebuildIndex()
        }
    }

    @usableFromInline mutating func remove(at position: Int) {
        guard index != nil else {
            entries.remove(at: position)
            return
        }
        index?[FieldName(entries[position].key)] = nil
        entries[position].live = false
        entries[position].value = .null
        if count * 2 < entries.count { compact() }
    }

    /// Drops the holes; at most every second half of the entries, so that removals stay cheap on average.
    private mutating func compact() {
        entries.removeAll { !$0.live }
        index = nil
        if entries.count > Self.unindexedLimit { rebuildIndex() }
    }

    private mutating func rebuildIndex() {
        var fresh: [FieldName: Int] = [:]
        fresh.reserveCapacity(entries.count * 2)
        for (position, entry) in entries.enumerated() where entry.live { fresh[FieldName(entry.key)] = position }
        index = fresh
    }

    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        guard let position = position(of: key) else { return nil }
        let value = entries[position].value
        remove(at: position)
        return value
    }

    public mutating func removeAll(where shouldRemove: (String, JSONValue) throws -> Bool) rethrows {
        try entries.removeAll { try !$0.live || shouldRemove($0.key, $0.value) }
        if index != nil { compact() }
    }

    /// Changes every value in place; returning nil removes the field.
    public mutating func updateValues(_ change: (String, JSONValue) throws -> JSONValue?) rethrows {
        var removed = false
        for position in entries.indices where entries[position].live {
            let value = entries[position].value
            entries[position].value = .null
            if let changed = try change(entries[position].key, value) {
                entries[position].value = changed
            } else {
                entries[position].live = false
                removed = true
            }
        }
        if removed { compact() }
    }

    /// The same fields, sorted by their keys' bytes.
    public func sortedByKey() -> JSONObject {
        var copy = self
        copy.entries.removeAll { !$0.live }
        copy.entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        if copy.index != nil { copy.rebuildIndex() }
        return copy
    }
}

extension JSONObject: Sequence {
    public struct Iterator: IteratorProtocol {
        @usableFromInline var base: IndexingIterator<[Entry]>
        @inlinable init(_ base: IndexingIterator<[Entry]>) { self.base = base }
        @inlinable public mutating func next() -> (key: String, value: JSONValue)? {
            while let entry = base.next() {
                if entry.live { return (entry.key, entry.value) }
            }
            return nil
        }
    }

    @inlinable public func makeIterator() -> Iterator { Iterator(entries.makeIterator()) }
    @inlinable public var underestimatedCount: Int { count }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        // Objects compared are mostly two versions of one: the same keys at the same places.
        for (position, entry) in left.entries.enumerated() where entry.live {
            if position < right.entries.count, right.entries[position].live,
                sameBytes(right.entries[position].key, entry.key)
            {
                guard right.entries[position].value == entry.value else { return false }
            } else {
                guard right[entry.key] == entry.value else { return false }
            }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        // The order does not count, so the fields' hashes are added up.
        var sum = 0
        for (key, value) in self {
            var field = Hasher()
            key.hashBytes(into: &field)
            field.combine(value)
            sum &+= field.finalize()
        }
        hasher.combine(sum)
        hasher.combine(count)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

extension JSONObject: CustomStringConvertible {
    public var description: String { JSONValue.object(self).description }
    public func encoded() -> [UInt8] { JSONValue.object(self).encoded() }
}
