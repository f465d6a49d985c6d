// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Testing

@testable import Controllers

@Suite struct DecisionTests {
    @Test func `a node's certificate says when it was issued, and others begin earlier where they last`() {
        for lifetime in [Duration.seconds(600), .seconds(365 * 86_400)] {
            #expect(SigningPolicy.backdate(lifetime, .kubelet) == .zero)
        }
        #expect(SigningPolicy.backdate(.seconds(600), .client) == .zero)
        for signer in [SigningPolicy.Signer.client, .serving] {
            #expect(SigningPolicy.backdate(.seconds(365 * 86_400), signer) == .seconds(300))
        }
    }

    @Test(
        arguments: [
            (true, "10:00:00", nil), (true, "10:00:30", "NodeIsNew"), (true, "10:00:39", "NodeIsNew"),
            (true, "10:00:40", nil), (true, "09:00:00", "NodeIsNew"), (false, "09:00:00", nil),
        ] as [(Bool, String, String?)])
    func `a node gets its certificate anew when it asks after its Node was made`(
        _ isNoted: Bool, _ asked: String, _ objection: String?
    ) {
        func made(_ time: String) -> JSONObject { ["metadata": ["creationTimestamp": .string("2026-03-01T\(time)Z")]] }
        var node = made(asked == "10:00:00" ? "09:00:00" : "10:00:30")
        node.set("metadata", "name", to: "n1")
        if isNoted { node.set("metadata", "annotations", to: ["swiftlet.internal/joined-with": "00"]) }
        let found = SigningPolicy.objection(made(asked), node, isForNewNodes: false)
        #expect(found?.reason == objection && found?.isOfNode ?? true)
        #expect(SigningPolicy.objection(made(asked), node, isForNewNodes: true)?.reason == "NodeExists")
    }

    @Test(arguments: [
        ("*/15 * * * *", "2026-03-01T10:07:30Z", "2026-03-01T10:15:00Z"),
        ("0 0 1 * *", "2026-01-31T23:59:00Z", "2026-02-01T00:00:00Z"),
        ("30 6 * * mon-fri", "2026-11-20T07:00:00Z", "2026-11-23T06:30:00Z"),
        ("0 12 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T12:00:00Z"),
        ("0 0 13 * 5", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
        ("@hourly", "2026-11-21T09:59:59Z", "2026-11-21T10:00:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
        ("@every 1h30m", "2026-11-21T00:00:00Z", "2026-11-21T01:30:00Z"),
    ])
    func `a schedule names its next start`(_ text: String, _ from: String, _ next: String) throws {
        let time = try #require(Timestamp(from))
        #expect(try CronSchedule(text).next(after: time, in: .utc)?.description == next)
    }

    @Test func `a day that never comes has no next start`() throws {
        #expect(try CronSchedule("0 0 30 2 *").next(after: Timestamp(seconds: 0), in: .utc) == nil)
    }

    @Test(arguments: ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "@every 0s"])
    func `a broken schedule is refused`(_ text: String) {
        #expect(throws: CronSchedule.Malformed.self) { try CronSchedule(text) }
    }

    @Test func `an unknown time zone is refused by name`() {
        #expect(throws: TimeZoneRules.Unknown.self) { try TimeZoneRules(named: "Nowhere/Town") }
        #expect(throws: TimeZoneRules.Unknown.self) { try TimeZoneRules(named: "../../etc/passwd") }
    }

    @Test(arguments: [
        (10, 3, 2, 10, 0, 3), (10, 3, 2, 13, 3, 3), (10, 3, 2, 12, 3, 4), (10, 3, 2, 5, 5, 10), (0, 1, 0, 0, 0, 0),
    ])
    func `the new set grows as far as the surge allows`(
        _ wanted: Int, _ surge: Int, _ unavailable: Int, _ total: Int, _ new: Int, _ expected: Int
    ) {
        let limits = RolloutLimits(surge: surge, unavailable: unavailable)
        #expect(limits.newReplicas(wanted: wanted, new: new, total: total) == expected)
    }

    @Test func `surge rounds up, unavailable down, and both zero still move`() {
        var deployment: JSONObject = ["spec": ["replicas": 3, "strategy": ["type": "RollingUpdate"]]]
        #expect(RolloutLimits(deployment: deployment) == RolloutLimits(surge: 1, unavailable: 0))
        deployment.set("spec", "strategy", "rollingUpdate", to: ["maxSurge": 0, "maxUnavailable": "10%"])
        #expect(RolloutLimits(deployment: deployment) == RolloutLimits(surge: 0, unavailable: 1))
    }

    @Test func `a scaled rollout grows its sets in proportion`() {
        let members = [
            ProportionalScaling.Member(replicas: 8, lastMaximum: 13, created: Timestamp(seconds: 1)),
            ProportionalScaling.Member(replicas: 5, lastMaximum: 13, created: Timestamp(seconds: 2)),
        ]
        // 10 + 3 surge scaled to 30 + 3.
        #expect(ProportionalScaling.sizes(members, allowed: 33, wanted: 30) == [20, 13])
        #expect(ProportionalScaling.sizes(members, allowed: 13, wanted: 10) == [8, 5])
        #expect(ProportionalScaling.sizes(members, allowed: 0, wanted: 0) == [0, 0])
    }

    private func pod(
        _ name: String, node: String = "n", ready: Bool = true, cost: Int? = nil, age: Int = 100
    ) -> JSONObject {
        var pod: JSONObject = [
            "metadata": [
                "name": .string(name), "uid": .string(name),
                "creationTimestamp": .string(Timestamp(seconds: 1_000_000 - Int64(age)).description),
            ],
            "spec": ["nodeName": .string(node)],
            "status": [
                "phase": "Running", "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
            ],
        ]
        if let cost {
            pod.set(
                "metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost", to: .string(String(cost)))
        }
        return pod
    }

    @Test func `pods are deleted unassigned, unready, cheap, crowded and young first`() {
        let pods = [
            pod("old", node: "a", age: 100_000), pod("young", node: "a", age: 10), pod("crowded", node: "b"),
            pod("unready", node: "c", ready: false), pod("unassigned", node: ""), pod("cheap", node: "c", cost: -5),
        ]
        let related = pods + [pod("x", node: "b"), pod("y", node: "b"), pod("z", node: "b")]
        let order = DeletionRanking.choose(pods, count: 5, related: related, now: Timestamp(seconds: 1_000_000))
        #expect(order.map(\.objectName) == ["unassigned", "unready", "cheap", "crowded", "young"])
    }

    @Test(arguments: ["0", "1,3-5,7", "0,1", "0-2"])
    func `completion indexes keep their text`(_ text: String) {
        #expect(CompletionIndexes(text).description == text)
    }

    @Test func `completion indexes are runs, however many they are`() {
        var all = CompletionIndexes("0-2147483646,5-9223372036854775807,x,-1,3-1")
        #expect(all.count == 2_147_483_647)
        all.insert(2_147_483_647)
        #expect(all.description == "0-2147483647")
        #expect(all.intersection(CompletionIndexes("1,3-5")).description == "1,3-5")
        #expect(CompletionIndexes("0-100", below: 10).description == "0-9")
        #expect(CompletionIndexes("0-100", below: 0).count == 0)
        var some = CompletionIndexes([7, 3, 4])
        for index in [5, 5, 0, 8, 1] { some.insert(index) }
        #expect(some.description == "0,1,3-5,7,8")
        some.insert(6)
        some.insert(2)
        #expect(some.description == "0-8")
        #expect(some.contains(4) && !some.contains(9) && some.run(at: 9) == nil)
    }

    @Test(arguments: [
        ("10.42.0.0/16", 24, 1, "10.42.1.0/24"), ("10.42.0.0/16", 24, 255, "10.42.255.0/24"),
        ("fd42::/48", 64, 0, "fd42::/64"), ("fd42::/48", 64, 10, "fd42:0:0:a::/64"),
    ])
    func `a range is cut into blocks`(_ range: String, _ prefix: Int, _ index: Int, _ block: String) throws {
        let whole = try #require(AddressRange(range))
        let part = whole.block(index, prefix: prefix)
        #expect(part.description == block)
        #expect(whole.indices(of: prefix, in: part) == index..<index + 1)
        #expect(try AddressRange(#require(AddressRange(block)).description)?.description == block)
    }

    @Test(
        arguments: [
            // Blocks of the size that is given out, larger and smaller ones, those elsewhere, and one that is everything.
            (["10.42.0.0/24"], "10.42.1.0/24"), (["10.42.0.0/23", "10.42.2.128/25"], "10.42.3.0/24"),
            (["10.42.0.7/32", "10.42.1.0/24"], "10.42.2.0/24"), (["10.42.0.0/17"], "10.42.128.0/24"),
            (["0.0.0.0/0", "10.42.0.0/16", "10.0.0.0/8", "192.0.2.0/24", "fd42::/64", "x"], "10.42.0.0/24"),
            (["10.42.0.0/17", "10.42.128.0/17"], nil),
        ] as [([String], String?)])
    func `a block is free that nobody has any address of`(_ taken: [String], _ free: String?) throws {
        let share = try NodeIPAMController.Share(range: #require(AddressRange("10.42.0.0/16")), blockPrefix: 24)
        var ledger = BlockLedger(shares: [share])
        for (number, block) in taken.enumerated() { ledger.set("n\(number)", [block], place: nil) }
        #expect(ledger.choice(for: nil) == free.map { .blocks([$0]) } ?? .none(range: "10.42.0.0/16"))
        // What has gone is free again.
        for number in taken.indices { ledger.set("n\(number)", [], place: nil) }
        #expect(ledger.choice(for: nil) == .blocks(["10.42.0.0/24"]))
    }

    private func ledger(
        _ ranges: [(String, Int)] = [("10.42.0.0/16", 24), ("fd42::/48", 64)], limit: Int? = nil
    ) throws
        -> BlockLedger
    {
        try BlockLedger(
            shares: ranges.map { try BlockLedger.Share(range: #require(AddressRange($0.0)), blockPrefix: $0.1) },
            limit: limit)
    }

    @Test func `nodes from one address get a few blocks, and others theirs`() throws {
        var ledger = try ledger()
        func give(_ node: String, _ from: String?) -> Bool {
            let place = from.map(ledger.place)
            guard case .blocks(let blocks) = ledger.choice(for: place) else { return false }
            ledger.set(node, blocks, place: place)
            return true
        }
        #expect((0..<300).filter { give("evil-\($0)", "192.0.2.66") }.count == 16)
        #expect(ledger.choice(for: "192.0.2.66") == .enough(place: "192.0.2.66", limit: 16))
        #expect(give("n1", "192.0.2.1") && give("n2", nil))
        // One that goes makes room for one.
        ledger.set("evil-3", [], place: nil)
        #expect(give("evil-300", "192.0.2.66") && !give("evil-301", "192.0.2.66"))
        // So does one that an administrator vouches for.
        ledger.set("evil-0", ["10.42.0.0/24", "fd42::/64"], place: nil)
        #expect(give("evil-302", "192.0.2.66") && !give("evil-303", "192.0.2.66"))
        // A network of IPv6, however many addresses it has; pods of one node.
        #expect((0..<300).filter { give("six-\($0)", "2001:db8::\($0)") }.count == 64)
        #expect((0..<300).filter { give("pod-\($0)", "10.42.9.\($0 % 250 + 2)") }.count == 16)
        #expect((0..<300).filter { give("pod6-\($0)", "fd42:0:0:9::\($0)") }.count == 16)
        #expect((0..<300).filter { give("link-\($0)", "fe80::\($0)%eth\($0)") }.count == 64)
    }

    @Test func `how few depends on how many there are, and on what the administrator says`() throws {
        #expect(try ledger().limit == 16)
        #expect(try ledger([("10.42.0.0/18", 24)]).limit == 8)
        #expect(try ledger([("10.42.0.0/23", 24)]).limit == 2)
        #expect(try ledger(limit: 200).limit == 200)
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8:0:1:2::3", "2001:db8:0:1::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("10.42.3.7", "10.42.3.0/24"), ("fd42:0:0:7::9", "fd42:0:0:7::/64"), ("unknown", "unknown"),
    ])
    func `an address is of a place`(_ address: String, _ place: String) throws {
        #expect(try ledger().place(of: address) == place)
    }

    @Test func `blocks that a node was not given are told`() throws {
        let shares = try [("10.42.0.0/16", 24), ("fd42::/48", 64)].map {
            try NodeIPAMController.Share(range: #require(AddressRange($0.0)), blockPrefix: $0.1)
        }
        func conflict(_ blocks: [String]) -> String? {
            NodeIPAMController.conflict(
                of: blocks, shares: shares, others: ["a": ["0.0.0.0/0", "::/0"], "b": ["10.42.1.0/24", "fd42::/64"]])
        }
        #expect(conflict(["10.42.2.0/24", "fd42:0:0:1::/64"]) == nil)
        #expect(conflict(["10.42.2.0/24", "fd42::/64"]) == "fd42::/64 is that of node b too")
        for foreign in ["0.0.0.0/0", "10.42.0.0/16", "10.43.0.0/24", "10.42.2.0/25", "fd42::/48", "x"] {
            #expect(conflict([foreign]) == "\(foreign) is not a block that the cluster gives to nodes")
        }
    }

    @Test(arguments: ["10.42.0.0", "10.42.0/16", "10.42.0.0/33", "fd42:::/48", "::/129", "x/8"])
    func `what is no range is refused`(_ text: String) { #expect(AddressRange(text) == nil) }

    @Test func `budgets allow what stays above the minimum`() throws {
        let pods = (0..<4).map { pod("p\($0)") }
        func expectation(_ spec: JSONObject) throws -> [Int] {
            let result = try DisruptionController.expectation(["spec": .object(spec)], pods) { _ in ("set", 4) }
            return [result.expected, result.desired]
        }
        #expect(try expectation(["minAvailable": 3]) == [4, 3])
        #expect(try expectation(["minAvailable": "50%"]) == [4, 2])
        #expect(try expectation(["maxUnavailable": "30%"]) == [4, 2])
        #expect(try expectation(["maxUnavailable": 1]) == [4, 3])
    }

    @Test func `a pod stays on a tainted node as long as it tolerates`() {
        let taints: [JSONValue] = [["key": "node.kubernetes.io/unreachable", "effect": "NoExecute"]]
        var pod: JSONObject = ["spec": ["tolerations": []]]
        #expect(NodeHealth.toleratedTime(pod, taints: taints) == .zero)
        pod.set(
            "spec", "tolerations",
            to: [["key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300]])
        #expect(NodeHealth.toleratedTime(pod, taints: taints) == .seconds(300))
        pod.set("spec", "tolerations", to: [["operator": "Exists"]])
        #expect(NodeHealth.toleratedTime(pod, taints: taints) == nil)
    }

    @Test func `a revision has its template's fields in order`() {
        let template: JSONValue = [
            "spec": ["containers": [["name": "c", "image": "i", "args": ["b", "a"]]]],
            "metadata": ["labels": ["b": "1", "a": "2"]],
        ]
        #expect(
            JSONValue.object(RevisionHistory.data(["spec": ["template": template]])).encoded()
                == Array(
                    (#"{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},"#
                        + #""spec":{"containers":[{"args":["b","a"],"image":"i","name":"c"}]}}}}"#).utf8))
    }

    @Test func `a stateful set goes up in order and down in reverse`() {
        func set(_ replicas: Int) -> JSONObject {
            ["metadata": ["name": "db"], "spec": ["replicas": .count(replicas)]]
        }
        func member(_ ordinal: Int, ready: Bool = true) -> JSONObject {
            var member = pod("db-\(ordinal)", ready: ready)
            member.set("metadata", "labels", "controller-revision-hash", to: "r1")
            return member
        }
        func steps(_ replicas: Int, _ pods: [JSONObject], update: String = "r1") -> [StatefulPlan.Step] {
            StatefulPlan(
                set(replicas), pods: pods, current: "r1", update: update, currentReplicas: pods.count,
                at: Timestamp(seconds: 1_000_000)
            ).steps
        }
        #expect(steps(3, []) == [.create(ordinal: 0, useUpdate: true)])
        #expect(steps(3, [member(0, ready: false)]).isEmpty)
        #expect(steps(3, [member(0)]) == [.create(ordinal: 1, useUpdate: true)])
        #expect(steps(1, [member(0), member(1), member(2)]) == [.delete(member(2))])
        // Only one that is not healthy at a time: the lowest of them, and the others wait for it.
        #expect(steps(1, [member(0), member(1), member(2, ready: false)]) == [.delete(member(2, ready: false))])
        #expect(steps(1, [member(0), member(1, ready: false), member(2, ready: false)]).isEmpty)
        #expect(steps(0, [member(0, ready: false), member(1)]) == [.delete(member(1))])
        #expect(steps(3, [member(0), member(1), member(2)], update: "r2") == [.delete(member(2))])
    }
}
