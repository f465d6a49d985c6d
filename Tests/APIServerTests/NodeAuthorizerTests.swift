// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

/// What upstream 1.36's node authorizer allows, and all that it allows, found by asking it for every combination below:
/// users, resource, namespaces, names, field selectors on `spec.nodeName`, verbs. A line stands for all its combinations;
/// `-` is none and `*` in place of users, namespaces and selectors all there are.
private enum Upstream {
    static let allowed = """
        own core/configmaps ns c1 - get,list,watch
        own core/configmaps ns c1 * list,watch
        * core/endpoints * -,x - get
        * core/events,events.k8s.io/events * -,x - create,update,patch
        own core/nodes - -,x,n2 - create,update,patch
        own core/nodes - n1 - get,list,watch,create,update,patch
        own core/nodes - n1 * list,watch
        * core/nodes/status - -,x,n1,n2 - update,patch
        own core/persistentvolumeclaims ns v1 - get
        own core/persistentvolumeclaims/status ns v1 - update,patch
        own core/persistentvolumes - pv1 - get
        own core/pods * -,x,p2 - create,delete
        own core/pods * -,x,p1,p2,m1 =n1 list,watch
        own core/pods -,vault,kube-node-lease p1,m1 - create,delete
        own core/pods ns p1,m1 - get,list,watch,create,delete
        own core/pods ns p1,m1 !=n1,=n2 list,watch
        * core/pods/eviction * -,x,p1,p2,m1 - create
        * core/pods/status * -,x,p1,p2,m1 - update,patch
        own core/secrets ns s1 - get,list,watch
        own core/secrets ns s1 * list,watch
        own core/secrets vault ps1 - get,list,watch
        own core/secrets vault ps1 * list,watch
        own core/serviceaccounts ns a1 - get
        own core/serviceaccounts/token ns a1 - create
        * core/services * -,x - get,list,watch
        * core/services * -,x * list,watch
        * authentication.k8s.io/tokenreviews,authorization.k8s.io/subjectaccessreviews - -,x - create
        * authorization.k8s.io/localsubjectaccessreviews * -,x - create
        * certificates.k8s.io/certificatesigningrequests - -,x - get,list,watch,create
        * certificates.k8s.io/certificatesigningrequests,node.k8s.io/runtimeclasses,storage.k8s.io/csidrivers - -,x * list,watch
        own coordination.k8s.io/leases,coordination.k8s.io/leases/status,coordination.k8s.io/leases/x kube-node-lease -,x,n2 - create
        own coordination.k8s.io/leases,coordination.k8s.io/leases/status,coordination.k8s.io/leases/x kube-node-lease n1 - get,create,update,patch,delete
        * node.k8s.io/runtimeclasses,storage.k8s.io/csidrivers - -,x - get,list,watch
        own resource.k8s.io/resourceclaims ns r1 - get
        own resource.k8s.io/resourceslices - -,x,sl2 - create
        own resource.k8s.io/resourceslices - -,x,sl1,sl2 =n1 list,watch,deletecollection
        own resource.k8s.io/resourceslices - sl1 - get,create,update,patch,delete
        own storage.k8s.io/csinodes - -,x,n2 - create
        own storage.k8s.io/csinodes - n1 - get,create,update,patch,delete
        own storage.k8s.io/volumeattachments - va1 - get
        other core/configmaps ns c2 - get,list,watch
        other core/configmaps ns c2 * list,watch
        other core/nodes - -,x,n1 - create,update,patch
        other core/nodes - n2 - get,list,watch,create,update,patch
        other core/nodes - n2 * list,watch
        other core/persistentvolumeclaims ns v2 - get
        other core/persistentvolumeclaims/status ns v2 - update,patch
        other core/persistentvolumes - pv2 - get
        other core/pods * -,x,p1,m1 - create,delete
        other core/pods * -,x,p1,p2,m1 =n2 list,watch
        other core/pods -,vault,kube-node-lease p2 - create,delete
        other core/pods ns p2 - get,list,watch,create,delete
        other core/pods ns p2 !=n1,=n1 list,watch
        other core/secrets ns s2 - get,list,watch
        other core/secrets ns s2 * list,watch
        other core/secrets vault ps2 - get,list,watch
        other core/secrets vault ps2 * list,watch
        other core/serviceaccounts ns a2 - get
        other core/serviceaccounts/token ns a2 - create
        other coordination.k8s.io/leases,coordination.k8s.io/leases/status,coordination.k8s.io/leases/x kube-node-lease -,x,n1 - create
        other coordination.k8s.io/leases,coordination.k8s.io/leases/status,coordination.k8s.io/leases/x kube-node-lease n2 - get,create,update,patch,delete
        other resource.k8s.io/resourceclaims ns r2 - get
        other resource.k8s.io/resourceslices - -,x,sl1 - create
        other resource.k8s.io/resourceslices - -,x,sl1,sl2 =n2 list,watch,deletecollection
        other resource.k8s.io/resourceslices - sl2 - get,create,update,patch,delete
        other storage.k8s.io/csinodes - -,x,n1 - create
        other storage.k8s.io/csinodes - n2 - get,create,update,patch,delete
        other storage.k8s.io/volumeattachments - va2 - get
        """

    static let users: [(name: String, user: RequestUser)] = [
        ("own", RequestUser(name: "system:node:n1", groups: ["system:nodes", "system:authenticated"])),
        ("other", RequestUser(name: "system:node:n2", groups: ["system:nodes", "system:authenticated"])),
        ("group-only", RequestUser(name: "n1", groups: ["system:nodes", "system:authenticated"])),
        ("name-only", RequestUser(name: "system:node:n1", groups: ["system:authenticated"])),
        ("nameless", RequestUser(name: "system:node:", groups: ["system:nodes", "system:authenticated"])),
    ]
    static let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
    static let namespaces = ["", "ns", "vault", "kube-node-lease"]
    static let selectors = ["", "=n1", "=n2", "!=n1"]
    /// Names besides none and `x`.
    static let names: [String: [String]] = [
        "core/secrets": ["s1", "s2", "ms1", "ps1", "ps2", "cs1"], "core/configmaps": ["c1", "c2"],
        "core/serviceaccounts": ["a1", "a2", "ma1"], "core/persistentvolumeclaims": ["v1", "v2"],
        "core/persistentvolumes": ["pv1", "pv2"], "core/pods": ["p1", "p2", "m1"], "core/nodes": ["n1", "n2"],
        "coordination.k8s.io/leases": ["n1", "n2"], "storage.k8s.io/csinodes": ["n1", "n2"],
        "storage.k8s.io/volumeattachments": ["va1", "va2"], "resource.k8s.io/resourceslices": ["sl1", "sl2"],
        "resource.k8s.io/resourceclaims": ["r1", "r2"],
    ]

    /// One of the combinations.
    struct Question: Hashable {
        var user, resource, namespace, name, selector, verb: String
    }

    static func expanded() -> Set<Question> {
        var questions: Set<Question> = []
        for line in allowed.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            func list(_ word: Int, _ all: [String]) -> [String] {
                words[word] == "*"
                    ? all : words[word].split(separator: ",").map { $0 == "-" ? "" : String($0) }
            }
            for user in list(0, ["own", "other"]) {
                for resource in list(1, []) {
                    for namespace in list(2, namespaces) {
                        for name in list(3, []) {
                            for selector in list(4, selectors.filter { !$0.isEmpty }) {
                                for verb in list(5, []) {
                                    questions.insert(
                                        Question(
                                            user: user, resource: resource, namespace: namespace, name: name,
                                            selector: selector, verb: verb))
                                }
                            }
                        }
                    }
                }
            }
        }
        return questions
    }
}

@Suite(.timeLimit(.minutes(2))) struct `A node's rights` {
    /// The objects that the table was made with.
    static func populate(_ server: TestServer) async throws {
        let namespace: JSONValue = ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "ns"]]
        try await expect(server, "/api/v1/namespaces", namespace)
        for n in ["1", "2"] {
            let volumes: JSONValue = [
                ["name": "s", "secret": ["secretName": .string("s\(n)")]],
                ["name": "c", "configMap": ["name": .string("c\(n)")]],
                ["name": "v", "persistentVolumeClaim": ["claimName": .string("v\(n)")]],
            ]
            let account: JSONValue = [
                "kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": .string("a\(n)")],
            ]
            try await expect(server, "/api/v1/namespaces/ns/serviceaccounts", account)
            try await expect(
                server, "/api/v1/namespaces/ns/pods",
                pod(
                    "p\(n)",
                    [
                        "nodeName": .string("n\(n)"), "serviceAccountName": .string("a\(n)"), "volumes": volumes,
                        "automountServiceAccountToken": false,
                        "resourceClaims": [["name": "r", "resourceClaimName": .string("r\(n)")]],
                    ]))
            func reference(_ name: String) -> JSONValue { ["namespace": "vault", "name": .string(name + n)] }
            try await expect(
                server, "/api/v1/persistentvolumes",
                [
                    "kind": "PersistentVolume", "apiVersion": "v1", "metadata": ["name": .string("pv\(n)")],
                    "spec": [
                        "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                        "claimRef": ["namespace": "ns", "name": .string("v\(n)")],
                        "csi": [
                            "driver": "d", "volumeHandle": .string(n), "nodePublishSecretRef": reference("ps"),
                            "controllerPublishSecretRef": reference("cs"),
                        ],
                    ],
                ])
            try await expect(
                server, "/apis/storage.k8s.io/v1/volumeattachments",
                [
                    "kind": "VolumeAttachment", "apiVersion": "storage.k8s.io/v1",
                    "metadata": ["name": .string("va\(n)")],
                    "spec": [
                        "attacher": "d", "nodeName": .string("n\(n)"),
                        "source": ["persistentVolumeName": .string("pv\(n)")],
                    ],
                ])
            try await expect(
                server, "/apis/resource.k8s.io/v1/resourceslices",
                [
                    "kind": "ResourceSlice", "apiVersion": "resource.k8s.io/v1",
                    "metadata": ["name": .string("sl\(n)")],
                    "spec": [
                        "driver": "d.example.com", "nodeName": .string("n\(n)"),
                        "pool": ["name": "p", "generation": 1, "resourceSliceCount": 1],
                    ],
                ])
        }
        try await mirror(server)
    }

    /// A mirror pod that refers to a secret and an account all the same, as an older server may have stored one.
    private static func mirror(_ server: TestServer) async throws {
        let core = server.server.core
        var stored = APIObject(
            pod(
                "m1",
                [
                    "nodeName": "n1", "serviceAccountName": "ma1",
                    "volumes": [["name": "s", "secret": ["secretName": "ms1"]]],
                ]
            ).object ?? [:])
        stored.namespace = "ns"
        stored.annotations = ["kubernetes.io/config.mirror": "x"]
        _ = try await core.storage.create(try core.builtin("", "pods"), stored, in: nil, by: .server)
    }

    private static func expect(_ server: TestServer, _ path: String, _ object: JSONValue) async throws {
        let answer = try await server.send("POST", path, object)
        try #require(answer.status == 201, "\(path): \(answer.json["message"]?.string ?? "")")
    }

    /// The resources that are served with their subresources, some that are not, and subresources that nothing has.
    private static func resources(
        _ core: ServerCore
    ) -> [(group: String, plural: String, sub: String, namespaced: Bool)] {
        var result: [(group: String, plural: String, sub: String, namespaced: Bool)] = []
        var seen: Set<String> = []
        func add(_ group: String, _ plural: String, _ subs: Set<String>, _ namespaced: Bool) {
            guard seen.insert("\(group)/\(plural)").inserted else { return }
            for sub in subs.union(["", "status", "x"]).sorted() { result.append((group, plural, sub, namespaced)) }
        }
        for resource in core.registry.resources {
            add(resource.group, resource.plural, Set(resource.subresources.map(\.name)), resource.namespaced)
        }
        add("certificates.k8s.io", "podcertificaterequests", [], true)
        add("certificates.k8s.io", "clustertrustbundles", [], false)
        add("example.com", "widgets", [], true)
        return result
    }

    /// Other tests get their turn in between.
    private static func forEachQuestion(
        _ core: ServerCore, users: Set<String>? = nil, selectors: [String] = Upstream.selectors,
        _ body: (Upstream.Question, AccessRequest) throws -> Void
    ) async throws {
        let selections = try selectors.map { selector in
            var selection = ListSelection.everything
            if !selector.isEmpty { selection.fields = try FieldSelector(parsing: "spec.nodeName\(selector)") }
            return (selector, selection)
        }
        for (id, user) in Upstream.users where users?.contains(id) != false {
            for (group, plural, sub, namespaced) in resources(core) {
                await Task.yield()
                let key = "\(group.isEmpty ? "core" : group)/\(plural)"
                for namespace in namespaced ? Upstream.namespaces : [""] {
                    for name in ["", "x"] + (Upstream.names[key] ?? []) {
                        for verb in Upstream.verbs {
                            let selects = sub.isEmpty && ["list", "watch", "deletecollection"].contains(verb)
                            for (selector, selection) in selects ? selections : [selections[0]] {
                                try body(
                                    Upstream.Question(
                                        user: id, resource: sub.isEmpty ? key : "\(key)/\(sub)", namespace: namespace,
                                        name: name, selector: selector, verb: verb),
                                    AccessRequest(
                                        user: user, verb: verb, group: group, resource: plural, subresource: sub,
                                        namespace: namespace, name: name, selection: selection))
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `are upstream's, for every verb, resource, subresource and kind of node`() async throws {
        let server = try await TestServer()
        try await Self.populate(server)
        let core = server.server.core
        let allowed = Upstream.expanded()
        var (asked, granted) = (0, 0)
        try await Self.forEachQuestion(core) { question, request in
            asked += 1
            var isAllowed = false
            if let node = request.user.nodeName {
                isAllowed = NodeAuthorizer(core: core).decide(request, node: node) == .allowed
            }
            if isAllowed { granted += 1 }
            if isAllowed != allowed.contains(question) {
                Issue.record("\(question) is \(isAllowed ? "allowed" : "denied")")
            }
        }
        #expect(granted == allowed.count && asked > 80_000)
    }

    @Test func `are no more by roles than reviews of oneself and, for its proxy, a token`() async throws {
        let server = try await TestServer()
        try await Self.populate(server)
        let core = server.server.core
        let allowed = Upstream.expanded()
        var more: Set<String> = []
        // Roles know no selectors, and no other nodes.
        let users: Set<String> = ["own", "group-only", "name-only"]
        try await Self.forEachQuestion(core, users: users, selectors: [""]) { question, request in
            guard !allowed.contains(question), try Authorizer(core: core).decide(request).allowed else { return }
            more.insert("\(question.user): \(question.verb) \(question.resource)")
        }
        let reviews = [
            "authentication.k8s.io/selfsubjectreviews", "authorization.k8s.io/selfsubjectaccessreviews",
            "authorization.k8s.io/selfsubjectrulesreviews",
        ]
        let wanted = users.flatMap { user in reviews.map { "\(user): create \($0)" } }
        #expect(more == Set(wanted))
        let node = Upstream.users[0].user
        func may(_ verb: String, _ resource: String, _ sub: String, _ namespace: String, _ name: String) throws -> Bool
        {
            try Authorizer(core: core).decide(
                AccessRequest(
                    user: node, verb: verb, resource: resource, subresource: sub, namespace: namespace, name: name)
            ).allowed
        }
        #expect(try may("create", "serviceaccounts", "token", "kube-system", "kube-proxy"))
        #expect(try !may("create", "serviceaccounts", "token", "kube-system", "default"))
        #expect(try !may("create", "serviceaccounts", "token", "ns", "kube-proxy"))
        #expect(try !may("get", "serviceaccounts", "", "kube-system", "kube-proxy"))
        #expect(try may("get", "configmaps", "", "kube-system", "swiftlet-cluster"))
        #expect(try !may("list", "configmaps", "", "kube-system", ""))
    }

    @Test func `are asked of real requests by their selectors`() async throws {
        let server = try await TestServer()
        try await Self.populate(server)
        let node = Upstream.users[0].user
        func status(_ target: String) async throws -> Int {
            try await server.send("GET", target, as: node).status
        }
        #expect(try await status("/api/v1/pods") == 403)
        #expect(try await status("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1") == 200)
        #expect(try await status("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2") == 403)
        #expect(try await status("/api/v1/pods?fieldSelector=spec.nodeName!%3Dn2") == 403)
        #expect(
            try await status("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2&fieldSelector=spec.nodeName%3Dn1") == 403)
        #expect(try await status("/api/v1/namespaces/ns/pods/p1") == 200)
        #expect(try await status("/api/v1/namespaces/ns/pods/p2") == 403)
        #expect(try await status("/api/v1/namespaces/ns/pods/p1/log") == 403)
        #expect(try await status("/api/v1/nodes") == 403)
        #expect(try await status("/api/v1/nodes?fieldSelector=metadata.name%3Dn2") == 403)
        #expect(try await status("/api/v1/nodes?fieldSelector=metadata.name%3Dn1") == 200)
        #expect(try await status("/api/v1/namespaces/kube-system/serviceaccounts/kube-proxy") == 403)
        #expect(try await status("/api/v1/namespaces/ns/serviceaccounts/a1") == 200)
        #expect(try await status("/api/v1/services") == 200)
        #expect(try await status("/apis/discovery.k8s.io/v1/endpointslices") == 403)
        #expect(try await status("/api/v1/watch/pods?fieldSelector=spec.nodeName%3Dn1") == 403)
    }
}
