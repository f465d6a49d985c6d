// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Numbers

/// A document that does not follow its specification: where, and how.
public struct SpecError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `process.rlimits[0].type`.
    public var field: String
    public var reason: String

    public init(_ field: String, _ reason: String) {
        self.field = field
        self.reason = reason
    }

    public var description: String { "\(field): \(reason)" }
}

/// An object of a document with its place in it: reads fields with their types checked. An absent field and null are
/// the same.
public struct SpecReader: Sendable {
    public let object: JSONObject
    public let path: String

    public init(_ value: JSONValue, path: String = "") throws(SpecError) {
        guard case .object(let object) = value else {
            throw SpecError(path.isEmpty ? "document" : path, "expected an object, got \(value.typeName)")
        }
        self.object = object
        self.path = path
    }

    private func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    public func has(_ name: String) -> Bool { value(name) != nil }

    public func value(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func fail(_ name: String, _ expected: String, _ value: JSONValue) -> SpecError {
        SpecError(place(name), "expected \(expected), got \(value.typeName)")
    }

    public func string(_ name: String) throws(SpecError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else { throw fail(name, "a string", value) }
        if text.utf8.contains(0) { throw SpecError(place(name), "holds a NUL byte") }
        return text
    }

    public func required(_ name: String) throws(SpecError) -> String {
        guard let text = try string(name) else { throw SpecError(place(name), "is required") }
        return text
    }

    public func bool(_ name: String) throws(SpecError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.bool else { throw fail(name, "true or false", value) }
        return flag
    }

    public func integer(_ name: String) throws(SpecError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard let number = value.integer else { throw fail(name, "an integer", value) }
        return number
    }

    /// An integer of any fixed width; out of its range is an error.
    public func number<Number: FixedWidthInteger>(_ name: String, _ type: Number.Type) throws(SpecError) -> Number? {
        guard let value = value(name) else { return nil }
        if let number = value.integer {
            guard let exact = Number(exactly: number) else { throw SpecError(place(name), "\(number) is out of range") }
            return exact
        }
        // Above 2^63, as RLIM_INFINITY is written: JSON numbers of that size are doubles here.
        guard let real = value.number, real == real.rounded() else { throw fail(name, "an integer", value) }
        if real == 18_446_744_073_709_551_616, Number.max > Int64.max { return Number.max }
        guard let exact = Number(exactly: real) else { throw SpecError(place(name), "\(real) is out of range") }
        return exact
    }

    /// An integer of a range; outside of it is an error.
    public func number<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(SpecError) -> Number? {
        guard let number = try number(name, Number.self) else { return nil }
        guard range.contains(number) else {
            throw SpecError(
                place(name), "\(number) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// A user's number, which is never `(uid_t)-1`.
    public func user(_ name: String) throws(SpecError) -> UserID? {
        guard let number = try number(name, UInt32.self) else { return nil }
        guard let user = UserID(number) else { throw SpecError(place(name), "\(number) is no user") }
        return user
    }

    /// A group's number, which is never `(gid_t)-1`.
    public func group(_ name: String) throws(SpecError) -> GroupID? {
        guard let number = try number(name, UInt32.self) else { return nil }
        guard let group = GroupID(number) else { throw SpecError(place(name), "\(number) is no group") }
        return group
    }

    /// The numbers of groups.
    public func groups(_ name: String) throws(SpecError) -> [GroupID] {
        var result: [GroupID] = []
        for number in try numbers(name, UInt32.self) {
            guard let group = GroupID(number) else { throw SpecError(place(name), "\(number) is no group") }
            result.append(group)
        }
        return result
    }

    public func strings(_ name: String) throws(SpecError) -> [String] {
        guard let value = value(name) else { return [] }
        guard let array = value.array else { throw fail(name, "an array", value) }
        var result: [String] = []
        for (index, element) in array.enumerated() {
            guard let text = element.string else { throw fail("\(name)[\(index)]", "a string", element) }
            if text.utf8.contains(0) { throw SpecError(place("\(name)[\(index)]"), "holds a NUL byte") }
            result.append(text)
        }
        return result
    }

    public func numbers<Number: FixedWidthInteger>(
        _ name: String, _ type: Number.Type
    ) throws(SpecError) -> [Number] {
        guard let value = value(name) else { return [] }
        guard let array = value.array else { throw fail(name, "an array", value) }
        var result: [Number] = []
        for (index, element) in array.enumerated() {
            guard let number = element.integer.flatMap({ Number(exactly: $0) }) else {
                throw fail("\(name)[\(index)]", "an integer", element)
            }
            result.append(number)
        }
        return result
    }

    /// A map of strings; sorted by no one: a dictionary.
    public func map(_ name: String) throws(SpecError) -> [String: String] {
        guard let reader = try object(name) else { return [:] }
        var result: [String: String] = [:]
        for (key, _) in reader.object { result[key] = try reader.string(key) }
        return result
    }

    public func object(_ name: String) throws(SpecError) -> SpecReader? {
        guard let value = value(name) else { return nil }
        return try SpecReader(value, path: place(name))
    }

    /// Each object of an array, through `transform`.
    public func list<Element>(
        _ name: String, _ transform: (SpecReader) throws(SpecError) -> Element
    ) throws(SpecError) -> [Element] {
        guard let value = value(name) else { return [] }
        guard let array = value.array else { throw fail(name, "an array", value) }
        var result: [Element] = []
        for (index, element) in array.enumerated() {
            result.append(try transform(SpecReader(element, path: place("\(name)[\(index)]"))))
        }
        return result
    }
}
