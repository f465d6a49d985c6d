// SPDX-License-Identifier: Apache-2.0

public import JSON
import Schema

extension JSONValue {
    /// The integer to count with, held within ±2^40: a component that adds up a million numbers of users, or multiplies one
    /// by what it may be a thousandth of, must not end by it. No count, port or number of seconds that anybody waits for is
    /// beyond; what is stored beyond it is left as it is.
    public var boundedInteger: Int? {
        integer.map { Int(min(max($0, -(1 << 40)), 1 << 40)) }
    }
}

/// How the views read and write fields; each property of a view is one of these with the field's name.
extension JSONObject {
    subscript(string key: String) -> String? {
        @inline(never) get { self[key]?.string }
        @inline(never) set { self[key] = newValue.map { .string($0) } }
    }

    subscript(requiredString key: String) -> String {
        @inline(never) get { self[key]?.string ?? "" }
        @inline(never) set { self[key] = .string(newValue) }
    }

    subscript(bool key: String) -> Bool? {
        @inline(never) get { self[key]?.bool }
        @inline(never) set { self[key] = newValue.map { .bool($0) } }
    }

    subscript(requiredBool key: String) -> Bool {
        @inline(never) get { self[key]?.bool ?? false }
        @inline(never) set { self[key] = .bool(newValue) }
    }

    subscript(integer key: String) -> Int? {
        @inline(never) get { self[key]?.boundedInteger }
        @inline(never) set { self[key] = newValue.map { .integer(Int64($0)) } }
    }

    subscript(requiredInteger key: String) -> Int {
        @inline(never) get { self[key]?.boundedInteger ?? 0 }
        @inline(never) set { self[key] = .integer(Int64(newValue)) }
    }

    subscript(double key: String) -> Double? {
        @inline(never) get { self[key]?.number }
        @inline(never) set { self[key] = newValue.map { .number($0) } }
    }

    /// A quantity's text; a bare number, which clients may send, as its digits.
    subscript(quantity key: String) -> String? {
        @inline(never) get { self[key]?.quantityText }
        @inline(never) set { self[key] = newValue.map { .string($0) } }
    }

    subscript(intOrString key: String) -> IntOrString? {
        @inline(never) get { IntOrString(self[key]) }
        @inline(never) set { self[key] = newValue?.json }
    }

    subscript(time key: String) -> KubeTime? {
        @inline(never) get { self[key]?.string.flatMap { KubeTime($0) } }
        @inline(never) set { self[key] = newValue.map { .string($0.rfc3339) } }
    }

    subscript(microTime key: String) -> KubeTime? {
        @inline(never) get { self[key]?.string.flatMap { KubeTime($0) } }
        @inline(never) set { self[key] = newValue.map { .string($0.rfc3339Micro) } }
    }

    subscript(bytes key: String) -> [UInt8]? {
        @inline(never) get { self[key]?.string.flatMap { Base64.decode($0) } }
        @inline(never) set { self[key] = newValue.map { .string(Base64.encode($0)) } }
    }

    subscript(value key: String) -> JSONValue? {
        @inline(never) get { self[key] }
        @inline(never) set { self[key] = newValue }
    }

    subscript<View: KubeView>(view key: String) -> View? {
        @inline(never) get { self[key]?.object.map { View(json: $0) } }
        @inline(never) set { self[key] = newValue?.value }
    }

    subscript<View: KubeView>(requiredView key: String) -> View {
        @inline(never) get { View(json: self[key]?.object ?? JSONObject()) }
        @inline(never) set { self[key] = newValue.value }
        _modify {
            var view = View(json: JSONObject())
            if case .object(let inner)? = self[key] {
                // Taken out, so that the change below copies nothing.
                self[key] = .null
                view.json = inner
            }
            defer { self[key] = .object(view.json) }
            yield &view
        }
    }

    subscript<View: KubeView>(views key: String) -> [View] {
        @inline(never) get { self[key]?.array?.compactMap { $0.object.map { View(json: $0) } } ?? [] }
        @inline(never) set { self[key] = newValue.isEmpty ? nil : .array(newValue.map(\.value)) }
    }

    subscript(strings key: String) -> [String] {
        @inline(never) get { self[key]?.array?.compactMap(\.string) ?? [] }
        @inline(never) set { self[key] = newValue.isEmpty ? nil : .array(newValue.map { .string($0) }) }
    }

    subscript(integers key: String) -> [Int] {
        @inline(never) get { self[key]?.array?.compactMap(\.boundedInteger) ?? [] }
        @inline(never) set { self[key] = newValue.isEmpty ? nil : .array(newValue.map { .integer(Int64($0)) }) }
    }

    subscript(values key: String) -> [JSONValue] {
        @inline(never) get { self[key]?.array ?? [] }
        @inline(never) set { self[key] = newValue.isEmpty ? nil : .array(newValue) }
    }

    subscript<View: KubeView>(viewMap key: String) -> [String: View] {
        @inline(never) get { map(key) { $0.object.map { View(json: $0) } } }
        @inline(never) set { setMap(key, newValue) { $0.value } }
    }

    subscript(stringMap key: String) -> [String: String] {
        @inline(never) get { map(key, \.string) }
        @inline(never) set { setMap(key, newValue) { .string($0) } }
    }

    subscript(quantityMap key: String) -> [String: String] {
        @inline(never) get { map(key, \.quantityText) }
        @inline(never) set { setMap(key, newValue) { .string($0) } }
    }

    subscript(bytesMap key: String) -> [String: [UInt8]] {
        @inline(never) get { map(key) { $0.string.flatMap { Base64.decode($0) } } }
        @inline(never) set { setMap(key, newValue) { .string(Base64.encode($0)) } }
    }

    subscript(stringsMap key: String) -> [String: [String]] {
        @inline(never) get { map(key) { $0.array?.compactMap(\.string) } }
        @inline(never) set { setMap(key, newValue) { .array($0.map { .string($0) }) } }
    }

    subscript(objectMap key: String) -> JSONObject {
        @inline(never) get { self[key]?.object ?? JSONObject() }
        @inline(never) set { self[key] = newValue.isEmpty ? nil : .object(newValue) }
    }

    private func map<Value>(_ key: String, _ read: (JSONValue) -> Value?) -> [String: Value] {
        guard let object = self[key]?.object else { return [:] }
        var result: [String: Value] = [:]
        result.reserveCapacity(object.count)
        for (key, value) in object { result[key] = read(value) }
        return result
    }

    /// Maps have no order of their own; they are written sorted, so that equal maps are equal bytes.
    private mutating func setMap<Value>(_ key: String, _ map: [String: Value], _ write: (Value) -> JSONValue) {
        guard !map.isEmpty else {
            self[key] = nil
            return
        }
        self[key] = .object(JSONObject(map.sorted { $0.key < $1.key }.map { ($0.key, write($0.value)) }))
    }
}

extension JSONValue {
    fileprivate var quantityText: String? {
        switch self {
        case .string(let text): text
        case .integer, .number: description
        default: nil
        }
    }
}
