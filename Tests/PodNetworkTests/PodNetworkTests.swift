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

    @Test func `a pod has no link-local network to look for addresses on`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let pod = try NetworkNamespace.create()
        _ = try network.attach(pod: request("a", pod))
        let socket = try NetlinkSocket(.route, in: pod)
        let link = try #require(try socket.link(named: "eth0")).index
        #expect(try !socket.addresses(link: link).contains { $0.prefix.address.isLinkLocal })
        let sender = try Sockets.make(pod, .v6, udp: true)
        try #require(setsockopt(sender.raw, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4) == 0)
        for number in 100..<164 as Range<UInt64> {
            // Whether the kernel says so or not, nobody is there.
            do { try Sockets.send(sender, to: IPAddress("fe80::")!.advanced(by: number), 9) } catch {}
        }
        let known = try socket.neighbours(.v6).filter { $0.link == link && $0.state != 0x40 }.map(\.address)
        #expect(known == [IPAddress("fd42::1")!])
    }

    @Test func `addresses that no pod has are not looked for`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        _ = try network.attach(pod: request("a", a))
        let place = try network.attach(pod: request("b", b))
        let route = try NetlinkSocket(.route, in: node.namespace)
        let bridge = try #require(try route.link(named: "swiftlet0"))
        func ask() throws {
            for namespace in [a.descriptor.raw, node.namespace.descriptor.raw] {
                let namespace = try NetworkNamespace.open("/proc/\(getpid())/fd/\(namespace)")
                for family in IPFamily.allCases {
                    let sender = try Sockets.make(namespace, family, udp: true)
                    for number in 100..<164 as Range<UInt64> {
                        let block = IPAddress(family == .v4 ? "10.42.0.0" : "fd42::")!
                        // Refused at once from the node itself; from the pod an answer of the node says so later.
                        do { try Sockets.send(sender, to: block.advanced(by: number), 9) } catch {}
                    }
                }
            }
        }
        func strangers() throws -> [IPAddress] {
            try (route.neighbours(.v4) + route.neighbours(.v6)).filter {
                $0.link == bridge.index && $0.state & 0x80 == 0 && !$0.address.isLinkLocal && $0.state != 0x40
            }.map(\.address)
        }
        try ask()
        #expect(try strangers() == [])
        // An earlier version had the block on the bridge's wire; its pods notice nothing.
        for (block, address) in [("10.42.0.0/24", "10.42.0.1"), ("fd42::/64", "fd42::1")] {
            let prefix = IPPrefix(block)!
            for kind in [7, 1] as [UInt8] {
                var old = Route(to: prefix, family: prefix.family, link: kind == 1 ? bridge.index : 0)
                old.kind = kind
                old.origin = kind == 7 ? 84 : 2
                old.source = kind == 1 ? IPAddress(address)! : nil
                try route.perform(kind == 7 ? .deleteRoute(old) : .addRoute(old))
            }
        }
        try network.setup()
        try ask()
        #expect(try strangers() == [])
        let server = try Sockets.bound(b, IPAddress(0, 0, 0, 0), 80)
        #expect(try Sockets.talk(from: a, to: place.addresses[0], 80, server: server) == IPAddress(10, 42, 0, 2))
        // What somebody takes away comes back; what a pod had goes with it.
        var taken = Route(to: IPPrefix(host: place.addresses[0]), family: .v4, link: bridge.index)
        taken.origin = 84
        try route.perform(.deleteRoute(taken))
        try network.mend()
        #expect(try Sockets.talk(from: a, to: place.addresses[0], 80, server: server) == IPAddress(10, 42, 0, 2))
        try network.detach(podUID: "uid-b")
        #expect(try route.routes(.v4).contains { $0.destination == IPPrefix(host: place.addresses[0]) } == false)
        try network.tearDown()
        let left = try (route.routes(.v4) + route.routes(.v6)).filter { $0.origin == 84 }
        #expect(left == [])
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
        #expect(
            error?.description
                == "attach pod default/x: allocate pod address: no address free in 10.42.0.0/29 (5 in use)")
        try network.detach(podUID: "uid-1")
        #expect(try network.attach(pod: request("x", pod)).addresses == [IPAddress(10, 42, 0, 3)])
    }
}
