// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP
import JSON
import Linux
import Synchronization
import TLS
import Telemetry
import Testing

@testable import APIServer

/// An API server on the loopback, and a kubelet there that notes what it is asked.
private final class Fixture: Sendable {
    let directory: String
    let server: APIServer
    let listener: HTTPServer
    private let kubelets = Mutex<[HTTPServer]>([])
    let asked = Mutex<[HTTPRequest]>([])

    init() async throws {
        var template = Array("/tmp/swiftlet-kubelets-XXXXXX".utf8CString)
        directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        server = try APIServer(
            APIServerConfiguration(dataDirectory: directory, advertiseAddress: "127.0.0.1"),
            logger: Logger(label: "test", level: .error))
        try await server.start()
        listener = try HTTPServer(
            addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)], tls: server.credentials.listener, handler: server)
        try listener.start()
        let account = try await send(
            "POST", "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
        #expect(account.status == 201)
    }

    func stop() async {
        for kubelet in kubelets.withLock({ $0 }) { await kubelet.stop(grace: .zero) }
        await listener.stop(grace: .zero)
        server.stop()
        // A directory of the test's own; what is left of it is in /tmp.
        try? Files.removeTree(directory)
    }

    func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, headers: HTTPHeaders = [:]
    ) async throws -> (status: Int, text: String) {
        var request = HTTPRequest(method: method, target: target, headers: headers)
        if let body {
            request.body = .bytes(body.encoded())
            request.headers["Content-Type"] = "application/json"
        }
        let admin = RequestUser(name: "admin", groups: ["system:masters"])
        let response = try await server.exchange(as: admin).send(request)
        await response.connection?.close()
        return (response.status, String(decoding: try await response.body.collect(limit: 1 << 20), as: UTF8.self))
    }

    /// A kubelet that shows `identity`, as the one of a new Node `name`.
    func kubelet(_ name: String, showing identity: TLSIdentity, location: String? = nil) async throws {
        let handler = HTTPClosureHandler { [weak self] request in
            self?.asked.withLock { $0.append(request) }
            guard let location else { return .text("hello from \(name)") }
            return HTTPResponse(status: 307, headers: ["Location": location])
        }
        let kubelet = try HTTPServer(
            addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)],
            tls: TLSServerConfiguration(
                identity: identity,
                clientAuthentication: .request(authorities: [server.credentials.authority.certificate])),
            handler: handler)
        try kubelet.start()
        kubelets.withLock { $0.append(kubelet) }
        try await node(name, address: "127.0.0.1", port: Int64(kubelet.addresses[0].port ?? 0))
    }

    func node(_ name: String, address: String, port: Int64) async throws {
        let created = try await send(
            "POST", "/api/v1/nodes", ["metadata": ["name": .string(name)]])
        #expect(created.status == 201)
        let status = try await send(
            "PUT", "/api/v1/nodes/\(name)/status",
            [
                "metadata": ["name": .string(name)],
                "status": [
                    "addresses": [["type": "InternalIP", "address": .string(address)]],
                    "daemonEndpoints": ["kubeletEndpoint": ["Port": .integer(port)]],
                ],
            ])
        #expect(status.status == 200, "\(status.text)")
    }

    /// A pod of `default`, with the address given.
    func pod(_ name: String, address: String, node: String = "", hostNetwork: Bool = false) async throws {
        var spec: JSONObject = [
            "containers": [["name": "c", "image": "i"]], "hostNetwork": .bool(hostNetwork),
        ]
        if !node.isEmpty { spec["nodeName"] = .string(node) }
        let made = try await send(
            "POST", "/api/v1/namespaces/default/pods", ["metadata": ["name": .string(name)], "spec": .object(spec)])
        #expect(made.status == 201, "\(made.text)")
        guard !address.isEmpty else { return }
        // Straight into the store: a node may say what validation would not take from others.
        let pods = try server.core.builtin("", "pods")
        _ = try await server.core.storage.update(pods, namespace: "default", name: name, by: .server) {
            (old, _) throws(APIError) in
            var new = old
            new.status["podIP"] = .string(address)
            new.status["podIPs"] = [["ip": .string(address)]]
            return new
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The API server's way to kubelets` {
    private func withServer(_ body: (Fixture) async throws -> Void) async throws {
        let fixture = try await Fixture()
        do { try await body(fixture) } catch {
            await fixture.stop()
            throw error
        }
        await fixture.stop()
    }

    @Test func `is taken with a certificate that is nobody's at the API server`() async throws {
        try await withServer { fixture in
            let credentials = fixture.server.credentials
            func status(_ identity: TLSIdentity?) async throws -> Int {
                let client = try HTTPClient(
                    base: "https://\(fixture.listener.addresses[0])",
                    tls: TLSClientConfiguration(
                        authorities: .certificates([credentials.authority.certificate]), identity: identity))
                let response = try await client.send(HTTPRequest(target: "/api/v1/namespaces"))
                _ = try await response.body.collect(limit: 1 << 20)
                return response.status
            }
            #expect(try await status(credentials.administrator) == 200)
            #expect(credentials.kubeletClient.leaf.organizations.isEmpty)
            #expect(try await status(credentials.kubeletClient) == 401)
            // Nor is one with that name and more groups, as earlier versions issued it.
            let authority = credentials.authority
            let earlier = try authority.issue(
                commonName: credentials.kubeletClient.leaf.commonName, organizations: ["system:masters"],
                usages: [.clientAuthentication])
            #expect(try await status(earlier) == 401)
            // What only proves a server is no user.
            let serving = try authority.issue(
                commonName: "kubernetes-admin", organizations: ["system:masters"], usages: [.serverAuthentication])
            #expect(try await status(serving) == 401)
        }
    }

    @Test func `ends at a kubelet that proves to be the node's`() async throws {
        try await withServer { fixture in
            let authority = fixture.server.credentials.authority
            func identity(
                _ name: String, _ authority: CertificateAuthority, _ usage: KeyUsage = .serverAuthentication
            )
                throws -> TLSIdentity
            {
                try authority.issue(
                    commonName: "system:node:\(name)", organizations: ["system:nodes"], dnsNames: [name],
                    addresses: ["127.0.0.1"], usages: [usage])
            }
            try await fixture.kubelet("good", showing: identity("good", authority))
            let other = try CertificateAuthority.create(commonName: authority.certificate.commonName)
            try await fixture.kubelet("forged", showing: identity("forged", other))
            try await fixture.kubelet("other", showing: identity("good", authority))
            try await fixture.kubelet("client", showing: identity("client", authority, .clientAuthentication))
            try await fixture.kubelet("server", showing: fixture.server.credentials.serving)
            let answer = try await fixture.send("GET", "/api/v1/nodes/good/proxy/healthz?a=b")
            #expect(answer.status == 200 && answer.text == "hello from good")
            let asked = try #require(fixture.asked.withLock { $0.first })
            #expect(asked.target == "/healthz?a=b")
            #expect(asked.context.clientCertificate?.commonName == "kube-apiserver-kubelet-client")
            #expect(asked.context.clientCertificate?.organizations == [])
            for name in ["forged", "other", "client", "server"] {
                for path in ["", "/metrics", ":10250/x"] {
                    let path = path.hasPrefix(":") ? "\(name)\(path)" : "\(name)/proxy\(path)"
                    let answer = try await fixture.send("POST", "/api/v1/nodes/\(path)")
                    #expect(answer.status >= 400, "\(path)")
                }
                try await fixture.pod("on-\(name)", address: "", node: name)
                let log = try await fixture.send("GET", "/api/v1/namespaces/default/pods/on-\(name)/log")
                #expect(log.status == 503 && log.text.contains("cannot be believed"), "\(log.text)")
            }
            #expect(fixture.asked.withLock { $0.count } == 1)
        }
    }

    @Test func `takes along no credentials, and no words but the server's own`() async throws {
        try await withServer { fixture in
            let authority = fixture.server.credentials.authority
            try await fixture.kubelet(
                "n",
                showing: authority.issue(
                    commonName: "system:node:n", organizations: ["system:nodes"], usages: [.serverAuthentication]))
            try await fixture.pod("p", address: "", node: "n")
            let headers: HTTPHeaders = [
                "Authorization": "Bearer secret", "Impersonate-User": "admin", "Impersonate-Group": "system:masters",
                "X-Remote-User": "root", "Cookie": "a=b", "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            ]
            let pod = "/api/v1/namespaces/default/pods/p"
            _ = try await fixture.send(
                "POST", pod + "/exec?command=a&command=b%26c=d&stdin=true&tty=0&container=c&input=1&cmd=x&stdout=1",
                headers: headers)
            _ = try await fixture.send("GET", pod + "/log?container=c&follow=true&follow=false&command=x&tailLines=5")
            _ = try await fixture.send("POST", pod + "/portforward?ports=80&ports=81&x=y", headers: headers)
            let asked = fixture.asked.withLock { $0 }
            try #require(asked.count == 3)
            #expect(
                asked.map(\.target) == [
                    "/exec/default/p/c?input=1&output=1&command=a&command=b%26c%3Dd",
                    "/containerLogs/default/p/c?follow=true&tailLines=5", "/portForward/default/p?port=80&port=81",
                ])
            for request in asked {
                for name in ["Authorization", "Impersonate-User", "Impersonate-Group", "X-Remote-User"] {
                    #expect(!request.headers.contains(name), "\(name)")
                }
                #expect(!request.headers.contains { $0.value.contains("c2VjcmV0") })
            }
            #expect(asked[0].headers["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io")
        }
    }

    @Test func `is not left for where a kubelet points to`() async throws {
        try await withServer { fixture in
            try await fixture.kubelet(
                "n",
                showing: fixture.server.credentials.authority.issue(
                    commonName: "system:node:n", organizations: ["system:nodes"], usages: [.serverAuthentication]),
                location: "https://127.0.0.1:\(fixture.listener.addresses[0].port ?? 0)/api/v1/secrets")
            try await fixture.pod("p", address: "", node: "n")
            let log = try await fixture.send("GET", "/api/v1/namespaces/default/pods/p/log")
            #expect(log.status == 500 && log.text.contains("redirect"))
            #expect(fixture.asked.withLock { $0.count } == 1)
        }
    }

    @Test func `needs the right to create where the connection itself is asked for`() async throws {
        try await withServer { fixture in
            try await fixture.kubelet(
                "n",
                showing: fixture.server.credentials.authority.issue(
                    commonName: "system:node:n", organizations: ["system:nodes"], usages: [.serverAuthentication]))
            for (kind, body) in [
                ("clusterroles", ["rules": [["verbs": ["get"], "apiGroups": [""], "resources": ["nodes/proxy"]]]]),
                (
                    "clusterrolebindings",
                    [
                        "subjects": [["kind": "User", "name": "viewer", "apiGroup": "rbac.authorization.k8s.io"]],
                        "roleRef": ["kind": "ClusterRole", "name": "v", "apiGroup": "rbac.authorization.k8s.io"],
                    ]
                ),
            ] as [(String, JSONObject)] {
                var object = body
                object["metadata"] = ["name": "v"]
                let made = try await fixture.send("POST", "/apis/rbac.authorization.k8s.io/v1/\(kind)", .object(object))
                #expect(made.status == 201, "\(made.text)")
            }
            func status(_ headers: HTTPHeaders) async throws -> Int {
                let viewer = RequestUser(name: "viewer", groups: [])
                return try await fixture.server.exchange(as: viewer).send(
                    HTTPRequest(target: "/api/v1/nodes/n/proxy/exec/default/p/c?command=id", headers: headers)
                ).status
            }
            #expect(try await status([:]) == 200)
            #expect(try await status(["Connection": "keep-alive, upgrade", "Upgrade": "websocket"]) == 403)
            #expect(fixture.asked.withLock { $0.count } == 1)
        }
    }

    @Test func `does not lead to the machine's own loopback, whatever objects say`() async throws {
        try await withServer { fixture in
            let served = Mutex(0)
            let own = try HTTPServer(
                addresses: [.ipv4(address: [127, 0, 0, 1], port: 0)],
                handler: HTTPClosureHandler { _ in
                    served.withLock { $0 += 1 }
                    return .text("the machine's own")
                })
            try own.start()
            let port = own.addresses[0].port ?? 0
            let addresses = ["127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "::", "127.1", "localhost", "2130706433"]
            for (index, address) in addresses.enumerated() {
                for hostNetwork in [false, true] {
                    let name = "p\(index)-\(hostNetwork)"
                    try await fixture.pod(name, address: address, hostNetwork: hostNetwork)
                    let answer = try await fixture.send(
                        "GET", "/api/v1/namespaces/default/pods/\(name):\(port)/proxy/")
                    #expect(answer.status == 400 && answer.text.contains("address not allowed"), "\(address)")
                }
                try await fixture.node("n\(index)", address: address, port: Int64(port))
                let other = try await fixture.send("GET", "/api/v1/nodes/http:n\(index):\(port)/proxy/")
                #expect(other.status >= 400, "\(address)")
            }
            await own.stop(grace: .zero)
            #expect(served.withLock { $0 } == 0)
        }
    }

    @Test func `to a Service ends at pods that have the address`() async throws {
        try await withServer { fixture in
            let made = try await fixture.send(
                "POST", "/api/v1/namespaces/default/services",
                ["metadata": ["name": "s"], "spec": ["ports": [["port": 80]]]])
            #expect(made.status == 201)
            try await fixture.pod("p", address: "192.0.2.9")
            func slice(_ name: String, _ type: String, _ endpoint: JSONValue) async throws -> Int {
                try await fixture.send(
                    "POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                    [
                        "metadata": ["name": .string(name), "labels": ["kubernetes.io/service-name": "s"]],
                        "addressType": .string(type), "ports": [["name": "", "port": 6443]], "endpoints": [endpoint],
                    ]
                ).status
            }
            #expect(try await slice("name", "FQDN", ["addresses": ["localhost.example"]]) == 201)
            #expect(try await slice("no-pod", "IPv4", ["addresses": ["192.0.2.9"]]) == 201)
            let elsewhere: JSONValue = ["kind": "Pod", "name": "p", "namespace": "kube-system"]
            #expect(
                try await slice("elsewhere", "IPv4", ["addresses": ["192.0.2.9"], "targetRef": elsewhere]) == 201)
            let pod: JSONValue = ["kind": "Pod", "name": "p", "namespace": "default"]
            #expect(try await slice("not-its", "IPv4", ["addresses": ["192.0.2.10"], "targetRef": pod]) == 201)
            let answer = try await fixture.send("GET", "/api/v1/namespaces/default/services/s/proxy/")
            #expect(answer.status == 503 && answer.text.contains("no endpoints available"))
        }
    }
}
