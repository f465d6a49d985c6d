// SPDX-License-Identifier: Apache-2.0

import HTTP
import Linux
import TLS
import Testing

@testable import APIServer

@Suite struct `What goes on through a proxy` {
    private func names(_ headers: HTTPHeaders) -> [String] { headers.map(\.name) }

    @Test func `holds nothing by which the server lets the caller in`() {
        let sent: HTTPHeaders = [
            "Authorization": "Bearer t", "AUTHORIZATION": "Basic x", "Proxy-Authorization": "Basic y",
            "Impersonate-User": "a", "impersonate-group": "g", "Impersonate-Extra-Scopes": "s", "Impersonate-Uid": "u",
            "X-Remote-User": "a", "X-Remote-Group": "g", "X-Remote-Uid": "u", "X-Remote-Extra-A": "b",
            "Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.dDA, v5.channel.k8s.io",
            "sec-websocket-protocol": "Base64URL.Bearer.Authorization.K8s.io.dDA,chat", "Connection": "Upgrade",
            "Upgrade": "websocket", "Sec-WebSocket-Key": "k", "Accept": "a/b", "Cookie": "session=of the target's",
        ]
        let upgraded = ForwardedHeaders.request(sent, upgrades: true, peer: nil)
        #expect(
            Set(names(upgraded)) == [
                "Accept", "Cookie", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol",
            ])
        #expect(upgraded["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io, chat")
        let plain = ForwardedHeaders.request(sent, upgrades: false, peer: nil)
        #expect(names(plain) == ["Accept", "Cookie"])
        let alone: HTTPHeaders = ["Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.dDA"]
        #expect(ForwardedHeaders.request(alone, upgrades: true, peer: nil)["Sec-WebSocket-Protocol"] == nil)
    }

    @Test func `is about no connection but its own`() {
        let sent: HTTPHeaders = [
            "Host": "api", "Connection": "close, X-Private", "X-Private": "1", "Keep-Alive": "5", "TE": "trailers",
            "Trailer": "X", "Transfer-Encoding": "chunked", "Content-Length": "3", "Upgrade": "h2c",
            "HTTP2-Settings": "AA", "Proxy-Connection": "x", "Content-Type": "a/b",
        ]
        #expect(names(ForwardedHeaders.request(sent, upgrades: false, peer: nil)) == ["Content-Type"])
        let answered: HTTPHeaders = [
            "Connection": "X-Private", "X-Private": "1", "Transfer-Encoding": "chunked", "Keep-Alive": "5",
            "Upgrade": "x", "Content-Length": "3", "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Credentials": "true", "Set-Cookie": "a=b", "Trailer": "X",
        ]
        #expect(names(ForwardedHeaders.response(answered, upgrades: false)) == ["Content-Length", "Set-Cookie"])
        #expect(names(ForwardedHeaders.response(answered, upgrades: true)) == ["Set-Cookie", "Connection", "Upgrade"])
    }

    @Test func `says where it came from`() {
        let sent: HTTPHeaders = ["X-Forwarded-For": "192.0.2.1", "x-forwarded-for": "192.0.2.2"]
        let headers = ForwardedHeaders.request(sent, upgrades: false, peer: "192.0.2.3")
        #expect(headers.all("X-Forwarded-For") == ["192.0.2.1, 192.0.2.2, 192.0.2.3"])
    }
}

@Suite struct `What may be connected to for somebody` {
    @Test func `is a global address, and loopback for a kubelet that proves itself at most`() {
        let closed: [AddressReach?] = [nil, .unspecified, .linkLocal, .multicast, .broadcast]
        for reach in closed {
            for purpose: DialableAddress.Purpose in [
                .pod(sharesHostNetwork: true), .pod(sharesHostNetwork: false), .node, .kubelet(mayBeLoopback: true),
            ] {
                #expect(!DialableAddress.allows(reach, isOwn: false, for: purpose))
            }
        }
        #expect(!DialableAddress.allows(.loopback, isOwn: true, for: .pod(sharesHostNetwork: true)))
        #expect(!DialableAddress.allows(.loopback, isOwn: true, for: .node))
        #expect(!DialableAddress.allows(.loopback, isOwn: true, for: .kubelet(mayBeLoopback: false)))
        #expect(DialableAddress.allows(.loopback, isOwn: true, for: .kubelet(mayBeLoopback: true)))
        #expect(DialableAddress.allows(.global, isOwn: false, for: .pod(sharesHostNetwork: false)))
        #expect(DialableAddress.allows(.global, isOwn: true, for: .pod(sharesHostNetwork: true)))
        #expect(!DialableAddress.allows(.global, isOwn: true, for: .pod(sharesHostNetwork: false)))
        #expect(DialableAddress.allows(.global, isOwn: true, for: .node))
    }

    @Test(arguments: [
        "127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254", "fe80::1", "fe80::1%lo", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::1",
        // No addresses for a pod, whatever a resolver makes of them.
        "127.1", "0", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "localhost", "[::1]", "", " 10.0.0.1",
    ])
    func `is none of these as a pod`(_ text: String) {
        for shares in [false, true] {
            #expect(throws: APIError.self) {
                try DialableAddress(literal: text, port: 80, for: .pod(sharesHostNetwork: shares))
            }
        }
    }

    @Test func `is checked after names have been resolved`() async throws {
        for host in ["localhost", "127.1", "2130706433", "0"] {
            await #expect(throws: APIError.self, "\(host)") {
                try await DialableAddress.resolve(host, port: 80, for: .node)
            }
        }
        let mapped = try DialableAddress(literal: "::ffff:192.0.2.1", port: 80, for: .node)
        #expect(mapped.address == .ipv4(address: [192, 0, 2, 1], port: 80))
    }

    @Test func `is named by scheme, name and port`() throws {
        let whole = try ProxyTarget("https:web:443", kind: "Service")
        #expect(whole.isTLS && whole.name == "web" && whole.port == "443")
        #expect(try ProxyTarget("web", kind: "Service").port.isEmpty)
        #expect(try ProxyTarget("web:http", kind: "Service").number() == nil)
        #expect(try ProxyTarget("web:8080", kind: "Pod").number() == 8080)
        for text in ["", ":80", "ftp:a:1", "a:b:c:d", "https::1"] {
            #expect(throws: APIError.self, "\(text)") { try ProxyTarget(text, kind: "Pod") }
        }
        for text in ["a:0", "a:65536", "a:99999999999999999999"] {
            #expect(throws: APIError.self, "\(text)") { try ProxyTarget(text, kind: "Pod").number() }
        }
        #expect(try ProxyTarget("a:+80", kind: "Pod").number() == nil)
    }
}

@Suite struct `A redirect of what is proxied` {
    private let location = ProxyLocation(
        prefix: "/api/v1/namespaces/n/pods/p:80/proxy", path: "/a/b", hosts: ["10.0.0.1:80", "api.example:6443"])

    @Test(arguments: [
        ("/x", "/x"), ("/x?a=b#c", "/x?a=b#c"), ("/", "/"), ("//10.0.0.1:80/x", "/x"), ("http://10.0.0.1:80/x", "/x"),
        ("http://10.0.0.1:80", "/"), ("HTTPS://API.example:6443/api/v1/secrets", "/api/v1/secrets"),
        ("https://someone@api.example:6443/api/v1/secrets", "/api/v1/secrets"),
        ("/api/v1/secrets", "/api/v1/secrets"), ("/api/v1/namespaces/n/pods/p:80/proxy/x", "/x"),
        ("/api/v1/namespaces/n/pods/p:80/proxy/../../../../secrets", "/api/v1/namespaces/secrets"),
        ("/../../secrets", "/secrets"), ("/a/%2e%2E/%2e/x/..", "/"), ("../../../../../../../secrets", "/secrets"),
        ("x", "/a/x"), ("./x", "/a/x"), ("..", "/"), ("?q=1", "/a/b?q=1"), ("\\api\\v1", "/api/v1"),
        ("/.\t./.\t./x", "/x"), ("https:/api/v1/secrets", "/api/v1/secrets"), ("https:secrets", "/a/secrets"),
        ("/\\10.0.0.1:80\\..\\x", "/x"),
    ])
    func `stays within it`(_ sent: String, _ path: String) {
        #expect(location.rewritten(sent) == location.prefix + path)
    }

    @Test(arguments: ["https://elsewhere.example/x", "//elsewhere.example/x", "mailto:a@b", "javascript:alert(1)"])
    func `leads elsewhere where it says so`(_ sent: String) {
        #expect(location.rewritten(sent) == sent)
    }
}

@Suite struct `A kubelet's certificate` {
    private let name = KubeletName(node: "n1", host: "192.0.2.11", clusterAuthority: "cluster")

    private func isTaken(
        _ commonName: String, _ groups: [String] = ["system:nodes"], issuer: String = "cluster",
        dnsNames: [String] = [], addresses: [String] = []
    ) -> Bool {
        name.refusal(
            of: PeerCertificate(
                commonName: commonName, organizations: groups, issuerCommonName: issuer, dnsNames: dnsNames,
                addresses: addresses, isVerified: true)) == nil
    }

    @Test func `is that of its node, and of no other`() {
        #expect(isTaken("system:node:n1"))
        #expect(!isTaken("system:node:n2"))
        #expect(!isTaken("system:node:n1", []))
        // What the name of the node or its address is in as well.
        #expect(!isTaken("system:node:n2", dnsNames: ["n1"], addresses: ["192.0.2.11"]))
        #expect(!isTaken("system:node:n2", issuer: "other", dnsNames: ["n1"], addresses: ["192.0.2.11"]))
        #expect(!isTaken("kube-apiserver", [], addresses: ["192.0.2.11"]))
        #expect(!isTaken("n1", [], dnsNames: ["n1"]))
    }

    @Test func `of another authority names it or its address`() {
        #expect(isTaken("n1", [], issuer: "other", dnsNames: ["N1"]))
        #expect(isTaken("x", [], issuer: "other", addresses: ["192.0.2.11"]))
        #expect(isTaken("x", [], issuer: "other", addresses: ["::ffff:192.0.2.11"]))
        #expect(!isTaken("n1", [], issuer: "other"))
        #expect(!isTaken("x", [], issuer: "other", dnsNames: ["n2"], addresses: ["192.0.2.12"]))
    }
}
