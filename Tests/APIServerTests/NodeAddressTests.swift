// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Linux
import Testing

@testable import APIServer

private let node = RequestUser(name: "system:node:n1", groups: ["system:nodes"])
private let merge = "application/merge-patch+json"

@Suite(.timeLimit(.minutes(1))) struct `A node's addresses` {
    /// Has n1 say, from `peer` (nil: from this process), that it has `addresses`.
    private static func claim(
        _ addresses: [String], from peer: String?, _ server: TestServer, annotations: JSONObject = [:]
    ) async throws -> (Int, JSONValue) {
        var list = addresses.map { address -> JSONValue in ["type": "ExternalIP", "address": .string(address)] }
        list.append(["type": "Hostname", "address": "n1"])
        var body: JSONValue = ["status": ["addresses": .array(list)]]
        if !annotations.isEmpty { body["metadata"] = ["annotations": .object(annotations)] }
        let response = await server.server.handle(
            HTTPRequest(
                method: "PATCH", target: "/api/v1/nodes/n1/status",
                headers: ["Content-Type": "application/merge-patch+json"], body: .bytes(body.encoded()),
                context: RequestContext(peer: peer.flatMap { SocketAddress(host: $0, port: 1) }, user: node)))
        return (response.status, try JSONValue.parse(try await response.body.collect(limit: 1 << 20)))
    }

    @Test func `no addresses of pods for itself`() async throws {
        let (server, _) = try await `A node writes`.server()
        let nodes = "/api/v1/nodes"
        for spec: JSONValue in [["podCIDR": "0.0.0.0/0"], ["podCIDRs": ["10.42.7.0/24"]]] {
            let object: JSONValue = ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n3"], "spec": spec]
            let user = RequestUser(name: "system:node:n3", groups: ["system:nodes"])
            `A node writes`.expectRefusal(
                try await server.send("POST", nodes, object, as: user), "node \"n3\" is not allowed to set podCIDRs")
            for path in ["n1", "n1/status"] {
                `A node writes`.expectRefusal(
                    try await server.send("PATCH", "\(nodes)/\(path)", ["spec": spec], as: node, type: merge),
                    "node \"n1\" is not allowed to modify podCIDRs")
            }
        }
        // What the cluster gave it stays as it is, under both names, and is not in the way of anything else.
        let given: JSONValue = ["spec": ["podCIDR": "10.42.1.0/24"]]
        let answer = try await server.send("PATCH", "\(nodes)/n1", given, type: merge)
        #expect(answer.json["spec"]?["podCIDRs"] == ["10.42.1.0/24"])
        let label: JSONValue = ["metadata": ["labels": ["a": "b"]]]
        #expect(try await server.send("PATCH", "\(nodes)/n1", label, as: node, type: merge).status == 200)
        `A node writes`.expectRefusal(
            try await server.send(
                "PATCH", "\(nodes)/n1", ["spec": ["podCIDR": nil, "podCIDRs": nil]], as: node, type: merge),
            "is not allowed to modify podCIDRs")
        let changed = try await server.send(
            "PATCH", "\(nodes)/n1", ["spec": ["podCIDR": "10.42.2.0/24"]], type: merge)
        #expect(changed.status == 422 && changed.json["message"]?.string?.contains("may not change podCIDR") == true)
    }

    @Test func `no address of a pod, a Service or another node`() async throws {
        let (server, _) = try await `A node writes`.server()
        let service: JSONValue = [
            "kind": "Service", "apiVersion": "v1", "metadata": ["name": "ext"],
            "spec": ["type": "LoadBalancer", "ports": [["port": 80]], "externalIPs": ["203.0.113.9", "2001:db8::9"]],
        ]
        let services = "/api/v1/namespaces/default/services"
        #expect(try await server.send("POST", services, service).status == 201)
        let balanced: JSONValue = ["status": ["loadBalancer": ["ingress": [["ip": "203.0.113.7"]]]]]
        #expect(try await server.send("PATCH", "\(services)/ext/status", balanced, type: merge).status == 200)
        let other: JSONValue = [
            "kind": "Node", "apiVersion": "v1", "metadata": ["name": "n2"],
            "status": [
                "addresses": [["type": "InternalIP", "address": "198.51.100.2"]],
                "conditions": [["type": "Ready", "status": "True"]],
            ],
        ]
        #expect(try await server.send("POST", "/api/v1/nodes", other).status == 201)
        func claim(_ addresses: [String], from peer: String) async throws -> (Int, String) {
            let answer = try await Self.claim(addresses, from: peer, server)
            return (answer.0, answer.1["message"]?.string ?? "")
        }
        let refused = [
            "203.0.113.7": "it is that of the Service default/ext, and the request does not come from there",
            "198.51.100.2": "it is that of node n2, and the request does not come from there",
            "10.42.3.3": "it is in the range of pods 10.42.0.0/16",
            "10.43.0.10": "it is in the range of Services 10.43.0.0/16",
            "127.0.0.1": "it is not one that others reach it by",
            "::ffff:203.0.113.7": "it is that of the Service default/ext",
        ]
        for (address, reason) in refused {
            let (code, message) = try await claim(["198.51.100.1", address], from: "198.51.100.1")
            #expect(code == 403 && message.contains(reason), "\(address): \(code) \(message)")
        }
        #expect(try await claim(["198.51.100.1"], from: "198.51.100.1").0 == 200)
        // The author of a Service keeps no node from its second address.
        #expect(try await claim(["198.51.100.1", "2001:db8::9"], from: "198.51.100.1").0 == 200)
        #expect(try await claim(["203.0.113.9"], from: "198.51.100.1").0 == 200)
        // Who asks from an address has it, whatever others write down; and what a node has it keeps.
        #expect(try await claim(["203.0.113.7"], from: "::ffff:203.0.113.7").0 == 200)
        #expect(try await claim(["203.0.113.7", "198.51.100.1"], from: "198.51.100.1").0 == 200)
        #expect(try await claim(["10.42.3.3"], from: "10.42.3.3").0 == 403)
        // A Node that nobody stands behind any more keeps nothing.
        let silent: JSONValue = ["status": ["conditions": [["type": "Ready", "status": "Unknown"]]]]
        #expect(
            try await server.send(
                "PATCH", "/api/v1/nodes/n2/status", silent, type: "application/strategic-merge-patch+json"
            ).status == 200)
        #expect(try await claim(["198.51.100.2"], from: "198.51.100.1").0 == 200)
    }

    @Test func `the API server's are no node's that does not ask from there`() async throws {
        let server = try await TestServer {
            $0.advertiseAddress = "198.51.100.10"
            $0.extraNames = ["api.example.com", "198.51.100.11", "2001:db8::11"]
            $0.localNode = .init(name: "n0", addresses: ["198.51.100.12"])
        }
        try await server.send(
            "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n1"]])
        for address in ["198.51.100.10", "198.51.100.11", "2001:db8::11", "198.51.100.12", "::ffff:198.51.100.10"] {
            let (code, answer) = try await Self.claim([address], from: "198.51.100.1", server)
            let message = answer["message"]?.string ?? ""
            #expect(code == 403 && message.contains("it is that of the API server"), "\(address): \(code) \(message)")
        }
        // A kubelet of its own on the same machine.
        #expect(try await Self.claim(["198.51.100.10"], from: "127.0.0.1", server).0 == 200)
        #expect(try await Self.claim(["2001:db8::11"], from: "2001:db8::11", server).0 == 200)
    }

    @Test func `are no more than a machine tells others`() async throws {
        let (server, _) = try await `A node writes`.server()
        func claim(_ count: Int) async throws -> (Int, JSONValue) {
            try await Self.claim((0..<count).map { "198.51.100.\($0 + 1)" }, from: "198.51.100.1", server)
        }
        // With its name.
        #expect(try await claim(63).0 == 200)
        let (code, answer) = try await claim(64)
        #expect(code == 403 && answer["message"]?.string?.contains("65 addresses: 64 are the most") == true)
    }

    @Test func `are proven when it asks from them or others write them down, not by its word`() async throws {
        let (server, _) = try await `A node writes`.server()
        func proven(_ answer: (Int, JSONValue)) -> String? {
            #expect(answer.0 == 200, "\(answer.1)")
            return answer.1["metadata"]?["annotations"]?[ProvenAddresses.annotation]?.string
        }
        func claim(_ addresses: [String], from peer: String?, saying text: String? = nil) async throws -> String? {
            proven(
                try await Self.claim(
                    addresses, from: peer, server,
                    annotations: text.map { [ProvenAddresses.annotation: .string($0)] } ?? [:]))
        }
        let (first, second, other) = ("198.51.100.1", "2001:db8::1", "198.51.100.77")
        #expect(try await claim([other], from: first) == nil)
        #expect(try await claim([other], from: first, saying: other) == nil)
        #expect(try await claim([first, second, other], from: "::ffff:198.51.100.1") == first)
        // What it asked from once stays, for as long as it has it.
        #expect(try await claim([second, first], from: second) == "2001:db8::1,198.51.100.1")
        #expect(try await claim([other, first], from: other, saying: "") == "198.51.100.77,198.51.100.1")
        #expect(try await claim([other], from: first) == other)
        #expect(try await claim([first], from: "127.0.0.1") == nil)
        // A node beside the API server in one process is believed.
        #expect(try await claim([first, second], from: nil) == "198.51.100.1,2001:db8::1")

        // Who is no node and may write Nodes: what he adds, and what he says of what is there.
        func send(_ method: String, _ path: String, _ body: JSONValue) async throws -> String? {
            let answer = try await server.send(
                method, "/api/v1/nodes\(path)", body, type: method == "PATCH" ? merge : "application/json")
            #expect(answer.status < 300)
            return answer.json["metadata"]?["annotations"]?[ProvenAddresses.annotation]?.string
        }
        func list(_ addresses: String...) -> JSONValue {
            .array(addresses.map { ["type": "InternalIP", "address": .string($0)] })
        }
        #expect(try await claim([other], from: first) == nil)
        #expect(try await send("PATCH", "/n1/status", ["status": ["addresses": list(other, first)]]) == first)
        let noted: JSONValue = ["metadata": ["annotations": [ProvenAddresses.annotation: "198.51.100.77, 10.1.1.1"]]]
        #expect(try await send("PATCH", "/n1", noted) == other)
        #expect(try await claim([other, second], from: first) == other)
        let made: JSONValue = [
            "kind": "Node", "apiVersion": "v1", "metadata": ["name": "n2"],
            "status": ["addresses": list("198.51.100.2")],
        ]
        #expect(try await send("POST", "", made) == "198.51.100.2")
    }

    @Test func `say from where the Node was made, for as long as it is there`() async throws {
        let server = try await TestServer()
        func send(
            _ method: String, _ name: String, from peer: String?, _ annotation: JSONValue?
        ) async throws -> String? {
            var body: JSONValue = ["kind": "Node", "apiVersion": "v1", "metadata": ["name": .string(name)]]
            if let annotation {
                body["metadata"] = ["name": .string(name), "annotations": [NodeOrigin.annotation: annotation]]
            }
            let response = await server.server.handle(
                HTTPRequest(
                    method: method, target: "/api/v1/nodes" + (method == "POST" ? "" : "/\(name)"),
                    headers: ["Content-Type": method == "POST" ? "application/json" : merge],
                    body: .bytes(body.encoded()),
                    context: RequestContext(
                        peer: peer.flatMap { SocketAddress(host: $0, port: 1) },
                        user: RequestUser(name: "system:node:\(name)", groups: ["system:nodes"]))))
            let answer = try JSONValue.parse(try await response.body.collect(limit: 1 << 20))
            #expect(response.status < 300, "\(answer)")
            return answer["metadata"]?["annotations"]?[NodeOrigin.annotation]?.string
        }
        #expect(try await send("POST", "n1", from: "::ffff:198.51.100.1", "203.0.113.1") == "198.51.100.1")
        #expect(try await send("PATCH", "n1", from: "198.51.100.2", "203.0.113.1") == "198.51.100.1")
        #expect(try await send("PATCH", "n1", from: "198.51.100.2", .null) == "198.51.100.1")
        #expect(try await send("POST", "n2", from: "2001:db8::2", nil) == "2001:db8::2")
        // One in the API server's process is for itself.
        #expect(try await send("POST", "n3", from: nil, "203.0.113.1") == nil)
        // So is what an administrator makes, or vouches for; that a node cannot take back either.
        let none: JSONValue = ["metadata": ["annotations": [NodeOrigin.annotation: .null]]]
        #expect(try await server.send("PATCH", "/api/v1/nodes/n1", none, type: merge).status == 200)
        #expect(try await send("PATCH", "n1", from: "198.51.100.2", "203.0.113.1") == nil)
        let made: JSONValue = ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n4"]]
        let answer = try await server.send("POST", "/api/v1/nodes", made)
        #expect(answer.json["metadata"]?["annotations"]?[NodeOrigin.annotation] == nil)
    }
}
