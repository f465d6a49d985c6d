// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Numbers

/// One rule of a role.
struct PolicyRule: Sendable, Hashable {
    var verbs: [String]
    var groups: [String]
    var resources: [String]
    var names: [String]
    var paths: [String]

    init(_ json: JSONValue) {
        func list(_ field: String) -> [String] { (json[field]?.array ?? []).compactMap(\.string) }
        verbs = list("verbs")
        groups = list("apiGroups")
        resources = list("resources")
        names = list("resourceNames")
        paths = list("nonResourceURLs")
    }

    init(verbs: [String], groups: [String] = [], resources: [String] = [], names: [String] = [], paths: [String] = []) {
        self.verbs = verbs
        self.groups = groups
        self.resources = resources
        self.names = names
        self.paths = paths
    }

    /// Every verb on everything: what `cluster-admin` grants.
    static let everything = [
        PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], paths: ["*"]),
    ]

    var json: JSONValue {
        var object: JSONObject = ["verbs": .array(verbs.map { .string($0) })]
        for (field, values) in [
            ("apiGroups", groups), ("resources", resources), ("resourceNames", names), ("nonResourceURLs", paths),
        ] where !values.isEmpty {
            object[field] = .array(values.map { .string($0) })
        }
        return .object(object)
    }
}

// MARK: - What a rule is made of

extension PolicyRule {
    /// How many permissions the rules have: as many as there are combinations of what each lists.
    static func count(of rules: [PolicyRule]) -> Int {
        rules.map { rule in
            let things = rule.groups.count.saturatingProduct(rule.resources.count)
                .saturatingProduct(max(rule.names.count, 1))
            return things.saturatingSum(rule.paths.count).saturatingProduct(rule.verbs.count)
        }.saturatingSum()
    }

    /// More than any role that people write.
    static let checkedLimit = 20_000

    /// Every single permission of the rule. A rule without names is about all objects, which no list of names is.
    var permissions: [PolicyRule] {
        var result: [PolicyRule] = []
        for group in groups {
            for resource in resources {
                for verb in verbs {
                    for names in names.isEmpty ? [[]] : names.map({ [$0] }) {
                        result.append(PolicyRule(verbs: [verb], groups: [group], resources: [resource], names: names))
                    }
                }
            }
        }
        for path in paths {
            for verb in verbs { result.append(PolicyRule(verbs: [verb], paths: [path])) }
        }
        return result
    }

    /// Single permissions with those on the same thing joined, as a refusal lists them.
    static func joined(_ permissions: [PolicyRule]) -> [PolicyRule] {
        var result: [PolicyRule] = []
        var places: [PolicyRule: Int] = [:]
        for permission in permissions {
            var thing = permission
            thing.verbs = []
            if permission.paths.isEmpty, let place = places[thing] {
                result[place].verbs += permission.verbs
            } else {
                places[thing] = result.count
                result.append(permission)
            }
        }
        return result
    }

    /// As upstream writes a rule in a refusal: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
    var text: String {
        let fields = [
            ("APIGroups", groups), ("Resources", resources), ("NonResourceURLs", paths), ("ResourceNames", names),
            ("Verbs", verbs),
        ]
        return "{" + fields.filter { !$0.1.isEmpty }.map { "\($0.0):\(Self.list($0.1))" }.joined(separator: ", ") + "}"
    }

    /// `["a" "b"]`
    static func list(_ values: [String]) -> String {
        "[" + values.map { "\"\($0)\"" }.joined(separator: " ") + "]"
    }
}
