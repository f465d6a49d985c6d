// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import Testing

@testable import PodNetwork

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct NodeRouteTests {
    private func peer(_ name: String, _ block: Int, _ addresses: [String]) -> NodePeer {
        NodePeer(
            name: name, podCIDRs: [IPPrefix("10.42.\(block).0/24")!, IPPrefix("fd42:0:0:\(block)::/64")!],
            addresses: addresses.compactMap { IPAddress($0) })
    }

    private func own(_ node: borrowing NetworkNamespace) throws -> Set<String> {
        let socket = try NetlinkSocket(.route, in: node)
        var found: Set<String> = []
        for family in IPFamily.allCases {
            for route in try socket.routes(family) where route.origin == PodNetwork.routeOrigin {
                found.insert("\(route.destination!) via \(route.gateway!)")
            }
        }
        return found
    }

    @Test(arguments: IPFamily.allCases)
    func `a pod asks another node under its own address, and one without a way back under the node's`(
        _ family: IPFamily
    ) throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let pod = try NetworkNamespace.create()
        let place = try network.attach(pod: request("a", pod))
        let own = try #require(place.addresses.first { $0.family == family })
        let far = family == .v4 ? Node.outsideAddress : Node.outsideAddress6
        let near = family == .v4 ? Node.address : Node.address6
        let there = try NetlinkSocket(.route, in: node.outside)
        let uplink = try #require(try there.link(named: "uplink")).index
        let block = IPPrefix(family == .v4 ? "10.42.0.0/24" : "fd42::/64")!
        try there.perform(.addRoute(Route(to: block, family: family, via: near, link: uplink)))
        func other(_ addresses: [String], proven: [String] = ["192.0.2.2", "2001:db8::2"]) -> NodePeer {
            NodePeer(
                name: "b", podCIDRs: [IPPrefix("10.42.1.0/24")!, IPPrefix("fd42:0:0:1::/64")!],
                addresses: addresses.compactMap { IPAddress($0) }, proven: Set(proven.compactMap { IPAddress($0) }))
        }
        let any = IPAddress(bytes: [UInt8](repeating: 0, count: family.length))!
        let outside = try Sockets.bound(node.outside, any, 9090)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
        let peers = [other(["192.0.2.2", "2001:db8::2"])]
        #expect(try network.route(to: peers).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == own)
        // Tables that are made anew know it too.
        try network.setup()
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == own)
        // What the node has merely said may be the address of a machine that knows of no pods: it still is asked.
        #expect(try network.route(to: [other(["192.0.2.2", "2001:db8::2"], proven: [])]).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
        // What is proven goes first.
        let unproven = ["192.0.2.9", "2001:db8::9", "192.0.2.2", "2001:db8::2"]
        #expect(try network.route(to: [other(unproven)]).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == own)
        // The node has another address there, over which no route leads: it may know none either.
        #expect(try network.route(to: [other(unproven, proven: unproven)]).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
        #expect(try network.route(to: []).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
    }

    @Test func `routes to other nodes' pods follow the nodes`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        #expect(try network.route(to: [peer("b", 1, ["192.0.2.7", "2001:db8::7"])]).isEmpty)
        #expect(
            try own(node.namespace) == ["10.42.1.0/24 via 192.0.2.7", "fd42:0:0:1::/64 via 2001:db8::7"])
        // Another address for the same node, and one node more.
        let both = [peer("b", 1, ["192.0.2.8", "2001:db8::8"]), peer("c", 2, ["192.0.2.9", "2001:db8::9"])]
        #expect(try network.route(to: both).isEmpty)
        let wanted: Set = [
            "10.42.1.0/24 via 192.0.2.8", "fd42:0:0:1::/64 via 2001:db8::8", "10.42.2.0/24 via 192.0.2.9",
            "fd42:0:0:2::/64 via 2001:db8::9",
        ]
        #expect(try own(node.namespace) == wanted)
        #expect(try network.route(to: both).isEmpty && own(node.namespace) == wanted)
        #expect(try network.route(to: []).isEmpty && own(node.namespace).isEmpty)
    }

    @Test func `a node beyond a router, and one without an address of a family, are named with the reason`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let peers = [
            peer("far", 1, ["198.51.100.7", "2001:db8:1::7"]), peer("half", 2, ["192.0.2.9"]),
            peer("near", 3, ["192.0.2.8", "2001:db8::8"]),
        ]
        let unreachable = try network.route(to: peers)
        #expect(unreachable.keys.sorted() == ["far", "half"])
        #expect(unreachable["far"]?.contains("is on no network of this node") == true)
        #expect(unreachable["half"]?.contains("no InternalIP of the family") == true)
        // The others are reached all the same.
        #expect(
            try own(node.namespace) == [
                "10.42.2.0/24 via 192.0.2.9", "10.42.3.0/24 via 192.0.2.8", "fd42:0:0:3::/64 via 2001:db8::8",
            ])
    }

    @Test func `a route of somebody else's is neither replaced nor taken away`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let socket = try NetlinkSocket(.route, in: node.namespace)
        let theirs = Route(to: IPPrefix("10.42.1.0/24")!, family: .v4, via: IPAddress(192, 0, 2, 99), link: 0)
        try socket.perform(.addRoute(theirs))
        func present() throws -> Bool {
            try socket.routes(.v4).contains { $0.destination == theirs.destination && $0.gateway == theirs.gateway }
        }
        let unreachable = try network.route(to: [peer("b", 1, ["192.0.2.7", "2001:db8::7"])])
        #expect(unreachable["b"]?.contains("somebody else has made this route") == true)
        #expect(try present() && own(node.namespace) == ["fd42:0:0:1::/64 via 2001:db8::7"])
        #expect(try network.route(to: []).isEmpty && present() && own(node.namespace).isEmpty)
    }
}

struct NodePeerTests {
    private let configuration = PodNetworkConfiguration(
        podCIDRs: [IPPrefix("10.42.0.0/24")!, IPPrefix("fd42::/64")!],
        clusterCIDRs: [IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!], stateDirectory: "")

    private func peer(_ name: String, _ blocks: [String], _ created: String = "2026-01-01T00:00:00Z") -> NodePeer {
        NodePeer(
            name: name, created: created, podCIDRs: blocks.compactMap { IPPrefix($0) },
            addresses: [IPAddress(192, 0, 2, 7), IPAddress("2001:db8::7")!])
    }

    private func routed(_ peers: NodePeer...) -> [String] {
        configuration.routes(to: peers).routes.map { $0.destination.map { "\($0)" } ?? "default" }
    }

    @Test(arguments: [
        "0.0.0.0/0", "64.0.0.0/2", "93.184.216.0/24", "192.0.2.0/24", "10.42.0.0/16", "10.42.2.0/23", "10.42.1.0/25",
        "10.42.1.9/32", "10.42.0.0/24", "10.43.0.0/24", "127.0.0.0/24", "::/0", "2001:db8::/64", "fd42::/64",
        "fd42::/48",
        "fd42:0:0:1::/65", "fd43:0:0:1::/64",
    ])
    func `no route leads to what the cluster gives to no other node`(_ block: String) {
        let found = configuration.routes(to: [peer("evil", [block, "10.42.9.0/24"])])
        // What is wrong with one block does not take the other away.
        #expect(found.routes.map(\.destination) == [IPPrefix("10.42.9.0/24")!])
        #expect(found.unreachable["evil"]?.contains("no route leads to \(block)") == true)
    }

    @Test func `of two nodes that have one block it is the older's`() {
        let old = peer("z", ["10.42.1.0/24"])
        let new = peer("a", ["10.42.1.0/24", "fd42:0:0:1::/64"], "2026-01-02T00:00:00Z")
        for peers in [[old, new], [new, old]] {
            let found = configuration.routes(to: peers)
            #expect(found.routes.map(\.destination) == [IPPrefix("10.42.1.0/24")!, IPPrefix("fd42:0:0:1::/64")!])
            #expect(found.unreachable.keys.sorted() == ["a"])
            #expect(found.unreachable["a"]?.hasSuffix("it is that of node z, which is older") == true)
        }
        #expect(routed(new) == ["10.42.1.0/24", "fd42:0:0:1::/64"])
    }

    @Test(arguments: ["127.0.0.1", "10.42.0.1", "10.42.7.7", "0.0.0.0", "224.0.0.1", "169.254.169.254"])
    func `an address that no machine has leads nowhere`(_ address: String) {
        let peer = NodePeer(
            name: "evil", podCIDRs: [IPPrefix("10.42.1.0/24")!], addresses: [IPAddress(address)].compactMap(\.self))
        #expect(configuration.routes(to: [peer]).routes.isEmpty)
        #expect(configuration.addresses(of: peer).isEmpty)
    }
}
