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

    func allows(_ request: AccessRequest) -> Bool {
        guard Self.has(verbs, request.verb) else { return false }
        if let path = request.path { return paths.contains { Self.pattern($0, covers: path) } }
        guard Self.has(groups, request.group) else { return false }
        let resource = request.fullResource
        guard
            resources.contains(where: {
                $0 == "*" || $0.isExactly(resource)
                    || (!request.subresource.isEmpty && $0.isExactly("*/\(request.subresource)"))
            })
        else { return false }
        return names.isEmpty || names.containsExactly(request.name)
    }

    private static func has(_ list: [String], _ value: String) -> Bool {
        list.contains("*") || list.containsExactly(value)
    }

    /// Whether a path of a rule stands for `path`, itself a path or another rule's. Only stars at the end are wild.
    private static func pattern(_ pattern: String, covers path: String) -> Bool {
        if pattern.isExactly(path) { return true }
        guard pattern.utf8.last == 0x2a else { return false }
        var prefix = pattern.utf8[...]
        while prefix.last == 0x2a { prefix.removeLast() }
        return path.utf8.starts(with: prefix)
    }
}

// MARK: - What a rule is made of

extension PolicyRule {
    /// The permissions that `rules` have and `held` do not, each as a rule of one verb on one thing.
    ///
    /// A single permission is held by one rule or by none, so that nothing is missed by looking at the rules one by one.
    static func missing(_ rules: [PolicyRule], from held: [PolicyRule]) -> [PolicyRule] {
        rules.flatMap(\.permissions).filter { permission in !held.contains { $0.covers(permission) } }
    }

    /// How many permissions the rules have: as many as there are combinations of what each lists.
    static func count(of rules: [PolicyRule]) -> Int {
        rules.map { rule in
            let things = rule.groups.count.saturatingProduct(rule.resources.count)
                .saturatingProduct(max(rule.names.count, 1))
            return things.saturatingSum(rule.paths.count).saturatingProduct(rule.verbs.count)
        }.saturatingSum()
    }

    /// More than any role that people write; to look at each takes time, in which nobody else is answered.
    static let checkedLimit = 20_000
    /// The same for the comparisons that takes.
    static let workLimit = 20_000_000

    /// How many texts the rule is made of.
    var size: Int { verbs.count + groups.count + resources.count + names.count + paths.count }

    /// Every single permission of the rule. A rule without names is about all objects, which no list of names is.
    private var permissions: [PolicyRule] {
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

    /// Whether this rule holds a single permission.
    private func covers(_ one: PolicyRule) -> Bool {
        guard one.verbs.allSatisfy({ Self.has(verbs, $0) }), one.groups.allSatisfy({ Self.has(groups, $0) }) else {
            return false
        }
        return one.resources.allSatisfy(coversResource) && (names.isEmpty || Self.isNamed(one.names, in: names))
            && one.paths.allSatisfy { path in paths.contains { Self.pattern($0, covers: path) } }
    }

    private static func isNamed(_ some: [String], in names: [String]) -> Bool {
        !some.isEmpty && some.allSatisfy(names.containsExactly)
    }

    private func coversResource(_ resource: String) -> Bool {
        if Self.has(resources, resource) { return true }
        guard let slash = resource.utf8.firstIndex(of: 0x2f) else { return false }
        return resources.containsExactly("*" + resource[slash...])
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
