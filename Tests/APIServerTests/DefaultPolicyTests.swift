// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(2))) struct `The default policy` {
    /// What a cluster of ours has beside upstream's: what kubeadm makes, and what our own parts need.
    static let own: Set<String> = [
        "ClusterRole//swiftlet:cluster-dns", "ClusterRole//swiftlet:certificate-approval",
        "Role/kube-public/swiftlet:cluster-info", "Role/kube-system/swiftlet:cluster-dns",
        "Role/kube-system/swiftlet:cluster-settings", "ClusterRoleBinding//swiftlet:cluster-dns",
        "ClusterRoleBinding//swiftlet:node-bootstrap", "ClusterRoleBinding//swiftlet:node-certificate-approval",
        "ClusterRoleBinding//swiftlet:node-certificate-renewal", "ClusterRoleBinding//swiftlet:kube-proxy",
        "Role/kube-system/swiftlet:node-proxy-token", "RoleBinding/kube-system/swiftlet:node-proxy-token",
        "ClusterRoleBinding//swiftlet:certificate-approval", "ClusterRoleBinding//swiftlet:kubelet-api-admin",
        "RoleBinding/kube-public/swiftlet:cluster-info",
        "RoleBinding/kube-system/swiftlet:cluster-dns", "RoleBinding/kube-system/swiftlet:cluster-settings",
    ]

    static func stored(_ server: TestServer) async throws -> NaivePolicy {
        var policy = NaivePolicy()
        for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
            let list = try await server.send("GET", "/apis/\(roleGroup)/v1/\(kind.lowercased())s")
            for item in list.json["items"]?.array ?? [] {
                var item = item
                item["kind"] = .string(kind)
                policy.add(item)
            }
        }
        return policy
    }

    @Test func `is upstream's, rule by rule and subject by subject`() async throws {
        let stored = try await Self.stored(TestServer())
        let upstream = NaivePolicy(table: upstreamPolicy)
        #expect(Set(stored.roles.keys).subtracting(Self.own) == Set(upstream.roles.keys))
        #expect(Set(stored.bindings.keys).subtracting(Self.own) == Set(upstream.bindings.keys))
        for (key, wanted) in upstream.roles {
            let role = stored.roles[key]
            // What a role is made of is in it from the start.
            #expect(role?.permissions == upstream.whole(key), "\(key)")
            #expect(role?.partOf == wanted.partOf && role?.madeOf == wanted.madeOf, "\(key)")
        }
        for (key, wanted) in upstream.bindings { #expect(stored.bindings[key] == wanted, "\(key)") }
        let known = stored.roles.keys.count + stored.bindings.keys.count
        #expect(known == upstream.roles.count + upstream.bindings.count + Self.own.count)
    }

    @Test func `of the public is what its role says`() {
        let upstream = NaivePolicy(table: upstreamPolicy)
        #expect(
            NaivePolicy.permissions(DefaultPolicy.publicRule.json)
                == upstream.roles["ClusterRole//system:public-info-viewer"]?.permissions)
    }

    @Test func `comes back to what somebody took away, and keeps what was added`() {
        let policy = DefaultPolicy().objects
        func find(_ kind: String, _ name: String) throws -> APIObject {
            try #require(policy.first { $0.kind == kind && $0.name == name })
        }
        #expect(throws: Never.self) {
            let viewer = try find("ClusterRole", "system:public-info-viewer")
            #expect(RoleReconciliation(viewer, over: viewer) == .leave)

            var poor = viewer
            poor["rules"] = [["verbs": ["get"], "nonResourceURLs": ["/mine"]]]
            poor.labels = ["a": "b"]
            guard case .update(let filled) = RoleReconciliation(viewer, over: poor) else {
                Issue.record("not filled")
                return
            }
            #expect(filled["rules"]?.array?.count == 6 && filled["rules"]?[0]?["nonResourceURLs"] == ["/mine"])
            #expect(filled.labels["kubernetes.io/bootstrapping"] == "rbac-defaults" && filled.labels["a"] == "b")
            poor.annotations = ["rbac.authorization.kubernetes.io/autoupdate": "false"]
            #expect(RoleReconciliation(viewer, over: poor) == .leave)

            // Nobody adds to a role that is whole by itself.
            var gathering = viewer
            gathering["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": ["a": "b"]]]]
            guard case .update(let alone) = RoleReconciliation(viewer, over: gathering) else {
                Issue.record("goes on gathering")
                return
            }
            #expect(alone["aggregationRule"] == nil)

            let binding = try find("ClusterRoleBinding", "system:public-info-viewer")
            var other = binding
            other["roleRef"]?["name"] = "cluster-admin"
            #expect(RoleReconciliation(binding, over: other) == .replace)
            var lonely = binding
            lonely["subjects"] = []
            guard case .update(let full) = RoleReconciliation(binding, over: lonely) else {
                Issue.record("stays lonely")
                return
            }
            #expect(full["subjects"] == binding["subjects"])
        }
    }
}
