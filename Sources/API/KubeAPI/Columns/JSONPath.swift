// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The JSONPath that custom resource definitions use for columns and selectable fields:
/// `.spec.list[0].name`, `.status.conditions[?(@.type=="Ready")].status`, `.items[*].name`, `.metadata.labels['a.b/c']`.
public struct JSONPath: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case field(String)
        case index(Int)
        case all
        case filter([String], JSONValue, negated: Bool)
    }

    private let steps: [Step]

    /// Braces around the path and a leading `$` are allowed.
    public init(_ text: String) throws(JSONPathError) {
        var bytes = Array(text.utf8)[...]
        if bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") { bytes = bytes.dropFirst().dropLast() }
        if bytes.first == UInt8(ascii: "$") { bytes = bytes.dropFirst() }
        var steps: [Step] = []
        while let first = bytes.first {
            bytes = bytes.dropFirst()
            switch first {
            case UInt8(ascii: "."):
                let name = bytes.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
                bytes = bytes.dropFirst(name.count)
                if name.isEmpty {
                    // A lone dot is the object itself; two dots search, which no column needs.
                    guard bytes.isEmpty || bytes.first == UInt8(ascii: "[") else {
                        throw JSONPathError(text, "an empty field name")
                    }
                } else {
                    steps.append(name.elementsEqual("*".utf8) ? .all : .field(String(decoding: name, as: UTF8.self)))
                }
            case UInt8(ascii: "["):
                guard let end = Self.closing(bytes) else { throw JSONPathError(text, "an unclosed bracket") }
                steps.append(try Self.bracket(bytes[bytes.startIndex..<end], text))
                bytes = bytes[(end + 1)...]
            default: throw JSONPathError(text, "an unexpected character")
            }
        }
        self.steps = steps
    }

    /// Where the bracket ends, quotes and inner brackets skipped.
    private static func closing(_ bytes: ArraySlice<UInt8>) -> Int? {
        var quote: UInt8?
        var depth = 0
        for (index, byte) in zip(bytes.indices, bytes) {
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else if byte == UInt8(ascii: "[") {
                depth += 1
            } else if byte == UInt8(ascii: "]") {
                if depth == 0 { return index }
                depth -= 1
            }
        }
        return nil
    }

    private static func bracket(_ bytes: ArraySlice<UInt8>, _ path: String) throws(JSONPathError) -> Step {
        let text = String(decoding: bytes, as: UTF8.self)
        if text == "*" { return .all }
        if let index = Int(text) { return .index(index) }
        if let name = unquoted(text) { return .field(name) }
        guard text.hasPrefix("?("), text.hasSuffix(")") else { throw JSONPathError(path, "a bracket it cannot read") }
        let condition = text.dropFirst(2).dropLast()
        for comparison in ["==", "!="] {
            let sides = condition.split(separator: comparison, maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { continue }
            let left = trimmed(sides[0])
            guard left.hasPrefix("@.") else { break }
            let right = trimmed(sides[1])
            // A side that is neither quoted nor JSON is refused below.
            guard let value = unquoted(right).map(JSONValue.string) ?? (try? JSONValue.parse(right)) else { break }
            let fields = left.dropFirst(2).split(separator: ".").map(String.init)
            return .filter(fields, value, negated: comparison == "!=")
        }
        throw JSONPathError(path, "a filter it cannot read")
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func unquoted(_ text: String) -> String? {
        guard text.utf8.count >= 2, let first = text.first, first == "'" || first == "\"", text.last == first else {
            return nil
        }
        return String(text.dropFirst().dropLast())
    }

    /// Every value the path leads to.
    public func values(in value: JSONValue) -> [JSONValue] {
        var found = [value]
        for step in steps { found = found.flatMap { Self.follow(step, from: $0) } }
        return found
    }

    /// The first value the path leads to.
    public func first(in value: JSONValue) -> JSONValue? { values(in: value).first }

    private static func follow(_ step: Step, from value: JSONValue) -> [JSONValue] {
        switch step {
        case .field(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            let place = index < 0 ? (value.array?.count ?? 0) + index : index
            return value[place].map { [$0] } ?? []
        case .all: return value.array ?? value.object?.values ?? []
        case .filter(let fields, let wanted, let negated):
            return (value.array ?? []).filter { ($0[path: fields] == wanted) != negated }
        }
    }
}

/// Why a text is no path.
public struct JSONPathError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ path: String, _ problem: String) { description = "read JSONPath \(JSONValue.string(path)): \(problem)" }
}
