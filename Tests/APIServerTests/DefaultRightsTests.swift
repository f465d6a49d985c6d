// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

/// What a cluster of ours grants beside upstream's policy: how machines join, as kubeadm has it, and our own parts.
private let ownPolicy = """
    clusterrole swiftlet:certificate-approval
      get core nodes
      approve certificates.k8s.io signers kubernetes.io/kubelet-serving
    clusterbinding swiftlet:kubelet-api-admin ClusterRole system:kubelet-api-admin
      User kube-apiserver-kubelet-client
    clusterbinding swiftlet:certificate-approval ClusterRole swiftlet:certificate-approval
      ServiceAccount kube-system/certificate-controller
    clusterbinding swiftlet:node-bootstrap ClusterRole system:node-bootstrapper
      Group system:bootstrappers:kubeadm:default-node-token
    clusterbinding swiftlet:node-certificate-approval ClusterRole system:certificates.k8s.io:certificatesigningrequests:nodeclient
      Group system:bootstrappers:kubeadm:default-node-token
    clusterbinding swiftlet:node-certificate-renewal ClusterRole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
      Group system:nodes
    clusterbinding swiftlet:kube-proxy ClusterRole system:node-proxier
      ServiceAccount kube-system/kube-proxy
    """

/// What people are given for the tests.
private let peoplePolicy = """
    binding default/viewer ClusterRole view
      User viewer
    binding default/editor ClusterRole edit
      User editor
    binding default/admin ClusterRole admin
      User manager
    clusterbinding everywhere ClusterRole view
      User watcher
    clusterbinding boss ClusterRole cluster-admin
      User boss
    """

/// Every verb on every resource and subresource that is served, for every kind of user, against upstream's policy.
@Suite(.timeLimit(.minutes(3))) struct `Rights by default` {
    struct Kind: Hashable {
        var group, resource, subresource: String
    }

    static let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
    /// Verbs that are rights to something other than a request.
    static let special: [(verb: String, kind: Kind)] = [
        ("impersonate", Kind(group: "", resource: "users", subresource: "")),
        ("impersonate", Kind(group: "", resource: "groups", subresource: "")),
        ("impersonate", Kind(group: "", resource: "serviceaccounts", subresource: "")),
        ("impersonate", Kind(group: "authentication.k8s.io", resource: "uids", subresource: "")),
        ("impersonate", Kind(group: "authentication.k8s.io", resource: "userextras", subresource: "scopes")),
        ("bind", Kind(group: roleGroup, resource: "clusterroles", subresource: "")),
        ("bind", Kind(group: roleGroup, resource: "roles", subresource: "")),
        ("escalate", Kind(group: roleGroup, resource: "clusterroles", subresource: "")),
        ("escalate", Kind(group: roleGroup, resource: "roles", subresource: "")),
        ("approve", Kind(group: "certificates.k8s.io", resource: "signers", subresource: "")),
        ("sign", Kind(group: "certificates.k8s.io", resource: "signers", subresource: "")),
        ("attest", Kind(group: "certificates.k8s.io", resource: "signers", subresource: "")),
        ("proxy", Kind(group: "", resource: "nodes", subresource: "")),
        ("*", Kind(group: "", resource: "pods", subresource: "")),
        ("get", Kind(group: "*", resource: "*", subresource: "")),
        ("*", Kind(group: "*", resource: "*", subresource: "")),
        ("get", Kind(group: "", resource: "nodes", subresource: "metrics")),
        ("get", Kind(group: "", resource: "nodes", subresource: "pods")),
        (
            "create",
            Kind(group: "certificates.k8s.io", resource: "certificatesigningrequests", subresource: "nodeclient")
        ),
        (
            "create",
            Kind(group: "certificates.k8s.io", resource: "certificatesigningrequests", subresource: "selfnodeclient")
        ),
    ]
    static let paths = [
        "/", "/api", "/api/v1", "/apis", "/apis/apps", "/healthz", "/healthz/ping", "/livez", "/livez/etcd", "/readyz",
        "/readyz/ping", "/metrics", "/metrics/slis", "/version", "/version/", "/openapi/v2", "/openapi/v3",
        "/openid/v1/jwks", "/.well-known/openid-configuration", "/logs/kube", "/debug/pprof", "/flagz", "/statusz",
        "/configz", "/apisx",
    ]

    private static func kinds(_ server: TestServer) async throws -> [Kind] {
        var groups = [("", "/api/v1")]
        for group in try await server.send("GET", "/apis").json["groups"]?.array ?? [] {
            let version = group["preferredVersion"]?["groupVersion"]?.string ?? ""
            groups.append((group["name"]?.string ?? "", "/apis/\(version)"))
        }
        var kinds: Set<Kind> = []
        for (group, path) in groups {
            for resource in try await server.send("GET", path).json["resources"]?.array ?? [] {
                let name = (resource["name"]?.string ?? "").split(separator: "/").map(String.init)
                kinds.insert(Kind(group: group, resource: name[0], subresource: name.count > 1 ? name[1] : ""))
            }
        }
        return kinds.sorted {
            "\($0.group) \($0.resource)/\($0.subresource)" < "\($1.group) \($1.resource)/\($1.subresource)"
        }
    }

    private static func account(_ name: String, _ namespace: String = "kube-system") -> RequestUser {
        ServiceAccountTokens.user(namespace: namespace, name: name, uid: "", extra: [:])
    }

    private static func users(_ policy: NaivePolicy) -> [RequestUser] {
        let known = Authenticator.authenticated
        var users = [
            Authenticator.anonymous, RequestUser(name: "nobody", groups: [known]),
            RequestUser(name: "system:bootstrap:abcdef", groups: ["system:bootstrappers", known]),
            RequestUser(
                name: "system:bootstrap:abcdef",
                groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", known]),
            RequestUser(name: "metrics", groups: ["system:monitoring", known]), account("default", "default"),
        ]
        for name in [
            "viewer", "editor", "manager", "watcher", "boss", "system:kube-scheduler",
            "system:kube-controller-manager", "system:kube-proxy",
        ] {
            users.append(RequestUser(name: name, groups: [known]))
        }
        let accounts = policy.bindings.values.flatMap(\.subjects).filter { $0.kind == "ServiceAccount" }
        users += Set(accounts.map(\.name)).sorted().map { account($0) }
        return users
    }

    private static func requests(
        _ kinds: [Kind], _ user: RequestUser, _ namespace: String
    ) -> [AccessRequest] {
        var result: [AccessRequest] = []
        for kind in kinds {
            for verb in verbs {
                result.append(
                    AccessRequest(
                        user: user, verb: verb, group: kind.group, resource: kind.resource,
                        subresource: kind.subresource, namespace: namespace))
            }
        }
        for (verb, kind) in special {
            result.append(
                AccessRequest(
                    user: user, verb: verb, group: kind.group, resource: kind.resource, subresource: kind.subresource,
                    namespace: namespace))
        }
        for path in paths {
            for verb in ["get", "post", "head"] { result.append(AccessRequest(user: user, verb: verb, path: path)) }
        }
        return result
    }

    private static func prepare() async throws -> (server: TestServer, policy: NaivePolicy) {
        let server = try await TestServer()
        for (name, role) in [("viewer", "view"), ("editor", "edit"), ("manager", "admin")] {
            let path = "/apis/\(roleGroup)/v1/namespaces/default/rolebindings"
            let binding = roleBinding(name, role, to: name, namespace: "default")
            #expect(try await server.send("POST", path, binding).status == 201)
        }
        for (name, role) in [("watcher", "view"), ("boss", "cluster-admin")] {
            #expect(
                try await server.send("POST", clusterBindings, roleBinding(name, role, to: name)).status == 201)
        }
        return (server, NaivePolicy(table: [upstreamPolicy, ownPolicy, peoplePolicy].joined(separator: "\n")))
    }

    @Test func `are those of upstream's policy, for every verb, resource and subresource`() async throws {
        let (server, policy) = try await Self.prepare()
        let kinds = try await Self.kinds(server)
        #expect(kinds.count > 100)
        var counts = (allowed: 0, refused: 0)
        for user in Self.users(policy) {
            let isPerson = !user.name.hasPrefix("system:serviceaccount:kube-system:")
            for namespace in isPerson ? ["", "default"] : ["kube-system"] {
                // Other tests go on meanwhile: some of them by the clock.
                await Task.yield()
                let held = policy.held(by: user, in: namespace)
                for request in Self.requests(kinds, user, namespace) {
                    let wanted = held.contains(request)
                    let answer = try server.server.authorizer.decide(request).allowed
                    if answer != wanted { Issue.record("\(answer ? "open" : "closed"): \(request)") }
                    if answer { counts.allowed += 1 } else { counts.refused += 1 }
                }
            }
        }
        #expect(counts.allowed > 5_000 && counts.refused > 50_000, "\(counts)")
    }

    @Test func `are what reviews say they are, and what requests meet`() async throws {
        let (server, policy) = try await Self.prepare()
        let kinds = try await Self.kinds(server).filter { $0.resource != "namespaces" }
        var number = 0
        for user in Self.users(policy).filter({ !$0.name.hasPrefix("system:serviceaccount:kube-system") }) {
            for request in Self.requests(kinds, user, "default") {
                number += 1
                guard number % 97 == 0 else { continue }
                let allowed = try server.server.authorizer.decide(request).allowed
                #expect(try await Self.review(server, request) == allowed, "\(request)")
                #expect(try await Self.review(server, request, byHimself: true) != !allowed, "\(request)")
                guard let path = request.path, request.verb != "head" else { continue }
                let answer = try await server.send(request.verb.uppercased(), path, as: user)
                #expect((answer.status != 403) == allowed, "\(request): \(answer.status)")
            }
        }
    }

    /// What a SubjectAccessReview says, or a SelfSubjectAccessReview; nil for who may not ask that.
    private static func review(
        _ server: TestServer, _ request: AccessRequest, byHimself: Bool = false
    ) async throws -> Bool? {
        var spec: JSONObject = [:]
        if !byHimself {
            spec["user"] = .string(request.user.name)
            spec["groups"] = .array(request.user.groups.map { .string($0) })
        }
        if let path = request.path {
            spec["nonResourceAttributes"] = ["path": .string(path), "verb": .string(request.verb)]
        } else {
            spec["resourceAttributes"] = [
                "verb": .string(request.verb), "group": .string(request.group), "resource": .string(request.resource),
                "subresource": .string(request.subresource), "namespace": .string(request.namespace),
            ]
        }
        let kind = byHimself ? "SelfSubjectAccessReview" : "SubjectAccessReview"
        let answer = try await server.send(
            "POST", "/apis/authorization.k8s.io/v1/\(kind.lowercased())s",
            ["kind": .string(kind), "apiVersion": "authorization.k8s.io/v1", "spec": .object(spec)],
            as: byHimself ? request.user : TestServer.admin)
        if byHimself, answer.status == 403 { return nil }
        #expect(answer.status == 201, "\(answer.json)")
        return answer.json["status"]?["allowed"]?.bool
    }
}
