// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Schema
import Store
import Testing

@testable import APIServer

@Suite struct `What the store takes` {
    private func configMap(_ name: String, _ size: Int) -> JSONValue {
        [
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": ["name": .string(name)],
            "data": ["x": .string(String(repeating: "a", count: size))],
        ]
    }

    @Test func `is counted to the namespace, its events apart, and to the kinds of the cluster`() {
        let holders = [
            "/registry/core/configmaps/red/c": "red", "/registry/custom/example.com/widgets/red/c": "red",
            "/registry/core/events/red/e": "events/red", "/registry/core/nodes/n": "nodes",
            "/registry/certificates.k8s.io/certificatesigningrequests/x": "nodes",
            "/registry/coordination.k8s.io/leases/kube-node-lease/n": "nodes",
            "/registry/core/persistentvolumes/v": "core/persistentvolumes",
            "/registry/custom/example.com/things/t": "custom/example.com/things",
            // A definition may call its group so, and its resource "events".
            "/registry/custom/core/events/red/e": "red",
            // A name of a role may begin with a combining mark.
            "/registry/rbac.authorization.k8s.io/roles/red/\u{301}x": "red",
        ]
        for (key, holder) in holders { #expect(SpaceRule.holder(of: key) == holder, "\(key)") }
    }

    @Test func `is counted by what an object comes to in memory where that is much`() {
        func counted(_ text: String, _ key: String = "/registry/core/pods/a/b") -> Int {
            StoredWeight.counted(key, Array(text.utf8))
        }
        let long = String(repeating: "x", count: 10_000)
        #expect(counted(#"{"a":"\#(long)"}"#) == long.utf8.count + 8)
        // What stands in a text is no value, nor what comes after an escaped quotation mark.
        let table = String(repeating: #"1,2,[{\","#, count: 1_000)
        #expect(counted(#"{"a":"\#(table)"}"#) == table.utf8.count + 8)
        let variables = (0..<1_000).map { #"{"name":"A\#($0)"}"# }.joined(separator: ",")
        let pod = #"{"env":[\#(variables)]}"#
        #expect((pod.utf8.count * 4..<pod.utf8.count * 6).contains(counted(pod)))
        #expect((counted(pod) * 2 - 2...counted(pod) * 2 + 2).contains(counted(pod, "/registry/core/services/a/b")))
        let arguments = #"{"args":[\#((0..<1_000).map { _ in #""a""# }.joined(separator: ","))]}"#
        #expect((20_000..<28_000).contains(counted(arguments)))
        // Nobody holds who set which field; a map that says so holds its entries.
        let record = #"{"f:a":{"f:b":{},"f:c":{}}}"#
        func object(_ outer: String, _ inner: String) -> String {
            #"{"metadata":{"\#(inner)":[{"fieldsV1":\#(record)}],"name":"a"},"\#(outer)":{"\#(inner)":[{"x":\#(record)}]}}"#
        }
        let whole = counted(object("spec", "managedField"))
        #expect(counted(object("spec", "managedFields")) < whole - 100)
        // Neither is what reads the same elsewhere.
        for (field, value) in [("image", "fieldsV1"), ("name", "managedFields"), ("metadata", "managedFields")] {
            let arguments = (0..<1_000).map { _ in #""a""# }.joined(separator: ",")
            let pod =
                #"{"metadata":{"\#(field)":"\#(value)"},"spec":{"c":[{"\#(field)":"\#(value)","args":[\#(arguments)]}]}}"#
            #expect(counted(pod) > 20_000, "\(field)")
            let deep = #"{"spec":{"managedFields":[{"fieldsV1":{"args":[\#(arguments)]}}]}}"#
            #expect(counted(deep) > 20_000)
        }
        for text in ["", #"{"a\"#, #"{"a":"\"#, "}}}", "[[["] { #expect(counted(text) >= text.utf8.count) }
    }

    @Test func `has a reserve for who keeps the cluster going, a part of it for each node`() {
        func claim(_ user: RequestUser, _ effect: Effect, _ resource: String) -> SpaceClaim {
            AccessRequest(user: user, verb: "*", resource: resource).claim(effect) { name in
                ["n": .first, "m": .later][name] ?? .none
            }
        }
        func node(_ name: String) -> RequestUser { RequestUser(name: "system:node:\(name)", groups: ["system:nodes"]) }
        let root = RequestUser(name: "root", groups: ["system:masters"])
        let manager = RequestUser(name: "system:kube-controller-manager")
        let tenant = RequestUser(name: "jane", groups: ["system:authenticated"])
        let proxy = RequestUser(
            name: "system:serviceaccount:kube-system:kube-proxy",
            extra: ["authentication.kubernetes.io/node-name": ["n"]])
        for resource in ["nodes", "pods", "leases"] {
            #expect(claim(node("n"), .update, resource) == .part(of: "system:node:n"))
            #expect(claim(proxy, .update, resource) == .part(of: "system:node:n"))
            // However many come late, they have one part.
            for name in ["m", "x"] { #expect(claim(node(name), .update, resource) == .part(of: "system:nodes")) }
            #expect(claim(root, .update, resource) == .everything && claim(tenant, .update, resource) == .none)
            #expect(claim(manager, .update, resource) == .components)
        }
        for resource in ["nodes", "leases", "certificatesigningrequests"] {
            #expect(claim(node("n"), .create, resource) == .part(of: "system:node:n"))
            #expect(claim(tenant, .create, resource) == .none)
        }
        #expect(claim(node("n"), .create, "pods") == .none)
        for effect in [Effect.create, .update] { #expect(claim(node("n"), effect, "events") == .none) }
    }

    @Test func `has room for masters and for nodes that were there when others join with all they can`() async throws {
        let server = try await TestServer { $0.storeQuota = 16 << 20 }
        func user(_ name: String) -> RequestUser {
            RequestUser(name: "system:node:\(name)", groups: ["system:nodes", "system:authenticated"])
        }
        func node(_ name: String, _ size: Int) -> JSONValue {
            [
                "kind": "Node", "apiVersion": "v1",
                "metadata": [
                    "name": .string(name), "annotations": ["a": .string(String(repeating: "x", count: size))],
                ],
            ]
        }
        func lease(_ name: String, _ size: Int) -> JSONValue {
            [
                "kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
                "metadata": [
                    "name": .string(name), "annotations": ["a": .string(String(repeating: "x", count: size))],
                ], "spec": [:],
            ]
        }
        let nodes = "/api/v1/nodes"
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        #expect(try await server.send("POST", nodes, node("mine", 100), as: user("mine")).status == 201)
        let large = try await server.send("POST", nodes, node("other", 300_000), as: user("other"))
        #expect(large.status == 413 && large.json["message"]?.string?.contains("it may have 262144") == true)
        var made = 0
        for n in 0..<80 {
            made +=
                try await server.send("POST", nodes, node("a\(n)", 250_000), as: user("a\(n)")).status == 201 ? 1 : 0
        }
        // A half of the store for all that nodes make, and something of the reserve.
        #expect((25...40).contains(made), "\(made)")
        for n in 0..<80 {
            let status: JSONValue = ["metadata": ["annotations": ["b": .string(String(repeating: "y", count: 9_000))]]]
            _ = try await server.send(
                "PATCH", "\(nodes)/a\(n)/status", status, as: user("a\(n)"), type: "application/merge-patch+json")
        }
        // The rest of the store is somebody else's.
        for n in 0..<20 {
            _ = try await server.send("POST", "/api/v1/namespaces/default/configmaps", configMap("c\(n)", 900_000))
        }
        let beat = try await server.send("POST", leases, lease("mine", 10), as: user("mine"))
        #expect(beat.status == 201, "\(beat.json)")
        #expect(try await server.send("POST", leases, lease("mine", 20_000), as: user("mine")).status == 413)
        let ready: JSONValue = ["status": ["conditions": [["type": "Ready", "status": "True"]]]]
        let told = try await server.send(
            "PATCH", "\(nodes)/mine/status", ready, as: user("mine"), type: "application/merge-patch+json")
        #expect(told.status == 200, "\(told.json)")
    }

    @Test func `has a place for everybody when one namespace fills it`() async throws {
        let server = try await TestServer { $0.storeQuota = 16 << 20 }
        for name in ["red", "blue"] {
            let namespace: JSONValue = ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": .string(name)]]
            #expect(try await server.send("POST", "/api/v1/namespaces", namespace).status == 201)
        }
        try await server.grant("in-red", to: "tenant", [rule("*", "configmaps")], in: "red")
        try await server.grant("in-blue", to: "tenant", [rule("*", "configmaps")], in: "blue")
        let tenant = RequestUser(name: "tenant", groups: ["system:authenticated"])
        var statuses: [Int] = []
        var message = ""
        for n in 0..<12 {
            let answer = try await server.send(
                "POST", "/api/v1/namespaces/red/configmaps", configMap("c\(n)", 1_000_000), as: tenant)
            statuses.append(answer.status)
            if answer.status != 201 { message = answer.json["message"]?.string ?? "" }
        }
        // Half of it at most, and something is there from the start.
        let kept = statuses.prefix { $0 == 201 }.count
        #expect((6...8).contains(kept) && statuses.dropFirst(kept).allSatisfy { $0 == 507 })
        #expect(message.hasPrefix("etcdserver: mvcc: database space exceeded: \"red\" has"))
        let blue = "/api/v1/namespaces/blue/configmaps"
        #expect(try await server.send("POST", blue, configMap("c", 1_000_000), as: tenant).status == 201)
        // Masters, and whoever deletes.
        let red = "/api/v1/namespaces/red/configmaps"
        #expect(try await server.send("POST", red, configMap("admin", 1_000_000)).status == 201)
        let marked: JSONValue = ["metadata": ["finalizers": ["example.com/wait"]]]
        #expect(
            try await server.send("PATCH", "\(red)/c0", marked, type: "application/merge-patch+json").status == 200)
        #expect(try await server.send("DELETE", "\(red)/c0", as: tenant).status == 200)
        #expect(try await server.send("DELETE", "\(red)/c1", as: tenant).status == 200)
        #expect(try await server.send("DELETE", "\(red)/admin", as: tenant).status == 200)
        #expect(try await server.send("POST", red, configMap("c9", 500_000), as: tenant).status == 201)
        let metrics = try await server.send("GET", "/metrics").json.string ?? ""
        #expect(metrics.contains("swiftlet_store_quota_bytes 1.6777216e+07"))
        #expect(metrics.contains("swiftlet_store_quota_refusals_total \(12 - kept)"))
    }
}

@Suite struct `Events` {
    private static let path = "/api/v1/namespaces/default/events"

    private func event(_ name: String) -> JSONValue {
        [
            "kind": "Event", "apiVersion": "v1",
            "metadata": ["name": .string(name), "finalizers": ["example.com/never"]],
            "involvedObject": ["kind": "Pod", "namespace": "default", "name": "p"], "reason": "R", "message": "m",
            "type": "Normal", "count": 1, "source": ["component": "test"],
            // Whoever writes it has no say in how long it stays.
            "lastTimestamp": "2126-01-01T00:00:00Z",
        ]
    }

    @Test func `go some time after their last change, and watchers see it`() async throws {
        let server = try await TestServer { $0.eventLifetime = .seconds(6) }
        let start = try await server.send("GET", Self.path).json["metadata"]?["resourceVersion"]?.string ?? ""
        #expect(try await server.send("POST", Self.path, event("a")).status == 201)
        #expect(try await server.send("POST", Self.path, event("b")).status == 201)
        // What is written goes on: for twice the time here.
        for count in 2..<14 {
            try await Task.sleep(for: .seconds(1))
            let patch: JSONValue = ["count": .integer(Int64(count))]
            let answer = try await server.send(
                "PATCH", "\(Self.path)/b", patch, type: "application/merge-patch+json")
            #expect(answer.status == 200)
        }
        #expect(try await server.send("GET", "\(Self.path)/a").status == 404)
        let events = try await server.watch("\(Self.path)?watch=1&resourceVersion=\(start)", 15)
        let ended = events.filter { $0["type"] == "DELETED" }.compactMap { $0["object"]?["metadata"]?["name"]?.string }
        #expect(ended.first == "a")
        for _ in 0..<100 where try await server.send("GET", "\(Self.path)/b").status != 404 {
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(try await server.send("GET", "\(Self.path)/b").status == 404)
    }

    @Test func `are as old after a restart as before`() async throws {
        let first = try await TestServer()
        for name in ["a", "b", "c"] { _ = try await first.send("POST", Self.path, event(name)) }
        let patch: JSONValue = ["count": 2]
        _ = try await first.send("PATCH", "\(Self.path)/a", patch, type: "application/merge-patch+json")
        let core = first.server.core
        let events = try core.builtin("", "events")
        let expiry = EventExpiry(storage: core.storage, events: events, logger: core.logger)
        let now = WallClock.seconds()
        var ages = expiry.known(now: now + 5)
        // "a" was written again after all that were made: nobody knows when.
        let newest = try #require(core.storage.get(events, namespace: "default", name: "c")?.created)
        #expect(ages.newest(at: now + 5) == newest)
        await expiry.expire(through: newest)
        let left = try await first.send("GET", Self.path).json["items"]?.array ?? []
        #expect(left.compactMap { $0["metadata"]?["name"]?.string } == ["a"])
    }

    @Test func `are told apart by revisions, whatever the clock does`() {
        var ages = RevisionAges()
        #expect(ages.newest(at: 1_000) == nil)
        ages.note(10, at: 100)
        ages.note(10, at: 110)
        ages.note(20, at: 120)
        ages.note(25, at: 120)
        ages.note(30, at: 500)  // The clock was wrong, and is put back.
        ages.note(40, at: 130)
        #expect(ages.newest(at: 99) == nil)
        #expect(ages.newest(at: 119) == 10)
        #expect(ages.newest(at: 120) == 25)
        #expect(ages.newest(at: 129) == 25)
        #expect(ages.newest(at: 400) == 40 && ages.count == 1)
    }
}
