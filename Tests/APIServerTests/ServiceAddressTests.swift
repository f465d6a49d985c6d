// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Store
import Telemetry
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Addresses of Services` {
    private let services = "/api/v1/namespaces/default/services"

    private func service(_ name: String, _ spec: JSONObject) -> JSONValue {
        var all: JSONObject = ["ports": [["port": 80]]]
        for (field, value) in spec { all[field] = value }
        return ["kind": "Service", "apiVersion": "v1", "metadata": ["name": .string(name)], "spec": .object(all)]
    }

    @Test(arguments: ["fd43::7", "fd43:0::7", "FD43::7", "fd43:0:0:0:0:0:0:7", "fd43::0007"])
    func `are taken once, however they are written`(_ text: String) async throws {
        let server = try await TestServer()
        let first = try await server.send(
            "POST", services, service("one", ["clusterIP": "fd43::7", "ipFamilies": ["IPv6"]]))
        #expect(first.status == 201)
        let second = try await server.send(
            "POST", services, service("two", ["clusterIP": .string(text), "ipFamilies": ["IPv6"]]))
        #expect(second.status == 422)
        #expect(second.json["message"]?.string?.hasSuffix("provided IP is already allocated") == true)
        // Given back, it is free under every spelling.
        try await server.send("DELETE", "\(services)/one")
        let third = try await server.send(
            "POST", services, service("two", ["clusterIP": .string(text), "ipFamilies": ["IPv6"]]))
        #expect(third.status == 201)
        let fourth = try await server.send(
            "POST", services, service("one", ["clusterIP": "fd43::7", "ipFamilies": ["IPv6"]]))
        #expect(fourth.status == 422)
    }

    @Test func `of the API server are nobody else's, also while its Service is deleted`() async throws {
        let server = try await TestServer()
        let own = try await server.send("GET", "\(services)/kubernetes")
        let address = try #require(own.json["spec"]?["clusterIP"]?.string)
        try await server.send("DELETE", "\(services)/kubernetes")
        let taken = try await server.send("POST", services, service("mine", ["clusterIP": .string(address)]))
        #expect(taken.status == 422)
        #expect(taken.json["message"]?.string?.hasSuffix("provided IP is already allocated") == true)
        #expect(try await comesBack(server) == address)
    }

    /// The server makes its Service anew by itself.
    private func comesBack(_ server: TestServer) async throws -> String? {
        for _ in 0..<100 {
            let own = try await server.send("GET", "\(services)/kubernetes")
            if own.status == 200 { return own.json["spec"]?["clusterIP"]?.string }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    @Test func `from outside are warned of`() async throws {
        let server = try await TestServer()
        let made = try await server.send("POST", services, service("one", ["externalIPs": ["203.0.113.7"]]))
        #expect(made.status == 201)
        #expect(made.headers["Warning"]?.contains("spec.externalIPs is deprecated") == true)
        let plain = try await server.send("POST", services, service("two", [:]))
        #expect(plain.status == 201 && plain.headers["Warning"] == nil)
    }

    @Test func `from outside are denied where that is asked for, but for those that are there`() async throws {
        let server = try await TestServer { $0.deniesExternalIPs = true }
        let made = try await server.send("POST", services, service("one", ["externalIPs": ["203.0.113.7"]]))
        #expect(made.status == 403)
        #expect(
            made.json["message"]
                == #"services "one" is forbidden: Use of external IPs is denied by admission control"#)
        #expect(try await server.send("POST", services, service("one", [:])).status == 201)
        let patched = try await server.send(
            "PATCH", "\(services)/one", ["spec": ["externalIPs": ["203.0.113.7"]]],
            type: "application/merge-patch+json")
        #expect(patched.status == 403)
    }

    @Test func `are none of an ExternalName Service`() async throws {
        let server = try await TestServer()
        for address in ["10.43.9.9", "None"] {
            let made = try await server.send(
                "POST", services,
                service("one", ["type": "ExternalName", "externalName": "a.example", "clusterIP": .string(address)]))
            #expect(made.status == 422)
            #expect(made.json["message"]?.string?.contains("may not be set for ExternalName services") == true)
        }
        #expect(try await server.send("POST", services, service("one", [:])).status == 201)
        // One that becomes an alias gives its address up.
        let changed = try await server.send(
            "PATCH", "\(services)/one",
            ["spec": ["type": "ExternalName", "externalName": "a.example"]], type: "application/merge-patch+json")
        #expect(changed.status == 200)
        #expect(changed.json["spec"]?["clusterIP"] == nil && changed.json["spec"]?["clusterIPs"] == nil)
        let back = try await server.send(
            "PATCH", "\(services)/one", ["spec": ["type": "ClusterIP", "externalName": .null]],
            type: "application/merge-patch+json")
        #expect(back.status == 200 && back.json["spec"]?["clusterIP"]?.string?.hasPrefix("10.43.") == true)
    }

    // MARK: Whose they are

    private let other = "/api/v1/namespaces/other/services"
    private let merge = "application/merge-patch+json"

    private func servers() async throws -> TestServer {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces", ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "other"]])
        return server
    }

    private func fixed(_ name: String, _ last: Int) -> JSONValue {
        service(
            name,
            [
                "type": "NodePort", "clusterIP": .string("10.43.0.\(last)"),
                "ports": [["port": 80, "nodePort": .integer(Int64(30_000 + last))]],
            ])
    }

    /// How a service goes; the deletion is asked for by its first.
    private static let ends: [(String, JSONObject, JSONValue?)] = [
        ("at once", [:], nil), ("in the foreground", [:], ["propagationPolicy": "Foreground"]),
        ("orphaning", [:], ["propagationPolicy": "Orphan"]), ("after its finalizer", ["finalizers": ["a.b/c"]], nil),
    ]

    @Test(arguments: 0..<4) func `are free when the Service has gone, and not before`(_ index: Int) async throws {
        let (_, metadata, options) = Self.ends[index]
        let server = try await servers()
        var object = fixed("one", 7)
        for (field, value) in metadata { object["metadata"]?[field] = value }
        #expect(try await server.send("POST", services, object).status == 201)
        #expect(try await server.send("DELETE", "\(services)/one", options).status == 200)
        if try await server.send("GET", "\(services)/one").status == 200 {
            #expect(try await server.send("POST", other, fixed("two", 7)).status == 422)
            let freed = try await server.send(
                "PATCH", "\(services)/one", ["metadata": ["finalizers": nil]], type: merge)
            #expect(freed.status == 200)
        }
        #expect(try await server.send("POST", other, fixed("two", 7)).status == 201)
        #expect(try await server.send("POST", services, fixed("one", 7)).status == 422)
    }

    @Test func `of a collection are free when it is deleted`() async throws {
        let server = try await servers()
        for last in 7...9 { #expect(try await server.send("POST", services, fixed("s\(last)", last)).status == 201) }
        #expect(try await server.send("DELETE", services).status == 200)
        for last in 7...9 { #expect(try await server.send("POST", other, fixed("s\(last)", last)).status == 201) }
    }

    @Test func `stay where they are when a change of them is refused`() async throws {
        let server = try await servers()
        #expect(try await server.send("POST", services, fixed("one", 7)).status == 201)
        let quota: JSONValue = [
            "kind": "ResourceQuota", "apiVersion": "v1", "metadata": ["name": "q"],
            "spec": ["hard": ["services.nodeports": "1"]],
        ]
        #expect(try await server.send("POST", "/api/v1/namespaces/default/resourcequotas", quota).status == 201)
        func ports(_ numbers: Int64...) -> JSONValue {
            .array(numbers.map { ["name": .string("p\($0)"), "port": .integer($0), "nodePort": .integer($0)] })
        }
        let large = JSONValue.array(
            (1...14_000).map {
                [
                    "name": .string("p\($0)"), "port": .integer(Int64($0)),
                    "appProtocol": .string("example.com/" + String(repeating: "a", count: 60)),
                ]
            })
        let alias: JSONObject = [
            "type": "ExternalName", "externalName": "a.example", "clusterIP": nil, "clusterIPs": nil,
        ]
        var tooLarge = alias
        tooLarge["ports"] = large
        var wrong = alias
        wrong["externalName"] = "-"
        let changes: [(JSONValue, String, Int)] = [
            (["spec": ["ports": ports(30_021, 30_022)]], "", 403), (["spec": .object(tooLarge)], "", 413),
            (["spec": .object(wrong)], "", 422), (["spec": .object(alias)], "?dryRun=All", 200),
            (["spec": ["ports": ports(30_021)]], "?dryRun=All", 200),
            (["spec": ["ports": ports(30_021)], "metadata": ["resourceVersion": "1"]], "", 409),
        ]
        for (change, query, status) in changes {
            let answer = try await server.send("PATCH", "\(services)/one\(query)", change, type: merge)
            #expect(answer.status == status, "\(answer.json["message"]?.string ?? "")")
            // What it has is nobody else's, and what it asked for is free.
            let same = try await server.send("POST", other, fixed("two", 7))
            #expect(same.status == 422 && same.json["details"]?["causes"]?.array?.count == 1)
            let port = try await server.send(
                "POST", other, service("two", ["type": "NodePort", "ports": ports(30_007)]))
            #expect(port.status == 422)
            #expect(try await server.send("POST", other, fixed("two", 21)).status == 201)
            #expect(try await server.send("DELETE", "\(other)/two").status == 200)
        }
    }

    @Test func `of a create that is refused are free`() async throws {
        let server = try await servers()
        var wrong = fixed("one", 7)
        wrong["spec"]?["sessionAffinity"] = "Sometimes"
        #expect(try await server.send("POST", services, wrong).status == 422)
        #expect(try await server.send("POST", "\(services)?dryRun=All", fixed("one", 7)).status == 201)
        #expect(try await server.send("POST", services, service("one", [:])).status == 201)
        #expect(try await server.send("POST", services, fixed("one", 7)).status == 409)
        #expect(try await server.send("POST", other, fixed("one", 7)).status == 201)
    }

    @Test func `are known again after a restart`() async throws {
        let server = try await servers()
        #expect(try await server.send("POST", services, fixed("one", 7)).status == 201)
        server.server.stop()
        let again = try await TestServer { $0.dataDirectory = server.directory }
        #expect(try await again.send("POST", other, fixed("two", 7)).status == 422)
        #expect(try await again.send("DELETE", "\(services)/one").status == 200)
        #expect(try await again.send("POST", other, fixed("two", 7)).status == 201)
    }

    @Test func `the server's own is nobody else's, also when its Service was deleted`() async throws {
        let server = try await servers()
        #expect(try await server.send("DELETE", "\(services)/kubernetes").status == 200)
        #expect(try await server.send("POST", other, fixed("kubernetes", 1)).status == 422)
        #expect(try await server.send("POST", services, fixed("one", 1)).status == 422)
        var back = 404
        for _ in 0..<100 where back == 404 {
            try await Task.sleep(for: .milliseconds(20))
            back = try await server.send("GET", "\(services)/kubernetes").status
        }
        #expect(back == 200)
    }

    @Test func `are given to one of many who ask at once`() async throws {
        let server = try await servers()
        let codes = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<16 {
                group.addTask { try await server.send("POST", other, fixed("s\(index)", 7)).status }
            }
            return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(codes == [201: 1, 422: 15])
    }

    // MARK: How many

    /// What a namespace asks for of ten: how much others have, how much it has, how much more, whether that is let.
    private static let shares: [(others: Int, own: Int, more: Int, isLet: Bool)] = [
        (0, 0, 5, true), (0, 0, 6, false), (0, 5, 1, false), (0, 4, 1, true), (5, 0, 2, true), (5, 0, 3, false),
        (5, 1, 1, true), (5, 2, 1, false), (4, 0, 3, true), (4, 1, 1, true), (5, 3, 0, true), (8, 1, 1, false),
        (8, 0, 1, true), (9, 0, 1, false), (5, 3, -1, true),
        // More than there are: it is for whoever gives them to say so.
        (0, 0, 11, true), (10, 0, 1, true),
    ]

    @Test(arguments: shares) func `are no more for one namespace than are left over for others`(
        _ share: (others: Int, own: Int, more: Int, isLet: Bool)
    ) {
        var pool = AllocationPool<Int>(size: 10)
        for item in 0..<share.others { pool.hold(item, in: "others") }
        for item in 0..<share.own { pool.hold(share.others + item, in: "own") }
        #expect(pool.isBeyondShare(share.more, of: "own") == !share.isLet)
    }

    @Test func `are counted once, for who has them`() {
        final class Request: Sendable {}
        let (one, two) = (Request(), Request())
        var pool = AllocationPool<Int>(size: 10)
        func counts(_ pool: AllocationPool<Int>) -> [Int] { [pool.used, pool.held(by: "a"), pool.held(by: "b")] }
        func gives(_ request: Request, _ namespace: String) -> Bool {
            pool.give(1, to: ObjectIdentifier(request), in: namespace)
        }
        #expect(gives(one, "a"))
        #expect(!gives(two, "b"))
        #expect(counts(pool) == [1, 1, 0])
        pool.hold(1, in: "a")
        #expect(counts(pool) == [1, 1, 0])
        pool.letGo(1, in: "a")
        #expect(gives(two, "b"))
        // The first request ends after all that.
        pool.takeBack(1, from: ObjectIdentifier(one))
        #expect(counts(pool) == [1, 0, 1])
        pool.takeBack(1, from: ObjectIdentifier(two))
        #expect(counts(pool) == [0, 0, 0])
        // Two that have the same, from an earlier version.
        pool.hold(2, in: "a")
        pool.hold(2, in: "b")
        pool.letGo(2, in: "a")
        #expect(counts(pool) == [1, 0, 1])
    }

    private static let owner = RequestUser(name: "owner")

    /// A server with ten node ports and fourteen addresses, where `owner` may do anything in `other`.
    private func small() async throws -> TestServer {
        let server = try await TestServer {
            $0.nodePorts = 30_000...30_009
            $0.serviceRanges = ["10.43.0.0/28", "fd43::/124"]
        }
        try await server.send(
            "POST", "/api/v1/namespaces", ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "other"]])
        let binding: JSONValue = [
            "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "owner"],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "owner"]],
        ]
        for namespace in ["other", "kube-system"] {
            let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/\(namespace)/rolebindings"
            #expect(try await server.send("POST", path, binding).status == 201)
        }
        return server
    }

    private func ports(_ count: Int) -> JSONValue {
        .array((0..<count).map { ["name": .string("p\($0)"), "port": .integer(Int64(80 + $0))] })
    }

    @Test func `are not all one namespace's node ports`() async throws {
        let server = try await small()
        let many = try await server.send(
            "POST", other, service("one", ["type": "NodePort", "ports": ports(6)]), as: Self.owner)
        #expect(many.status == 403 && many.json["reason"] == "Forbidden")
        #expect(many.json["message"]?.string?.contains("exceeded share of node ports: requested: 6") == true)
        #expect(
            try await server.send(
                "POST", other, service("one", ["type": "NodePort", "ports": ports(5)]), as: Self.owner
            ).status == 201)
        // Neither by a Service more, nor by a port for health checks; what keeps its number goes on.
        let local: JSONObject = [
            "type": "LoadBalancer", "externalTrafficPolicy": "Local", "allocateLoadBalancerNodePorts": false,
        ]
        for spec in [["type": "NodePort"], local] as [JSONObject] {
            #expect(try await server.send("POST", other, service("two", spec), as: Self.owner).status == 403)
        }
        for (patch, status) in [
            (["metadata": ["labels": ["a": "b"]]], 200), (["spec": ["sessionAffinity": "ClientIP"]], 200),
            (["spec": ["ports": ports(6)]], 403), (["spec": ["type": "LoadBalancer"]], 200),
            (["spec": ["ports": [["port": 80, "nodePort": 30_009]]]], 200), (["spec": ["ports": ports(5)]], 200),
        ] as [(JSONValue, Int)] {
            let answer = try await server.send("PATCH", "\(other)/one", patch, as: Self.owner, type: merge)
            #expect(answer.status == status, "\(answer.json["message"]?.string ?? "")")
        }
        // Another namespace, kube-system and masters have what is left; then it is full, in upstream's words.
        let system = "/api/v1/namespaces/kube-system/services"
        #expect(
            try await server.send(
                "POST", system, service("s", ["type": "NodePort", "ports": ports(3)]), as: Self.owner
            ).status == 201)
        #expect(try await server.send("POST", services, service("s", ["type": "NodePort"])).status == 201)
        #expect(try await server.send("POST", other, service("two", ["type": "NodePort"])).status == 201)
        let full = try await server.send("POST", services, service("t", ["type": "NodePort"]))
        #expect(full.status == 500 && full.json["message"]?.string?.hasSuffix("range is full") == true)
        // What goes, and what needs none any more, is counted no longer.
        #expect(try await server.send("DELETE", "\(other)/two").status == 200)
        #expect(
            try await server.send(
                "PATCH", "\(other)/one", ["spec": ["type": "ClusterIP", "ports": ports(5)]], as: Self.owner,
                type: merge
            ).status == 200)
        #expect(
            try await server.send(
                "POST", other, service("two", ["type": "NodePort", "ports": ports(3)]), as: Self.owner
            ).status == 201)
    }

    @Test(arguments: ["IPv4", "IPv6"]) func `are not all one namespace's`(_ family: String) async throws {
        let server = try await small()
        // The API server has one of the first family.
        let most = family == "IPv4" ? 6 : 7
        let spec: JSONObject = ["ipFamilies": [.string(family)]]
        for index in 0..<most {
            #expect(
                try await server.send("POST", other, service("s\(index)", spec), as: Self.owner).status == 201)
        }
        let more = try await server.send("POST", other, service("more", spec), as: Self.owner)
        #expect(more.status == 403)
        #expect(more.json["message"]?.string?.contains("exceeded share of \(family) addresses") == true)
        // It has no address, or is an alias that would have one.
        #expect(
            try await server.send("POST", other, service("none", ["clusterIP": "None"]), as: Self.owner).status == 201)
        server.server.stop()
        let again = try await TestServer {
            $0.dataDirectory = server.directory
            $0.nodePorts = 30_000...30_009
            $0.serviceRanges = ["10.43.0.0/28", "fd43::/124"]
        }
        #expect(try await again.send("POST", other, service("more", spec), as: Self.owner).status == 403)
        #expect(try await again.send("POST", services, service("more", spec)).status == 201)
        #expect(try await again.send("DELETE", "\(other)/s0", as: Self.owner).status == 200)
        #expect(try await again.send("DELETE", "\(other)/s1", as: Self.owner).status == 200)
        #expect(try await again.send("POST", other, service("more", spec), as: Self.owner).status == 201)
    }

    @Test func `are known of what was written without reading it again`() async throws {
        let server = try await servers()
        let key = "/registry/core/services/default/one"
        func known() -> ServiceHolding? { server.server.core.store.get(key)?.remembered(ServiceHolding.self) }
        #expect(try await server.send("POST", services, fixed("one", 7)).status == 201)
        #expect(known()?.addresses == ["10.43.0.7"] && known()?.ports == [30_007])
        let changes: [(String, JSONValue)] = [
            ("", ["metadata": ["labels": ["a": "b"], "finalizers": ["a.b/c"]]]),
            ("/status", ["status": ["loadBalancer": [:]], "metadata": ["labels": ["c": "d"]]]),
        ]
        for (subresource, change) in changes {
            #expect(
                try await server.send("PATCH", "\(services)/one\(subresource)", change, type: merge).status == 200)
            #expect(known()?.namespace == "default" && known()?.ports == [30_007])
        }
        #expect(try await server.send("DELETE", "\(services)/one").status == 200)
        #expect(known()?.addresses == ["10.43.0.7"])
    }
}
