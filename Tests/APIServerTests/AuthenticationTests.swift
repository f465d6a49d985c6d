// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Who asks` {
    private static func status(_ server: TestServer, _ request: HTTPRequest) async -> Int {
        await server.server.handle(request).status
    }

    private static func get(_ server: TestServer, _ target: String, _ headers: HTTPHeaders = [:]) async -> Int {
        await status(server, HTTPRequest(target: target, headers: headers))
    }

    @Test func `without credentials is told of health and version, and of nothing beside them`() async throws {
        let server = try await TestServer()
        for path in ["/healthz", "/livez", "/readyz", "/readyz?verbose", "/version", "/version/"] {
            #expect(await Self.get(server, path) == 200, "\(path)")
        }
        for path in [
            "/", "/healthz/", "/healthz/ping", "/livez/etcd", "/readyz/poststarthook/bootstrap-controller",
            "/healthzfoo",
            "/livezz", "/versions", "/version/x", "/metrics", "/metrics/slis", "/api", "/apis", "/openapi/v2",
            "/openapi/v3", "/openid/v1/jwks", "/.well-known/openid-configuration", "/debug/pprof/", "/logs/", "/flagz",
            "/statusz", pods, "/api/v1/namespaces/kube-public/configmaps", "/api/v1/namespaces/kube-public/secrets",
            "/api/v1/namespaces/kube-public/configmaps/other",
        ] {
            #expect(await Self.get(server, path) == 403, "\(path)")
        }
        #expect(await Self.get(server, "/api/v1/namespaces/kube-public/configmaps/cluster-info") == 200)
        for method in ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"] {
            #expect(await Self.status(server, HTTPRequest(method: method, target: "/healthz")) == 403, "\(method)")
        }
    }

    @Test func `with wrong credentials is nobody, not even for health`() async throws {
        let server = try await TestServer()
        for headers: HTTPHeaders in [
            ["Authorization": "Bearer wrong"], ["Authorization": "bearer abcdef.0123456789abcdef"],
            ["Authorization": "Bearer \(String(repeating: "a.", count: 500))"],
        ] {
            #expect(await Self.get(server, "/healthz", headers) == 401)
            #expect(await Self.get(server, "/version", headers) == 401)
        }
        // What is no bearer token is no credential of ours.
        for value in ["Basic YTpi", "Bearer", "Bearer  two-spaces", ""] {
            #expect(await Self.get(server, "/healthz", ["Authorization": value]) == 200, "\(value)")
        }
        var ended = HTTPRequest(target: "/healthz")
        ended.context = RequestContext(clientCertificate: PeerCertificate(commonName: "joe", isVerified: false))
        #expect(await Self.status(server, ended) == 401)
    }

    @Test func `before the roles are there is told of health all the same, and of nothing else`() async throws {
        let server = try await TestServer(isStarted: false)
        #expect(await Self.get(server, "/livez") == 200)
        #expect(await Self.get(server, "/readyz") == 500)
        #expect(await Self.get(server, "/version") == 200)
        #expect(await Self.get(server, "/livez/ping") == 403)
        #expect(await Self.get(server, "/metrics") == 403)
        #expect(await Self.get(server, "/livez", ["Authorization": "Bearer wrong"]) == 401)
    }

    // MARK: Bootstrap tokens

    private static func whoIs(
        _ server: TestServer, _ token: String, _ audiences: [String] = []
    ) async throws -> JSONValue {
        let review = try await server.send(
            "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
            [
                "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
                "spec": ["token": .string(token), "audiences": .array(audiences.map { .string($0) })],
            ])
        #expect(review.status == 201, "\(review.json)")
        return review.json["status"] ?? [:]
    }

    private static func addToken(
        _ server: TestServer, _ id: String, name: String? = nil, _ more: JSONObject = [:]
    ) async throws {
        var data: JSONObject = [
            "token-id": .string(id), "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
        ]
        for (key, value) in more { data[key] = value }
        let made = try await server.send(
            "POST", "/api/v1/namespaces/kube-system/secrets",
            [
                "kind": "Secret", "apiVersion": "v1", "metadata": ["name": .string(name ?? "bootstrap-token-\(id)")],
                "type": "bootstrap.kubernetes.io/token", "stringData": .object(data),
            ])
        try #require(made.status == 201, "\(made.json)")
    }

    @Test func `by a bootstrap token is a bootstrapper, and never more`() async throws {
        let server = try await TestServer()
        try await Self.addToken(server, "aaaaaa")
        try await Self.addToken(
            server, "bbbbbb", ["auth-extra-groups": "system:bootstrappers:b:x,system:bootstrappers:a"])
        let plain = try await Self.whoIs(server, "aaaaaa.0123456789abcdef")
        #expect(plain["user"]?["username"] == "system:bootstrap:aaaaaa")
        #expect(plain["user"]?["groups"] == ["system:bootstrappers", "system:authenticated"])
        let more = try await Self.whoIs(server, "bbbbbb.0123456789abcdef")
        #expect(
            more["user"]?["groups"] == [
                "system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:b:x", "system:authenticated",
            ])
        var number = 0
        func refused(_ why: String, _ data: JSONObject) async throws {
            number += 1
            let id = "ccc\(100 + number)"
            try await Self.addToken(server, id, data)
            let status = try await Self.whoIs(server, "\(id).0123456789abcdef")
            #expect(status["authenticated"] != true && status["error"] == "invalid bearer token", "\(why): \(status)")
        }
        for groups in [
            "system:masters", "system:bootstrappers:ok,system:masters", "system:bootstrappers", "system:bootstrappers:",
            "system:bootstrappers:A", "system:bootstrappers:a-", "system:bootstrappers:a:", "system:bootstrappers:a b",
            " system:bootstrappers:a", "system:bootstrappers:a,", "system:bootstrappers:a\n",
            "system:bootstrappers:\(String(repeating: "a", count: 257))",
        ] {
            try await refused(groups, ["auth-extra-groups": .string(groups)])
        }
        try await refused("over", ["expiration": "2020-01-01T00:00:00Z"])
        try await refused("no time", ["expiration": "soon"])
        try await refused("not for this", ["usage-bootstrap-authentication": "True"])
        try await refused("another id", ["token-id": "zzzzzz"])
        try await Self.addToken(server, "dddddd", name: "bootstrap-token-eeeeee")
        for token in [
            "dddddd.0123456789abcdef", "eeeeee.0123456789abcdef", "aaaaaa.0123456789abcdee", "AAAAAA.0123456789abcdef",
            "aaaaaa.0123456789abcdef.", "aaaaaa.0123456789abcde", ".0123456789abcdef", "aaaaaa",
        ] {
            #expect(try await Self.whoIs(server, token)["authenticated"] != true, "\(token)")
        }
    }

    // MARK: Audiences

    @Test func `by a token is confirmed to those audiences only that the token is for`() async throws {
        let server = try await TestServer()
        let accounts = "/api/v1/namespaces/default/serviceaccounts"
        try await server.send(
            "POST", accounts, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        func token(_ audiences: [String]) async throws -> String {
            let issued = try await server.send(
                "POST", "\(accounts)/robot/token",
                [
                    "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                    "spec": ["audiences": .array(audiences.map { .string($0) }), "expirationSeconds": 600],
                ])
            return try #require(issued.json["status"]?["token"]?.string, "\(issued.json)")
        }
        let own = server.server.core.tokens.audiences
        let vault = try await token(["vault", "mail"])
        for (token, asked, confirmed) in [
            (vault, ["vault"], ["vault"]), (vault, ["vault", "bank"], ["vault"]), (vault, ["bank"], nil),
            (vault, [], nil),
            (vault, own, nil), (vault, ["mail", "vault"], ["vault", "mail"]),
            (try await token([]), [], own), (try await token([]), ["vault"], nil),
            (try await token(own + ["vault"]), ["vault"] + own, own + ["vault"]),
        ] as [(String, [String], [String]?)] {
            let status = try await Self.whoIs(server, token, asked)
            #expect((status["authenticated"] == true) == (confirmed != nil), "\(asked): \(status)")
            #expect((status["audiences"]?.array ?? []).compactMap(\.string) == confirmed ?? [], "\(asked): \(status)")
            if confirmed == nil { #expect(status["user"]?["username"] == nil, "\(asked): \(status)") }
            // What was confirmed to one is not remembered for another.
            let again = try await Self.whoIs(server, vault, ["bank"])
            #expect(again["authenticated"] != true)
        }
        #expect(await Self.get(server, "/version", ["Authorization": "Bearer \(vault)"]) == 401)
        // A bootstrap token says of no audience; it is this server's.
        try await Self.addToken(server, "aaaaaa")
        let bootstrap = "aaaaaa.0123456789abcdef"
        #expect(try await Self.whoIs(server, bootstrap, ["vault"])["authenticated"] != true)
        let some = try await Self.whoIs(server, bootstrap, ["vault"] + own)
        #expect((some["audiences"]?.array ?? []).compactMap(\.string) == own)
    }

    /// What vouches for a token is read once for each state it is in, also while it is on its way out: a pod may be large,
    /// and a year on its way.
    @Test func `by a token of a pod that is being deleted is known again, for as long as that is so`() async throws {
        let server = try await TestServer()
        let core = server.server.core
        let (accounts, pods) = ("/api/v1/namespaces/default/serviceaccounts", "/api/v1/namespaces/default/pods")
        try await server.send(
            "POST", accounts, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        let made = try await server.send(
            "POST", pods,
            [
                "kind": "Pod", "apiVersion": "v1", "metadata": ["name": "p"],
                "spec": [
                    "nodeName": "n", "serviceAccountName": "robot", "containers": [["name": "c", "image": "i"]],
                ],
            ])
        try #require(made.status == 201, "\(made.json)")
        let issued = try await server.send(
            "POST", "\(accounts)/robot/token",
            [
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                "spec": [
                    "audiences": [], "expirationSeconds": 600,
                    "boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "p"],
                ],
            ])
        let token = try #require(issued.json["status"]?["token"]?.string, "\(issued.json)")
        try await server.send("DELETE", "\(pods)/p?gracePeriodSeconds=31536000")
        let deleted = try await server.send("GET", "\(pods)/p")
        try #require(deleted.json["metadata"]?["deletionTimestamp"] != nil, "\(deleted.json)")
        #expect(await Self.get(server, "/api", ["Authorization": "Bearer \(token)"]) == 200)
        let known = try core.tokens.verified.token(token, keys: core.tokens.publicKeys)
        let now = WallClock.seconds()
        #expect(known.caller(core.store, now: now) != nil)
        #expect(known.caller(core.store, now: now + 31_536_000) != nil)
        #expect(known.caller(core.store, now: now + 31_536_000 + 120) == nil)
        try await server.send("DELETE", "\(pods)/p?gracePeriodSeconds=0")
        #expect(known.caller(core.store, now: now) == nil)
        #expect(await Self.get(server, "/api", ["Authorization": "Bearer \(token)"]) == 401)
    }

    @Test func `by a WebSocket's subprotocol says so once, beside a protocol to speak`() async throws {
        let server = try await TestServer()
        try await Self.addToken(server, "aaaaaa")
        let token = "base64url.bearer.authorization.k8s.io." + Base64.encodeURL(Array("aaaaaa.0123456789abcdef".utf8))
        func status(_ offered: String, upgrade: Bool = true) async -> Int {
            var headers: HTTPHeaders = ["Sec-WebSocket-Protocol": offered]
            if upgrade { headers["Connection"] = "Upgrade" }
            if upgrade { headers["Upgrade"] = "websocket" }
            // A path that everybody who is known may get, and nobody else.
            return await Self.get(server, "/api", headers)
        }
        #expect(await status("\(token), v5.channel.k8s.io") == 200)
        #expect(await status("v5.channel.k8s.io,\(token)") == 200)
        #expect(await status(token) == 401)
        #expect(await status("\(token), \(token), v5.channel.k8s.io") == 401)
        #expect(await status("base64url.bearer.authorization.k8s.io.!!!, v5.channel.k8s.io") == 401)
        #expect(await status("\(token), v5.channel.k8s.io", upgrade: false) == 403)
        #expect(await status("v5.channel.k8s.io") == 403)
    }
}
