// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import JSON
import Linux
import Synchronization
import TLS
import Telemetry
import Testing

@testable import APIServer

@Suite struct `Fair seats` {
    @Test func `go to the flow that has the fewest`() {
        var seats = FairSeats(total: 49)
        var number: UInt64 = 0
        func enter(_ flow: String) -> FairSeats.Entry {
            number += 1
            return seats.enter(.globalDefault, flow, number: number)
        }
        var seated = 0
        while enter("greedy") == .seated { seated += 1 }
        // Its own share and what the others lend, not what they keep.
        #expect(seated > 4 && seated < 49)
        #expect(enter("greedy") == .waits)
        #expect(enter("modest") == .waits)
        // Both greedy ones came first.
        let next = seats.leave(.globalDefault, "greedy")
        #expect(next == [number])
        let last = seats.leave(.globalDefault, "greedy")
        #expect(last.count == 1)
    }

    @Test func `nobody takes what a level keeps, and masters never wait`() {
        var seats = FairSeats(total: 245)
        var number: UInt64 = 0
        for flow in 0..<1000 {
            number += 1
            _ = seats.enter(.workloadLow, "account-\(flow)", number: number)
        }
        for (level, kept) in [(PriorityLevel.leaderElection, 10), (.nodeHigh, 30), (.catchAll, 5)] {
            for _ in 0..<kept {
                number += 1
                let entry = seats.enter(level, "x", number: number)
                #expect(entry == .seated)
            }
        }
        for _ in 0..<1000 {
            number += 1
            let entry = seats.enter(.exempt, "admin", number: number)
            #expect(entry == .seated)
        }
    }

    @Test func `one flow cannot fill the queue of its level`() {
        var seats = FairSeats(total: 10)
        var number: UInt64 = 0
        var refused = 0
        for _ in 0..<2000 {
            number += 1
            if seats.enter(.globalDefault, "greedy", number: number) == .refused { refused += 1 }
        }
        #expect(refused > 1500)
        number += 1
        let entry = seats.enter(.globalDefault, "modest", number: number)
        #expect(entry == .waits)
    }

    @Test func `are all given back, in whatever order people come, go and give up`() {
        var random = SeededNumbers(state: 7)
        var seats = FairSeats(total: 30)
        var seated: [(level: PriorityLevel, flow: String)] = []
        var waiting: [UInt64: (level: PriorityLevel, flow: String)] = [:]
        func sit(_ numbers: [UInt64]) {
            for number in numbers {
                if let known = waiting.removeValue(forKey: number) {
                    seated.append(known)
                } else {
                    Issue.record("\(number)")
                }
            }
        }
        for number in 1...20_000 {
            let level = PriorityLevel.allCases[Int(random.next() % 8)]
            let flow = "f\(random.next() % 5)"
            switch random.next() % 5 {
            case 0, 1:
                switch seats.enter(level, flow, number: UInt64(number)) {
                case .seated: seated.append((level, flow))
                case .waits: waiting[UInt64(number)] = (level, flow)
                case .refused: #expect(waiting.count >= FairSeats.flowLimit)
                }
            case 2:
                guard let (number, known) = waiting.first else { continue }
                let isGivenUp = seats.giveUp(known.level, known.flow, number: number)
                #expect(isGivenUp)
                waiting[number] = nil
            default:
                guard !seated.isEmpty else { continue }
                let gone = seated.remove(at: Int(random.next() % UInt64(seated.count)))
                sit(seats.leave(gone.level, gone.flow))
            }
            #expect(seated.count { $0.level != .exempt } <= 30 + PriorityLevel.allCases.count)
        }
        while let gone = seated.popLast() { sit(seats.leave(gone.level, gone.flow)) }
        #expect(waiting.isEmpty)
        for level in PriorityLevel.allCases { #expect(seats.load(of: level) == (0, 0)) }
    }
}

private struct SeededNumbers {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}

@Suite struct `A request's priority level` {
    @Test(arguments: [
        ("admin", ["system:masters", "system:authenticated"], "GET /api/v1/pods", "exempt"),
        ("system:node:a", ["system:nodes", "system:authenticated"], "PATCH /api/v1/nodes/a/status", "node-high"),
        (
            "system:node:a", ["system:nodes", "system:authenticated"],
            "PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a", "node-high"
        ),
        ("system:node:a", ["system:nodes", "system:authenticated"], "GET /api/v1/pods", "system"),
        (
            "system:kube-scheduler", ["system:authenticated"],
            "PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", "leader-election"
        ),
        ("system:kube-scheduler", ["system:authenticated"], "GET /api/v1/pods", "workload-high"),
        (
            "system:serviceaccount:kube-system:job", ["system:serviceaccounts", "system:authenticated"],
            "GET /api/v1/pods", "workload-high"
        ),
        (
            "system:serviceaccount:default:job", ["system:serviceaccounts", "system:authenticated"],
            "GET /api/v1/pods", "workload-low"
        ),
        ("jane", ["system:authenticated"], "GET /api/v1/pods", "global-default"),
        ("system:anonymous", ["system:unauthenticated"], "GET /openid/v1/jwks", "global-default"),
        ("nobody", [], "GET /api/v1/pods", "catch-all"),
        ("system:anonymous", ["system:unauthenticated"], "GET /readyz", "exempt"),
    ])
    func `is the one of upstream's suggested schemas`(
        _ name: String, _ groups: [String], _ what: String, _ level: String
    ) {
        let parts = what.split(separator: " ").map(String.init)
        let info = ParsedRequest(HTTPRequest(method: parts[0], target: parts[1])).info
        #expect(PriorityLevel(user: RequestUser(name: name, groups: groups), info: info).name == level)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Under load, the server` {
    private static let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    /// As it comes from the network: who asks is in the certificate.
    private func request(
        _ method: String, _ target: String, _ body: HTTPBody = .empty, as name: String, groups: [String] = [],
        type: String = "application/json"
    ) -> HTTPRequest {
        var request = HTTPRequest(method: method, target: target, headers: ["Content-Type": type], body: body)
        request.context.clientCertificate = PeerCertificate(commonName: name, organizations: groups, isVerified: true)
        return request
    }

    private func review() -> HTTPBody {
        .bytes(
            JSONValue.object([
                "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "spec": ["resourceAttributes": ["verb": "list", "resource": "pods"]],
            ]).encoded())
    }

    @Test func `serves everybody beside bodies that never come`() async throws {
        let server = try await TestServer()
        var writers: [HTTPBodyWriter] = []
        var requests: [Task<HTTPResponse, Never>] = []
        for _ in 0..<1000 {
            let (writer, stream) = HTTPBodyStream.pipe()
            writers.append(writer)
            let unfinished = request("POST", Self.reviews, .stream(stream), as: "mallory")
            requests.append(Task { await server.server.handle(unfinished) })
        }
        // Each of them has been read from, so that it waits in the server.
        for writer in writers { try await writer.write(Array(repeating: 0x20, count: 64 * 1024)) }
        #expect(await server.server.handle(request("POST", Self.reviews, review(), as: "jane")).status == 201)
        #expect(await server.server.handle(request("POST", Self.reviews, review(), as: "mallory")).status == 201)
        let namespaces = "/api/v1/namespaces"
        let body = HTTPBody.bytes(
            JSONValue.object(["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "x"]]).encoded())
        #expect(
            await server.server.handle(
                request("POST", namespaces, body, as: "root", groups: ["system:masters"])
            ).status == 201)
        for writer in writers { writer.finish(HTTPBodyAbandoned()) }
        for request in requests { #expect([400, 429].contains(await request.value.status)) }
    }

    @Test func `takes no body that is too long, and no more of one user's than his part`() async throws {
        let server = try await TestServer()
        let long = HTTPBody.bytes(Array(repeating: 0x20, count: 3 << 20 | 1))
        #expect(await server.server.handle(request("POST", Self.reviews, long, as: "jane")).status == 413)
        let (endless, stream) = HTTPBodyStream.pipe()
        let writing = Task {
            while true { try await endless.write(Array(repeating: 0x20, count: 1 << 20)) }
        }
        #expect(await server.server.handle(request("POST", Self.reviews, .stream(stream), as: "jane")).status == 413)
        writing.cancel()
    }

    @Test func `leaves of a budget as much as the greediest has, for who comes next`() {
        func holder(_ name: String, _ kind: BudgetHolder.Kind = .everybody) -> BudgetHolder {
            BudgetHolder(name: name, kind: kind)
        }
        let budget = SharedBudget(each: 40) { $0 == .everybody ? 100 : 60 }
        for _ in 0..<100 { for name in ["a", "b", "c", "d"] { _ = budget.take(1, holder(name)) } }
        #expect(budget.inUse == 80)
        #expect(!budget.take(1, holder("a")) && budget.take(10, holder("e")))
        // Other kinds have their part whatever these have, and share it in the same way: any number of names is not more.
        for kind in BudgetHolder.Kind.allCases where kind != .everybody {
            #expect(budget.take(30, holder("n", kind)) && !budget.take(1, holder("n", kind)))
            for number in 0..<10_000 { _ = budget.take(1, holder("n\(number)", kind)) }
        }
        #expect(budget.inUse <= 90 + (BudgetHolder.Kind.allCases.count - 1) * 60)
        for name in ["a", "b", "c", "d"] { budget.giveBack(20, holder(name)) }
        budget.giveBack(10, holder("e"))
        #expect(budget.take(40, holder("e")) && !budget.take(1, holder("e")))
    }

    @Test func `counts accounts of a namespace as one, and what a node has as the node's`() {
        func holder(_ name: String, _ groups: [String] = [], on node: String? = nil) -> BudgetHolder {
            let extra = node.map { ["authentication.kubernetes.io/node-name": [$0]] } ?? [:]
            return BudgetHolder(RequestUser(name: name, groups: groups, extra: extra)) {
                ["old": .first, "new": .later][$0] ?? .none
            }
        }
        let team = holder("system:serviceaccount:team:a", on: "old")
        #expect(team == holder("system:serviceaccount:team:b") && team.kind == .everybody)
        #expect(team != holder("system:serviceaccount:teams:a"))
        #expect(holder("jane") == BudgetHolder(name: "jane"))
        #expect(holder("system:serviceaccount:").kind == .everybody)
        #expect(holder("root", ["system:masters"]).kind == .masters)
        #expect(holder("system:kube-scheduler").kind == .components)
        #expect(holder("system:serviceaccount:kube-system:a").kind == .components)
        let old = holder("system:node:old", ["system:nodes"])
        #expect(old == BudgetHolder(name: "system:node:old", kind: .nodes))
        // What it does by its proxy, or by the pods it runs, is its own doing.
        #expect(old == holder("system:serviceaccount:kube-system:kube-proxy", on: "old"))
        let new = holder("system:node:new", ["system:nodes"])
        #expect(new == BudgetHolder(name: "system:node:new", kind: .newNodes) && new.flow != new.name)
        // Of names without a Node there are as many as one likes.
        let nobody = holder("system:node:x", ["system:nodes"])
        #expect(nobody == holder("system:node:y", ["system:nodes"]) && nobody.kind == .newNodes)
        #expect(holder("system:node:old").kind == .everybody)
    }

    @Test func `has in memory of one user's documents no more than his part, by what they hold`() async throws {
        let words = String(repeating: "a, ", count: 1_000) + String(repeating: "a", count: 90_000)
        let text = configMap("t", ["a": .string(words)])
        let values = JSONValue.array([JSONValue](repeating: [], count: 30_000)).encoded()
        #expect(DocumentWeight.of(text.encoded()) < 200_000 && DocumentWeight.of(values) > 30 * values.count)
        #expect(DocumentWeight.of(Array(values.prefix(10_000))) == 0)
        let server = try await TestServer { $0.maxDocumentBytesPerUser = 1 << 20 }
        let budget = server.server.core.documents
        for user in ["jane", "john"] {
            try await server.grant(user, to: user, [rule("create,update,delete", "configmaps")])
        }
        func send(_ method: String, _ target: String, _ body: JSONValue?, as user: String) async -> Int {
            let bytes = body.map { HTTPBody.bytes($0.encoded()) } ?? .empty
            return await server.server.handle(request(method, target, bytes, as: user)).status
        }
        #expect(await send("POST", maps, text, as: "jane") == 201 && budget.inUse == 0)
        let jane = BudgetHolder(name: "jane")
        #expect(budget.take(1 << 20, jane))
        let small = configMap("s")
        #expect(await send("POST", maps, text, as: "jane") == 429)
        // What is stored is read as well, however little is asked.
        #expect(await send("PUT", "\(maps)/t", small, as: "jane") == 429)
        #expect(await send("POST", maps, small, as: "jane") == 201)
        #expect(await send("DELETE", "\(maps)/t", nil, as: "john") == 200)
        #expect(await send("POST", maps, text, as: "john") == 201)
        budget.giveBack(1 << 20, jane)
        #expect(await send("PUT", "\(maps)/t", text, as: "jane") == 200 && budget.inUse == 0)
    }

    @Test func `knows the oldest nodes from those that came later`() async throws {
        let server = try await TestServer()
        let roll = server.server.core.nodes
        func node(_ name: String) -> JSONValue {
            ["kind": "Node", "apiVersion": "v1", "metadata": ["name": .string(name)]]
        }
        #expect(roll.standing(of: "n0") == .none)
        for number in 0..<NodeRoll.first + 2 {
            #expect(try await server.send("POST", "/api/v1/nodes", node("n\(number)")).status == 201)
            // Also what was asked about before.
            #expect(roll.standing(of: "n\(number)") == (number < NodeRoll.first ? .first : .later))
        }
        _ = try await server.send(
            "PATCH", "/api/v1/nodes/n0", ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
        #expect(roll.standing(of: "n0") == .first)
        #expect(try await server.send("DELETE", "/api/v1/nodes/n1").status == 200)
        let last = NodeRoll.first
        #expect(roll.standing(of: "n1") == .none && roll.standing(of: "n\(last)") == .first)
        #expect(roll.standing(of: "n\(last + 1)") == .later)
        // A name that is taken again is a newcomer's.
        #expect(try await server.send("POST", "/api/v1/nodes", node("n1")).status == 201)
        #expect(roll.standing(of: "n1") == .later)
    }

    @Test func `gives any number of nodes together no more watches than nodes have`() async throws {
        let server = try await TestServer { $0.maxLongRunningPerUser = 6 }
        let watch = "/api/v1/services?watch=1"
        func begin(_ node: String) async -> HTTPResponse {
            await server.server.handle(request("GET", watch, as: "system:node:\(node)", groups: ["system:nodes"]))
        }
        let body: JSONValue = ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "here"]]
        #expect(try await server.send("POST", "/api/v1/nodes", body).status == 201)
        var open: [HTTPResponse] = []
        for number in 0..<20 { open.append(await begin("made-up-\(number)")) }
        // Half of what such nodes have is kept for the next one, and they are all one.
        #expect(open.count { $0.status == 200 } == 3)
        #expect(await begin("here").status == 200)
    }

    @Test func `gives the accounts of a namespace one turn at the workbench, not one each`() async throws {
        let server = try await TestServer()
        let bench = server.server.core.workbench
        let large = configMap("large", ["a": .string(String(repeating: "a", count: 100_000))])
        #expect(try await server.send("POST", maps, large).status == 201)
        let account = "system:serviceaccount:team:z"
        for user in ["jane", account] { try await server.grant(user, to: user, [rule("get", "configmaps")]) }
        func get(as user: String, _ answered: Answered) async -> Int {
            var asked = request("GET", "\(maps)/large", as: user)
            asked.headers["Accept"] = "application/json;as=Table;g=meta.k8s.io;v=v1"
            let status = await server.server.handle(asked).status
            answered.flag.store(true, ordering: .sequentiallyConsistent)
            return status
        }
        func waitFor(_ waiting: Int) async throws {
            while bench.waiting < waiting { try await Task.sleep(for: .milliseconds(1)) }
        }
        let (gate, last) = (CountingSemaphore(), CountingSemaphore())
        let (teams, janes) = (Answered(), Answered())
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Also when the test is given up: the group waits for all that it has begun.
            defer {
                for _ in 0..<bench.limit {
                    gate.signal()
                    last.signal()
                }
            }
            for number in 0..<bench.limit {
                let begun = Waiter()
                group.addTask {
                    await bench.run(for: "first \(number)") {
                        begun.wake()
                        gate.wait()
                    }
                }
                await begun.wait()
            }
            // The team has had something done when its second account asks, which comes before jane does.
            group.addTask { await bench.run(for: "system:serviceaccount:team:") {} }
            try await waitFor(1)
            group.addTask { #expect(await get(as: account, teams) == 200) }
            try await waitFor(2)
            group.addTask { #expect(await get(as: "jane", janes) == 200) }
            try await waitFor(3)
            for number in 0..<bench.limit { group.addTask { await bench.run(for: "last \(number)") { last.wait() } } }
            try await waitFor(3 + bench.limit)
            for _ in 0..<bench.limit { gate.signal() }
            while !janes.isTrue { try await Task.sleep(for: .milliseconds(1)) }
            #expect(!teams.isTrue)
            for _ in 0..<bench.limit { last.signal() }
        }
    }

    @Test func `gives one user so many watches and no more, and takes them back when they end`() async throws {
        let server = try await TestServer { $0.maxLongRunningPerUser = 3 }
        let watch = "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=9223372036854775807"
        var open: [HTTPResponse] = []
        for user in ["jane", "john"] { try await server.grant(user, to: user, [rule("watch", "pods")]) }
        for _ in 0..<3 { open.append(await server.server.handle(request("GET", watch, as: "jane"))) }
        #expect(open.allSatisfy { $0.status == 200 })
        #expect(await server.server.handle(request("GET", watch, as: "jane")).status == 429)
        #expect(await server.server.handle(request("GET", watch, as: "john")).status == 200)
        open.removeLast()
        #expect(await server.server.handle(request("GET", watch, as: "jane")).status == 200)
    }

    @Test func `gives one user fewer streams than watches`() async throws {
        let server = try await TestServer { $0.maxStreamsPerUser = 0 }
        try await server.grant("jane", to: "jane", [rule("watch", "pods"), rule("get", "pods/log")])
        let watch = "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=9223372036854775807"
        #expect(await server.server.handle(request("GET", watch, as: "jane")).status == 200)
        let log = "/api/v1/namespaces/default/pods/p/log?follow=true"
        #expect(await server.server.handle(request("GET", log, as: "jane")).status == 429)
    }

    @Test func `makes no series of what strangers write into a request`() async throws {
        let server = try await TestServer()
        for number in 0..<100 {
            for target in [
                "/apis/zz\(number).example/v1/zzthings", "/api/v1/zz\(number)", "/api/v1/pods/p/zz\(number)",
                "/zz\(number)",
            ] {
                _ = await server.server.handle(HTTPRequest(method: "GET", target: target))
                _ = await server.server.handle(HTTPRequest(method: "ZZ\(number)", target: target))
            }
        }
        _ = await server.server.handle(request("POST", Self.reviews, review(), as: "jane"))
        let metrics = try await server.send("GET", "/metrics").json.string ?? ""
        #expect(metrics.contains(#"resource="selfsubjectaccessreviews""#) && metrics.contains(#"verb="OTHER""#))
        #expect(!metrics.lowercased().contains("zz"))
    }

    @Test func `returns a client's audit id only where a log can take it`() async throws {
        let server = try await TestServer()
        for (given, isTaken) in [("abc-1", true), (String(repeating: "a", count: 500), false), ("a b", false)] {
            let answer = try await server.send("GET", "/version", headers: [("Audit-Id", given)])
            #expect((answer.headers["Audit-Id"] == given) == isTaken)
        }
    }

    @Test func `stores no object that is larger than etcd's requests, by whatever way`() async throws {
        let server = try await TestServer()
        #expect(
            try await server.send(
                "POST", "/api/v1/namespaces/default/serviceaccounts",
                ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]]
            ).status == 201)
        let long = JSONValue.string(String(repeating: "A", count: 100_000))
        let large = pod(
            "big",
            ["containers": [["name": "c", "image": "x", "args": .array([JSONValue](repeating: long, count: 20))]]])
        let refused = try await server.send("POST", pods, large)
        #expect(refused.status == 413 && refused.json["reason"] == "RequestEntityTooLarge")
        #expect(refused.json["message"] == "etcdserver: request is too large")
        #expect(try await server.send("POST", pods, pod("p")).status == 201)
        let conditions = JSONValue.array(
            (0..<20).map { ["type": .string("t\($0)"), "status": "True", "message": long] })
        let status = try await server.send(
            "PATCH", "\(pods)/p/status", ["status": ["conditions": conditions]], type: "application/merge-patch+json")
        #expect(status.status == 413)
        let copies = JSONValue.array(
            [["op": "add", "path": "/metadata/annotations", "value": ["a": long]]]
                + (0..<30).map {
                    ["op": "copy", "from": "/metadata/annotations/a", "path": .string("/metadata/finalizers/\($0)")]
                })
        #expect(
            try await server.send("PATCH", "\(pods)/p", copies, type: "application/json-patch+json").status >= 400)
        let applied = try await server.send(
            "PATCH", "\(pods)/q?fieldManager=m", large.with("metadata", ["name": "q"]),
            type: "application/apply-patch+yaml")
        #expect(applied.status == 413)
    }
}

/// Whether somebody has been answered.
private final class Answered: Sendable {
    let flag = Atomic(false)
    var isTrue: Bool { flag.load(ordering: .sequentiallyConsistent) }
}

extension JSONValue {
    fileprivate func with(_ field: String, _ value: JSONValue) -> JSONValue {
        var copy = self
        copy[field] = value
        return copy
    }
}
