// SPDX-License-Identifier: Apache-2.0

public import Schema

/// One condition of a label selector: a key, an operator, and the values it compares with.
public struct LabelRequirement: Sendable, Hashable, CustomStringConvertible {
    public enum Operator: String, Sendable, Hashable, CaseIterable {
        case `in`, notIn = "notin", equals = "=", doubleEquals = "==", notEquals = "!=", exists
        case doesNotExist = "!", greaterThan = "gt", lessThan = "lt"
    }

    public let key: String
    public let `operator`: Operator
    public let values: [String]
    /// The same, where there are so many that looking through them takes long.
    private let set: Set<String>?

    init(unchecked key: String, _ operator: Operator, _ values: [String]) {
        self.key = key
        self.operator = `operator`
        self.values = values
        set = values.count > 16 ? Set(values) : nil
    }

    /// Refuses keys and values that no label can have, and value counts the operator does not take.
    public init(
        _ key: String, _ operator: Operator, _ values: [String] = [], path: FieldPath = .root
    ) throws(LabelSelectorError) {
        self.init(unchecked: key, `operator`, values)
        let complaints = Self.complaints(key, `operator`, values, path)
        if !complaints.isEmpty { throw LabelSelectorError(complaints.aggregated) }
    }

    private static func complaints(
        _ key: String, _ operator: Operator, _ values: [String], _ path: FieldPath
    ) -> [FieldError] {
        var errors: [FieldError] = []
        let keyComplaints = Names.qualifiedName(key)
        if !keyComplaints.isEmpty {
            errors.append(.invalid(path["key"], key, keyComplaints.joined(separator: "; ")))
        }
        func refuse(_ detail: String) {
            let shown = "[" + values.map(\.quoted).joined(separator: ",") + "]"
            errors.append(FieldError(.invalid, path: "\(path["values"])", value: shown, detail: detail))
        }
        switch `operator` {
        case .in, .notIn:
            if values.isEmpty { refuse("for 'in', 'notin' operators, values set can't be empty") }
        case .equals, .doubleEquals, .notEquals:
            if values.count != 1 { refuse("exact-match compatibility requires one single value") }
        case .exists, .doesNotExist:
            if !values.isEmpty { refuse("values set must be empty for exists and does not exist") }
        case .greaterThan, .lessThan:
            if values.count != 1 { refuse("for 'Gt', 'Lt' operators, exactly one value is required") }
            for (index, value) in values.enumerated() where Int64(value) == nil {
                errors.append(
                    .invalid(
                        path["values"][index], value, "for 'Gt', 'Lt' operators, the value must be an integer"))
            }
        }
        for (index, value) in values.enumerated() {
            let complaints = Names.labelValue(value)
            guard !complaints.isEmpty else { continue }
            errors.append(.invalid(path["values"][index].key(key), value, complaints.joined(separator: "; ")))
        }
        return errors
    }

    private func has(_ value: String) -> Bool { set?.contains(value) ?? values.contains(value) }

    /// Whether labels, given as a lookup, satisfy the condition.
    public func matches(_ lookup: (String) -> String?) -> Bool {
        let value = lookup(key)
        switch `operator` {
        case .in, .equals, .doubleEquals: return value.map(has) ?? false
        case .notIn, .notEquals: return value.map { !has($0) } ?? true
        case .exists: return value != nil
        case .doesNotExist: return value == nil
        case .greaterThan, .lessThan:
            guard let number = value.flatMap(Int64.init), values.count == 1, let bound = Int64(values[0]) else {
                return false
            }
            return `operator` == .greaterThan ? number > bound : number < bound
        }
    }

    public var description: String {
        switch `operator` {
        case .exists: key
        case .doesNotExist: "!" + key
        case .equals, .doubleEquals, .notEquals: key + `operator`.rawValue + (values.first ?? "")
        case .greaterThan: key + ">" + (values.first ?? "")
        case .lessThan: key + "<" + (values.first ?? "")
        case .in, .notIn: key + " " + `operator`.rawValue + " (" + values.sorted().joined(separator: ",") + ")"
        }
    }
}

/// Why a text is no label selector.
public struct LabelSelectorError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
