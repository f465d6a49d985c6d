// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

/// Where addresses of Services and endpoints may lead.
struct AddressValidationTests {
    private static let meta: JSONValue = ["name": "x", "namespace": "default", "resourceVersion": "1"]
    private static let special: [(String, String)] = [
        ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("127.255.0.9", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("0.0.0.0", "may not be unspecified (0.0.0.0)"), ("::", "may not be unspecified (::)"),
        ("169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("224.0.0.1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("ff12::fb", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ]
    /// Spellings that one program reads as one address and another as another, or not at all.
    private static let ambiguous: [(String, String)] = [
        ("127.0.0.01", "must not have leading 0s"), ("010.0.0.1", "must not have leading 0s"),
        ("::ffff:127.0.0.1", "must not be an IPv4-mapped IPv6 address"),
        ("::ffff:7f00:1", "must not be an IPv4-mapped IPv6 address"),
        ("0:0:0:0:0:ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"),
        ("::ffff:10.0.0.01", "must not have leading 0s"),
        ("fe80::1%eth0", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("127.1", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("2130706433", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("0x7f.0.0.1", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("127.0.0.1 ", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("localhost", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ]

    private static func service(_ spec: [String: JSONValue], status: JSONValue = [:]) -> JSONValue {
        var all: JSONValue = [
            "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "externalTrafficPolicy": "Cluster", "externalIPs": ["192.0.2.1"],
            "ports": [["port": 80, "protocol": "TCP"]],
        ]
        for (field, value) in spec { all[field] = value }
        return ["metadata": meta, "spec": all, "status": status]
    }

    private func errors(
        _ group: String, _ kind: String, _ object: JSONValue, old: JSONValue? = nil, subresource: String = ""
    ) -> [String] {
        Validation.validate(
            group: group, kind: kind, namespaced: true, new: object, old: old, subresource: subresource
        ).map(\.description)
    }

    @Test(arguments: special + ambiguous)
    func `external addresses of a Service are neither special nor ambiguous`(text: String, complaint: String) {
        let service = Self.service(["externalIPs": ["192.0.2.1", .string(text)]])
        #expect(errors("", "Service", service) == ["spec.externalIPs[1]: Invalid value: \"\(text)\": \(complaint)"])
    }

    @Test(arguments: special + ambiguous)
    func `endpoints are neither special nor ambiguous`(text: String, complaint: String) {
        let endpoints: JSONValue = [
            "metadata": Self.meta,
            "subsets": [["addresses": [["ip": .string(text)]], "ports": [["port": 80, "protocol": "TCP"]]]],
        ]
        let found = errors("", "Endpoints", endpoints)
        #expect(found.first == "subsets[0].addresses[0].ip: Invalid value: \"\(text)\": \(complaint)")
        for type in ["IPv4", "IPv6"] {
            let slice: JSONValue = [
                "metadata": Self.meta, "addressType": .string(type), "endpoints": [["addresses": [.string(text)]]],
                "ports": [["port": 80, "protocol": "TCP"]],
            ]
            let found = errors("discovery.k8s.io", "EndpointSlice", slice)
            #expect(found.last == "endpoints[0].addresses[0]: Invalid value: \"\(text)\": \(complaint)")
            // Stored before, it may stay while the rest changes.
            var old = slice
            old["ports"] = []
            #expect(errors("discovery.k8s.io", "EndpointSlice", slice, old: old) == [])
            var moved = slice
            moved["endpoints"] = [["addresses": [.string(text)], "nodeName": "n"]]
            #expect(errors("discovery.k8s.io", "EndpointSlice", moved, old: slice) == found)
        }
    }

    @Test func `addresses of a slice are of its family and in one form`() {
        func found(_ type: String, _ address: String) -> [String] {
            errors(
                "discovery.k8s.io", "EndpointSlice",
                [
                    "metadata": Self.meta, "addressType": .string(type),
                    "endpoints": [["addresses": [.string(address)]]],
                ])
        }
        #expect(found("IPv4", "10.42.0.7") == [])
        #expect(found("IPv6", "fd42::7") == [])
        #expect(
            found("IPv4", "fd42::7") == [
                #"endpoints[0].addresses: Invalid value: "fd42::7": must be an IPv4 address"#
            ])
        #expect(
            found("IPv6", "10.42.0.7") == [
                #"endpoints[0].addresses: Invalid value: "10.42.0.7": must be an IPv6 address"#
            ])
        #expect(
            found("IPv6", "FD42:0::7") == [
                #"endpoints[0].addresses[0]: Invalid value: "FD42:0::7": must be in canonical form ("fd42::7")"#
            ])
    }

    @Test func `an external address that a Service has may stay, unless it is special`() {
        let old = Self.service(["externalIPs": ["192.0.02.1"]])
        #expect(errors("", "Service", old, old: old) == [])
        let special = Self.service(["externalIPs": ["127.0.0.1"]])
        #expect(errors("", "Service", special, old: special).count == 1)
    }

    @Test func `source ranges have one reading`() {
        func found(_ range: String, old: JSONValue? = nil) -> [String] {
            errors(
                "", "Service",
                Self.service(["type": "LoadBalancer", "loadBalancerSourceRanges": [.string(range)]]), old: old)
        }
        #expect(found(" 10.0.0.0/8\t") == [])
        let path = "spec.LoadBalancerSourceRanges[0]: Invalid value"
        #expect(found("10.0.0.0/08") == ["\(path): \"10.0.0.0/08\": must not have leading 0s in IP or prefix length"])
        #expect(found("010.0.0.0/8") == ["\(path): \"010.0.0.0/8\": must not have leading 0s in IP or prefix length"])
        #expect(found("10.0.0.1/8") == ["\(path): \"10.0.0.1/8\": must not have bits set beyond the prefix length"])
        #expect(
            found("::ffff:10.0.0.0/104") == [
                "\(path): \"::ffff:10.0.0.0/104\": must not have an IPv4-mapped IPv6 address"
            ])
        for text in ["10.0.0.0", "10.0.0.0/+8", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "10.0.0.0/"] {
            #expect(found(text).first?.contains("must be a valid CIDR value") == true)
        }
    }

    @Test func `a balancer's addresses are addresses, and names names`() {
        func found(_ ingress: JSONValue, type: String = "LoadBalancer") -> [String] {
            errors(
                "", "Service",
                Self.service(["type": .string(type)], status: ["loadBalancer": ["ingress": [ingress]]]),
                subresource: "status")
        }
        let path = "status.loadBalancer.ingress"
        #expect(found(["ip": "192.0.2.7", "ipMode": "VIP"]) == [])
        #expect(found(["hostname": "a.example"]) == [])
        #expect(
            found(["ip": "192.0.2.7", "ipMode": "VIP"], type: "NodePort") == [
                "\(path): Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
            ])
        #expect(
            found(["ip": "::ffff:127.0.0.1", "ipMode": "VIP"]) == [
                "\(path)[0].ip: Invalid value: \"::ffff:127.0.0.1\": must not be an IPv4-mapped IPv6 address"
            ])
        #expect(
            found(["ip": "192.0.2.7"]) == ["\(path)[0].ipMode: Required value: must be specified when `ip` is set"])
        #expect(
            found(["hostname": "127.0.0.1"]) == [
                "\(path)[0].hostname: Invalid value: \"127.0.0.1\": must be a DNS name, not an IP address"
            ])
    }

    @Test func `an ExternalName Service has no address`() {
        let service = Self.service([
            "type": "ExternalName", "externalName": "a.example", "clusterIPs": ["10.43.0.9"],
            "externalTrafficPolicy": .null, "externalIPs": [],
        ])
        #expect(
            errors("", "Service", service) == [
                "spec.clusterIPs: Forbidden: may not be set for ExternalName services"
            ])
    }
}
