// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

/// Nobody gets a right by writing roles that he has not got already.
@Suite(.timeLimit(.minutes(1))) struct `Escalation` {
    static let jane = RequestUser(name: "jane", groups: ["devs"])
    static let merge = "application/merge-patch+json"
    static let writer = rule("get,list,create,update,patch", "clusterroles", roleGroup)
    static let aggregation: JSONObject = [
        "clusterRoleSelectors": [["matchLabels": ["kubernetes.io/bootstrapping": "rbac-defaults"]]]
    ]

    @Test func `by rules of more permissions than can be looked at is refused before they are`() async throws {
        let server = try await TestServer()
        try await server.grant("writer", to: "jane", [Self.writer])
        func names(_ count: Int) -> JSONValue { .array((0..<count).map { .string("n\($0)") }) }
        let huge: JSONValue = ["verbs": names(60), "apiGroups": names(60), "resources": names(60)]
        let answer = try await server.send("POST", clusterRoles, clusterRole("huge", [huge]), as: Self.jane)
        #expect(answer.status == 403)
        #expect(answer.json["message"]?.string?.contains("the rules have 216000 permissions") == true, "\(answer.json)")
        let root = RequestUser(name: "root", groups: ["system:masters"])
        #expect(try await server.send("POST", clusterRoles, clusterRole("huge", [huge]), as: root).status == 201)
    }

    @Test func `by an aggregation rule, in whatever way it is written, needs every right`() async throws {
        let server = try await TestServer()
        try await server.grant("writer", to: "jane", [Self.writer])
        var role = clusterRole("mine", [])
        role["aggregationRule"] = .object(Self.aggregation)
        let words = "must have cluster-admin privileges to use the aggregationRule"
        func refused(_ answer: TestServer.Answer, _ way: String) {
            #expect(answer.status == 403, "\(way): \(answer.json)")
            #expect(answer.json["message"]?.string?.hasSuffix(words) == true, "\(way): \(answer.json)")
        }
        refused(try await server.send("POST", clusterRoles, role, as: Self.jane), "create")
        refused(try await server.send("POST", "\(clusterRoles)?dryRun=All", role, as: Self.jane), "dry run")
        refused(try await server.send("PUT", "\(clusterRoles)/mine", role, as: Self.jane), "create by update")
        let apply = "\(clusterRoles)/mine?fieldManager=me&force=true"
        refused(
            try await server.send("PATCH", apply, role, as: Self.jane, type: "application/apply-patch+yaml"), "apply")
        #expect(try await server.send("POST", clusterRoles, clusterRole("mine", []), as: Self.jane).status == 201)
        refused(try await server.send("PUT", "\(clusterRoles)/mine", role, as: Self.jane), "update")
        refused(
            try await server.send("PATCH", apply, role, as: Self.jane, type: "application/apply-patch+yaml"),
            "apply to what is there")
        for type in [Self.merge, "application/strategic-merge-patch+json"] {
            refused(
                try await server.send(
                    "PATCH", "\(clusterRoles)/mine", ["aggregationRule": .object(Self.aggregation)], as: Self.jane,
                    type: type), type)
        }
        refused(
            try await server.send(
                "PATCH", "\(clusterRoles)/mine",
                [["op": "add", "path": "/aggregationRule", "value": .object(Self.aggregation)]], as: Self.jane,
                type: "application/json-patch+json"), "JSON patch")
        // Who may escalate may, and so may who has everything by a role.
        try await server.grant("boss", to: "joe", [rule("*", "*", "*"), ["verbs": ["*"], "nonResourceURLs": ["*"]]])
        let joe = RequestUser(name: "joe")
        #expect(try await server.send("PUT", "\(clusterRoles)/mine", role, as: joe).status == 200)
        // A role that is aggregated already is not changed, nor its rule taken away, by others.
        refused(
            try await server.send(
                "PATCH", "\(clusterRoles)/mine", ["aggregationRule": nil], as: Self.jane, type: Self.merge), "remove")
        refused(
            try await server.send(
                "PATCH", "\(clusterRoles)/mine", ["metadata": ["labels": ["a": "b"]]], as: Self.jane, type: Self.merge),
            "label")
    }

    @Test func `by a label that carries a role's rules into another role`() async throws {
        let server = try await TestServer()
        try await server.grant("writer", to: "jane", [Self.writer])
        // Jane views; a label on the most powerful role would make that everything.
        #expect(
            try await server.send("POST", clusterBindings, roleBinding("v", "view", to: "jane")).status == 201)
        let label: JSONValue = ["metadata": ["labels": ["\(roleGroup)/aggregate-to-view": "true"]]]
        for name in ["cluster-admin", "system:controller:generic-garbage-collector", "system:node"] {
            let answer = try await server.send(
                "PATCH", "\(clusterRoles)/\(name)", label, as: Self.jane, type: Self.merge)
            #expect(answer.status == 403, "\(name): \(answer.json)")
            let message = answer.json["message"]?.string ?? ""
            #expect(
                message.contains(#"user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC"#),
                "\(message)")
        }
        // What she holds herself she may hand on.
        let own = try await server.send("PATCH", "\(clusterRoles)/writer", label, as: Self.jane, type: Self.merge)
        #expect(own.status == 200, "\(own.json)")
    }

    @Test func `does not stand in the way of letting go`() async throws {
        let server = try await TestServer()
        try await server.grant("writer", to: "jane", [Self.writer])
        #expect(
            try await server.send("POST", clusterRoles, clusterRole("big", [rule("get", "secrets")])).status == 201)
        let owner: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "11111111-1111-1111-1111-111111111111",
        ]
        let parting: JSONValue = ["metadata": ["finalizers": ["example.com/wait"], "ownerReferences": [owner]]]
        let answer = try await server.send("PATCH", "\(clusterRoles)/big", parting, as: Self.jane, type: Self.merge)
        #expect(answer.status == 200, "\(answer.json)")
        let more: JSONValue = ["metadata": ["finalizers": nil, "annotations": ["a": "b"]]]
        #expect(
            try await server.send("PATCH", "\(clusterRoles)/big", more, as: Self.jane, type: Self.merge).status == 403)
    }

    @Test func `says what is missing as upstream does`() async throws {
        let server = try await TestServer()
        try await server.grant("writer", to: "jane", [Self.writer, rule("get", "pods", names: "a")])
        let greedy = clusterRole(
            "greedy",
            [
                rule("get,list", "pods,secrets", names: "a"), rule("get", "pods/log"),
                ["verbs": ["get"], "nonResourceURLs": ["/metrics"]],
            ])
        let answer = try await server.send("POST", clusterRoles, greedy, as: Self.jane)
        #expect(
            answer.json["message"]?.string == """
                clusterroles.rbac.authorization.k8s.io "greedy" is forbidden: user "jane" (groups=["devs" \
                "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
                {APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["list"]}
                {APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}
                {APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get" "list"]}
                {NonResourceURLs:["/metrics"], Verbs:["get"]}
                """, "\(answer.json)")
    }

    @Test func `a right to escalate or bind is one for what it names, where it is`() async throws {
        let server = try await TestServer()
        try await server.grant(
            "escalator", to: "jane", [Self.writer, rule("escalate", "clusterroles", roleGroup, names: "one")])
        let big = [rule("get", "secrets")]
        // A POST names no role in its path, so that the right to one named role does not reach it.
        #expect(try await server.send("POST", clusterRoles, clusterRole("one", big), as: Self.jane).status == 403)
        #expect(
            try await server.send("PUT", "\(clusterRoles)/one", clusterRole("one", big), as: Self.jane).status == 201)
        #expect(
            try await server.send("PUT", "\(clusterRoles)/two", clusterRole("two", big), as: Self.jane).status == 403)

        let bindings = "/apis/\(roleGroup)/v1/namespaces/default/rolebindings"
        try await server.grant(
            "binder", to: "joe",
            [rule("create,update", "rolebindings", roleGroup), rule("bind", "clusterroles", roleGroup, names: "view")],
            in: "default")
        try await server.grant("everywhere", to: "joe", [rule("create", "clusterrolebindings", roleGroup)])
        let joe = RequestUser(name: "joe")
        func bind(_ role: String, _ path: String, _ namespace: String?) async throws -> Int {
            let binding = roleBinding("b-\(role)", role, to: "joe", namespace: namespace)
            return try await server.send("POST", path, binding, as: joe).status
        }
        #expect(try await bind("view", bindings, "default") == 201)
        #expect(try await bind("edit", bindings, "default") == 403)
        // The right is one in its namespace, and the whole cluster is another.
        #expect(try await bind("view", clusterBindings, nil) == 403)
        #expect(try await bind("nothing-of-this-name", bindings, "default") == 404)
    }

    @Test func `a binding's role stays what it is, and names of subjects are not alike but the same`() async throws {
        let server = try await TestServer()
        // The Kelvin sign is a K to Unicode, and so are two spellings of an accent.
        try await server.grant("k", to: "Kurt Jos\u{e9}", [rule("get", "secrets")])
        func status(_ user: String) async throws -> Int {
            try await server.send("GET", "/api/v1/namespaces/default/secrets/x", as: RequestUser(name: user)).status
        }
        #expect(try await status("Kurt Jos\u{e9}") == 404)
        #expect(try await status("\u{212a}urt Jos\u{e9}") == 403)
        #expect(try await status("Kurt Jose\u{301}") == 403)
        #expect(try await status("kurt Jos\u{e9}") == 403)
        var binding = roleBinding("k", "k", to: "Kurt Jos\u{e9}")
        binding["roleRef"]?["name"] = "cluster-admin"
        let changed = try await server.send("PUT", "\(clusterBindings)/k", binding)
        #expect(changed.status == 422, "\(changed.json)")
    }
}
