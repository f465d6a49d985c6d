// SPDX-License-Identifier: Apache-2.0

public import JSON

/// RFC 6902: a list of operations, applied in order, all or none.
public enum JSONPatch {
    /// What one request may hold.
    public static let maximumOperations = 10_000

    public static func apply(_ patch: JSONValue, to document: JSONValue) throws(PatchError) -> JSONValue {
        guard let operations = patch.array else {
            throw PatchError(.malformed, "error decoding patch: expected an array of operations, got \(patch.typeName)")
        }
        guard operations.count <= maximumOperations else {
            throw PatchError(
                .tooLarge,
                "The allowed maximum operations in a JSON patch is \(maximumOperations), got \(operations.count)")
        }
        var work = PatchWork(document)
        var result = document
        for operation in operations { try perform(operation, on: &result, &work) }
        return result
    }

    private static func perform(
        _ operation: JSONValue, on document: inout JSONValue, _ work: inout PatchWork
    ) throws(PatchError) {
        let name = operation["op"]?.string ?? ""
        let path = try pointer("path", of: operation)
        switch name {
        case "add": try add(try value(of: operation), at: path, in: &document, operation: name, &work)
        case "remove": _ = try remove(at: path, from: &document, operation: name, &work)
        case "replace":
            let value = try value(of: operation)
            try work.place(value, at: path)
            try replace(at: path, with: value, in: &document)
        case "move":
            let source = try pointer("from", of: operation)
            guard !source.isPrefix(of: path) else {
                throw PatchError(.unprocessable, "move operation does not apply: \(source) holds \(path)")
            }
            try work.move(from: source, to: path, in: document)
            let moved = try remove(at: source, from: &document, operation: name, &work)
            try insert(moved, at: path, in: &document, operation: name, &work)
        case "copy":
            let source = try pointer("from", of: operation)
            let value = try get(at: source, from: document, operation: name)
            try work.copy(value)
            try add(value, at: path, in: &document, operation: name, &work)
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

    static func get(
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
        _ value: JSONValue, at pointer: JSONPointer, in document: inout JSONValue, operation: String,
        _ work: inout PatchWork
    ) throws(PatchError) {
        try work.place(value, at: pointer)
        try insert(value, at: pointer, in: &document, operation: operation, &work)
    }

    private static func insert(
        _ value: JSONValue, at pointer: JSONPointer, in document: inout JSONValue, operation: String,
        _ work: inout PatchWork
    ) throws(PatchError) {
        var shifted = 0
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
                shifted = items.count - index
                items.insert(value, at: index)
                parent = .array(items)
                return nil
            default: return "missing value"
            }
        } whole: {
            $0 = value
        }
        try work.spend(shifted)
    }

    private static func replace(
        at pointer: JSONPointer, with value: JSONValue, in document: inout JSONValue
    ) throws(PatchError) {
        try change(pointer, in: &document, operation: "replace") { token, parent in
            guard child(token, of: parent) != nil else { return "missing value" }
            switch parent {
            case .array(var items):
                parent = .null
                if let index = Int(token) { items[index] = value }
                parent = .array(items)
            case .object(var fields):
                parent = .null
                fields[token] = value
                parent = .object(fields)
            default: return "missing value"
            }
            return nil
        } whole: {
            $0 = value
        }
    }

    private static func remove(
        at pointer: JSONPointer, from document: inout JSONValue, operation: String, _ work: inout PatchWork
    ) throws(PatchError) -> JSONValue {
        var removed = JSONValue.null
        var shifted = 0
        try change(pointer, in: &document, operation: operation) { token, parent in
            guard let value = child(token, of: parent) else { return "missing value" }
            removed = value
            switch parent {
            case .array(var items):
                parent = .null
                if let index = Int(token) {
                    shifted = items.count - index
                    items.remove(at: index)
                }
                parent = .array(items)
            case .object(var fields):
                parent = .null
                fields[token] = nil
                parent = .object(fields)
            default: return "missing value"
            }
            return nil
        } whole: {
            removed = $0
            $0 = .null
        }
        try work.spend(shifted)
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
        // What is changed is taken out on the way down and put back on the way up: held twice it would be copied, all its
        // neighbours with it, for every operation.
        switch value {
        case .object(var fields):
            value = .null
            defer { value = .object(fields) }
            guard var inner = fields[token] else { return "missing value" }
            fields[token] = .null
            defer { fields[token] = inner }
            return descend(tokens.dropFirst(), last, &inner, body)
        case .array(var items):
            value = .null
            defer { value = .array(items) }
            guard let index = ArrayPlace.index(token, count: items.count, mayAppend: false) else {
                return "missing value"
            }
            var inner = items[index]
            items[index] = .null
            defer { items[index] = inner }
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
