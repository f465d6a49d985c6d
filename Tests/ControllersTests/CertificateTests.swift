// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeClient
import Kubelet
import Linux
import Schema
import Synchronization
import TLS
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct CertificateTests {
    private static let requests = ResourceID(
        group: "certificates.k8s.io", version: "v1", plural: "certificatesigningrequests",
        kind: "CertificateSigningRequest", namespaced: false)

    private func request(
        _ name: String, signer: String, commonName: String, organizations: [String] = ["system:nodes"],
        addresses: [String] = [], emails: [String] = [], usage: String = "client auth"
    ) throws -> JSONObject {
        let pem = try CertificateRequest(
            key: PrivateKey(generate: .ecdsaP256), commonName: commonName, organizations: organizations,
            names: AlternativeNames(addresses: addresses, emails: emails)
        ).pem()
        return [
            "metadata": ["name": .string(name)],
            "spec": [
                "request": .string(Base64.encode(pem)), "signerName": .string("kubernetes.io/\(signer)"),
                "usages": ["digital signature", .string(usage)], "expirationSeconds": 3600,
            ],
        ]
    }

    private func conditions(_ cluster: RealCluster, _ name: String) async throws -> [String] {
        try await cluster.admin.get(Self.requests, name: name).array("status", "conditions")
            .compactMap { $0["type"]?.string }
    }

    private func approve(_ cluster: RealCluster, _ name: String) async throws {
        _ = try await cluster.admin.patch(
            Self.requests, name: name,
            body: [
                "status": [
                    "conditions": [["type": "Approved", "status": "True", "reason": "ByAdmin", "message": "fine"]]
                ]
            ], kind: .merge, subresource: "approval")
    }

    @Test func `a node renews its own client certificate without anybody`() async throws {
        try await RealCluster.run { cluster in
            let node = cluster.client(as: "system:node:n1", ["system:nodes"])
            let made = try await node.create(
                Self.requests, request("own", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1"))
            #expect(made.string("spec", "username") == "system:node:n1")
            try await cluster.eventually("it is signed") {
                try await !cluster.admin.get(Self.requests, name: "own").string("status", "certificate").isEmpty
            }
            let done = try await cluster.admin.get(Self.requests, name: "own")
            let pem = try #require(Base64.decode(done.string("status", "certificate")))
            let certificate = try Certificate(pem: pem)
            #expect(certificate.commonName == "system:node:n1" && certificate.organizations == ["system:nodes"])
            #expect(certificate.notAfter - Int64(time(nil)) <= 3600)
            #expect(done.array("status", "conditions").first?["reason"]?.string == "AutoApproved")
        }
    }

    @Test func `a kubelet gets its certificate by a bootstrap token's right, and another before that ends`()
        async throws
    {
        try await RealCluster.run(signingDuration: .seconds(6)) { cluster in
            var template = Array("/tmp/swiftlet-pki-XXXXXX".utf8CString)
            let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
            defer { try? Files.removeTree(directory) }
            let logger = Logger(label: "test", level: .error)
            let certificate = NodeCertificate(nodeName: "n1", purpose: .client, directory: directory, logger: logger)
            #expect(certificate.load() == nil)
            let bootstrapper = cluster.client(
                as: "system:bootstrap:abcdef",
                ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"])
            let first = try await certificate.request(from: bootstrapper, patience: .seconds(20))
            #expect(first.leaf.commonName == "system:node:n1" && first.leaf.organizations == ["system:nodes"])
            #expect(certificate.load()?.leaf.fingerprint == first.leaf.fingerprint)
            // From here on as the node itself.
            let node = cluster.client(as: "system:node:n1", ["system:nodes"])
            let seen = Mutex<[Int64]>([])
            let keeping = Task {
                try await certificate.keep(first, client: node) { next in
                    seen.withLock { $0.append(next.leaf.notAfter) }
                }
            }
            try await cluster.eventually("it was renewed twice", patience: 20) { seen.withLock { $0.count } >= 2 }
            keeping.cancel()
            let ends = seen.withLock { $0 }
            #expect(ends[0] > first.leaf.notAfter && ends[1] > ends[0])
            #expect(certificate.load()?.leaf.notAfter == ends.last)
            // Another node's certificate is of no use to this one.
            let other = NodeCertificate(nodeName: "n2", purpose: .client, directory: directory, logger: logger)
            #expect(other.load() == nil)
        }
    }

    @Test func `another node's name is refused, and a serving certificate for strange addresses waits`() async throws {
        try await RealCluster.run { cluster in
            let node = cluster.client(as: "system:node:n1", ["system:nodes"])
            await #expect(throws: StatusError.self) {
                _ = try await node.create(
                    Self.requests,
                    request("other", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n2"))
            }
            _ = try await node.create(
                Self.requests,
                request(
                    "serving", signer: "kubelet-serving", commonName: "system:node:n1", addresses: ["192.0.2.7"],
                    usage: "server auth"))
            // What is approved at once shows that the controller has come past the one above.
            _ = try await node.create(
                Self.requests, request("own", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1"))
            try await cluster.eventually("the second is approved") {
                try await conditions(cluster, "own") == ["Approved"]
            }
            #expect(try await conditions(cluster, "serving").isEmpty)
            try await approve(cluster, "serving")
            try await cluster.eventually("the serving certificate is signed") {
                try await !cluster.admin.get(Self.requests, name: "serving").string("status", "certificate").isEmpty
            }
        }
    }

    @Test func `a node's serving certificate names what is proven, and more waits until it is`() async throws {
        try await RealCluster.run(serverNames: ["192.0.2.1"]) { cluster in
            let nodes = Cluster.kind("", "nodes", "Node", namespaced: false)
            let (proven, other) = ("192.0.2.7", "192.0.2.50")
            let addresses = [proven, other].map { ["type": "InternalIP", "address": .string($0)] as JSONValue }
            _ = try await cluster.admin.create(
                nodes, ["metadata": ["name": "n1"], "status": ["addresses": .array(addresses)]])
            func prove(_ text: String) async throws {
                _ = try await cluster.admin.patch(
                    nodes, name: "n1",
                    body: ["metadata": ["annotations": ["swiftlet.internal/proven-addresses": .string(text)]]],
                    kind: .merge)
            }
            try await prove(proven)
            var template = Array("/tmp/swiftlet-pki-XXXXXX".utf8CString)
            let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
            defer { try? Files.removeTree(directory) }
            let node = cluster.client(as: "system:node:n1", ["system:nodes"])
            let certificate = NodeCertificate(
                nodeName: "n1", purpose: .serving(dnsNames: ["n1"], addresses: [proven, other], onlyProven: true),
                directory: directory, logger: Logger(label: "test", level: .error))
            let first = try await certificate.request(from: node, patience: .seconds(20))
            #expect(first.leaf.alternativeNames.addresses == [proven] && first.leaf.alternativeNames.dnsNames == ["n1"])
            #expect(certificate.load() != nil)
            // It asks for more at once, or whoever is in its place does.
            _ = try await node.create(
                Self.requests,
                request(
                    "more", signer: "kubelet-serving", commonName: "system:node:n1", addresses: [proven, other],
                    usage: "server auth"))
            let events = Cluster.kind("", "events", "Event")
            try await cluster.eventually("it is told why not") {
                try await cluster.admin.list(events).items.contains {
                    $0.string("reason") == "ApprovalNeeded" && $0.string("involvedObject", "name") == "more"
                        && $0.string("message").contains("\(other) is the node's by its own word only")
                        && $0.string("message").hasSuffix("kubectl certificate approve more")
                }
            }
            #expect(try await conditions(cluster, "more").isEmpty)
            try await prove("\(proven),\(other)")
            try await cluster.eventually("it is approved") {
                try await conditions(cluster, "more") == ["Approved"]
            }
            // A kubelet that starts with the one of before gets another.
            let seen = Mutex<[String]>([])
            let keeping = Task {
                try await certificate.keep(first, client: node) { next in
                    seen.withLock { $0 = next.leaf.alternativeNames.addresses }
                }
            }
            try await cluster.eventually("it has both", patience: 20) { seen.withLock { $0 } == [proven, other] }
            keeping.cancel()
        }
    }

    @Test func `the certificate of a node that exists is for that node alone`() async throws {
        try await RealCluster.run { cluster in
            let nodes = Cluster.kind("", "nodes", "Node", namespaced: false)
            _ = try await cluster.admin.create(nodes, ["metadata": ["name": "n1"]])
            let bootstrapper = cluster.client(
                as: "system:bootstrap:abcdef",
                ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"])
            func ask(_ name: String, _ node: String, as client: KubeClient) async throws {
                _ = try await client.create(
                    Self.requests,
                    request(name, signer: "kube-apiserver-client-kubelet", commonName: "system:node:\(node)"))
            }
            func becomes(_ name: String, _ verdict: [String]) async throws {
                try await cluster.eventually("\(name) is \(verdict)") {
                    try await conditions(cluster, name) == verdict
                }
            }
            try await ask("stolen", "n1", as: bootstrapper)
            try await becomes("stolen", ["Denied"])
            let denied = try await cluster.admin.get(Self.requests, name: "stolen")
            let said = denied.array("status", "conditions").first
            #expect(said?["reason"]?.string == "NodeExists")
            #expect(said?["message"]?.string?.hasSuffix("delete it first: kubectl delete node n1") == true)
            // What an administrator asks for he decides about.
            try await ask("admins", "n1", as: cluster.admin)
            try await ask("own", "n1", as: cluster.client(as: "system:node:n1", ["system:nodes"]))
            try await ask("new", "n2", as: bootstrapper)
            try await becomes("own", ["Approved"])
            try await becomes("new", ["Approved"])
            #expect(try await conditions(cluster, "admins").isEmpty)
            // Who is told so waits, with words for it.
            var template = Array("/tmp/swiftlet-pki-XXXXXX".utf8CString)
            let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
            defer { try? Files.removeTree(directory) }
            let certificate = NodeCertificate(
                nodeName: "n1", purpose: .client, directory: directory, logger: Logger(label: "test", level: .error))
            await #expect {
                _ = try await certificate.request(from: bootstrapper, patience: .seconds(20))
            } throws: {
                "\($0)".contains("is Denied: the node \"n1\" exists")
            }
            try await cluster.admin.delete(nodes, name: "n1")
            _ = try await certificate.request(from: bootstrapper, patience: .seconds(20))
        }
    }

    /// As one who had the name before would keep it: he asks while it is free, and is answered when it is another's.
    @Test func `what was asked for before the Node was made is not for who makes it`() async throws {
        try await RealCluster.run { cluster in
            let nodes = Cluster.kind("", "nodes", "Node", namespaced: false)
            let node = cluster.client(as: "system:node:n1", ["system:nodes"])
            func ask(_ name: String, as client: KubeClient, _ verdict: [String]) async throws -> JSONObject? {
                _ = try await client.create(
                    Self.requests, request(name, signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1"))
                try await cluster.eventually("\(name) is \(verdict)") {
                    try await conditions(cluster, name) == verdict
                }
                return try await cluster.admin.get(Self.requests, name: name)
                    .array("status", "conditions").last?.object
            }
            _ = try await ask("free", as: node, ["Approved"])
            _ = try await node.create(nodes, ["metadata": ["name": "n1"]])
            let early = try await ask("early", as: node, ["Denied"])
            #expect(early?["reason"]?.string == "NodeIsNew")
            // Nor is it signed, when the Node was made after it was approved.
            _ = try await cluster.admin.create(
                Self.requests,
                request("approved", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1"))
            _ = try await cluster.admin.patch(
                Self.requests, name: "approved",
                body: [
                    "status": [
                        "conditions": [
                            ["type": "Approved", "status": "True", "reason": "AutoApproved", "message": "free"]
                        ]
                    ]
                ], kind: .merge, subresource: "approval")
            try await cluster.eventually("it failed") {
                try await conditions(cluster, "approved") == ["Approved", "Failed"]
            }
            let failed = try await cluster.admin.get(Self.requests, name: "approved")
            #expect(failed.string("status", "certificate").isEmpty)
            // What a person approves is.
            _ = try await cluster.admin.create(
                Self.requests,
                request("byhand", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1"))
            try await approve(cluster, "byhand")
            try await cluster.eventually("it is signed") {
                try await !cluster.admin.get(Self.requests, name: "byhand").string("status", "certificate").isEmpty
            }
        }
    }

    @Test func `a name that two machines get is told of`() async throws {
        try await RealCluster.run { cluster in
            let bootstrapper = cluster.client(
                as: "system:bootstrap:abcdef",
                ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"])
            func ask(_ name: String, _ body: JSONObject) async throws {
                var body = body
                body.set("metadata", "name", to: .string(name))
                _ = try await bootstrapper.create(Self.requests, body)
                try await cluster.eventually("\(name) is signed") {
                    try await !cluster.admin.get(Self.requests, name: name).string("status", "certificate").isEmpty
                }
            }
            let signer = "kube-apiserver-client-kubelet"
            let first = try request("", signer: signer, commonName: "system:node:n1")
            try await ask("first", first)
            try await ask("again", first)
            try await ask("elsewhere", request("", signer: signer, commonName: "system:node:n2"))
            try await ask("second", request("", signer: signer, commonName: "system:node:n1"))
            let events = Cluster.kind("", "events", "Event")
            func told() async throws -> [JSONObject] {
                try await cluster.admin.list(events).items.filter { $0.string("reason") == "NameIssuedTwice" }
            }
            try await cluster.eventually("it is told") { try await !told().isEmpty }
            let all = try await told()
            #expect(all.map { $0.string("involvedObject", "name") } == ["second"])
            #expect(all.first?.string("message").contains("of system:bootstrap:abcdef)") == true)
        }
    }

    @Test func `what a signer does not sign is said in the request`() async throws {
        try await RealCluster.run { cluster in
            _ = try await cluster.admin.create(
                Self.requests,
                request("bad", signer: "kube-apiserver-client-kubelet", commonName: "eve", organizations: ["people"]))
            try await approve(cluster, "bad")
            try await cluster.eventually("it failed") {
                try await conditions(cluster, "bad") == ["Approved", "Failed"]
            }
            _ = try await cluster.admin.create(
                Self.requests,
                request(
                    "mail", signer: "kube-apiserver-client-kubelet", commonName: "system:node:n1",
                    emails: ["a@example.com"]))
            try await approve(cluster, "mail")
            try await cluster.eventually("it failed as well") {
                try await conditions(cluster, "mail") == ["Approved", "Failed"]
            }
            let failed = try await cluster.admin.get(Self.requests, name: "bad")
            #expect(failed.string("status", "certificate").isEmpty)
            #expect(
                failed.array("status", "conditions").last?["message"]?.string
                    == "subject organization is not system:nodes")
        }
    }

    @Test func `a person's approved request is signed`() async throws {
        try await RealCluster.run { cluster in
            _ = try await cluster.admin.create(
                Self.requests,
                request("jane", signer: "kube-apiserver-client", commonName: "jane", organizations: ["dev"]))
            try await approve(cluster, "jane")
            try await cluster.eventually("it is signed") {
                try await !cluster.admin.get(Self.requests, name: "jane").string("status", "certificate").isEmpty
            }
        }
    }

    @Test func `nobody gets the masters' group by a certificate, and rubbish is no request`() async throws {
        try await RealCluster.run { cluster in
            let masters = try request(
                "root", signer: "kube-apiserver-client", commonName: "eve", organizations: ["system:masters"])
            await #expect {
                _ = try await cluster.admin.create(Self.requests, masters)
            } throws: {
                "\($0)".contains(
                    "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed")
            }
            var rubbish = try request("rubbish", signer: "kube-apiserver-client", commonName: "eve")
            rubbish.set("spec", "request", to: "cnViYmlzaA==")
            await #expect {
                _ = try await cluster.admin.create(Self.requests, rubbish)
            } throws: {
                ($0 as? StatusError)?.code == 422
            }
        }
    }

}
