// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import TLS
import Testing

@testable import Controllers

@Suite struct `A kubelet's serving certificate` {
    private let approval = ServingApproval(
        serverNames: [
            "kubernetes", "kubernetes.default.svc", "localhost", "127.0.0.1", "::1", "10.43.0.1", "192.0.2.1",
        ],
        nodes: [
            .init(name: "n1", proven: ["192.0.2.11", "2001:db8::11"]),
            .init(name: "n2", proven: ["192.0.2.12", "192.0.2.1", "10.43.0.1"]),
            // This one has what is not its own.
            .init(name: "thief", proven: ["192.0.2.66", "192.0.2.1", "192.0.2.13", "127.0.0.1"]),
            .init(name: "n3", proven: ["192.0.2.13"]),
            .init(name: "kubernetes", proven: ["192.0.2.77"]),
        ])

    private func refusal(
        dnsNames: [String] = [], addresses: [String] = [], uris: [String] = [], name: String = "system:node:n1",
        organizations: [String] = ["system:nodes"], user: String = "system:node:n1",
        groups: [String] = ["system:nodes", "system:authenticated"],
        usages: [String] = ["digital signature", "server auth"]
    ) throws -> String? {
        let wish = try wish(
            dnsNames: dnsNames, addresses: addresses, uris: uris, name: name, organizations: organizations,
            usages: usages)
        return approval.refusal(wish, user: user, groups: groups)
    }

    private func wish(
        dnsNames: [String] = [], addresses: [String] = [], uris: [String] = [], name: String = "system:node:n1",
        organizations: [String] = ["system:nodes"], usages: [String] = ["digital signature", "server auth"]
    ) throws -> SigningPolicy.Wish {
        let pem = try CertificateRequest(
            key: PrivateKey(generate: .ecdsaP256), commonName: name, organizations: organizations,
            names: AlternativeNames(dnsNames: dnsNames, addresses: addresses, uris: uris)
        ).pem()
        return try SigningPolicy.Wish([
            "spec": [
                "request": .string(Base64.encode(pem)), "usages": .array(usages.map { .string($0) }),
                "signerName": "kubernetes.io/kubelet-serving",
            ]
        ])
    }

    @Test func `is signed for a node's own name and addresses`() throws {
        #expect(try refusal(dnsNames: ["n1"], addresses: ["192.0.2.11"]) == nil)
        #expect(try refusal(dnsNames: ["N1"]) == nil)
        #expect(try refusal(addresses: ["192.0.2.11", "2001:DB8:0::11"]) == nil)
    }

    @Test func `is for a person to look at with any other name`() throws {
        #expect(try refusal() != nil)
        #expect(try refusal(dnsNames: ["n2"]) == "n2 is another node's")
        #expect(try refusal(dnsNames: ["n1", "elsewhere"]) == "elsewhere is not the node's name")
        #expect(try refusal(dnsNames: ["*"]) != nil)
        #expect(try refusal(dnsNames: ["n1"], addresses: ["192.0.2.12"]) == "192.0.2.12 is another node's")
        #expect(
            try refusal(addresses: ["192.0.2.99"])?.hasPrefix("192.0.2.99 is the node's by its own word only") == true)
        #expect(try refusal(dnsNames: ["n1"], uris: ["spiffe://x"]) != nil)
        #expect(try refusal(dnsNames: ["kubernetes.default.svc"]) == "kubernetes.default.svc is the API server's")
    }

    @Test func `is for a person to look at with an address that the node has by its word`() throws {
        let node: JSONObject = [
            "metadata": [
                "name": "n1", "annotations": ["swiftlet.internal/proven-addresses": "192.0.2.11, 2001:db8::11"],
            ],
            "status": [
                "addresses": [
                    ["type": "InternalIP", "address": "192.0.2.11"], ["type": "InternalIP", "address": "192.0.2.50"],
                    ["type": "InternalIP", "address": "2001:db8::11"], ["type": "Hostname", "address": "database"],
                ]
            ],
        ]
        // Another's word keeps nobody from what is proven.
        let other: JSONObject = [
            "metadata": ["name": "n2"],
            "status": ["addresses": [["type": "InternalIP", "address": "192.0.2.11"]]],
        ]
        let approval = ServingApproval(serverNames: ["192.0.2.1"], nodes: [node, other])
        func refusal(_ addresses: [String], _ name: String = "n1") throws -> String? {
            let wish = try wish(dnsNames: [name], addresses: addresses)
            return approval.refusal(wish, user: "system:node:n1", groups: ["system:nodes"])
        }
        #expect(try refusal(["192.0.2.11", "2001:db8:0::11"]) == nil)
        #expect(try refusal([]) == nil)
        #expect(
            try refusal(["192.0.2.11", "192.0.2.50"])
                == "192.0.2.50 is the node's by its own word only, not by the annotation swiftlet.internal/proven-addresses"
        )
        #expect(try refusal([], "database") == "database is not the node's name")
    }

    @Test func `never names a Service or an address that leads nowhere else`() throws {
        #expect(
            try refusal(dnsNames: ["hook.a.svc"], name: "system:node:hook.a.svc", user: "system:node:hook.a.svc") != nil
        )
        #expect(try refusal(addresses: ["169.254.169.254"]) == "169.254.169.254 is no address that leads to a node")
        #expect(try refusal(addresses: ["127.0.0.2"]) == "127.0.0.2 is no address that leads to a node")
        #expect(try refusal(dnsNames: ["x"], name: "system:node:N 1\0", user: "system:node:N 1\0") != nil)
    }

    @Test func `never names the API server or another node, whatever the node says of itself`() throws {
        func thief(_ dnsNames: [String], _ addresses: [String]) throws -> String? {
            try refusal(dnsNames: dnsNames, addresses: addresses, name: "system:node:thief", user: "system:node:thief")
        }
        #expect(try thief(["thief"], ["192.0.2.66"]) == nil)
        for address in ["192.0.2.1", "::ffff:192.0.2.1", "127.0.0.1", "192.0.2.13", "::ffff:192.0.2.13"] {
            #expect(try thief(["thief"], [address]) != nil, "\(address)")
        }
        #expect(try thief(["n1"], []) != nil)
        #expect(
            try refusal(dnsNames: ["kubernetes"], name: "system:node:kubernetes", user: "system:node:kubernetes") != nil
        )
    }

    @Test func `is for nobody but the node`() throws {
        #expect(try refusal(dnsNames: ["n1"], user: "system:node:n2") != nil)
        #expect(try refusal(dnsNames: ["n1"], user: "system:bootstrap:abcdef", groups: ["system:bootstrappers"]) != nil)
        #expect(try refusal(dnsNames: ["n1"], groups: ["system:authenticated"]) != nil)
        #expect(try refusal(dnsNames: ["n1"], name: "kubernetes-admin", user: "kubernetes-admin") != nil)
        #expect(try refusal(dnsNames: ["n1"], organizations: ["system:masters"]) != nil)
        #expect(try refusal(dnsNames: ["n1"], usages: ["digital signature", "client auth"]) != nil)
        #expect(
            try refusal(dnsNames: ["n1"], usages: ["digital signature", "server auth", "client auth"]) != nil)
        #expect(try refusal(dnsNames: ["gone"], name: "system:node:gone", user: "system:node:gone") != nil)
    }
}
