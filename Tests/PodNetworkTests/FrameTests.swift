// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import PodNetwork
import Testing

/// Two pods and what the first needs to know to pretend to be somebody.
private final class TwoPods {
    let node: Node
    let network: PodNetwork
    let a: NetworkNamespace
    let b: NetworkNamespace
    let inA: PodNetworkResult
    let inB: PodNetworkResult
    static let gateway: [UInt8] = [0x0a, 0x58, 10, 42, 0, 1]
    static let gateways = [IPAddress(10, 42, 0, 1), IPAddress("fd42::1")!]
    let hardwareA: [UInt8]
    let hardwareB: [UInt8]
    let localA = IPAddress("fe80::858:aff:fe2a:2")!

    init() throws {
        node = try Node()
        network = try node.network()
        try network.setup()
        a = try NetworkNamespace.create()
        b = try NetworkNamespace.create()
        inA = try network.attach(pod: request("a", a))
        inB = try network.attach(pod: request("b", b))
        hardwareA = try #require(try NetlinkSocket(.route, in: a).link(named: "eth0")).address
        hardwareB = try #require(try NetlinkSocket(.route, in: b).link(named: "eth0")).address
    }

    func address(_ result: PodNetworkResult, _ family: IPFamily) -> IPAddress {
        result.addresses.first { $0.family == family }!
    }

    /// Sends the frame out of the first pod, then an honest datagram to the other, and says who saw the former.
    func send(_ frame: Frame, tag: [UInt8]) throws -> (node: Bool, other: Bool) {
        let wire = try Wire("eth0", in: a)
        let atNode = try Wire("swiftlet0", in: node.namespace)
        let atOther = try Wire("eth0", in: b)
        let fence = Self.tag()
        try wire.send(frame)
        try wire.send(
            .udp(
                from: address(inA, .v4), to: address(inB, .v4), port: 9, fence, hardware: hardwareA,
                next: Self.gateway))
        return (try atNode.saw(tag, before: fence), try atOther.saw(tag, before: fence))
    }

    static func tag() -> [UInt8] { (0..<8).map { _ in UInt8.random(in: 0...255) } }
}

/// A frame a pod could make, by what it tries.
private struct Attempt: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var frame: @Sendable (TwoPods, _ tag: [UInt8]) -> Frame

    init(_ name: String, _ frame: @escaping @Sendable (TwoPods, [UInt8]) -> Frame) {
        testDescription = name
        self.frame = frame
    }

    /// A datagram to the node with some parts other than they should be.
    static func datagram(
        _ name: String, _ family: IPFamily, source: (@Sendable (TwoPods) -> IPAddress)? = nil,
        hardware: (@Sendable (TwoPods) -> [UInt8])? = nil, next: (@Sendable (TwoPods) -> [UInt8])? = nil,
        to destination: IPAddress? = nil
    ) -> Attempt {
        Attempt(name) { pods, tag in
            .udp(
                from: source?(pods) ?? pods.address(pods.inA, family),
                to: destination ?? TwoPods.gateways.first { $0.family == family }!, port: 99, tag,
                hardware: hardware?(pods) ?? pods.hardwareA, next: next?(pods) ?? TwoPods.gateway)
        }
    }

    /// An ICMPv6 message to all nodes, with a link-layer address option that names its sender.
    static func icmp6(
        _ name: String, _ type: UInt8, target: IPAddress? = nil, source: IPAddress? = nil,
        behind headers: [(type: UInt8, bytes: [UInt8])] = [], to destination: String = "ff02::1"
    ) -> Attempt {
        Attempt(name) { pods, tag in
            let about = target.map { $0.bytes + [2, 1] + pods.hardwareA } ?? []
            var payload = [type, 0, 0, 0, 0, 0, 0, 0] + about + tag
            var next: UInt8 = 58
            for header in headers.reversed() {
                payload = [next] + header.bytes + payload
                next = header.type
            }
            let destination = IPAddress(destination)!
            return .ip6(
                from: source ?? pods.address(pods.inA, .v6), to: destination, header: next, payload,
                hardware: pods.hardwareA, next: [0x33, 0x33] + destination.bytes.suffix(4))
        }
    }

    private static let hopByHop: (UInt8, [UInt8]) = (0, [0, 1, 4, 0, 0, 0, 0])
    private static let options: (UInt8, [UInt8]) = (60, [0, 1, 4, 0, 0, 0, 0])
    private static let firstFragment: (UInt8, [UInt8]) = (44, [0, 0, 1, 0, 0, 0, 7])
    private static let onlyFragment: (UInt8, [UInt8]) = (44, [0, 0, 0, 0, 0, 0, 7])
    private static let other = IPAddress("fd42::3")!
    private static let own = IPAddress("fd42::2")!

    static let forged: [Attempt] = [
        .datagram("another pod's hardware address", .v4, hardware: { $0.hardwareB }),
        .datagram("the node's hardware address", .v4, hardware: { _ in TwoPods.gateway }),
        .datagram("a group as hardware address", .v4, hardware: { _ in [1, 0, 0x5e, 0, 0, 1] }),
        .datagram("another pod's hardware address, IPv6", .v6, hardware: { $0.hardwareB }),
        .datagram("another pod's hardware and IP address", .v4, source: { $0.address($0.inB, .v4) }) { $0.hardwareB },
        .datagram("another pod's address", .v4, source: { $0.address($0.inB, .v4) }),
        .datagram("another pod's address, IPv6", .v6, source: { $0.address($0.inB, .v6) }),
        .datagram("the bridge's address", .v4, source: { _ in TwoPods.gateways[0] }),
        .datagram("the bridge's address, IPv6", .v6, source: { _ in TwoPods.gateways[1] }),
        .datagram("the node's address", .v4, source: { _ in Node.address }),
        .datagram("an address outside", .v4, source: { _ in IPAddress(8, 8, 8, 8) }),
        .datagram("an address of nobody here", .v4, source: { _ in IPAddress(10, 42, 0, 77) }),
        .datagram("loopback", .v4, source: { _ in IPAddress(127, 0, 0, 1) }),
        .datagram("loopback, IPv6", .v6, source: { _ in IPAddress("::1")! }),
        .datagram("no address", .v4, source: { _ in IPAddress(0, 0, 0, 0) }),
        .datagram("no address, IPv6", .v6, source: { _ in IPAddress("::")! }),
        .datagram("another link-local address", .v6, source: { _ in IPAddress("fe80::858:aff:fe2a:1")! }),
        .datagram("an IPv4 address in IPv6", .v6, source: { _ in IPAddress("::ffff:10.42.0.2")! }),
        .datagram("past the node to another pod", .v4, next: { $0.hardwareB }),
        .datagram("past the node to nobody", .v4, next: { _ in [2, 0, 0, 0, 0, 9] }),
        .datagram("to all", .v4, next: { _ in Frame.broadcast }, to: IPAddress(255, 255, 255, 255)),
        .datagram(
            "to a group", .v4, next: { _ in [1, 0, 0x5e, 0, 0, 0xfb] }, to: IPAddress(224, 0, 0, 251)),
        .datagram(
            "to a group, IPv6", .v6, next: { _ in [0x33, 0x33, 0, 0, 0, 0xfb] }, to: IPAddress("ff02::fb")!),
        .datagram("to bridges", .v4, source: { _ in IPAddress(127, 0, 0, 1) }) {
            $0.hardwareA
        } next: { _ in
            [1, 0x80, 0xc2, 0, 0, 0x0e]
        },
        Attempt("behind a VLAN tag") { pods, tag in
            Frame.udp(
                from: pods.address(pods.inA, .v4), to: TwoPods.gateways[0], port: 99, tag, hardware: pods.hardwareA,
                next: TwoPods.gateway
            ).tagged(0x8100)
        },
        Attempt("behind a priority tag") { pods, tag in
            Frame.udp(
                from: pods.address(pods.inA, .v4), to: TwoPods.gateways[0], port: 99, tag, hardware: pods.hardwareA,
                next: TwoPods.gateway
            ).tagged(0x8100, id: 0)
        },
        Attempt("behind two tags, another's address") { pods, tag in
            Frame.udp(
                from: pods.address(pods.inB, .v4), to: TwoPods.gateways[0], port: 99, tag, hardware: pods.hardwareA,
                next: TwoPods.gateway
            ).tagged(0x88a8, 0x8100)
        },
        Attempt("another protocol") { pods, tag in
            Frame(to: TwoPods.gateway, from: pods.hardwareA, type: 0x88cc, tag + [UInt8](repeating: 0, count: 46))
        },
        Attempt("IPv4 called IPv6") { pods, tag in
            var frame = Frame.udp(
                from: pods.address(pods.inB, .v4), to: TwoPods.gateways[0], port: 99, tag, hardware: pods.hardwareA,
                next: TwoPods.gateway)
            frame.type = 0x86dd
            return frame
        },
        .arp("answer: another pod is here", 2) { $0.address($0.inB, .v4) },
        .arp("answer: the bridge is here", 2) { _ in TwoPods.gateways[0] },
        .arp("answer: a dead pod is here", 2) { _ in IPAddress(10, 42, 0, 77) },
        .arp("question of another pod", 1) { $0.address($0.inB, .v4) },
        .arp("answer: own address, another hardware address", 2, hardware: { $0.hardwareB }) {
            $0.address($0.inA, .v4)
        },
        .arp("answer to another pod alone", 2, to: { $0.hardwareB }) { $0.address($0.inA, .v4) },
        .icmp6("router advertisement", 134), .icmp6("router solicitation", 133), .icmp6("redirect", 137),
        .icmp6("router advertisement behind hop-by-hop options", 134, behind: [hopByHop]),
        .icmp6("router advertisement behind destination options", 134, behind: [options]),
        .icmp6("router advertisement in a fragment", 134, behind: [firstFragment]),
        .icmp6("router advertisement in the only fragment", 134, behind: [onlyFragment]),
        .icmp6("advertisement: another pod is here", 136, target: other),
        .icmp6("advertisement: the bridge is here", 136, target: TwoPods.gateways[1]),
        .icmp6("advertisement behind options", 136, target: own, behind: [options]),
        .icmp6("advertisement from another", 136, target: own, source: other),
        .icmp6("solicitation from another", 135, target: TwoPods.gateways[1], source: other),
        .icmp6("solicitation behind options", 135, target: TwoPods.gateways[1], behind: [hopByHop]),
        .icmp6("echo from another", 128, source: other),
    ]

    static func arp(
        _ name: String, _ operation: UInt16, hardware: (@Sendable (TwoPods) -> [UInt8])? = nil,
        to destination: (@Sendable (TwoPods) -> [UInt8])? = nil, address: @escaping @Sendable (TwoPods) -> IPAddress
    ) -> Attempt {
        Attempt("ARP " + name) { pods, tag in
            var frame = Frame.arp(
                operation: operation, hardware: hardware?(pods) ?? pods.hardwareA, address: address(pods),
                target: TwoPods.gateways[0], to: destination?(pods) ?? Frame.broadcast, from: pods.hardwareA)
            // Behind the packet there is room up to the least size of a frame.
            frame.payload += tag
            return frame
        }
    }

    static let honest: [Attempt] = [
        .datagram("datagram", .v4), .datagram("datagram, IPv6", .v6),
        .datagram("link-local datagram", .v6, source: { $0.localA }),
        .arp("question", 1) { $0.address($0.inA, .v4) }, .arp("announcement", 2) { $0.address($0.inA, .v4) },
        .arp("answer to the node", 2, to: { _ in TwoPods.gateway }) { $0.address($0.inA, .v4) },
        .icmp6("solicitation", 135, target: TwoPods.gateways[1], to: "ff02::1:ff00:1"),
        .icmp6("advertisement", 136, target: own), .icmp6("echo", 128),
        .icmp6("echo in a fragment", 128, behind: [onlyFragment]),
        .icmp6("listener report", 143, behind: [hopByHop], to: "ff02::16"),
    ]
}

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct FrameTests {
    @Test(arguments: Attempt.forged)
    private func `a frame that pretends goes nowhere`(_ attempt: Attempt) throws {
        let pods = try TwoPods()
        let tag = TwoPods.tag()
        let seen = try pods.send(attempt.frame(pods, tag), tag: tag)
        #expect(!seen.node && !seen.other)
    }

    @Test(arguments: Attempt.honest)
    private func `an honest frame reaches the node and no other pod`(_ attempt: Attempt) throws {
        let pods = try TwoPods()
        let tag = TwoPods.tag()
        let seen = try pods.send(attempt.frame(pods, tag), tag: tag)
        #expect(seen.node && !seen.other)
    }

    @Test func `a frame to the addresses of bridges does not come in on the port`() throws {
        let pods = try TwoPods()
        let listener = try Sockets.bound(pods.node.namespace, IPAddress(0, 0, 0, 0), 99, udp: true)
        let wire = try Wire("eth0", in: pods.a)
        for last in UInt8(0)...0x0f {
            try wire.send(
                .udp(
                    from: pods.address(pods.inB, .v4), to: TwoPods.gateways[0], port: 99, [1],
                    hardware: pods.hardwareA, next: [1, 0x80, 0xc2, 0, 0, last]))
        }
        // An honest one behind them is the only one to arrive.
        let honest = try Sockets.make(pods.a, .v4, udp: true)
        try Sockets.send(honest, to: TwoPods.gateways[0], 99)
        #expect(try Sockets.receive(listener)?.0 == pods.address(pods.inA, .v4))
        #expect(try Sockets.receive(listener, milliseconds: 0) == nil)
    }

    @Test(arguments: IPFamily.allCases)
    func `a pod that calls itself another receives nothing of it`(_ family: IPFamily) throws {
        let pods = try TwoPods()
        let inside = try NetlinkSocket(.route, in: pods.a)
        let link = try #require(try inside.link(named: "eth0"))
        // What CAP_NET_ADMIN in the pod is enough for.
        try inside.perform([
            .setLink(index: link.index, LinkChange(address: pods.hardwareB)),
            .addAddress(IPPrefix(host: pods.address(pods.inB, family)), link: link.index, routed: false),
        ])
        let wire = try Wire("eth0", in: pods.a)
        try wire.send(
            .arp(
                operation: 2, hardware: pods.hardwareB, address: pods.address(pods.inB, .v4),
                target: TwoPods.gateways[0], from: pods.hardwareB))
        let any = IPAddress(bytes: [UInt8](repeating: 0, count: family.length))!
        let server = try Sockets.bound(pods.b, any, 8080)
        for _ in 0..<3 {
            _ = try Sockets.talk(
                from: pods.node.namespace, to: pods.address(pods.inB, family), 8080, server: server)
        }
    }

    @Test func `a port nothing is known of is shut`() throws {
        let pods = try TwoPods()
        let route = try NetlinkSocket(.route, in: pods.node.namespace)
        let bridge = try #require(try route.link(named: "swiftlet0"))
        let c = try NetworkNamespace.create()
        let hardware: [UInt8] = [2, 0, 0, 0, 0, 7]
        // As an attach that was cut short leaves it.
        try route.perform(
            .addVeth(
                LinkChange(name: "cut", up: true, master: bridge.index, group: 83),
                peer: LinkChange(name: "eth0", address: hardware), peerNamespace: c))
        let inside = try NetlinkSocket(.route, in: c)
        try inside.perform(.setLink(index: 0, named: "eth0", LinkChange(up: true)))
        let wire = try Wire("eth0", in: c)
        let tag = TwoPods.tag()
        let atNode = try Wire("swiftlet0", in: pods.node.namespace)
        try wire.send(
            .udp(
                from: IPAddress(10, 42, 0, 9), to: TwoPods.gateways[0], port: 99, tag, hardware: hardware,
                next: TwoPods.gateway))
        let fence = TwoPods.tag()
        try Wire("eth0", in: pods.a).send(
            .udp(
                from: pods.address(pods.inA, .v4), to: TwoPods.gateways[0], port: 9, fence, hardware: pods.hardwareA,
                next: TwoPods.gateway))
        #expect(try !atNode.saw(tag, before: fence))
    }

    @Test func `ports that an earlier server left open are shut, and their pods go on`() throws {
        let node = try Node()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        do {
            let network = try node.network()
            try network.setup()
            _ = try network.attach(pod: request("a", a))
            _ = try network.attach(pod: request("b", b))
        }
        let route = try NetlinkSocket(.route, in: node.namespace)
        let ports = try route.links().filter { $0.kind == "veth" && $0.master != 0 }
        #expect(ports.count == 2)
        for port in ports {
            try route.perform([
                .setLink(index: port.index, LinkChange(group: 0)),
                .setBridgePort(
                    index: port.index,
                    BridgePort(
                        unicastFlood: true, multicastFlood: true, broadcastFlood: true, learning: true, locked: false)),
            ])
        }
        let ruleset = try KernelRuleset(in: node.namespace)
        let table = Table(TableFamily.bridge, "swiftlet-pods")
        var transaction = Transaction(table)
        transaction.removeTable()
        try ruleset.commit(transaction)

        let network = try node.network()
        try network.setup()
        let server = try Sockets.bound(b, IPAddress(0, 0, 0, 0), 8080)
        #expect(try Sockets.talk(from: a, to: IPAddress(10, 42, 0, 3), 8080, server: server) == IPAddress(10, 42, 0, 2))
        let atNode = try Wire("swiftlet0", in: node.namespace)
        let wire = try Wire("eth0", in: a)
        let hardware: [UInt8] = [0x0a, 0x58, 10, 42, 0, 2]
        let (tag, fence) = (TwoPods.tag(), TwoPods.tag())
        for (source, data) in [(UInt8(3), tag), (2, fence)] {
            try wire.send(
                .udp(
                    from: IPAddress(10, 42, 0, source), to: TwoPods.gateways[0], port: 9, data, hardware: hardware,
                    next: TwoPods.gateway))
        }
        #expect(try !atNode.saw(tag, before: fence))
        // Nothing stays of a pod that goes, nor of the network.
        let senders = SetDefinition("senders", key: [.interfaceName, .hardwareAddress, .address(.v4)])
        #expect(try ruleset.elements(of: senders, in: table).count == 2)
        try network.detach(podUID: "uid-a")
        #expect(try ruleset.elements(of: senders, in: table).count == 1)
        try network.tearDown()
        #expect(try ruleset.chains(of: table) == nil)
    }

    @Test func `pods take routes and addresses from nobody`() throws {
        let pods = try TwoPods()
        for name in [
            "net.ipv6.conf.eth0.accept_ra", "net.ipv6.conf.eth0.accept_redirects", "net.ipv4.conf.all.accept_redirects",
            "net.ipv4.conf.eth0.accept_redirects",
        ] { #expect(try pods.a.sysctl(name) == "0") }
        for name in [
            "net.ipv6.conf.swiftlet0.accept_ra", "net.ipv6.conf.swiftlet0.accept_redirects",
            "net.ipv4.conf.swiftlet0.accept_redirects",
        ] { #expect(try pods.node.namespace.sysctl(name) == "0") }
    }
}
