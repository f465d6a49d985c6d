// SPDX-License-Identifier: Apache-2.0

/// A rule that is asked whether it allows something: what it lists is found in the same time however much that is.
struct HeldRule: Sendable {
    private let verbs, groups, names: ExactTexts
    private let resources: ExactTexts
    /// Paths that stand for themselves.
    private let paths: ExactTexts
    /// Paths that end in stars, without them.
    private let pathPrefixes: [String]
    /// Whether it is for every object of the kinds it is for.
    var isForEveryName: Bool { names.isEmpty }
    /// How many comparisons it takes to ask it.
    var effort: Int { 1 + pathPrefixes.count }

    init(_ rule: PolicyRule) {
        verbs = ExactTexts(rule.verbs)
        groups = ExactTexts(rule.groups)
        resources = ExactTexts(rule.resources)
        names = ExactTexts(rule.names)
        paths = ExactTexts(rule.paths)
        pathPrefixes = rule.paths.filter { $0.utf8.last == 0x2a }.map { path in
            var prefix = path.utf8[...]
            while prefix.last == 0x2a { prefix.removeLast() }
            return String(Substring(prefix))
        }
    }

    func allows(_ request: AccessRequest) -> Bool {
        guard Self.has(verbs, request.verb) else { return false }
        if let path = request.path { return covers(path: path) }
        guard Self.has(groups, request.group),
            Self.has(resources, request.fullResource)
                || (!request.subresource.isEmpty && resources.contains("*/\(request.subresource)"))
        else { return false }
        return names.isEmpty || names.contains(request.name)
    }

    /// Whether it holds a single permission.
    func covers(_ one: PolicyRule) -> Bool {
        guard one.verbs.allSatisfy({ Self.has(verbs, $0) }), one.groups.allSatisfy({ Self.has(groups, $0) }) else {
            return false
        }
        let isNamed = names.isEmpty || !one.names.isEmpty && one.names.allSatisfy(names.contains)
        return isNamed && one.resources.allSatisfy(covers(resource:)) && one.paths.allSatisfy(covers(path:))
    }

    private static func has(_ list: ExactTexts, _ value: String) -> Bool { list.contains("*") || list.contains(value) }

    private func covers(resource: String) -> Bool {
        Self.wildcards(of: resource).contains { resources.contains($0) } || resources.contains(resource)
    }

    /// What else stands for a resource: everything, and every kind's subresource of that name.
    static func wildcards(of resource: String) -> [String] {
        guard let slash = resource.utf8.firstIndex(of: 0x2f) else { return ["*"] }
        return ["*", "*" + resource[slash...]]
    }

    /// Whether a path, or all that another rule's path stands for, is among its own. Only stars at the end are wild.
    private func covers(path: String) -> Bool {
        paths.contains(path) || pathPrefixes.contains { path.utf8.starts(with: $0.utf8) }
    }
}

/// All that somebody holds, ready to be compared with what he wants to give.
struct HeldRights {
    private let rules: [HeldRule]
    /// Which rules name a resource.
    private var byResource = ExactDictionary<[Int]>()
    private var withPaths: [Int] = []

    /// How many comparisons are made at most: some tenths of a second.
    static let workLimit = 4_000_000

    init(_ rules: [PolicyRule]) {
        self.rules = rules.map(HeldRule.init)
        for (index, rule) in rules.enumerated() {
            for resource in rule.resources { byResource[resource, default: []].append(index) }
            if !rule.paths.isEmpty { withPaths.append(index) }
        }
    }

    /// The permissions that `wanted` have and that are not held, each as a rule of one verb on one thing; nil where to find
    /// out takes more than `limit` comparisons.
    ///
    /// A single permission is held by one rule or by none, so that nothing is missed by looking at the rules one by one.
    func missing(_ wanted: [PolicyRule], limit: Int = Self.workLimit) -> [PolicyRule]? {
        var missing: [PolicyRule] = []
        var left = limit
        for permission in wanted.lazy.flatMap(\.permissions) {
            if left < 0 { return nil }
            if !isHeld(permission, &left) { missing.append(permission) }
        }
        return left < 0 ? nil : missing
    }

    private func isHeld(_ permission: PolicyRule, _ left: inout Int) -> Bool {
        left -= 1
        guard permission.paths.isEmpty else { return isHeld(permission, by: withPaths, &left) }
        for resource in permission.resources {
            for key in HeldRule.wildcards(of: resource) + [resource] {
                if let places = byResource[key], isHeld(permission, by: places, &left) { return true }
            }
        }
        return false
    }

    private func isHeld(_ permission: PolicyRule, by places: [Int], _ left: inout Int) -> Bool {
        for place in places {
            left -= rules[place].effort
            if left < 0 { return false }
            if rules[place].covers(permission) { return true }
        }
        return false
    }
}
