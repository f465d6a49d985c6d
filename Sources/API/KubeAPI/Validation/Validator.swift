// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// Collects complaints about one object. The rules for each kind are extensions of it.
struct Validator {
    var errors = Complaints()
    /// The object before the change; nil on create.
    let old: JSONValue?

    static let immutable = "field is immutable"
    static let negative = "must be greater than or equal to 0"
    static let notPositive = "must be greater than 0"

    mutating func add(_ error: FieldError) { errors.append(error) }

    /// Every complaint about a text becomes an error of its own.
    mutating func check(_ complaints: [String], _ path: @autoclosure () -> FieldPath, _ value: String) {
        for complaint in complaints { errors.append(.invalid(path(), value, complaint)) }
    }

    /// The text, when there is one; otherwise complains that it is required.
    @discardableResult
    mutating func required(_ value: JSONValue?, _ path: @autoclosure () -> FieldPath, _ detail: String = "") -> String?
    {
        if let text = value?.string, !text.isEmpty { return text }
        errors.append(.required(path(), detail))
        return nil
    }

    mutating func nonNegative(_ value: JSONValue?, _ path: @autoclosure () -> FieldPath) {
        if let number = value?.integer, number < 0 { errors.append(.invalid(path(), number, Self.negative)) }
    }

    mutating func positive(_ value: JSONValue?, _ path: @autoclosure () -> FieldPath) {
        if let number = value?.integer, number <= 0 { errors.append(.invalid(path(), number, Self.notPositive)) }
    }

    mutating func range(_ value: JSONValue?, _ low: Int, _ high: Int, _ path: @autoclosure () -> FieldPath) {
        guard let number = value?.integer, !(Int64(low)...Int64(high)).contains(number) else { return }
        errors.append(.invalid(path(), number, Names.outOfRange(low, high)))
    }

    /// One of a few texts. The supported ones are listed sorted, as upstream's sets are.
    mutating func choice(
        _ value: JSONValue?, _ supported: [String], _ path: @autoclosure () -> FieldPath, required: Bool = false
    ) {
        guard let text = value?.string, !text.isEmpty || !required else {
            if required { errors.append(.required(path())) }
            return
        }
        if !supported.contains(text) { errors.append(.notSupported(path(), text, supported)) }
    }

    /// Complains when the field differs from what it was.
    mutating func unchanged(_ new: JSONValue?, _ before: JSONValue?, _ path: @autoclosure () -> FieldPath) {
        if !Self.same(new, before) { errors.append(.invalid(path(), json: new, Self.immutable)) }
    }

    /// Equality that does not tell absent from empty.
    static func same(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        if left == right { return true }
        switch (left, right) {
        case (.object(let a)?, .object(let b)?):
            return a.allSatisfy { same($0.value, b[$0.key]) }
                && b.allSatisfy { a[$0.key] != nil || same(nil, $0.value) }
        case (.array(let a)?, .array(let b)?): return a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
        case (nil, let value?), (let value?, nil): return isZero(value)
        default: return false
        }
    }

    private static func isZero(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .string(let text): text.isEmpty
        case .integer(let number): number == 0
        case .bool(let flag): !flag
        case .array(let items): items.isEmpty
        case .object(let fields): fields.allSatisfy { isZero($0.value) }
        case .number(let number): number == 0
        }
    }

    /// A quantity; complains where the text is none.
    mutating func quantity(_ value: JSONValue?, _ path: @autoclosure () -> FieldPath) -> Quantity? {
        guard let value else { return nil }
        let text = value.string ?? value.description
        do throws(QuantityError) {
            return try Quantity(parsing: text)
        } catch {
            errors.append(.invalid(path(), text, error.description))
            return nil
        }
    }

    /// A `LabelSelector` in an object.
    mutating func labelSelector(_ selector: JSONValue?, _ path: FieldPath) {
        guard let selector else { return }
        selectorSize(selector, path)
        labels(selector["matchLabels"], path["matchLabels"])
        for (index, expression) in (selector["matchExpressions"]?.array ?? []).enumerated() {
            let place = path["matchExpressions"][index]
            let values = expression["values"]?.array ?? []
            switch expression["operator"]?.string ?? "" {
            case "In", "NotIn":
                if values.isEmpty {
                    add(.required(place["values"], "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    add(
                        .forbidden(
                            place["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            case let other: add(.invalid(place["operator"], other, "not a valid selector operator"))
            }
            let key = expression["key"]?.string ?? ""
            check(Names.qualifiedName(key), place["key"], key)
            for (position, value) in values.enumerated() {
                check(Names.labelValue(value.string ?? ""), place["values"][position], value.string ?? "")
            }
        }
    }
}

extension JSONValue {
    /// Whether an object or list has anything in it.
    var isPresent: Bool {
        switch self {
        case .null: false
        case .object(let fields): !fields.isEmpty
        case .array(let items): !items.isEmpty
        case .string(let text): !text.isEmpty
        default: true
        }
    }
}
