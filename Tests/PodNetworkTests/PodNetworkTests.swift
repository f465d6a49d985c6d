// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import Telemetry
import Testing

@testable import PodNetwork

let quiet = Logger(label: "test", level: .error)

/// A node in a namespace of its own, with an uplink to an outside host in another.
final class Node {
    let namespace: NetworkNamespace
    let outside: NetworkNamespace
    let directory = "/tmp/swiftlet-podnetwork-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let path: String
    static let address = IPAddress(192, 0, 2, 1)
    static let outsideAddress = IPAddress(192, 0, 2, 2)
    static let address6 = IPAddress("2001:db8::1")!
    static let outsideAddress6 = IPAddress("2001:db8::2")!

    init() throws {
        namespace = try NetworkNamespace.create()
        outside = try NetworkNamespace.create()
        path = "/proc/\(getpid())/fd/"
        let route = try NetlinkSocket(.route, in: namespace)
        try route.perform([
            .setLink(index: 1, LinkChange(up: true)),
            .addVeth(
                LinkChange(name: "uplink", up: true), peer: LinkChange(name: "uplink"), peerNamespace: outside
            ),
        ])
        try Self.configure(route, Self.address, Self.address6, gateway: nil)
        let peer = try NetlinkSocket(.route, in: outside)
        try peer.perform(.setLink(index: 1, LinkChange(up: true)))
        try Self.configure(peer, Self.outsideAddress, Self.outsideAddress6, gateway: nil)
        let link = try #require(try route.link(named: "uplink"))
        try route.perform([
            .addRoute(Route(to: nil, family: .v4, via: Self.outsideAddress, link: link.index)),
            .addRoute(Route(to: nil, family: .v6, via: Self.outsideAddress6, link: link.index)),
        ])
    }

    private static func configure(
        _ socket: NetlinkSocket, _ v4: IPAddress, _ v6: IPAddress, gateway: IPAddress?
    ) throws {
        let link = try #require(try socket.link(named: "uplink"))
        try socket.perform([
            .setLink(index: link.index, LinkChange(up: true)), .addAddress(IPPrefix(v4, 24), link: link.index),
            .addAddress(IPPrefix(v6, 64), link: link.index),
        ])
    }

    deinit { try? Files.removeTree(directory) }  // a directory left in /tmp fails no test

    func network(ownPorts: Set<TransportPort> = []) throws -> PodNetwork {
        try PodNetwork(
            configuration: PodNetworkConfiguration(
                podCIDRs: [IPPrefix("10.42.0.0/24")!, IPPrefix("fd42::/64")!],
                clusterCIDRs: [IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!], stateDirectory: directory,
                ownPorts: ownPorts),
            logger: quiet, namespace: NetworkNamespace.open("/proc/\(getpid())/fd/\(namespace.descriptor.raw)"))
    }
}

func request(
    _ name: String, _ namespace: borrowing NetworkNamespace, _ ports: [HostPort] = []
) -> PodNetworkRequest {
    PodNetworkRequest(
        podUID: "uid-\(name)", name: name, namespace: "default",
        networkNamespace: "/proc/\(getpid())/fd/\(namespace.descriptor.raw)", hostPorts: ports)
}

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct PodNetworkTests {
    @Test(arguments: IPFamily.allCases)
    func `pods reach each other, the node and the outside, and are reached`(_ family: IPFamily) throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        let placeA = try network.attach(pod: request("a", a))
        let placeB = try network.attach(pod: request("b", b))
        #expect(placeA.addresses.map(\.description) == ["10.42.0.2", "fd42::2"])
        #expect(placeB.addresses.map(\.description) == ["10.42.0.3", "fd42::3"])
        let addressA = placeA.addresses.first { $0.family == family }!
        let addressB = placeB.addresses.first { $0.family == family }!
        let any = IPAddress(bytes: [UInt8](repeating: 0, count: family.length))!

        let inB = try Sockets.bound(b, any, 8080)
        // From pod to pod the source stays.
        #expect(try Sockets.talk(from: a, to: addressB, 8080, server: inB) == addressA)
        // A pod reaches itself, by its address and by loopback.
        #expect(try Sockets.talk(from: b, to: addressB, 8080, server: inB) == addressB)
        // The node reaches a pod from the bridge's address.
        #expect(
            try Sockets.talk(from: node.namespace, to: addressB, 8080, server: inB)
                == placeB.gateways.first { $0.family == family })
        // A pod reaches the outside as the node.
        let far = family == .v4 ? Node.outsideAddress : Node.outsideAddress6
        let near = family == .v4 ? Node.address : Node.address6
        let outside = try Sockets.bound(node.outside, any, 9090)
        #expect(try Sockets.talk(from: a, to: far, 9090, server: outside) == near)
    }

    @Test func `host ports answer from outside, from the node, from loopback and from the pod itself`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        let ports = [
            HostPort(hostPort: 8081, containerPort: 80, protocolNumber: 6),
            HostPort(hostIP: Node.address, hostPort: 8082, containerPort: 80, protocolNumber: 6),
            HostPort(hostIP: IPAddress(127, 0, 0, 1), hostPort: 8083, containerPort: 80, protocolNumber: 6),
        ]
        let place = try network.attach(pod: request("a", a, ports))
        _ = try network.attach(pod: request("b", b))
        let server = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        let gateway = place.gateways[0]

        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8082, server: server) == Node.outsideAddress)
        _ = try Sockets.talk(from: node.namespace, to: Node.address, 8081, server: server)
        #expect(try Sockets.talk(from: node.namespace, to: IPAddress(127, 0, 0, 1), 8081, server: server) == gateway)
        #expect(try Sockets.talk(from: node.namespace, to: IPAddress(127, 0, 0, 1), 8083, server: server) == gateway)
        // From another pod, and from the pod itself: it sees the node, or it would answer itself directly.
        #expect(
            try Sockets.talk(from: b, to: Node.address, 8081, server: server) == IPAddress(10, 42, 0, 3))
        #expect(try Sockets.talk(from: a, to: Node.address, 8081, server: server) == gateway)
        // 8083 is for loopback only.
        let refused = #expect(throws: Errno.self) {
            _ = try Sockets.connect(node.outside, to: Node.address, 8083)
        }
        #expect(refused?.code == ECONNREFUSED)

        try network.detach(podUID: "uid-a")
        let gone = #expect(throws: Errno.self) { _ = try Sockets.connect(node.outside, to: Node.address, 8081) }
        #expect(gone?.code == ECONNREFUSED)
    }

    @Test func `a pod cannot reach the node's loopback`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        _ = try network.attach(pod: request("a", a))
        let inside = try NetlinkSocket(.route, in: a)
        let link = try #require(try inside.link(named: "eth0"))
        // What a pod with CAP_NET_ADMIN could do: send 127.0.0.2 out by its interface.
        try inside.perform(
            .addRoute(
                Route(
                    to: IPPrefix("127.0.0.2/32")!, family: .v4, via: IPAddress(10, 42, 0, 1), link: link.index,
                    table: 255)))
        try a.setSysctl("net.ipv4.conf.eth0.route_localnet", "1")
        let secret = try Sockets.bound(node.namespace, IPAddress(127, 0, 0, 2), 7070, udp: true)
        let sender = try Sockets.make(a, .v4, udp: true)
        // The send itself may be refused by the pod's own kernel; what matters is that nothing arrives.
        do { try Sockets.send(sender, to: IPAddress(127, 0, 0, 2), 7070) } catch {}
        #expect(try Sockets.receive(secret, milliseconds: 200) == nil)
    }

    @Test func `addresses survive a restart, and pods that are gone give theirs back`() throws {
        let node = try Node()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        let port = HostPort(hostPort: 8081, containerPort: 80, protocolNumber: 6)
        do {
            let network = try node.network()
            try network.setup()
            _ = try network.attach(pod: request("a", a, [port]))
            _ = try network.attach(pod: request("b", b))
            // A second daemon on the same state is refused.
            let error = #expect(throws: PodNetworkError.self) { _ = try node.network() }
            #expect(error?.description.hasSuffix("in use by another process") == true)
        }
        // A record torn by a power cut is dropped.
        try Files.replace(node.directory + "/leases/torn.json", with: [0x7b], durable: false)
        let network = try node.network()
        try network.setup()
        #expect(network.addresses(podUID: "uid-a")?.first == IPAddress(10, 42, 0, 2))
        let server = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        try network.reconcile(alive: ["uid-a"])
        #expect(network.addresses(podUID: "uid-b") == nil)
        #expect(try NetlinkSocket(.route, in: b).link(named: "eth0") == nil)
        // Attaching again changes nothing and gives the same addresses.
        #expect(try network.attach(pod: request("a", a, [port])).addresses.first == IPAddress(10, 42, 0, 2))
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        try network.tearDown()
        #expect(try NetlinkSocket(.route, in: node.namespace).link(named: "swiftlet0") == nil)
        #expect(try KernelRuleset(in: node.namespace).chains(of: Table(.v4, "swiftlet-pods")) == nil)
    }

    @Test func `a restart leaves what the node knows of its pods, and makes it anew where it is gone`() throws {
        let node = try Node()
        let pod = try NetworkNamespace.create()
        let socket = try NetlinkSocket(.route, in: node.namespace)
        func known() throws -> Int {
            let bridge = try #require(try socket.link(named: "swiftlet0")).index
            return try IPFamily.allCases.flatMap { try socket.neighbours($0) }
                .count { $0.link == bridge && $0.state & 0x80 != 0 && $0.hardware.starts(with: [0x0a, 0x58]) }
        }
        do {
            let network = try node.network()
            try network.setup()
            _ = try network.attach(pod: request("a", pod))
            #expect(try known() == 2)
        }
        let bridge = try #require(try socket.link(named: "swiftlet0"))
        // What an earlier server did at its start.
        try socket.perform(.setLink(index: bridge.index, LinkChange(address: bridge.address)))
        #expect(try known() == 0)
        let network = try node.network()
        try network.setup()
        #expect(try known() == 2)
        // A server that starts again while all is there forgets nothing for a moment either.
        let index = bridge.index
        let extra = IPAddress(10, 42, 0, 200)
        try socket.perform(.addNeighbour(extra, hardware: [0x0a, 0x58, 1, 2, 3, 4], link: index))
        try network.setup()
        #expect(try known() == 3)
        try network.tearDown()
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
        func other(_ addresses: [String]) -> NodePeer {
            NodePeer(
                name: "b", podCIDRs: [IPPrefix("10.42.1.0/24")!, IPPrefix("fd42:0:0:1::/64")!],
                addresses: addresses.compactMap { IPAddress($0) })
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
        // The node has another address there, over which no route leads: it may know none either.
        #expect(
            try network.route(to: [other(["192.0.2.9", "2001:db8::9", "192.0.2.2", "2001:db8::2"])]).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
        #expect(try network.route(to: []).isEmpty)
        #expect(try Sockets.talk(from: pod, to: far, 9090, server: outside) == near)
    }

    @Test func `a failed attach keeps no address`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let error = #expect(throws: PodNetworkError.self) {
            try network.attach(
                pod: PodNetworkRequest(
                    podUID: "x", name: "x", namespace: "default", networkNamespace: "/nonexistent"))
        }
        #expect(error?.description == "attach pod default/x: open /nonexistent: no such file or directory")
        #expect(network.addresses(podUID: "x") == nil)
        #expect(try Files.list(node.directory + "/leases").isEmpty)
    }

    @Test func `a full block is refused and a freed address serves again`() throws {
        let node = try Node()
        let network = try PodNetwork(
            configuration: PodNetworkConfiguration(
                podCIDRs: [IPPrefix("10.42.0.0/29")!], stateDirectory: node.directory),
            logger: quiet, namespace: NetworkNamespace.open("/proc/\(getpid())/fd/\(node.namespace.descriptor.raw)"))
        try network.setup()
        let pod = try NetworkNamespace.create()
        // .0 is the block, .1 the bridge, .7 the broadcast: five pods fit.
        for index in 0..<5 {
            let namespace = try NetworkNamespace.create()
            #expect(
                try network.attach(pod: request("\(index)", namespace)).addresses == [
                    IPAddress(10, 42, 0, UInt8(2 + index))
                ])
        }
        let error = #expect(throws: PodNetworkError.self) { _ = try network.attach(pod: request("x", pod)) }
        #expect(error?.description == "allocate pod address: no address free in 10.42.0.0/29 (5 in use)")
        try network.detach(podUID: "uid-1")
        #expect(try network.attach(pod: request("x", pod)).addresses == [IPAddress(10, 42, 0, 3)])
    }
}

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
