// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import PodNetwork
import Testing

/// What comes to a node from outside, and from pods where the kernel cannot look at frames.
@Suite(.enabled(if: getuid() == 0, "needs root"))
struct GuardTests {
    private let gateways = [IPAddress(10, 42, 0, 1), IPAddress("fd42::1")!]

    private func any(_ family: IPFamily) -> IPAddress {
        IPAddress(bytes: [UInt8](repeating: 0, count: family.length))!
    }

    /// A route of the host outside to what is behind the node.
    private func route(_ node: Node, to text: String) throws {
        let socket = try NetlinkSocket(.route, in: node.outside)
        let link = try #require(try socket.link(named: "uplink"))
        let prefix = IPPrefix(text)!
        try socket.perform(
            .addRoute(
                Route(
                    to: prefix, family: prefix.family, via: prefix.family == .v4 ? Node.address : Node.address6,
                    link: link.index)))
    }

    /// Whether a datagram of `sender` comes to `server`, before one that must.
    private func arrives(
        _ server: borrowing FileDescriptor, fence: borrowing NetworkNamespace, at address: IPAddress,
        _ send: () throws -> Void
    ) throws -> IPAddress? {
        try send()
        let honest = try Sockets.make(fence, address.family, udp: true)
        try Sockets.send(honest, to: address, 53)
        var first: IPAddress?
        while let (source, _) = try Sockets.receive(server) {
            if source == gateways.first(where: { $0.family == address.family }) { return first }
            first = source
        }
        throw Errno(ETIMEDOUT, "wait for the fence")
    }

    @Test(arguments: IPFamily.allCases)
    func `the bridge's address answers pods and nodes, and nobody else`(_ family: IPFamily) throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let pod = try NetworkNamespace.create()
        _ = try network.attach(pod: request("a", pod))
        let gateway = gateways.first { $0.family == family }!
        try route(node, to: family == .v4 ? "10.42.0.0/24" : "fd42::/64")
        let server = try Sockets.bound(node.namespace, gateway, 53, udp: true)
        func fromOutside() throws -> IPAddress? {
            try arrives(server, fence: node.namespace, at: gateway) {
                try Sockets.send(try Sockets.make(node.outside, family, udp: true), to: gateway, 53)
            }
        }
        #expect(try fromOutside() == nil)
        // What is to come is waited for: the fence of another way may overtake it.
        func comes(from namespace: borrowing NetworkNamespace) throws -> IPAddress? {
            // The bridge takes a port's frames when the kernel has looked at its carrier, which may be a second later.
            for _ in 0..<10 {
                try Sockets.send(try Sockets.make(namespace, family, udp: true), to: gateway, 53)
                if let sender = try Sockets.receive(server, milliseconds: 500)?.0 { return sender }
            }
            return nil
        }
        #expect(try comes(from: pod)?.family == family)
        let outside = family == .v4 ? Node.outsideAddress : Node.outsideAddress6
        let peer = NodePeer(name: "b", podCIDRs: [], addresses: [Node.outsideAddress, Node.outsideAddress6])
        _ = try network.route(to: [peer])
        #expect(try comes(from: node.outside) == outside)
        // Set up again, the node still knows the others.
        try network.setup()
        #expect(try comes(from: node.outside) == outside)
        _ = try network.route(to: [])
        #expect(try fromOutside() == nil)
    }

    @Test(arguments: IPFamily.allCases)
    func `nobody outside has a pod's address`(_ family: IPFamily) throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let main = family == .v4 ? Node.address : Node.address6
        let server = try Sockets.bound(node.namespace, any(family), 53, udp: true)
        // Loose reverse path filtering lets such a packet through.
        try node.namespace.setSysctl("net.ipv4.conf.all.rp_filter", "0")
        try node.namespace.setSysctl("net.ipv4.conf.uplink.rp_filter", "0")
        let outside = try NetlinkSocket(.route, in: node.outside)
        let link = try #require(try outside.link(named: "uplink"))
        let forged = IPAddress(family == .v4 ? "10.42.0.5" : "fd42::5")!
        try outside.perform(.addAddress(IPPrefix(host: forged), link: link.index, routed: false))
        // Both ends know each other before: whoever asks for a neighbour asks under the forged address too.
        let honest = try Sockets.make(node.outside, family, udp: true)
        try Sockets.send(honest, to: main, 53)
        #expect(try Sockets.receive(server) != nil)
        let sender = try Sockets.make(node.outside, family, udp: true)
        let raw = sender.raw
        try systemCall("bind") { Sockets.withAddress(forged, 0) { Glibc.bind(raw, $0, $1) } }
        try Sockets.send(sender, to: main, 53)
        try Sockets.send(honest, to: main, 53)
        #expect(try Sockets.receive(server)?.0 == (family == .v4 ? Node.outsideAddress : Node.outsideAddress6))
    }

    @Test func `neighbours do not reach the node's loopback, whoever opened the way`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        try node.namespace.setSysctl("net.ipv4.conf.all.route_localnet", "1")
        try node.namespace.setSysctl("net.ipv4.conf.uplink.rp_filter", "0")
        try node.namespace.setSysctl("net.ipv4.conf.all.rp_filter", "0")
        let secret = try Sockets.bound(node.namespace, IPAddress(127, 0, 0, 2), 7070, udp: true)
        let server = try Sockets.bound(node.namespace, IPAddress(0, 0, 0, 0), 7071, udp: true)
        let there = try #require(try NetlinkSocket(.route, in: node.outside).link(named: "uplink"))
        let here = try #require(try NetlinkSocket(.route, in: node.namespace).link(named: "uplink"))
        let wire = try Wire("uplink", in: node.outside)
        func datagram(_ source: IPAddress, _ destination: IPAddress, _ port: UInt16) -> Frame {
            .udp(from: source, to: destination, port: port, [1], hardware: there.address, next: here.address)
        }
        try wire.send(datagram(Node.outsideAddress, IPAddress(127, 0, 0, 2), 7070))
        try wire.send(datagram(IPAddress(127, 0, 0, 1), Node.address, 7071))
        try wire.send(datagram(Node.outsideAddress, Node.address, 7071))
        #expect(try Sockets.receive(server)?.0 == Node.outsideAddress)
        #expect(try Sockets.receive(secret, milliseconds: 0) == nil)
    }

    @Test func `the node's own ports are no pod's`() throws {
        let node = try Node()
        let own: Set<TransportPort> = [.tcp(10250)]
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        let ports = [10250, 8080].map { HostPort(hostPort: $0, containerPort: 80, protocolNumber: 6) }
        do {
            // An earlier server gave it away.
            let network = try node.network()
            try network.setup()
            _ = try network.attach(pod: request("a", a, ports))
        }
        let network = try node.network(ownPorts: own)
        try network.setup()
        let inPod = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        let kubelet = try Sockets.bound(node.namespace, IPAddress(0, 0, 0, 0), 10250)
        _ = try Sockets.talk(from: node.outside, to: Node.address, 8080, server: inPod)
        _ = try Sockets.talk(from: node.outside, to: Node.address, 10250, server: kubelet)
        _ = try Sockets.talk(from: node.namespace, to: IPAddress(127, 0, 0, 1), 10250, server: kubelet)
        let error = #expect(throws: PodNetworkError.self) { try network.attach(pod: request("b", b, ports)) }
        #expect(error?.description == "attach pod default/b: host port 10250/TCP is a port of the node itself")
        #expect(network.addresses(podUID: "uid-b") == nil)
        try network.detach(podUID: "uid-a")
    }

    @Test func `tables that somebody removed come back`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let port = HostPort(hostPort: 8081, containerPort: 80, protocolNumber: 6)
        _ = try network.attach(pod: request("a", a, [port]))
        let ruleset = try KernelRuleset(in: node.namespace)
        let tables = [TableFamily.ip, .ip6, .bridge].map { Table($0, "swiftlet-pods") }
        for table in tables {
            var transaction = Transaction(table)
            transaction.removeTable()
            try ruleset.commit(transaction)
        }
        try network.mend()
        for table in tables { #expect(try ruleset.chains(of: table) != nil) }
        let server = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        try network.detach(podUID: "uid-a")
    }

    @Test func `a host port does not take what a Service serves`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        _ = try network.attach(
            pod: request("a", a, [HostPort(hostPort: 30080, containerPort: 80, protocolNumber: 6)]))
        let placeB = try network.attach(pod: request("b", b))
        // As the proxy rewrites, and later than the pod's rules.
        var transaction = Transaction(Table(.v4, "services"))
        transaction.recreateTable()
        let base = BaseChain(.nat, .prerouting, priority: HookPriority.destinationNAT)
        transaction.add(.addChain(Chain("nat", base: base)))
        transaction.add(
            .addRule(
                chain: "nat",
                Rule(
                    .match(.protocolNumber, .protocolNumber(6)), .match(.destinationPort, .port(30080)),
                    .destinationNAT(.v4, .endpoint(placeB.addresses[0], 80)))))
        try KernelRuleset(in: node.namespace).commit(transaction)
        let server = try Sockets.bound(b, IPAddress(0, 0, 0, 0), 80)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 30080, server: server) == Node.outsideAddress)
    }

    @Test func `without a look at frames, addresses that are not pods' are still stopped`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        var transaction = Transaction(Table(TableFamily.bridge, "swiftlet-pods"))
        transaction.removeTable()
        try KernelRuleset(in: node.namespace).commit(transaction)
        let pod = try NetworkNamespace.create()
        try network.setup()
        _ = try network.attach(pod: request("a", pod))
        try KernelRuleset(in: node.namespace).commit(transaction)
        let server = try Sockets.bound(node.namespace, IPAddress(0, 0, 0, 0), 7071, udp: true)
        let wire = try Wire("eth0", in: pod)
        let own = IPAddress(10, 42, 0, 2)
        for source in [IPAddress(8, 8, 8, 8), IPAddress(10, 42, 0, 1), IPAddress(127, 0, 0, 1), Node.address, own] {
            try wire.send(
                .udp(
                    from: source, to: gateways[0], port: 7071, [1], hardware: [0x0a, 0x58, 10, 42, 0, 2],
                    next: [0x0a, 0x58, 10, 42, 0, 1]))
        }
        #expect(try Sockets.receive(server)?.0 == own)
    }
}
