// SPDX-License-Identifier: Apache-2.0

import APIServer
import Controllers
import Glibc
import HTTP
import JSON
import KubeAPI
import KubeClient
import Linux
import Schema
import TLS
import Telemetry
import Testing

/// The controllers over a real API server, each as its own service account.
struct RealCluster: Sendable {
    let server: APIServer
    let admin: KubeClient

    func client(as name: String, _ groups: [String]) -> KubeClient {
        KubeClient(exchange: server.exchange(as: RequestUser(name: name, groups: groups + ["system:authenticated"])))
    }

    static func run(
        signingDuration: Duration = .seconds(365 * 86_400), serverNames: [String]? = nil,
        _ body: @escaping @Sendable (RealCluster) async throws -> Void
    ) async throws {
        var template = Array("/tmp/swiftlet-controllers-XXXXXX".utf8CString)
        let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        let logger = Logger(label: "test", level: .error)
        let server = try APIServer(
            APIServerConfiguration(dataDirectory: directory, advertiseAddress: "192.0.2.1"), logger: logger)
        try await server.start()
        let admin = KubeClient(
            exchange: server.exchange(as: RequestUser(name: "admin", groups: ["system:masters"])))
        let client = KubeClient(
            exchange: server.exchange(
                as: RequestUser(name: "system:kube-controller-manager", groups: ["system:authenticated"])))
        let informers = SharedInformerFactory(client: client, logger: logger)
        var settings = ControllerManager.Settings(identity: "test")
        settings.accounts = { account in
            KubeClient(exchange: server.exchange(asServiceAccount: account, namespace: "kube-system"))
        }
        settings.rootCertificates = "PEM"
        settings.signingDuration = signingDuration
        settings.signer = Signer(authority: server.credentials.authority, serverNames: serverNames)
        let manager = try ControllerManager(client: client, informers: informers, logger: logger, settings: settings)
        let cluster = RealCluster(server: server, admin: admin)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await manager.runControllers() }
                group.addTask { try await body(cluster) }
                defer {
                    group.cancelAll()
                    informers.stop()
                }
                // The first to end is the body.
                try await group.next()
            }
        } catch {
            Issue.record(error)
        }
        server.stop()
        try Files.removeTree(directory)
    }

    func eventually(_ what: String, patience: Int = 5, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<patience * 100 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("did not happen: \(what)")
    }
}

private struct Signer: CertificateSigner {
    let authority: CertificateAuthority
    var serverNames: [String]?

    func sign(request: [UInt8], usages: [String], lifetime: Duration, backdate: Duration) throws -> [UInt8] {
        try authority.sign(
            CertificateRequest(pem: request),
            usages: usages.contains("server auth") ? [.serverAuthentication] : [.clientAuthentication],
            lifetime: lifetime, backdate: backdate
        ).pem()
    }
}

@Suite(.timeLimit(.minutes(1))) struct IdentityTests {
    private static let bindings = ResourceID(
        group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterrolebindings", kind: "ClusterRoleBinding",
        namespaced: false)

    private func exists(
        _ cluster: RealCluster, _ resource: ResourceID, _ name: String, in namespace: String
    ) async throws
        -> Bool
    {
        do {
            _ = try await cluster.admin.get(resource, namespace: namespace, name: name)
            return true
        } catch  where error.isNotFound {
            return false
        }
    }

    @Test func `a controller may do what its own role says, and nothing without it`() async throws {
        try await RealCluster.run { cluster in
            let name = "system:controller:service-account-controller"
            var binding = try await cluster.admin.get(Self.bindings, name: name)
            try await cluster.admin.delete(Self.bindings, name: name)
            _ = try await cluster.admin.create(Cluster.namespaces, ["metadata": ["name": "new"]])
            // Another controller's work shows that this namespace has been seen.
            try await cluster.eventually("the root certificates are published") {
                try await exists(cluster, Cluster.configMaps, "kube-root-ca.crt", in: "new")
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await !exists(cluster, Cluster.serviceAccounts, "default", in: "new"))
            let account = cluster.client(
                as: "system:serviceaccount:kube-system:service-account-controller", ["system:serviceaccounts"])
            await #expect {
                _ = try await account.create(
                    Cluster.serviceAccounts, ["metadata": ["name": "default", "namespace": "new"]])
            } throws: {
                ($0 as? StatusError)?.code == 403
            }
            binding.set("metadata", "resourceVersion", to: nil)
            binding.set("metadata", "uid", to: nil)
            _ = try await cluster.admin.create(Self.bindings, binding)
            try await cluster.eventually("the default service account is made") {
                try await exists(cluster, Cluster.serviceAccounts, "default", in: "new")
            }
        }
    }

    @Test func `a deployment's pods are made and taken away by the controllers' own identities`() async throws {
        try await RealCluster.run { cluster in
            try await cluster.eventually("the namespace is ready") {
                try await exists(cluster, Cluster.serviceAccounts, "default", in: "default")
            }
            _ = try await cluster.admin.create(Cluster.deployments, Cluster.deployment(replicas: 2))
            try await cluster.eventually("its pods are there") {
                try await cluster.admin.list(Cluster.pods).items.count == 2
            }
            try await cluster.admin.delete(Cluster.deployments, namespace: "default", name: "web")
            try await cluster.eventually("nothing is left of it") {
                let sets = try await cluster.admin.list(Cluster.replicaSets).items
                let pods = try await cluster.admin.list(Cluster.pods).items
                return sets.isEmpty && pods.isEmpty
            }
        }
    }

    @Test func `the cluster shows who it is by its tokens, until they end`() async throws {
        try await RealCluster.run { cluster in
            let secrets = Cluster.kind("", "secrets", "Secret")
            func make(_ id: String, _ more: JSONObject) async throws {
                var data: JSONObject = ["token-id": .string(id), "token-secret": "0123456789abcdef"]
                for (key, value) in more { data[key] = value }
                _ = try await cluster.admin.create(
                    secrets,
                    [
                        "metadata": ["name": .string("bootstrap-token-\(id)"), "namespace": "kube-system"],
                        "type": "bootstrap.kubernetes.io/token", "stringData": .object(data),
                    ])
            }
            func information() async throws -> JSONObject {
                try await cluster.admin.get(Cluster.configMaps, namespace: "kube-public", name: "cluster-info")["data"]?
                    .object ?? [:]
            }
            try await make("aaaaaa", ["usage-bootstrap-signing": "true"])
            try await make("cccccc", ["usage-bootstrap-authentication": "true"])
            try await cluster.eventually("one has signed", patience: 60) {
                try await Set(information().keys) == ["kubeconfig", "jws-kubeconfig-aaaaaa"]
            }
            // It has not ended before anybody sees it.
            try await make(
                "bbbbbb",
                [
                    "usage-bootstrap-signing": "true",
                    "expiration": .string((Timestamp.now + .seconds(4)).description),
                ])
            try await cluster.eventually("two have signed") {
                try await Set(information().keys) == ["kubeconfig", "jws-kubeconfig-aaaaaa", "jws-kubeconfig-bbbbbb"]
            }
            let data = try await information()
            let text = Array((data["kubeconfig"]?.string ?? "").utf8)
            let signature = data["jws-kubeconfig-aaaaaa"]?.string ?? ""
            #expect(DetachedSignature.verify(signature, of: text, key: Array("0123456789abcdef".utf8)))
            #expect(String(decoding: text, as: UTF8.self).contains("server: https://192.0.2.1:6443"))
            // One ends: it is taken away, and so is what it signed.
            try await cluster.eventually("one is left", patience: 10) {
                try await Set(information().keys) == ["kubeconfig", "jws-kubeconfig-aaaaaa"]
            }
            let left = try await cluster.admin.list(secrets, namespace: "kube-system").items.map(\.objectName)
            #expect(Set(left) == ["bootstrap-token-aaaaaa", "bootstrap-token-cccccc"])
            // Anybody may read it, and nothing beside it.
            let anybody = KubeClient(
                exchange: cluster.server.exchange(
                    as: RequestUser(name: "system:anonymous", groups: ["system:unauthenticated"])))
            _ = try await anybody.get(Cluster.configMaps, namespace: "kube-public", name: "cluster-info")
            await #expect(throws: StatusError.self) {
                _ = try await anybody.list(Cluster.configMaps, namespace: "kube-public")
            }
        }
    }

    @Test func `a claim stays while a pod uses it, and goes with the pod`() async throws {
        try await RealCluster.run { cluster in
            let claims = Cluster.kind("", "persistentvolumeclaims", "PersistentVolumeClaim")
            try await cluster.eventually("the namespace has its account", patience: 60) {
                try await cluster.admin.list(Cluster.serviceAccounts, namespace: "default").items.contains {
                    $0.objectName == "default"
                }
            }
            let made = try await cluster.admin.create(
                claims,
                [
                    "metadata": ["name": "data", "namespace": "default"],
                    "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                ])
            #expect(made.array("metadata", "finalizers") == ["kubernetes.io/pvc-protection"])
            _ = try await cluster.admin.create(
                Cluster.pods,
                [
                    "metadata": ["name": "user", "namespace": "default"],
                    "spec": [
                        "nodeName": "n1", "containers": [["name": "c", "image": "app:1"]],
                        "volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "data"]]],
                    ],
                ])
            try await cluster.admin.delete(claims, namespace: "default", name: "data")
            try await Task.sleep(for: .milliseconds(300))
            let held = try await cluster.admin.get(claims, namespace: "default", name: "data")
            #expect(held.objectIsBeingDeleted)
            try await cluster.admin.delete(
                Cluster.pods, namespace: "default", name: "user", options: DeleteOptions(gracePeriodSeconds: 0))
            try await cluster.eventually("the claim goes") {
                try await cluster.admin.list(claims).items.isEmpty
            }
        }
    }
}
