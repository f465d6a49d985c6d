// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

/// Chooses the same every time.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func one<T>(of list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &self)] }

    /// One to three of the list, or now and then everything.
    mutating func some(of list: [String], wild: String? = "*") -> [String] {
        if let wild, Int.random(in: 0..<8, using: &self) == 0 { return [wild] }
        return (0..<Int.random(in: 1...3, using: &self)).map { _ in one(of: list) }
    }
}

/// A small world, in which every question can be asked. In each list, the last is what no rule names.
private enum World {
    static let verbs = ["get", "list", "update", "other"]
    static let groups = ["", "apps", "other"]
    static let resources = ["pods", "secrets", "other"]
    static let subresources = ["", "status", "log", "other"]
    static let names = ["", "a", "b", "other"]
    static let paths = ["/a", "/a/b", "/ab", "/b", "/b*", "/a/other", "/other", "other"]
    static let ruleResources = [
        "pods", "secrets", "pods/status", "pods/log", "secrets/status", "*/status", "*/log", "*",
    ]
    static let rulePaths = ["/a", "/a*", "/a/*", "/b", "/b*", "/b**", "/*", "*"]

    static func rule(_ dice: inout Dice, paths canHavePaths: Bool = true) -> PolicyRule {
        if canHavePaths, Int.random(in: 0..<4, using: &dice) == 0 {
            return PolicyRule(
                verbs: dice.some(of: verbs.dropLast()), paths: dice.some(of: rulePaths, wild: nil))
        }
        return PolicyRule(
            verbs: dice.some(of: verbs.dropLast()), groups: dice.some(of: groups.dropLast()),
            resources: dice.some(of: ruleResources, wild: nil),
            names: Bool.random(using: &dice) ? [] : dice.some(of: ["a", "b"], wild: nil))
    }

    /// Everything that can be asked by one user in one namespace.
    static func requests(_ user: RequestUser, _ namespace: String = "") -> [AccessRequest] {
        var result: [AccessRequest] = []
        for verb in verbs {
            for path in paths { result.append(AccessRequest(user: user, verb: verb, path: path)) }
            for group in groups {
                for resource in resources {
                    for subresource in subresources {
                        for name in names {
                            result.append(
                                AccessRequest(
                                    user: user, verb: verb, group: group, resource: resource,
                                    subresource: subresource, namespace: namespace, name: name))
                        }
                    }
                }
            }
        }
        return result
    }
}

@Suite(.timeLimit(.minutes(2))) struct `Roles are evaluated` {
    @Test func `so that one set of rules covers another when it allows all that the other does`() async throws {
        var dice = Dice(state: 20_26)
        let everything = World.requests(RequestUser(name: "u"))
        var counts = [true: 0, false: 0]
        for _ in 0..<400 {
            await Task.yield()
            let held = (0..<Int.random(in: 0...4, using: &dice)).map { _ in World.rule(&dice) }
            var wanted = (0..<Int.random(in: 1...2, using: &dice)).map { _ in World.rule(&dice) }
            // A part of what is held, so that both answers come up.
            if let some = held.randomElement(using: &dice), Bool.random(using: &dice) {
                var part = some
                if !part.names.isEmpty { part.names = [part.names[0]] }
                part.verbs = [part.verbs[0]]
                wanted = [part]
            }
            let missing = try #require(HeldRights(held).missing(wanted))
            let isGranted = everything.allSatisfy { request in
                !wanted.contains { HeldRule($0).allows(request) } || held.contains { HeldRule($0).allows(request) }
            }
            #expect(missing.isEmpty == isGranted, "held \(held.map(\.text)), wanted \(wanted.map(\.text))")
            counts[isGranted, default: 0] += 1
            // What is said to be missing is, and with it nothing is.
            for one in missing {
                #expect(
                    everything.contains { r in HeldRule(one).allows(r) && !held.contains { HeldRule($0).allows(r) } },
                    "\(one.text)")
            }
            #expect(HeldRights(held + missing).missing(wanted) == [])
            #expect(HeldRights(held + PolicyRule.joined(missing)).missing(wanted) == [])
        }
        #expect(counts[true]! > 60 && counts[false]! > 60)
    }

    @Test func `as a naive reading of random roles and bindings has it, whatever was asked before`() async throws {
        let server = try await TestServer()
        var dice = Dice(state: 7)
        let users = [
            RequestUser(name: "jane", groups: ["devs"]), RequestUser(name: "joe", groups: ["devs", "ops"]),
            RequestUser(name: "system:serviceaccount:default:robot", groups: ["system:serviceaccounts"]),
            RequestUser(name: "system:serviceaccount:other:robot"), RequestUser(name: "nobody"),
        ]
        let subjects: [JSONValue] = [
            ["kind": "User", "apiGroup": .string(roleGroup), "name": "jane"],
            ["kind": "Group", "apiGroup": .string(roleGroup), "name": "devs"],
            ["kind": "Group", "apiGroup": .string(roleGroup), "name": "ops"],
            ["kind": "ServiceAccount", "namespace": "default", "name": "robot"],
            ["kind": "ServiceAccount", "namespace": "other", "name": "robot"],
        ]
        try await server.send(
            "POST", "/api/v1/namespaces", ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "other"]])
        let base = "/apis/\(roleGroup)/v1"
        for round in 0..<4 {
            for number in 0..<6 {
                var role = clusterRole("random-\(number)", (0..<2).map { _ in World.rule(&dice).json })
                let path = "\(clusterRoles)/random-\(number)"
                #expect(try await server.send("PUT", path, role).status < 300)
                role["kind"] = "Role"
                role["rules"] = .array((0..<2).map { _ in World.rule(&dice, paths: false).json })
                for namespace in ["default", "other"] {
                    let path = "\(base)/namespaces/\(namespace)/roles/random-\(number)"
                    #expect(try await server.send("PUT", path, role).status < 300)
                    var binding = roleBinding(
                        "random-\(round)-\(number)", "random-\(dice.one(of: [0, 1, 2, 3, 9]))", to: "",
                        kind: dice.one(of: ["Role", "ClusterRole"]), namespace: namespace)
                    binding["subjects"] = [dice.one(of: subjects), dice.one(of: subjects)]
                    let bindings = "\(base)/namespaces/\(namespace)/rolebindings"
                    // A binding may be of a role that is not there: it grants nothing until there is one.
                    #expect(try await server.send("POST", bindings, binding).status == 201)
                }
            }
            var binding = roleBinding("random-\(round)", "random-\(dice.one(of: [0, 1, 2, 9]))", to: "")
            binding["subjects"] = [dice.one(of: subjects)]
            #expect(try await server.send("POST", clusterBindings, binding).status == 201)
            // Last round's are taken back, which what is remembered of them has to follow.
            if round > 0 {
                try await server.send("DELETE", "\(clusterBindings)/random-\(round - 1)")
                try await server.send(
                    "DELETE", "\(base)/namespaces/default/rolebindings/random-\(round - 1)-\(dice.one(of: [0, 1, 2]))")
            }
            let policy = try await `The default policy`.stored(server)
            let authorizer = server.server.authorizer
            var allowed = 0
            for user in users {
                for namespace in ["", "default", "other"] {
                    await Task.yield()
                    for request in World.requests(user, namespace).shuffled(using: &dice).prefix(250) {
                        let answer = try authorizer.decide(request).allowed
                        #expect(answer == policy.allows(request), "\(request)")
                        if answer { allowed += 1 }
                    }
                }
            }
            #expect(allowed > 50, "\(allowed)")
        }
    }

    @Test func `by their bytes, however many there are`() {
        // The Kelvin sign is a K to Swift, and another name to everybody else.
        let kelvin = "\u{212A}"
        for count in [1, 100] {
            let texts = ExactTexts((0..<count).map { "K\($0)" } + ["K"])
            #expect(texts.contains("K") && texts.contains("K0") && !texts.contains(kelvin) && !texts.contains("K101"))
        }
        var values = ExactDictionary<Int>()
        values["K"] = 1
        values[kelvin] = 2
        #expect(values["K"] == 1 && values[kelvin] == 2)
    }

    @Test func `and what is held is compared with what is wanted within bounds`() {
        let names = (0..<10_000).map { "n\($0)" }
        let held = HeldRights([PolicyRule(verbs: ["get"], groups: [""], resources: ["pods"], names: names)])
        let wanted = [PolicyRule(verbs: ["get", "list"], groups: [""], resources: ["pods"], names: names)]
        // However long a rule is, to ask it is one comparison.
        #expect(held.missing(wanted, limit: 50_000)?.count == 10_000)
        #expect(held.missing(wanted, limit: 10_000) == nil)
        let many = HeldRights((0..<1_000).map { PolicyRule(verbs: ["get"], groups: [""], resources: ["r\($0)"]) })
        let each = (0..<1_000).map { PolicyRule(verbs: ["get"], groups: [""], resources: ["r\($0)"]) }
        // Nor are rules on other kinds looked at.
        #expect(many.missing(each, limit: 5_000) == [])
    }
}
