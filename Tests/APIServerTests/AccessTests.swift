// SPDX-License-Identifier: Apache-2.0

import APIServer
import HTTP
import JSON
import TLS
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Access` {
    static let jane = RequestUser(name: "jane", groups: ["devs"])

    @Test func `without a grant is refused in upstream's words`() async throws {
        let server = try await TestServer()
        let refused = try await server.send("GET", pods, as: Self.jane)
        #expect(refused.status == 403 && refused.json["reason"] == "Forbidden")
        #expect(
            refused.json["message"]
                == #"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#
        )
        #expect(try await server.send("GET", "/version", as: Self.jane).status == 200)
        #expect(try await server.send("GET", "/apis", as: Self.jane).status == 200)
        #expect(try await server.send("GET", "/metrics", as: Self.jane).status == 403)
    }

    @Test func `is granted by a binding of the aggregated role view, in its namespace only`() async throws {
        let server = try await TestServer()
        let binding: JSONValue = [
            "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "v"],
            "subjects": [["kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "devs"]],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"],
        ]
        let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
        #expect(try await server.send("POST", path, binding).status == 201)
        #expect(try await server.send("GET", pods, as: Self.jane).status == 200)
        #expect(try await server.send("GET", "/api/v1/namespaces/default/secrets", as: Self.jane).status == 403)
        #expect(try await server.send("GET", "/api/v1/namespaces/kube-system/pods", as: Self.jane).status == 403)
        #expect(try await server.send("DELETE", pods, as: Self.jane).status == 403)
        let review = try await server.send(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            [
                "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "spec": ["resourceAttributes": ["verb": "list", "resource": "pods", "namespace": "default"]],
            ], as: Self.jane)
        #expect(review.status == 201 && review.json["status"]?["allowed"] == true)
    }

    @Test func `changes with the role and the binding at once`() async throws {
        let server = try await TestServer()
        let group = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        func role(_ verbs: [String], names: [String]) -> JSONValue {
            var rule: JSONValue = ["apiGroups": [""], "resources": ["configmaps"]]
            rule["verbs"] = .array(verbs.map { .string($0) })
            if !names.isEmpty { rule["resourceNames"] = .array(names.map { .string($0) }) }
            return [
                "kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1",
                "metadata": ["name": "r", "namespace": "default"], "rules": [rule],
            ]
        }
        func status(_ name: String) async throws -> Int {
            try await server.send("GET", "/api/v1/namespaces/default/configmaps/\(name)", as: Self.jane).status
        }
        let binding: JSONValue = [
            "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "r"],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"]],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"],
        ]
        #expect(try await server.send("POST", "\(group)/roles", role(["get"], names: ["one"])).status == 201)
        #expect(try await server.send("POST", "\(group)/rolebindings", binding).status == 201)
        // What is allowed for one name is not for another; 404 is what those see who may look.
        #expect(try await status("one") == 404)
        #expect(try await status("two") == 403)
        #expect(try await server.send("PUT", "\(group)/roles/r", role(["get"], names: [])).status == 200)
        #expect(try await status("two") == 404)
        #expect(try await status("three") == 404)
        #expect(try await server.send("PUT", "\(group)/roles/r", role(["list"], names: [])).status == 200)
        #expect(try await status("two") == 403)
        #expect(try await server.send("PUT", "\(group)/roles/r", role(["get"], names: [])).status == 200)
        #expect(try await status("two") == 404)
        #expect(try await server.send("DELETE", "\(group)/rolebindings/r").status == 200)
        #expect(try await status("two") == 403)
    }

    @Test func `on behalf of others is the front proxy's alone`() async throws {
        let server = try await TestServer()
        func user(_ issuer: String, _ name: String, _ headers: HTTPHeaders) async throws -> String? {
            var request = HTTPRequest(target: pods, headers: headers)
            request.context = RequestContext(
                clientCertificate: PeerCertificate(commonName: name, issuerCommonName: issuer, isVerified: true))
            let response = await server.server.handle(request)
            if response.status == 401 { return nil }
            let message = try JSONValue.parse(try await response.body.collect(limit: 1 << 20))["message"]?.string ?? ""
            return ["jane", "joe", "system:auth-proxy"].first { message.contains("User \"\($0)\"") }
        }
        let credentials = server.server.credentials
        let proxies = credentials.frontProxyAuthority.certificate.commonName
        let clients = credentials.authority.certificate.commonName
        let jane: HTTPHeaders = ["X-Remote-User": "jane"]
        #expect(try await user(proxies, "system:auth-proxy", jane) == "jane")
        // Another certificate of that authority's speaks for nobody, and the proxy not for itself.
        #expect(try await user(proxies, "joe", jane) == nil)
        #expect(try await user(proxies, "joe", [:]) == nil)
        #expect(try await user(proxies, "system:auth-proxy", [:]) == nil)
        #expect(try await user(proxies, "system:auth-proxy", ["X-Remote-User": ""]) == nil)
        // Clients' certificates speak for themselves, whatever they are called and whatever headers come with them.
        #expect(try await user(clients, "joe", jane) == "joe")
        #expect(try await user(clients, "system:auth-proxy", jane) == "system:auth-proxy")
        #expect(try await user("", "joe", jane) == "joe")
    }

    @Test func `cannot be given away by those who do not have it`() async throws {
        let server = try await TestServer()
        let role: JSONValue = [
            "kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "granter"],
            "rules": [
                ["verbs": ["create"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]]
            ],
        ]
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        try await server.send("POST", roles, role)
        try await server.send(
            "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            [
                "kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
                "metadata": ["name": "granter"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"]],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "granter"],
            ])
        var greedy = role
        greedy["metadata"] = ["name": "greedy"]
        greedy["rules"] = [["verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]]]
        let refused = try await server.send("POST", roles, greedy, as: Self.jane)
        #expect(refused.status == 403)
        var modest = role
        modest["metadata"] = ["name": "modest"]
        #expect(try await server.send("POST", roles, modest, as: Self.jane).status == 201)
    }

    @Test func `of a kubelet ends at its own node and its pods' secrets`() async throws {
        let server = try await TestServer()
        let kubelet = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
        func node(_ name: String) -> JSONValue {
            ["kind": "Node", "apiVersion": "v1", "metadata": ["name": .string(name)]]
        }
        #expect(try await server.send("POST", "/api/v1/nodes", node("n1"), as: kubelet).status == 201)
        #expect(try await server.send("POST", "/api/v1/nodes", node("n2"), as: kubelet).status == 403)
        let secrets = "/api/v1/namespaces/default/secrets"
        for name in ["used", "other"] {
            try await server.send(
                "POST", secrets,
                ["kind": "Secret", "apiVersion": "v1", "metadata": ["name": .string(name)], "stringData": ["k": "v"]])
        }
        #expect(try await server.send("GET", "\(secrets)/used", as: kubelet).status == 403)
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        let extra: JSONObject = [
            "nodeName": "n1", "volumes": [["name": "s", "secret": ["secretName": "used"]]],
        ]
        #expect(try await server.send("POST", pods, pod("p", extra)).status == 201)
        let read = try await server.send("GET", "\(secrets)/used", as: kubelet)
        #expect(read.status == 200 && read.json["data"]?["k"] == "dg==")
        #expect(try await server.send("GET", "\(secrets)/other", as: kubelet).status == 403)
        #expect(try await server.send("GET", secrets, as: kubelet).status == 403)
    }

    @Test func `by a service account's token lasts as long as what it is bound to`() async throws {
        let server = try await TestServer()
        let path = "/api/v1/namespaces/default/serviceaccounts"
        try await server.send(
            "POST", path, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        let issued = try await server.send(
            "POST", "\(path)/robot/token",
            ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": ["expirationSeconds": 600]])
        #expect(issued.status == 201)
        let token = try #require(issued.json["status"]?["token"]?.string)
        func ask(_ token: String) async -> (Int, String) {
            let request = HTTPRequest(
                method: "POST", target: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/json"],
                body: .bytes(Array(#"{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}"#.utf8)))
            let response = await server.server.handle(request)
            let bytes = (try? await response.body.collect(limit: 1 << 20)) ?? []
            let json = try? JSONValue.parse(bytes)
            return (response.status, json?["status"]?["userInfo"]?["username"]?.string ?? "")
        }
        let mine = await ask(token)
        #expect(mine.0 == 201 && mine.1 == "system:serviceaccount:default:robot")
        let forged = await ask(token.dropLast(4) + "AAAA")
        #expect(forged.0 == 401)
        try await server.send(
            "PATCH", "\(path)/robot", ["metadata": ["labels": ["a": "b"]]],
            type: "application/merge-patch+json")
        #expect(await ask(token).0 == 201)
        try await server.send("DELETE", "\(path)/robot")
        #expect(await ask(token).0 == 401)
        // Another one of the same name is not the one that the token is of.
        try await server.send(
            "POST", path, ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "robot"]])
        #expect(await ask(token).0 == 401)

        let secrets = "/api/v1/namespaces/default/secrets"
        try await server.send("POST", secrets, ["kind": "Secret", "apiVersion": "v1", "metadata": ["name": "s"]])
        let bound = try await server.send(
            "POST", "\(path)/robot/token",
            [
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                "spec": [
                    "expirationSeconds": 600, "boundObjectRef": ["kind": "Secret", "apiVersion": "v1", "name": "s"],
                ],
            ])
        let second = try #require(bound.json["status"]?["token"]?.string)
        #expect(await ask(second).0 == 201)
        #expect(await ask(second).0 == 201)
        try await server.send("DELETE", "\(secrets)/s")
        #expect(await ask(second).0 == 401)
    }

    @Test func `cannot reach another namespace by a name with a slash`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/secrets",
            ["kind": "Secret", "apiVersion": "v1", "metadata": ["name": "s"], "stringData": ["k": "v"]])
        #expect(try await server.send("GET", "/api/v1/secrets/default%2Fs").status == 404)
        #expect(try await server.send("GET", "/api/v1/secrets/s").status == 404)
        #expect(try await server.send("GET", "/api/v1/namespaces/x/secrets/..%2Fdefault%2Fs").status == 404)
        #expect(try await server.send("GET", "/api/v1/namespaces/x/secrets/..").status == 400)
        #expect(try await server.send("GET", "/api/v1/namespaces/x/secrets/%252F").status == 400)
    }

    @Test func `to approve a certificate is a permission on its signer`() async throws {
        let server = try await TestServer()
        let group = "certificates.k8s.io"
        let role: JSONValue = [
            "kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": ["name": "approver"],
            "rules": [
                [
                    "verbs": ["update"], "apiGroups": [.string(group)],
                    "resources": ["certificatesigningrequests/approval"],
                ]
            ],
        ]
        try await server.send("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
        let binding: JSONValue = [
            "kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": ["name": "approver"],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"]],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "approver"],
        ]
        try await server.send("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        let request = try CertificateRequest(key: PrivateKey(generate: .ecdsaP256), commonName: "r").pem()
        let stored: JSONValue = [
            "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1", "metadata": ["name": "r"],
            "spec": [
                "request": .string(Base64.encode(request)), "signerName": "example.com/s",
                "usages": ["client auth"],
            ],
        ]
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        let made = try await server.send("POST", path, stored)
        try #require(made.status == 201, "\(made.json)")
        #expect(made.json["spec"]?["username"] == "admin")
        var approved = made.json
        approved["status"] = ["conditions": [["type": "Approved", "status": "True", "reason": "Test"]]]
        #expect(try await server.send("PUT", "\(path)/r/approval", approved, as: Self.jane).status == 403)
        approved["metadata"]?["annotations"] = ["why": "known"]
        approved["spec"]?["usages"] = ["server auth"]
        let done = try await server.send("PUT", "\(path)/r/approval", approved)
        #expect(done.json["metadata"]?["annotations"]?["why"] == "known")
        #expect(done.json["spec"]?["usages"] == ["client auth"])
        #expect(done.json["status"]?["conditions"]?[0]?["lastTransitionTime"]?.string != nil)
    }
}
