// SPDX-License-Identifier: Apache-2.0

public import JSON
import KubeAPI

/// Reading deep into an object without a typed view: a missing or mistyped member is nil, empty or zero.
extension JSONObject {
    /// The value at a path of member names.
    public func value(_ path: String...) -> JSONValue? { value(at: path) }

    public func string(_ path: String...) -> String { value(at: path)?.string ?? "" }

    /// Held within the bounds of `boundedInteger`.
    public func int(_ path: String...) -> Int? { value(at: path)?.boundedInteger }

    public func bool(_ path: String...) -> Bool { value(at: path)?.bool ?? false }

    public func array(_ path: String...) -> [JSONValue] { value(at: path)?.array ?? [] }

    public func object(_ path: String...) -> JSONObject { value(at: path)?.object ?? JSONObject() }

    public func map(_ path: String...) -> [String: String] { value(at: path)?.stringMap ?? [:] }

    public func time(_ path: String...) -> Timestamp? { value(at: path)?.string.flatMap { Timestamp($0) } }

    func value(at path: [String]) -> JSONValue? {
        guard let first = path.first, var value = self[first] else { return nil }
        for key in path.dropFirst() {
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }

    /// Sets a member at a path, making the objects on the way; nil removes it.
    public mutating func set(_ path: String..., to value: JSONValue?) { set(path[...], value) }

    mutating func set(_ path: ArraySlice<String>, _ value: JSONValue?) {
        guard let first = path.first else { return }
        if path.count == 1 {
            self[first] = value
            return
        }
        var inner = self[first]?.object ?? JSONObject()
        if value == nil, self[first]?.object == nil { return }
        inner.set(path.dropFirst(), value)
        self[first] = .object(inner)
    }
}

extension JSONValue {
    public init(_ map: [String: String]) {
        var object = JSONObject()
        for (key, value) in map.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
        self = .object(object)
    }

    /// A number of things.
    public static func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}
