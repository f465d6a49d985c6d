// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Impersonation` {
    static let jane = RequestUser(name: "jane")
    static let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    static let group = "authentication.k8s.io"

    /// Who one is after the headers: the name, groups, uid and extra fields; nil when refused.
    static func become(
        _ server: TestServer, _ headers: [(String, String)], as user: RequestUser = jane
    ) async throws -> JSONValue? {
        let answer = try await server.send(
            "POST", review, ["kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"], as: user,
            headers: headers)
        if answer.status == 403 { return nil }
        try #require(answer.status == 201, "\(answer.json)")
        return answer.json["status"]?["userInfo"]
    }

    @Test func `needs a right for each thing that is taken on`() async throws {
        let server = try await TestServer()
        let user = ("Impersonate-User", "bob")
        #expect(try await Self.become(server, [user]) == nil)
        try await server.grant("users", to: "jane", [rule("impersonate", "users", names: "bob")])
        let bob = try await Self.become(server, [user])
        #expect(bob?["username"] == "bob" && bob?["groups"] == ["system:authenticated"])
        #expect(try await Self.become(server, [("Impersonate-User", "alice")]) == nil)
        for more in [
            ("Impersonate-Group", "ops"), ("Impersonate-Group", "system:masters"), ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-scopes", "view"),
        ] {
            #expect(try await Self.become(server, [user, more]) == nil, "\(more)")
        }
        try await server.grant(
            "more", to: "jane",
            [
                rule("impersonate", "groups", names: "ops"), rule("impersonate", "uids", Self.group, names: "7"),
                rule("impersonate", "userextras/scopes", Self.group, names: "view"),
                rule("impersonate", "userextras/example.com%2fkey", Self.group),
                rule("impersonate", "userextras/example.com/key", Self.group),
            ])
        let whole = try await Self.become(
            server,
            [
                user, ("Impersonate-Group", "ops"), ("Impersonate-Uid", "7"), ("Impersonate-Extra-Scopes", "view"),
                ("impersonate-extra-Example.com%2Fkey", "V"),
            ])
        #expect(whole?["groups"] == ["ops", "system:authenticated"] && whole?["uid"] == "7")
        #expect(whole?["extra"] == ["example.com/key": ["V"], "scopes": ["view"]])
        for more in [
            ("Impersonate-Group", "system:masters"), ("Impersonate-Uid", "8"), ("Impersonate-Extra-scopes", "all"),
            ("Impersonate-Extra-other", "view"),
        ] {
            #expect(try await Self.become(server, [user, more]) == nil, "\(more)")
        }
        // All of a header's lines count, not the first alone.
        #expect(
            try await Self.become(server, [user, ("Impersonate-Group", "ops"), ("Impersonate-Group", "x")]) == nil)
    }

    @Test func `knows what accounts, nodes and anonymous users are`() async throws {
        let server = try await TestServer()
        let account = ("Impersonate-User", "system:serviceaccount:default:robot")
        try await server.grant("all-users", to: "jane", [rule("impersonate", "users")])
        // An account is not a user of its name.
        #expect(try await Self.become(server, [account]) == nil)
        try await server.grant("robots", to: "jane", [rule("impersonate", "serviceaccounts")], in: "default")
        #expect(
            try await Self.become(server, [account])?["groups"] == [
                "system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated",
            ])
        #expect(try await Self.become(server, [("Impersonate-User", "system:serviceaccount:other:robot")]) == nil)
        // What cannot be an account is a user, however it looks.
        #expect(
            try await Self.become(server, [("Impersonate-User", "system:serviceaccount:Default:robot")])?["groups"]
                == ["system:authenticated"])
        var anybody = roleBinding("anybody", "system:basic-user", to: "")
        anybody["subjects"] = [["kind": "Group", "apiGroup": .string(roleGroup), "name": "system:unauthenticated"]]
        #expect(try await server.send("POST", clusterBindings, anybody).status == 201)
        let anonymous = try await Self.become(server, [("Impersonate-User", "system:anonymous")])
        #expect(anonymous?["groups"] == ["system:unauthenticated"])
        let admin = TestServer.admin
        let unknown = [("Impersonate-User", "bob"), ("Impersonate-Group", "system:unauthenticated")]
        #expect(try await Self.become(server, unknown, as: admin)?["groups"] == ["system:unauthenticated"])
        let node = try await Self.become(server, [("Impersonate-User", "system:node:n1")], as: admin)
        #expect(node?["groups"] == ["system:nodes", "system:authenticated"])
        let masters = [("Impersonate-User", "bob"), ("Impersonate-Group", "system:masters")]
        #expect(
            try await Self.become(server, masters, as: admin)?["groups"] == ["system:masters", "system:authenticated"])
    }

    @Test func `of nobody in particular is no request`() async throws {
        let server = try await TestServer()
        for headers in [
            [("Impersonate-Group", "ops")], [("Impersonate-Uid", "7")], [("Impersonate-Extra-scopes", "view")],
            [("Impersonate-User", ""), ("Impersonate-Group", "ops")],
        ] {
            let answer = try await server.send("GET", "/version", headers: headers)
            #expect(answer.status == 400, "\(headers)")
        }
    }

    @Test func `may be allowed for single acts, as whatever kind of user it is`() async throws {
        let server = try await TestServer()
        let acts = "impersonate-on:user-info:create"
        try await server.grant("act", to: "jane", [rule(acts, "selfsubjectreviews", Self.group)])
        // Either right alone is none.
        #expect(try await Self.become(server, [("Impersonate-User", "bob")]) == nil)
        try await server.grant("whom", to: "jane", [rule("impersonate:user-info", "users,groups", Self.group)])
        #expect(try await Self.become(server, [("Impersonate-User", "bob")])?["username"] == "bob")
        let list = try await server.send("GET", pods, as: Self.jane, headers: [("Impersonate-User", "bob")])
        #expect(list.status == 403)
        #expect(
            list.json["message"]?.string?.contains(#"User "jane" cannot impersonate-on:user-info:list"#) == true,
            "\(list.json)")
        // The mode is not one for masters, nodes and accounts, which may be given no groups either.
        for headers in [
            [("Impersonate-User", "bob"), ("Impersonate-Group", "system:masters")],
            [("Impersonate-User", "bob"), ("Impersonate-Group", "")],
            [("Impersonate-User", "system:node:n1")],
            [("Impersonate-User", "system:node:n1"), ("Impersonate-Group", "system:nodes")],
            [("Impersonate-User", "system:serviceaccount:default:robot")],
        ] {
            #expect(try await Self.become(server, headers) == nil, "\(headers)")
        }
        #expect(
            try await Self.become(server, [("Impersonate-User", "bob"), ("Impersonate-Group", "ops")])?["groups"]
                == ["ops", "system:authenticated"])
        // An account may be let be the node it runs on, and no other.
        try await server.grant(
            "own-node", to: "system:serviceaccount:default:agent",
            [
                rule("impersonate-on:associated-node:create", "selfsubjectreviews", Self.group),
                rule("impersonate:associated-node", "nodes", Self.group),
            ])
        let agent = RequestUser(
            name: "system:serviceaccount:default:agent", groups: ["system:serviceaccounts"],
            extra: ["authentication.kubernetes.io/node-name": ["n1"]])
        #expect(
            try await Self.become(server, [("Impersonate-User", "system:node:n1")], as: agent)?["groups"]
                == ["system:nodes", "system:authenticated"])
        #expect(try await Self.become(server, [("Impersonate-User", "system:node:n2")], as: agent) == nil)
    }
}
