// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import NFTables
import Netlink
import Testing

@testable import KubeProxy

private typealias IPAddress = Netlink.IPAddress

/// What Services may claim for themselves.
struct ClaimTests {
    private static func claims(_ change: (inout ExternalClaims) -> Void = { _ in }) -> ExternalClaims {
        var claims = ExternalClaims()
        claims.serviceRanges = [IPPrefix("10.43.0.0/16")!, IPPrefix("fd43::/112")!]
        claims.podRanges = [IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!]
        claims.owners = [
            IPAddress("192.0.2.1")!: "node one", IPAddress("2001:db8::1")!: "node one",
            IPAddress("198.51.100.9")!: "the API server",
        ]
        claims.ownPorts = [.tcp(10250), .udp(10053)]
        change(&claims)
        return claims
    }

    @Test func `that change by addresses of nodes alone concern Services with these addresses alone`() {
        let before = Self.claims()
        #expect(before.changedOwners(since: before) == [])
        let after = Self.claims {
            $0.owners[IPAddress("192.0.2.1")!] = nil
            $0.owners[IPAddress("2001:db8::1")!] = "node two"
            $0.owners[IPAddress("192.0.2.2")!] = "node one"
        }
        let wanted: Set = [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!, IPAddress("192.0.2.2")!]
        #expect(after.changedOwners(since: before) == wanted)
        #expect(before.changedOwners(since: after) == wanted)
        for change: (inout ExternalClaims) -> Void in [
            { $0.isComplete = false }, { $0.machine = [IPAddress("192.0.2.9")!] }, { $0.serviceRanges = [] },
        ] {
            #expect(Self.claims(change).changedOwners(since: before) == nil)
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1 is a loopback address"), ("127.9.9.9", "127.9.9.9 is a loopback address"),
        ("::1", "::1 is a loopback address"), ("0.0.0.0", "0.0.0.0 is an unspecified address"),
        ("0.1.2.3", "0.1.2.3 is an unspecified address"), ("::", ":: is an unspecified address"),
        ("169.254.169.254", "169.254.169.254 is a link-local address"), ("fe80::1", "fe80::1 is a link-local address"),
        ("64:ff9b::7f00:1", "64:ff9b::7f00:1 is a loopback address"),
        ("224.0.0.251", "224.0.0.251 is a multicast address"), ("239.1.2.3", "239.1.2.3 is a multicast address"),
        ("ff05::2", "ff05::2 is a multicast address"), ("255.255.255.255", "255.255.255.255 is a reserved address"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1 is an IPv4 address written as an IPv6 one"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1 is an IPv4 address written as an IPv6 one"),
        ("10.43.0.1", "10.43.0.1 is in the range of Services' own addresses 10.43.0.0/16"),
        ("fd43::a", "fd43::a is in the range of Services' own addresses fd43::/112"),
        ("10.42.0.1", "10.42.0.1 is in the range of pods' addresses 10.42.0.0/16"),
        ("10.42.9.9", "10.42.9.9 is in the range of pods' addresses 10.42.0.0/16"),
        ("fd42:0:0:7::9", "fd42:0:0:7::9 is in the range of pods' addresses fd42::/48"),
        ("192.0.2.1", "192.0.2.1 is the address of node one"),
        ("2001:db8::1", "2001:db8::1 is the address of node one"),
        ("198.51.100.9", "198.51.100.9 is the address of the API server"),
    ])
    func `addresses that are somebody's are refused`(_ text: String, _ reason: String) {
        #expect(Self.claims().refusal(of: IPAddress(text)!, port: .tcp(80)) == reason)
    }

    @Test(arguments: ["203.0.113.7", "192.0.2.2", "10.44.0.1", "2001:db8::2", "100.64.0.1"])
    func `other addresses are not`(_ text: String) {
        #expect(Self.claims().refusal(of: IPAddress(text)!, port: .tcp(10250)) == nil)
    }

    @Test func `while it is not known whose they are, none is anybody's`() {
        let claims = Self.claims {
            $0.isComplete = false
            $0.allowed = [IPPrefix("203.0.113.0/24")!]
        }
        #expect(
            claims.refusal(of: IPAddress("198.18.0.7")!, port: .tcp(80))?.hasPrefix("it is not known whose") == true)
        #expect(claims.refusal(of: IPAddress("203.0.113.7")!, port: .tcp(80)) == nil)
        #expect(claims.refusal(of: IPAddress("192.0.2.1")!, port: .tcp(80)) == "192.0.2.1 is the address of node one")
    }

    @Test func `the administrator gives addresses away, but no port of the node's own and nothing special`() {
        let claims = Self.claims {
            $0.allowed = [IPPrefix("192.0.2.0/24")!, IPPrefix("10.42.9.0/24")!, IPPrefix("127.0.0.0/8")!]
        }
        func refusal(_ text: String, _ port: TransportPort) -> String? {
            claims.refusal(of: IPAddress(text)!, port: port)
        }
        #expect(refusal("192.0.2.1", .tcp(80)) == nil)
        #expect(refusal("192.0.2.1", .udp(10250)) == nil)
        #expect(refusal("192.0.2.1", .tcp(10250)) == "10250/TCP is a port of node one itself")
        #expect(refusal("10.42.9.9", .tcp(80)) == nil)
        #expect(refusal("10.42.8.9", .tcp(80)) != nil)
        #expect(refusal("127.0.0.1", .tcp(80)) != nil)
    }

    @Test func `a Service keeps what is its own and loses the rest`() {
        var port = ServicePortSpec(
            name: ServicePortName(ServiceKey("a", "b"), port: "", protocolNumber: 6),
            clusterIP: IPAddress("10.43.0.9")!, port: 443)
        port.externalIPs = [IPAddress("203.0.113.7")!, IPAddress("10.43.0.1")!]
        port.loadBalancerIPs = [IPAddress("192.0.2.1")!, IPAddress("203.0.113.8")!]
        port.nodePort = 10250
        let (admitted, refusals) = Self.claims().admit(port)
        #expect(admitted.externalIPs == [IPAddress("203.0.113.7")!])
        #expect(admitted.loadBalancerIPs == [IPAddress("203.0.113.8")!])
        #expect(admitted.nodePort == 0 && admitted.clusterIP == port.clusterIP)
        #expect(
            refusals == [
                "spec.externalIPs: 10.43.0.1 is in the range of Services' own addresses 10.43.0.0/16",
                "status.loadBalancer.ingress: 192.0.2.1 is the address of node one",
                "nodePort: 10250/TCP is a port of the node itself",
            ])
    }

    @Test func `an address of the machine is nobody's but a balancer's`() {
        let second = IPAddress("198.51.100.77")!
        var claims = Self.claims { $0.machine = [second] }
        #expect(claims.refusal(of: second, port: .tcp(80)) == "198.51.100.77 is an address of the machine itself")
        var port = ServicePortSpec(
            name: ServicePortName(ServiceKey("a", "b"), port: "", protocolNumber: 6),
            clusterIP: IPAddress("10.43.0.9")!, port: 443)
        (port.externalIPs, port.loadBalancerIPs) = ([second], [second])
        let (admitted, refusals) = claims.admit(port)
        #expect(admitted.externalIPs.isEmpty && admitted.loadBalancerIPs == [second])
        #expect(refusals == ["spec.externalIPs: 198.51.100.77 is an address of the machine itself"])
        claims.allowed = [IPPrefix("198.51.100.0/24")!]
        #expect(claims.refusal(of: second, port: .tcp(80)) == nil)
    }

    @Test func `a Service has so many external addresses and no more`() {
        let addresses = (0..<1_000).map { IPAddress("203.\($0 / 250).113.\($0 % 250)")! }
        let ports = (1...300).map { number in
            var port = ServicePortSpec(
                name: ServicePortName(ServiceKey("a", "b"), port: "p\(number)", protocolNumber: 6),
                clusterIP: IPAddress("10.43.0.9")!, port: UInt16(number))
            port.externalIPs = addresses
            return port
        }
        let (admitted, refusals) = Self.claims().admit(ports)
        #expect(admitted.map(\.port) == ports.map(\.port))
        #expect(admitted.map(\.externalIPs.count).reduce(0, +) == 4_000)
        #expect(refusals.count == 11 && refusals.last == "and 286 more", "\(refusals)")
        #expect(refusals.first?.hasPrefix("port p5: a Service has at most 4096") == true, "\(refusals)")
    }

    @Test(arguments: IPFamily.allCases)
    func `packets for the node's own ports reach it, whatever Service has the address`(_ family: IPFamily) throws {
        let bench = try Bench(family) { $0.ownPorts = [.tcp(10250)] }
        // An address the node has and no Node object tells of.
        var port = bench.port()
        port.externalIPs = [bench.node]
        port.loadBalancerIPs = [bench.node]
        port.isRestricted = true
        port.port = 10250
        try bench.set(port, [bench.endpoint(1)])
        let toNode = bench.trace(from: bench.client, to: bench.node, 10250)
        #expect(!toNode.isRewritten && toNode.outcome == .delivered)
        // At the Service's own address the port is the Service's.
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 10250).isRewritten)
        try bench.set(port, [])
        #expect(bench.trace(from: bench.client, to: bench.node, 10250).outcome == .delivered)
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 10250).outcome != .delivered)
    }

    @Test func `source ranges that cannot be read let nobody in`() throws {
        let bench = try Bench()
        let balancer = IPAddress("203.0.113.2")!
        var port = bench.port()
        port.loadBalancerIPs = [balancer]
        port.isRestricted = true
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.client, to: balancer, 80).outcome == .dropped)
    }

    @Test func `endpoints are no loopback or link-local addresses`() throws {
        let addresses = ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "10.42.0.5"]
        let slice = EndpointSlice(json: [
            "addressType": "IPv4", "ports": [["port": 80]],
            "endpoints": .array(addresses.map { ["addresses": [.string($0)]] }),
        ])
        let found = EndpointSpec.read([slice], .v4, node: "n")[.init("", 6)]
        #expect(found.map(\.address) == [IPAddress("10.42.0.5")!])
    }
}
