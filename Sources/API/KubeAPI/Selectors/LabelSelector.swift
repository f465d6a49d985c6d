// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Schema

/// A set of conditions on labels, all of which must hold; without conditions, everything matches.
public struct LabelSelector: Sendable, Hashable, CustomStringConvertible {
    public let requirements: [LabelRequirement]
    /// The selector of an absent field, which matches no object at all.
    public let matchesNothing: Bool

    public init(_ requirements: [LabelRequirement]) {
        self.requirements = requirements
        matchesNothing = false
    }

    private init(nothing: Void) {
        requirements = []
        matchesNothing = true
    }

    public static let everything = LabelSelector([])
    public static let nothing = LabelSelector(nothing: ())

    /// `app=web,tier in (a,b),!legacy`, as in `?labelSelector=`.
    public init(parsing text: String) throws(LabelSelectorError) {
        if text.isEmpty {
            self = .everything
            return
        }
        var parser = LabelSelectorParser(text)
        self.init(try parser.parse().sorted { $0.key < $1.key })
    }

    /// A map of labels that must all be there with these values: a Service's or ReplicationController's selector.
    public init(matching labels: JSONObject) {
        self.init(
            labels.map { LabelRequirement(unchecked: $0.key, .equals, [$0.value.string ?? ""]) }
                .sorted { $0.key < $1.key })
    }

    public init(matching labels: [String: String]) {
        self.init(
            labels.map { LabelRequirement(unchecked: $0.key, .equals, [$0.value]) }.sorted { $0.key < $1.key })
    }

    /// A `meta/v1 LabelSelector` with `matchLabels` and `matchExpressions`; absent matches nothing, empty everything.
    public init(_ value: JSONValue?) throws(LabelSelectorError) {
        guard let object = value?.object else {
            self = .nothing
            return
        }
        var requirements: [LabelRequirement] = []
        for (key, value) in object["matchLabels"]?.object ?? [:] {
            requirements.append(try LabelRequirement(key, .equals, [value.string ?? ""]))
        }
        for expression in object["matchExpressions"]?.array ?? [] {
            let name = expression["operator"]?.string ?? ""
            guard let kind = Self.operators[name] else {
                throw LabelSelectorError("\(name.quoted) is not a valid label selector operator")
            }
            let values = (expression["values"]?.array ?? []).compactMap(\.string)
            requirements.append(try LabelRequirement(expression["key"]?.string ?? "", kind, values))
        }
        self.init(requirements.sorted { $0.key < $1.key })
    }

    private static let operators: [String: LabelRequirement.Operator] = [
        "In": .in, "NotIn": .notIn, "Exists": .exists, "DoesNotExist": .doesNotExist,
    ]

    public var isEverything: Bool { requirements.isEmpty && !matchesNothing }

    public func matches(_ labels: JSONObject?) -> Bool {
        guard !matchesNothing else { return false }
        return requirements.allSatisfy { requirement in requirement.matches { labels?[$0]?.string } }
    }

    public func matches(_ labels: [String: String]) -> Bool {
        guard !matchesNothing else { return false }
        return requirements.allSatisfy { requirement in requirement.matches { labels[$0] } }
    }

    public var description: String { requirements.map(\.description).joined(separator: ",") }
}
