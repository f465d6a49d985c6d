// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

private let node = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
private let accounts = "/api/v1/namespaces/default/serviceaccounts"

/// A server with the node n1, the accounts app and other, and pods of app on n1 and n2.
private struct Scene {
    let server: TestServer
    var nodeUID = ""
    var uids: [String: String] = [:]

    init(_ change: (inout APIServerConfiguration) -> Void = { _ in }) async throws {
        server = try await TestServer(change)
        let made = try await server.send(
            "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n1"]])
        nodeUID = made.json["metadata"]?["uid"]?.string ?? ""
        for account in ["app", "other"] {
            let body: JSONValue = [
                "kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": .string(account)],
            ]
            let answer = try await server.send("POST", accounts, body)
            uids[account] = answer.json["metadata"]?["uid"]?.string
        }
        try await add("mine", on: "n1")
        try await add("foreign", on: "n2")
    }

    mutating func add(
        _ name: String, on node: String, _ volumes: [JSONValue] = [], account: String = "app"
    ) async throws {
        let spec: JSONObject = [
            "nodeName": .string(node), "serviceAccountName": .string(account), "terminationGracePeriodSeconds": 0,
            "volumes": .array(volumes),
        ]
        let answer = try await server.send("POST", pods, pod(name, spec))
        try #require(answer.status == 201, "\(answer.json["message"]?.string ?? "")")
        uids[name] = answer.json["metadata"]?["uid"]?.string
    }

    func ask(
        _ spec: JSONObject = [:], of account: String = "app", as user: RequestUser = TestServer.admin,
        namespace: String = "default", metadata: JSONObject = [:]
    ) async throws -> TestServer.Answer {
        try await server.send(
            "POST", "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
            [
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": .object(metadata),
                "spec": .object(spec),
            ], as: user)
    }

    func bound(_ kind: String, _ name: String, uid: String? = nil) -> JSONValue {
        var reference: JSONObject = ["apiVersion": "v1", "kind": .string(kind), "name": .string(name)]
        if let uid = uid ?? uids[name] ?? (kind == "Node" ? nodeUID : nil), !uid.isEmpty {
            reference["uid"] = .string(uid)
        }
        return .object(reference)
    }

    static func claims(_ answer: TestServer.Answer) throws -> JSONObject {
        try JWT(unverified: answer.json["status"]?["token"]?.string ?? "").claims
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A service account's token` {
    private func expect(
        _ answer: TestServer.Answer, _ code: Int, _ why: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let message = answer.json["message"]?.string ?? ""
        #expect(
            answer.status == code && message.contains(why), "\(answer.status) \(message)",
            sourceLocation: sourceLocation)
    }

    // MARK: For nodes

    @Test func `is a node's to ask for only where it ends with a pod of that account on it`() async throws {
        var scene = try await Scene()
        let mine = scene.bound("Pod", "mine")
        func ask(_ spec: JSONObject, of account: String = "app") async throws -> TestServer.Answer {
            try await scene.ask(spec, of: account, as: node)
        }
        let good = try await ask(["boundObjectRef": mine, "expirationSeconds": 3607])
        #expect(good.status == 201)
        let claims = try Scene.claims(good)
        #expect(claims["kubernetes.io"]?["pod"]?["uid"]?.string == scene.uids["mine"])
        #expect(claims["kubernetes.io"]?["node"]?["name"] == "n1")
        #expect(claims["kubernetes.io"]?["node"]?["uid"]?.string == scene.nodeUID)

        let unbound = "node requested token not bound to a pod"
        expect(try await ask([:]), 403, unbound)
        expect(try await ask(["expirationSeconds": 3_153_600_000, "audiences": ["vault"]]), 403, unbound)
        expect(try await ask(["boundObjectRef": scene.bound("Node", "n1")]), 403, unbound)
        expect(
            try await ask(["boundObjectRef": ["kind": "Pod", "name": "mine", "uid": .string(scene.uids["mine"] ?? "")]]
            ), 403, unbound)
        let secret: JSONValue = ["kind": "Secret", "apiVersion": "v1", "metadata": ["name": "s"]]
        try await scene.server.send("POST", "/api/v1/namespaces/default/secrets", secret)
        expect(try await ask(["boundObjectRef": scene.bound("Secret", "s")]), 403, unbound)
        expect(
            try await ask(["boundObjectRef": scene.bound("Pod", "mine", uid: "")]), 403,
            "node requested token with a pod binding without a uid")
        expect(
            try await ask(["boundObjectRef": scene.bound("Pod", "mine", uid: "1")]), 403,
            "the UID in the bound object reference (1) does not match the UID in record")
        expect(
            try await ask(["boundObjectRef": scene.bound("Pod", "foreign")]), 403,
            "node requested token bound to a pod scheduled on a different node")
        expect(try await ask(["boundObjectRef": scene.bound("Pod", "gone", uid: "1")]), 404, "pods \"gone\" not found")
        // An account that no pod on the node runs as, and one that another pod does.
        expect(try await ask(["boundObjectRef": mine], of: "other"), 403, "no relationship found between node 'n1'")
        try await scene.add("second", on: "n1", account: "other")
        expect(try await ask(["boundObjectRef": mine], of: "other"), 400, "running with different serviceaccount name")
        try await scene.server.send("DELETE", "\(pods)/mine")
        expect(try await ask(["boundObjectRef": mine]), 403, "no relationship found")
    }

    @Test func `is for an audience that the pod asks for`() async throws {
        var scene = try await Scene()
        func projected(_ audience: String) -> JSONValue {
            [
                "name": "t",
                "projected": ["sources": [["serviceAccountToken": ["audience": .string(audience), "path": "t"]]]],
            ]
        }
        func driver(_ name: String, _ audience: String) async throws {
            let made = try await scene.server.send(
                "POST", "/apis/storage.k8s.io/v1/csidrivers",
                [
                    "kind": "CSIDriver", "apiVersion": "storage.k8s.io/v1", "metadata": ["name": .string(name)],
                    "spec": ["tokenRequests": [["audience": .string(audience)]]],
                ])
            try #require(made.status == 201)
        }
        try await driver("inline.example.com", "inline")
        try await driver("claimed.example.com", "claimed")
        try await driver("ebs.csi.aws.com", "migrated")
        let volume = try await scene.server.send(
            "POST", "/api/v1/persistentvolumes",
            [
                "kind": "PersistentVolume", "apiVersion": "v1", "metadata": ["name": "pv"],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                    "csi": ["driver": "claimed.example.com", "volumeHandle": "1"],
                ],
            ])
        try #require(volume.status == 201)
        for name in ["c", "ephemeral-e"] {
            let claim = try await scene.server.send(
                "POST", "/api/v1/namespaces/default/persistentvolumeclaims",
                [
                    "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": ["name": .string(name)],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
                        "volumeName": "pv",
                    ],
                ])
            try #require(claim.status == 201)
        }
        try await scene.add("projected", on: "n1", [projected("vault")])
        try await scene.add("inline", on: "n1", [["name": "v", "csi": ["driver": "inline.example.com"]]])
        try await scene.add("claimed", on: "n1", [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]])
        let template: JSONValue = [
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
        ]
        try await scene.add("ephemeral", on: "n1", [["name": "e", "ephemeral": ["volumeClaimTemplate": template]]])
        try await scene.add("migrated", on: "n1", [["name": "v", "awsElasticBlockStore": ["volumeID": "x"]]])
        func ask(_ pod: String, _ audiences: [String]) async throws -> TestServer.Answer {
            let names = audiences.map { JSONValue.string($0) }
            return try await scene.ask(
                ["boundObjectRef": scene.bound("Pod", pod), "audiences": .array(names)], as: node)
        }
        let asked = [
            "projected": "vault", "inline": "inline", "claimed": "claimed", "ephemeral": "claimed",
            "migrated": "migrated",
        ]
        for (pod, audience) in asked {
            #expect(try await ask(pod, [audience]).status == 201, "\(pod)")
            #expect(try await ask(pod, []).status == 201, "\(pod) for the server itself")
            for other in ["vault", "inline", "claimed", "migrated", "x"] where other != audience {
                expect(
                    try await ask(pod, [other]), 403,
                    "audience \"\(other)\" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience"
                )
            }
            expect(try await ask(pod, [audience, audience]), 403, "node may only request 0 or 1 audiences")
        }
        // Or one that a role lets it ask for.
        let group = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        let role: JSONValue = [
            "kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "a"],
            "rules": [
                [
                    "verbs": ["request-serviceaccounts-token-audience"], "apiGroups": [""], "resources": ["granted"],
                    "resourceNames": ["app"],
                ]
            ],
        ]
        try await scene.server.send("POST", "\(group)/roles", role)
        try await scene.server.send(
            "POST", "\(group)/rolebindings",
            [
                "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "a"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:node:n1"]],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"],
            ])
        #expect(try await ask("mine", ["granted"]).status == 201)
        #expect(try await ask("mine", ["granted2"]).status == 403)
    }

    @Test func `of the proxy's account is a node's by its own Node alone`() async throws {
        let scene = try await Scene()
        try await scene.server.send(
            "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n2"]])
        func ask(
            _ spec: JSONObject, of account: String = "kube-proxy", namespace: String = "kube-system"
        ) async throws -> TestServer.Answer {
            try await scene.ask(spec, of: account, as: node, namespace: namespace)
        }
        let own = scene.bound("Node", "n1")
        let good = try await ask(["boundObjectRef": own, "expirationSeconds": 3600])
        #expect(good.status == 201)
        let token = good.json["status"]?["token"]?.string ?? ""
        #expect(try await status(scene.server, token, "/apis/discovery.k8s.io/v1/endpointslices") == 200)
        #expect(try await status(scene.server, token, "/api/v1/nodes") == 200)
        #expect(try await status(scene.server, token, "/api/v1/pods") == 403)
        #expect(try await status(scene.server, token, "/api/v1/secrets") == 403)
        let unbound = "node requested token not bound to a pod"
        expect(try await ask([:]), 403, unbound)
        expect(try await ask(["boundObjectRef": scene.bound("Node", "n1", uid: "1")]), 403, unbound)
        expect(try await ask(["boundObjectRef": ["apiVersion": "v1", "kind": "Node", "name": "n1"]]), 403, unbound)
        expect(try await ask(["boundObjectRef": own, "audiences": ["vault"]]), 403, unbound)
        let other = try await scene.server.send("GET", "/api/v1/nodes/n2").json["metadata"]?["uid"]?.string ?? ""
        expect(try await ask(["boundObjectRef": scene.bound("Node", "n2", uid: other)]), 403, unbound)
        #expect(try await ask(["boundObjectRef": own], of: "app", namespace: "default").status == 403)
        #expect(try await ask(["boundObjectRef": own], of: "default").status == 403)
        // It ends with the Node.
        try await scene.server.send("DELETE", "/api/v1/nodes/n1")
        #expect(try await status(scene.server, token, "/api/v1/nodes") == 401)
    }

    private func status(_ server: TestServer, _ token: String, _ path: String) async throws -> Int {
        await server.server.handle(HTTPRequest(target: path, headers: ["Authorization": "Bearer \(token)"])).status
    }

    // MARK: For everybody

    @Test func `lasts no longer than the configuration lets it`() async throws {
        let scene = try await Scene()
        func life(_ answer: TestServer.Answer) throws -> Int64 {
            let claims = try Scene.claims(answer)
            return (claims["exp"]?.integer ?? 0) - (claims["iat"]?.integer ?? 0)
        }
        let year: Int64 = 365 * 86_400
        let short = try await scene.ask([:])
        #expect(try life(short) == 3600)
        #expect(short.json["spec"]?["expirationSeconds"] == 3600 && short.headers["Warning"] == nil)
        #expect(try life(try await scene.ask(["expirationSeconds": .integer(year)])) == year)
        let long = try await scene.ask(["expirationSeconds": 3_153_600_000])
        #expect(try life(long) == year && long.json["spec"]?["expirationSeconds"]?.integer == year)
        let warning = long.headers["Warning"] ?? ""
        #expect(warning.contains("requested expiration of 3153600000 seconds shortened to 31536000 seconds"))
        expect(try await scene.ask(["expirationSeconds": 599]), 422, "may not specify a duration less than 10 minutes")
        expect(try await scene.ask(["expirationSeconds": 0]), 422, "may not specify a duration less than 10 minutes")
        expect(try await scene.ask(["expirationSeconds": -1]), 422, "may not specify a duration less than 10 minutes")
        expect(
            try await scene.ask(["expirationSeconds": 4_294_967_297]), 422,
            "may not specify a duration larger than 2^32 seconds")

        let strict = try await Scene { $0.maxTokenLifetime = .seconds(3600) }
        let shortened = try await strict.ask(["expirationSeconds": 7200])
        #expect(try life(shortened) == 3600)
        let lax = try await Scene { $0.maxTokenLifetime = .seconds(1 << 32) }
        #expect(try life(try await lax.ask(["expirationSeconds": 4_294_967_296])) == 1 << 32)
    }

    @Test func `lasts a year beyond what is asked only for a pod's own use of the server`() async throws {
        var scene = try await Scene()
        let year: Int64 = 365 * 86_400
        func life(_ spec: JSONObject) async throws -> (Int64, Bool) {
            let claims = try Scene.claims(try await scene.ask(spec))
            let life = (claims["exp"]?.integer ?? 0) - (claims["iat"]?.integer ?? 0)
            return (life, claims["kubernetes.io"]?["warnafter"] != nil)
        }
        let mine = scene.bound("Pod", "mine")
        #expect(try await life(["boundObjectRef": mine, "expirationSeconds": 3607]) == (year, true))
        #expect(try await life(["boundObjectRef": mine, "expirationSeconds": 3608]) == (3608, false))
        #expect(try await life(["expirationSeconds": 3607]) == (3607, false))
        #expect(
            try await life(["boundObjectRef": scene.bound("Node", "n1"), "expirationSeconds": 3607]) == (3607, false))
        #expect(
            try await life(["boundObjectRef": mine, "expirationSeconds": 3607, "audiences": ["vault"]]) == (3607, false)
        )
        let both: JSONValue = ["vault", "https://kubernetes.default.svc.cluster.local"]
        #expect(
            try await life(["boundObjectRef": mine, "expirationSeconds": 3607, "audiences": both]) == (3607, false))
        // The answer says what was asked for: that is when it is to be replaced.
        let answer = try await scene.ask(["boundObjectRef": mine, "expirationSeconds": 3607])
        #expect(answer.json["spec"]?["expirationSeconds"] == 3607)
        scene = try await Scene { $0.extendsTokenLifetime = false }
        let plain = scene.bound("Pod", "mine")
        #expect(try await life(["boundObjectRef": plain, "expirationSeconds": 3607]) == (3607, false))
    }

    @Test func `is of the account and bound to the object that the request means`() async throws {
        let scene = try await Scene()
        let uid = scene.uids["app"] ?? ""
        let whole = try await scene.ask(metadata: ["name": "app", "namespace": "default", "uid": .string(uid)])
        #expect(whole.status == 201 && whole.json["metadata"]?["uid"]?.string == uid)
        expect(
            try await scene.ask(metadata: ["name": "other"]), 422,
            "metadata.name: Invalid value: \"other\": must match the service account name if specified")
        expect(
            try await scene.ask(metadata: ["uid": "1"]), 409,
            "the UID in the token request (1) does not match the UID of the service account (\(uid))")
        func bind(_ reference: JSONValue) async throws -> TestServer.Answer {
            try await scene.ask(["boundObjectRef": reference])
        }
        #expect(try await bind(scene.bound("Pod", "mine")).status == 201)
        #expect(try await bind(["kind": "Pod", "apiVersion": "v1", "name": "mine"]).status == 201)
        #expect(try await bind(scene.bound("Node", "n1")).status == 201)
        expect(try await bind(scene.bound("Pod", "mine", uid: "1")), 409, "does not match the UID in record")
        expect(try await bind(scene.bound("Pod", "gone", uid: "1")), 404, "pods \"gone\" not found")
        expect(try await bind(scene.bound("Secret", "gone", uid: "1")), 404, "secrets \"gone\" not found")
        expect(
            try await bind(["kind": "Deployment", "apiVersion": "apps/v1", "name": "x"]), 400,
            "cannot bind token to object of type apps/v1, Kind=Deployment")
        expect(
            try await bind(["kind": "Pod", "apiVersion": "x/v1", "name": "mine"]), 400,
            "cannot bind token to object of type x/v1, Kind=Pod")
        expect(
            try await scene.ask(["boundObjectRef": scene.bound("Pod", "mine")], of: "other"), 400,
            "cannot bind token for serviceaccount \"other\" to pod running with different serviceaccount name.")
        expect(try await scene.ask(of: "gone"), 404, "serviceaccounts \"gone\" not found")
        // A pod's node is named even where there is no Node.
        let claims = try Scene.claims(try await bind(scene.bound("Pod", "foreign")))
        #expect(claims["kubernetes.io"]?["node"] == ["name": "n2"])
    }
}
