// SPDX-License-Identifier: Apache-2.0

public import JSON

/// RFC 6902: a list of operations, applied in order, all or none.
public enum JSONPatch {
    /// What one request may hold.
    public static let maximumOperations = 10_000
    /// What `copy` operations of one patch may add to a document, in bytes of its encoding.
    static let maximumCopiedBytes = 3 << 20

    public static func apply(_ patch: JSONValue, to document: JSONValue) throws(PatchError) -> JSONValue {
        guard let operations = patch.array else {
            throw PatchError(.malformed, "error decoding patch: expected an array of operations, got \(patch.typeName)")
        }
        guard operations.count <= maximumOperations else {
            throw PatchError(
                .tooLarge,
                "The allowed maximum operations in a JSON patch is \(maximumOperations), got \(operations.count)")
        }
        var result = document
        var copied = 0
        for operation in operations { try perform(operation, on: &result, copied: &copied) }
        return result
    }

    private static func perform(
        _ operation: JSONValue, on document: inout JSONValue, copied: inout Int
    ) throws(PatchError) {
        let name = operation["op"]?.string ?? ""
        let path = try pointer("path", of: operation)
        switch name {
        case "add": try add(try value(of: operation), at: path, in: &document, operation: name)
        case "remove": _ = try remove(at: path, from: &document, operation: name)
        case "replace": try replace(at: path, with: try value(of: operation), in: &document)
        case "move":
            let source = try pointer("from", of: operation)
            guard !source.isPrefix(of: path) else {
                throw PatchError(.unprocessable, "move operation does not apply: \(source) holds \(path)")
            }
            let moved = try remove(at: source, from: &document, operation: name)
            try add(moved, at: path, in: &document, operation: name)
        case "copy":
            let source = try pointer("from", of: operation)
            let value = try get(at: source, from: document, operation: name)
            copied += value.encoded().count
            guard copied <= maximumCopiedBytes else {
                throw PatchError(
                    .unprocessable, "copy operations of the patch add \(copied) bytes, limit \(maximumCopiedBytes)")
            }
            try add(value, at: path, in: &document, operation: name)
        case "test": try test(at: path, equals: operation["value"] ?? .null, in: document)
        default: throw PatchError(.unprocessable, "Unexpected kind: \(name.isEmpty ? "unknown" : name)")
        }
    }

    private static func pointer(_ field: String, of operation: JSONValue) throws(PatchError) -> JSONPointer {
        guard let text = operation[field]?.string else {
            throw PatchError(.unprocessable, "operation missing \(field) field: missing value")
        }
        return try JSONPointer(text)
    }

    private static func value(of operation: JSONValue) throws(PatchError) -> JSONValue {
        guard let value = operation["value"] else {
            throw PatchError(.unprocessable, "operation missing value field: missing value")
        }
        return value
    }

    // MARK: Operations

    private static func get(
        at pointer: JSONPointer, from document: JSONValue, operation: String
    ) throws(PatchError) -> JSONValue {
        var value = document
        for token in pointer.tokens {
            guard let next = child(token, of: value) else {
                throw PatchError(
                    .unprocessable,
                    "\(operation) operation does not apply: doc is missing path: \(pointer): missing value")
            }
            value = next
        }
        return value
    }

    private static func child(_ token: String, of value: JSONValue) -> JSONValue? {
        switch value {
        case .object(let fields): fields[token]
        case .array(let items): ArrayPlace.index(token, count: items.count, mayAppend: false).map { items[$0] }
        default: nil
        }
    }

    private static func test(
        at pointer: JSONPointer, equals expected: JSONValue, in document: JSONValue
    ) throws(PatchError) {
        var value: JSONValue? = document
        for token in pointer.tokens { value = value.flatMap { child(token, of: $0) } }
        // An absent value equals null, as upstream's library has it.
        guard sameJSON(value ?? .null, expected) else {
            throw PatchError(.unprocessable, "testing value \(pointer) failed: test failed")
        }
    }

    private static func add(
        _ value: JSONValue, at pointer: JSONPointer, in document: inout JSONValue, operation: String
    ) throws(PatchError) {
        try change(pointer, in: &document, operation: operation) { token, parent in
            switch parent {
            case .object(var fields):
                parent = .null
                fields[token] = value
                parent = .object(fields)
                return nil
            case .array(var items):
                guard let index = ArrayPlace.index(token, count: items.count, mayAppend: true) else {
                    return "invalid index referenced: \(token)"
                }
                parent = .null
                items.insert(value, at: index)
                parent = .array(items)
                return nil
            default: return "missing value"
            }
        } whole: {
            $0 = value
        }
    }

    private static func replace(
        at pointer: JSONPointer, with value: JSONValue, in document: inout JSONValue
    ) throws(PatchError) {
        try change(pointer, in: &document, operation: "replace") { token, parent in
            guard child(token, of: parent) != nil else { return "missing value" }
            if case .array(var items) = parent, let index = Int(token) {
                parent = .null
                items[index] = value
                parent = .array(items)
            } else {
                parent[token] = value
            }
            return nil
        } whole: {
            $0 = value
        }
    }

    private static func remove(
        at pointer: JSONPointer, from document: inout JSONValue, operation: String
    ) throws(PatchError) -> JSONValue {
        var removed = JSONValue.null
        try change(pointer, in: &document, operation: operation) { token, parent in
            guard let value = child(token, of: parent) else { return "missing value" }
            removed = value
            if case .array(var items) = parent, let index = Int(token) {
                parent = .null
                items.remove(at: index)
                parent = .array(items)
            } else {
                parent[token] = nil
            }
            return nil
        } whole: {
            removed = $0
            $0 = .null
        }
        return removed
    }

    /// Walks to the parent of the pointer's last token and changes it there, in place. `body` returns what is wrong.
    private static func change(
        _ pointer: JSONPointer, in document: inout JSONValue, operation: String,
        _ body: (String, inout JSONValue) -> String?, whole: (inout JSONValue) -> Void
    ) throws(PatchError) {
        guard let last = pointer.tokens.last else {
            whole(&document)
            return
        }
        if let problem = descend(pointer.tokens.dropLast()[...], last, &document, body) {
            let missing = problem == "missing value" ? "doc is missing key" : "error in \(operation) for path"
            throw PatchError(
                .unprocessable, "\(operation) operation does not apply: \(missing): \(pointer): \(problem)")
        }
    }

    private static func descend(
        _ tokens: ArraySlice<String>, _ last: String, _ value: inout JSONValue,
        _ body: (String, inout JSONValue) -> String?
    ) -> String? {
        guard let token = tokens.first else { return body(last, &value) }
        switch value {
        case .object(let fields):
            guard var inner = fields[token] else { return "missing value" }
            value[token] = .null
            defer { value[token] = inner }
            return descend(tokens.dropFirst(), last, &inner, body)
        case .array(let items):
            guard let index = ArrayPlace.index(token, count: items.count, mayAppend: false) else {
                return "missing value"
            }
            var inner = items[index]
            value[index] = .null
            defer { value[index] = inner }
            return descend(tokens.dropFirst(), last, &inner, body)
        default: return "missing value"
        }
    }

    /// Equality with numbers compared by value.
    private static func sameJSON(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.integer, .number), (.number, .integer): left.number == right.number
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy(sameJSON)
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { key, value in b[key].map { sameJSON(value, $0) } ?? false }
        default: left == right
        }
    }
}
