// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Telemetry
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Addresses of Services` {
    private let services = "/api/v1/namespaces/default/services"

    private func service(_ name: String, _ spec: JSONObject) -> JSONValue {
        var all: JSONObject = ["ports": [["port": 80]]]
        for (field, value) in spec { all[field] = value }
        return ["kind": "Service", "apiVersion": "v1", "metadata": ["name": .string(name)], "spec": .object(all)]
    }

    @Test(arguments: ["fd43::7", "fd43:0::7", "FD43::7", "fd43:0:0:0:0:0:0:7", "fd43::0007"])
    func `are taken once, however they are written`(_ text: String) async throws {
        let server = try await TestServer()
        let first = try await server.send(
            "POST", services, service("one", ["clusterIP": "fd43::7", "ipFamilies": ["IPv6"]]))
        #expect(first.status == 201)
        let second = try await server.send(
            "POST", services, service("two", ["clusterIP": .string(text), "ipFamilies": ["IPv6"]]))
        #expect(second.status == 422)
        #expect(second.json["message"]?.string?.hasSuffix("provided IP is already allocated") == true)
        // Given back, it is free under every spelling.
        try await server.send("DELETE", "\(services)/one")
        let third = try await server.send(
            "POST", services, service("two", ["clusterIP": .string(text), "ipFamilies": ["IPv6"]]))
        #expect(third.status == 201)
        let fourth = try await server.send(
            "POST", services, service("one", ["clusterIP": "fd43::7", "ipFamilies": ["IPv6"]]))
        #expect(fourth.status == 422)
    }

    @Test func `from outside are warned of`() async throws {
        let server = try await TestServer()
        let made = try await server.send("POST", services, service("one", ["externalIPs": ["203.0.113.7"]]))
        #expect(made.status == 201)
        #expect(made.headers["Warning"]?.contains("spec.externalIPs is deprecated") == true)
        let plain = try await server.send("POST", services, service("two", [:]))
        #expect(plain.status == 201 && plain.headers["Warning"] == nil)
    }

    @Test func `from outside are denied where that is asked for, but for those that are there`() async throws {
        let server = try await TestServer { $0.deniesExternalIPs = true }
        let made = try await server.send("POST", services, service("one", ["externalIPs": ["203.0.113.7"]]))
        #expect(made.status == 403)
        #expect(
            made.json["message"]
                == #"services "one" is forbidden: Use of external IPs is denied by admission control"#)
        #expect(try await server.send("POST", services, service("one", [:])).status == 201)
        let patched = try await server.send(
            "PATCH", "\(services)/one", ["spec": ["externalIPs": ["203.0.113.7"]]],
            type: "application/merge-patch+json")
        #expect(patched.status == 403)
    }

    @Test func `are none of an ExternalName Service`() async throws {
        let server = try await TestServer()
        for address in ["10.43.9.9", "None"] {
            let made = try await server.send(
                "POST", services,
                service("one", ["type": "ExternalName", "externalName": "a.example", "clusterIP": .string(address)]))
            #expect(made.status == 422)
            #expect(made.json["message"]?.string?.contains("may not be set for ExternalName services") == true)
        }
        #expect(try await server.send("POST", services, service("one", [:])).status == 201)
        // One that becomes an alias gives its address up.
        let changed = try await server.send(
            "PATCH", "\(services)/one",
            ["spec": ["type": "ExternalName", "externalName": "a.example"]], type: "application/merge-patch+json")
        #expect(changed.status == 200)
        #expect(changed.json["spec"]?["clusterIP"] == nil && changed.json["spec"]?["clusterIPs"] == nil)
        let back = try await server.send(
            "PATCH", "\(services)/one", ["spec": ["type": "ClusterIP", "externalName": .null]],
            type: "application/merge-patch+json")
        #expect(back.status == 200 && back.json["spec"]?["clusterIP"]?.string?.hasPrefix("10.43.") == true)
    }
}
