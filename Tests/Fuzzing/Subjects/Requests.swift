// SPDX-License-Identifier: Apache-2.0

import HTTP
import KubeAPI

@testable import APIServer

extension Subject {
    /// What decides who may do what.
    static let requests = [
        Subject(name: "request") { bytes in
            let (method, target) = halves(bytes)
            guard let method = String(validating: method, as: UTF8.self),
                let target = String(validating: target, as: UTF8.self), target.utf8.first == 0x2f
            else { return }
            let wire = HTTPRequest(method: method, target: target)
            let info = ParsedRequest(wire).info
            // The second reader: the query once more, by what is written about it.
            let selector = wire.queryItems.first { $0.name == "fieldSelector" }?.value ?? ""
            if !info.selectedName.isEmpty {
                guard let fields = try? FieldSelector(parsing: selector) else {
                    fatalError("rights for \(info.selectedName), which the selector \(selector) does not say")
                }
                require(fields == info.selection.fields, "what is authorized is not what chooses: \(selector)")
                require(
                    !fields.matches { $0 == "metadata.name" ? info.selectedName + "x" : nil },
                    "\(selector) chooses more than \(info.selectedName)")
            }
            guard info.isResource, !info.isBeyond, !info.isPrefixed, info.subresource != "proxy" else { return }
            // The third: the path put together again from what it was taken for.
            var parts = info.group.isEmpty ? ["api"] : ["apis", info.group]
            parts.append(info.version)
            if !info.namespace.isEmpty, info.resource != "namespaces" { parts += ["namespaces", info.namespace] }
            parts += [info.resource, info.name, info.subresource].filter { !$0.isEmpty }
            let whole = wire.path.utf8.split(separator: 0x2f).map { String(Substring($0)) }
            require(whole == parts, "\(target) was taken for \(parts.joined(separator: "/"))")
        },
        Subject(name: "rbac") { bytes in
            var dice = bytes[...]
            func one(of list: [String]) -> String { list[Int(dice.popFirst() ?? 0) % list.count] }
            func some(of list: [String]) -> [String] {
                (0..<Int(dice.popFirst() ?? 0) % 3).map { _ in one(of: list) }
            }
            // A rule is about paths or about objects, never about both.
            let isAboutPaths = (dice.popFirst() ?? 0) % 2 == 0
            let verbs = some(of: ["get", "create", "*"])
            let rule =
                isAboutPaths
                ? PolicyRule(verbs: verbs, paths: some(of: ["/a", "/a/*", "/*", "*"]))
                : PolicyRule(
                    verbs: verbs, groups: some(of: ["", "apps", "*"]),
                    resources: some(of: ["pods", "pods/exec", "*", "*/exec", "nodes"]), names: some(of: ["a", "b"]))
            require(HeldRights([rule]).missing([rule]) == [], "\(rule) does not hold itself")
            let verb = one(of: ["get", "create", "list"])
            let user = RequestUser(name: "u")
            func naively(_ list: [String], _ value: String) -> Bool { list.contains("*") || list.contains(value) }
            if (dice.popFirst() ?? 0) % 2 == 0 {
                let path = one(of: ["/a", "/a/b", "/ab", "/", "/b"])
                let expected =
                    naively(rule.verbs, verb)
                    && rule.paths.contains { pattern in
                        pattern == path || (pattern.hasSuffix("*") && path.hasPrefix(String(pattern.dropLast())))
                    }
                require(
                    HeldRule(rule).allows(AccessRequest(user: user, verb: verb, path: path)) == expected,
                    "\(rule) and \(verb) \(path)")
                return
            }
            let (resource, subresource) = (one(of: ["pods", "nodes"]), one(of: ["", "exec", "status"]))
            let (group, name) = (one(of: ["", "apps"]), one(of: ["", "a", "b", "c"]))
            let asked = subresource.isEmpty ? resource : "\(resource)/\(subresource)"
            let ways = ["*", asked] + (subresource.isEmpty ? [] : ["*/\(subresource)"])
            let expected =
                naively(rule.verbs, verb) && naively(rule.groups, group)
                && rule.resources.contains(where: ways.contains) && (rule.names.isEmpty || rule.names.contains(name))
            let request = AccessRequest(
                user: user, verb: verb, group: group, resource: resource, subresource: subresource, namespace: "n",
                name: name)
            require(HeldRule(rule).allows(request) == expected, "\(rule) and \(verb) \(asked) \(name)")
        },
    ]
}
