// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(1))) struct `What a pod may refer to` {
    private static let accounts = "/api/v1/namespaces/default/serviceaccounts"

    private func pod(_ name: String, _ account: String, _ change: (inout JSONObject) -> Void) -> JSONValue {
        var spec: JSONObject = [
            "serviceAccountName": .string(account), "containers": [["name": "c", "image": "i"]],
        ]
        change(&spec)
        return ["kind": "Pod", "apiVersion": "v1", "metadata": ["name": .string(name)], "spec": .object(spec)]
    }

    private static func container(_ name: String, _ rest: JSONObject) -> JSONValue {
        var container: JSONObject = ["name": .string(name), "image": "i"]
        for (key, value) in rest { container[key] = value }
        return .object(container)
    }

    /// Ways to name a secret, each in a pod of its own.
    private static let ways: [@Sendable (inout JSONObject, JSONValue) -> Void] = [
        { $0["volumes"] = [["name": "v", "secret": ["secretName": $1]]] },
        { $0["volumes"] = [["name": "v", "projected": ["sources": [["secret": ["name": $1]]]]]] },
        { $0["containers"] = [container("c", ["envFrom": [["secretRef": ["name": $1]]]])] },
        {
            $0["initContainers"] = [
                container(
                    "i", ["env": [["name": "E", "valueFrom": ["secretKeyRef": ["name": $1, "key": "k"]]]]])
            ]
        },
        { $0["imagePullSecrets"] = [["name": $1]] },
    ]

    @Test func `of secrets only those that its account lists, where the account says so`() async throws {
        let server = try await TestServer()
        for (name, mark) in [("strict", "true"), ("lax", "false")] {
            let account: JSONValue = [
                "kind": "ServiceAccount", "apiVersion": "v1",
                "metadata": [
                    "name": .string(name), "annotations": ["kubernetes.io/enforce-mountable-secrets": .string(mark)],
                ],
                "secrets": [["name": "mine"]], "imagePullSecrets": [["name": "mine"]],
            ]
            #expect(try await server.send("POST", Self.accounts, account).status == 201)
        }
        for (number, way) in Self.ways.enumerated() {
            for (account, secret, code) in [("strict", "theirs", 403), ("strict", "mine", 201), ("lax", "theirs", 201)]
            {
                let pod = pod("p\(number)-\(account)-\(secret)", account) { way(&$0, .string(secret)) }
                let answer = try await server.send("POST", pods, pod)
                #expect(answer.status == code, "\(number) \(account) \(secret): \(answer.json)")
                if code == 403 {
                    let message = answer.json["message"]?.string ?? ""
                    #expect(message.contains("because service account strict does not reference that"))
                }
            }
        }
        // What is added later is looked at as well, and only that.
        #expect(try await server.send("POST", pods, pod("p", "strict") { _ in }).status == 201)
        for (secret, code) in [("theirs", 403), ("mine", 200)] {
            let extra: JSONValue = [
                "spec": [
                    "ephemeralContainers": [
                        Self.container("d", ["envFrom": [["secretRef": ["name": .string(secret)]]]])
                    ]
                ]
            ]
            let answer = try await server.send(
                "PATCH", "\(pods)/p/ephemeralcontainers", extra, type: "application/strategic-merge-patch+json")
            #expect(answer.status == code, "\(answer.json)")
        }
    }

    @Test func `of devices those of others only in namespaces that are marked for it`() async throws {
        let server = try await TestServer()
        let path = "/apis/resource.k8s.io/v1/namespaces/default"
        func claim(_ kind: String, _ name: String, _ isAdmin: Bool) -> JSONValue {
            let spec: JSONValue = [
                "devices": [
                    "requests": [
                        [
                            "name": "r",
                            "exactly": ["deviceClassName": "c.example.com", "adminAccess": .bool(isAdmin)],
                        ]
                    ]
                ]
            ]
            return [
                "kind": .string(kind), "apiVersion": "resource.k8s.io/v1", "metadata": ["name": .string(name)],
                "spec": kind == "ResourceClaim" ? spec : ["spec": spec],
            ]
        }
        for (kind, plural) in [
            ("ResourceClaim", "resourceclaims"), ("ResourceClaimTemplate", "resourceclaimtemplates"),
        ] {
            let refused = try await server.send("POST", "\(path)/\(plural)", claim(kind, "a", true))
            #expect(refused.status == 422, "\(refused.json)")
            #expect(
                refused.json["message"]?.string?.contains(
                    "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label") == true)
            #expect(try await server.send("POST", "\(path)/\(plural)", claim(kind, "b", false)).status == 201)
            // Nor by a change of what was asked for: that stays.
            let patched = try await server.send(
                "PATCH", "\(path)/\(plural)/b", ["spec": claim(kind, "b", true)["spec"] ?? [:]],
                type: "application/merge-patch+json")
            #expect(patched.status == 422, "\(patched.json)")
            #expect(try await server.send("PUT", "\(path)/\(plural)/b", claim(kind, "b", true)).status == 422)
        }
        let mark: JSONValue = ["metadata": ["labels": ["resource.kubernetes.io/admin-access": "true"]]]
        #expect(
            try await server.send(
                "PATCH", "/api/v1/namespaces/default", mark, type: "application/merge-patch+json"
            ).status == 200)
        #expect(
            try await server.send("POST", "\(path)/resourceclaims", claim("ResourceClaim", "a", true)).status == 201)
        #expect(
            try await server.send("PUT", "\(path)/resourceclaims/b", claim("ResourceClaim", "b", true)).status == 422)
    }

    @Test func `of devices that are given back nothing stays told`() async throws {
        let server = try await TestServer()
        let path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
        let claim: JSONValue = [
            "kind": "ResourceClaim", "apiVersion": "resource.k8s.io/v1", "metadata": ["name": "c"],
            "spec": ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "c.example.com"]]]]],
        ]
        try #require(try await server.send("POST", path, claim).status == 201)
        let device: JSONObject = ["driver": "d.example.com", "pool": "p", "device": "a"]
        var result = device
        result["request"] = "r"
        func status(_ status: JSONValue) async throws -> TestServer.Answer {
            try await server.send(
                "PATCH", "\(path)/c/status", ["status": status], type: "application/merge-patch+json")
        }
        let told = try await status([
            "allocation": ["devices": ["results": [.object(result)]]], "devices": [.object(device)],
        ])
        #expect(told.status == 200 && told.json["status"]?["devices"]?.array?.count == 1, "\(told.json)")
        let changed = try await status(["allocation": ["nodeSelector": ["nodeSelectorTerms": [:]]]])
        #expect(changed.status == 422 || changed.status == 400)
        let back = try await status(["allocation": .null])
        #expect(back.status == 200 && back.json["status"]?["devices"] == nil, "\(back.json)")
    }
}
