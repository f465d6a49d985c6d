// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

@Suite struct `A request's path` {
    @Test(arguments: [
        ("/api/v1/namespaces/n/pods/p/proxy", ""), ("/api/v1/namespaces/n/pods/p/proxy/", "/"),
        ("/api/v1/namespaces/n/services/https:s:web/proxy/a%2Fb/c?d=e", "/a%2Fb/c"),
        ("/api/v1/namespaces/proxy-1/pods/proxy/proxy/x", "/x"),
        ("/api/v1/namespaces/proxy/services/s/proxy/proxy", "/proxy"),
        ("/api/v1/nodes/n/proxy/metrics/cadvisor", "/metrics/cadvisor"),
        ("/api/v1/nodes/n/proxy//a//b/", "//a//b/"), ("//api/v1/nodes%2fn%2Fproxy%2fa%2Fb", "/a%2Fb"),
        ("/api/v1/nodes/n/pro%78y/%61", "/%61"),
    ])
    func `ends in what the proxied server is asked for`(_ target: String, _ rest: String) {
        let info = ParsedRequest(HTTPRequest(target: target)).info
        #expect(info.subresource == "proxy")
        #expect(info.proxyPath == rest)
        #expect(!info.isBeyond)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var method: String
        var target: String
        /// verb, group, version, namespace, resource, subresource, name
        var fields: [String]
        var testDescription: String { "\(method) \(target)" }

        init(_ method: String, _ target: String, _ fields: String...) {
            self.method = method
            self.target = target
            self.fields = fields
        }
    }

    // Upstream's staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo_test.go has most of these.
    @Test(arguments: [
        Row("GET", "/api/v1/namespaces", "list", "", "v1", "", "namespaces", "", ""),
        Row("GET", "/api/v1/namespaces/other", "get", "", "v1", "other", "namespaces", "", "other"),
        Row("GET", "/api/v1/namespaces/other/pods", "list", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo"),
        Row("HEAD", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo"),
        Row("HEAD", "/api/v1/pods", "list", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods/foo?watch=1", "get", "", "v1", "other", "pods", "", "foo"),
        Row("GET", "/api/v1/namespaces/other/pods?watch=1", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch=FALSE", "list", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch=0", "list", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch=no", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch=0&watch=1", "list", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?watch=1&watch=0", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?Watch=1", "list", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/namespaces/other/pods?limit=x&watch=1", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/watch/namespaces/other/pods", "watch", "", "v1", "other", "pods", "", ""),
        Row("GET", "/api/v1/watch/namespaces/other/pods/foo", "watch", "", "v1", "other", "pods", "", "foo"),
        Row("GET", "/api/v1/watch/pods?fieldSelector=metadata.name%3Dx", "watch", "", "v1", "", "pods", "", ""),
        Row("POST", "/api/v1/watch/pods", "watch", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/proxy/namespaces/other/pods/foo/a", "proxy", "", "v1", "other", "pods", "", "foo"),
        Row("DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "", "v1", "other", "pods", "", ""),
        Row("DELETE", "/api/v1/namespaces/other/pods/foo", "delete", "", "v1", "other", "pods", "", "foo"),
        Row("PATCH", "/api/v1/namespaces/other/pods/foo", "patch", "", "v1", "other", "pods", "", "foo"),
        Row("PUT", "/api/v1/namespaces/other/pods/foo/status", "update", "", "v1", "other", "pods", "status", "foo"),
        Row("POST", "/api/v1/namespaces/other/pods", "create", "", "v1", "other", "pods", "", ""),
        Row("OPTIONS", "/api/v1/namespaces/other/pods", "", "", "v1", "other", "pods", "", ""),
        Row("get", "/api/v1/namespaces/other/pods", "", "", "v1", "other", "pods", "", ""),
        Row("PUT", "/api/v1/namespaces/other/finalize", "update", "", "v1", "other", "namespaces", "finalize", "other"),
        Row("PUT", "/api/v1/namespaces/other/status", "update", "", "v1", "other", "namespaces", "status", "other"),
        Row(
            "GET", "/apis/g.x/v1/namespaces/other/status", "get", "g.x", "v1", "other", "namespaces", "status", "other"),
        Row("GET", "/api/v1/namespaces/other/statuses", "list", "", "v1", "other", "statuses", "", ""),
        Row(
            "GET", "/apis/apps/v1/namespaces/other/deployments/d/scale", "get", "apps", "v1", "other", "deployments",
            "scale", "d"),
        Row("GET", "/api/v1/namespaces/other/pods/foo/", "get", "", "v1", "other", "pods", "", "foo"),
        Row("GET", "/api/v1/namespaces/other/pods/foo%2Fexec", "get", "", "v1", "other", "pods", "exec", "foo"),
        Row("GET", "/api/v1/namespaces%2fother/pods/a%3Ab", "get", "", "v1", "other", "pods", "", "a:b"),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", "list", "", "v1", "", "pods", "", "x"),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3D%3Dx", "list", "", "v1", "", "pods", "", "x"),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%21%3Dx", "list", "", "v1", "", "pods", "", ""),
        Row(
            "GET", "/api/v1/pods?fieldSelector=a%3Db%2Cmetadata.name%3Dx&watch=1", "watch", "", "v1", "", "pods", "",
            "x"),
        Row(
            "GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx%2Cmetadata.name%3Da", "list", "", "v1", "", "pods", "",
            "a"),
        Row(
            "GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx&fieldSelector=", "list", "", "v1", "", "pods", "", "x"),
        Row("GET", "/api/v1/pods?fieldSelector=&fieldSelector=metadata.name%3Dx", "list", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx%3Dy", "list", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3D..", "list", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3Da%2Fb", "list", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx&limit=x", "list", "", "v1", "", "pods", "", ""),
        Row(
            "GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx&labelSelector=%21%21", "list", "", "v1", "", "pods",
            "", ""),
        Row("DELETE", "/api/v1/pods?fieldSelector=metadata.name%3Dx", "deletecollection", "", "v1", "", "pods", "", ""),
        Row("GET", "/api/v1//pods", "get", "", "v1", "", "", "", "pods"),
        Row("GET", "/api/v1/namespaces//pods", "list", "", "v1", "", "pods", "", ""),
    ])
    func `says what is asked as upstream reads it`(_ row: Row) {
        let info = ParsedRequest(HTTPRequest(method: row.method, target: row.target)).info
        #expect(info.isResource)
        let name = info.name.isEmpty ? info.selectedName : info.name
        #expect(
            [info.verb, info.group, info.version, info.namespace, info.resource, info.subresource, name] == row.fields)
        let access = AccessRequest(user: RequestUser(name: "u"), info: info)
        #expect(access.name == name)
    }

    @Test(arguments: [
        ("/", ""), ("/api", "get"), ("/api/v1", "get"), ("/api/v1/", "get"), ("/apis", "get"), ("/apis/apps", "get"),
        ("/apis/apps/v1", "get"), ("/healthz", "get"), ("/apisx/a/b/c/d", "get"), ("/openapi/v3/apis/apps/v1", "get"),
    ])
    func `is of no resource where upstream finds none`(_ target: String, _ verb: String) {
        let info = ParsedRequest(HTTPRequest(target: target)).info
        #expect(!info.isResource)
        #expect(info.verb == "get")
        #expect(info.path == target)
    }

    @Test(arguments: [
        ("/api/v1/namespaces/n/pods/p/exec/x", true), ("/api/v1//pods", true), ("/api/v1/namespaces//pods", true),
        ("/api/v1/namespaces/n/pods//log", true), ("/api/v1/watch", true), ("/api/v1/namespaces/n/pods/p/exec", false),
        ("/api/v1/namespaces/n/pods/p/", false), ("/api/v1/namespaces/n/pods//proxy/x", true),
        ("/apis//v1/pods", true), ("/api//pods", true), ("/apis/apps//deployments", true),
        ("/api/v1/namespaces/a/namespaces/b", true), ("/api/v1/namespaces/a/namespaces", true),
        ("/apis/x.io/v1/namespaces/a/namespaces/b", false),
    ])
    func `that goes on after what it names is served by nobody`(_ target: String, _ isBeyond: Bool) {
        #expect(ParsedRequest(HTTPRequest(target: target)).info.isBeyond == isBeyond)
    }

    @Test
    func `gives authorizers the selectors that the list goes by`() throws {
        let target = "/api/v1/pods?fieldSelector=spec.nodeName%3Da,status.phase!%3DFailed&labelSelector=b"
        let info = ParsedRequest(HTTPRequest(target: target)).info
        let access = AccessRequest(user: RequestUser(name: "u"), info: info)
        #expect(
            access.selection.fields.terms == [
                .init(field: "spec.nodeName", value: "a"), .init(field: "status.phase", value: "Failed", negated: true),
            ])
        #expect(access.selection.labels == (try LabelSelector(parsing: "b")))
        let prefixed = ParsedRequest(HTTPRequest(target: "/api/v1/watch/pods?fieldSelector=spec.nodeName%3Da")).info
        #expect(AccessRequest(user: RequestUser(name: "u"), info: prefixed).selection == .everything)
        #expect(!prefixed.selection.fields.isEverything)
    }
}

@Suite struct `A repeated parameter` {
    private static let jane = RequestUser(name: "jane", groups: ["system:authenticated"])

    @Test func `widens nobody's right to one object`() async throws {
        let server = try await TestServer()
        let group = "rbac.authorization.k8s.io"
        for name in ["allowed", "crown"] {
            try await server.send(
                "POST", secrets,
                ["kind": "Secret", "apiVersion": "v1", "metadata": ["name": .string(name)], "data": [:]])
        }
        try await server.send(
            "POST", "/apis/\(group)/v1/namespaces/default/roles",
            [
                "kind": "Role", "apiVersion": "\(group)/v1", "metadata": ["name": "one"],
                "rules": [
                    [
                        "verbs": ["get", "list", "watch", "delete", "deletecollection"], "apiGroups": [""],
                        "resources": ["secrets"], "resourceNames": ["allowed"],
                    ]
                ],
            ])
        try await server.send(
            "POST", "/apis/\(group)/v1/namespaces/default/rolebindings",
            [
                "kind": "RoleBinding", "apiVersion": "\(group)/v1", "metadata": ["name": "one"],
                "roleRef": ["apiGroup": .string(group), "kind": "Role", "name": "one"],
                "subjects": [["apiGroup": .string(group), "kind": "User", "name": "jane"]],
            ])
        let own = "fieldSelector=metadata.name%3Dallowed"
        for query in ["\(own)", "\(own)&fieldSelector=", "\(own)&fieldSelector=metadata.name%3Dcrown"] {
            let answer = try await server.send("GET", "\(secrets)?\(query)", as: Self.jane)
            #expect(answer.status == 200)
            #expect((answer.json["items"]?.array ?? []).map { $0["metadata"]?["name"] } == ["allowed"])
        }
        for query in [
            "fieldSelector=&\(own)", "fieldSelector=metadata.name%3Dcrown&\(own)", "field%53elector=&\(own)",
            "fieldSelector=metadata.name%21%3Dallowed", "labelSelector=a", "fieldselector=metadata.name%3Dallowed",
            "\(own)%2Cmetadata.name%3D", "watch=0&\(own)%3D%3D", "\(own)&limit=many",
        ] {
            #expect(try await server.send("GET", "\(secrets)?\(query)", as: Self.jane).status == 403, "\(query)")
        }
        // Upstream reads no name out of the selector of a deletecollection.
        #expect(try await server.send("DELETE", "\(secrets)?\(own)", as: Self.jane).status == 403)
        #expect(try await server.send("GET", "\(secrets)?watch=1&watch=0", as: Self.jane).status == 403)
    }
}

private let secrets = "/api/v1/namespaces/default/secrets"
